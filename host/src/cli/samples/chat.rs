//! Samples of chat, calls, mail, social networks and video.

use super::sample::{Sample, bare, form, json};

pub(super) static SAMPLES: &[Sample] = &[
    json("slack", "message", include_str!("slack/message.json")),
    json("slack", "app_mention", include_str!("slack/app_mention.json")),
    form("slack", "slash-command", include_str!("slack/slash-command.form")).kind("/tide"),
    json("slack", "url_verification", include_str!("slack/url_verification.json")).handshake(),
    json("discord", "APPLICATION_AUTHORIZED", include_str!("discord/APPLICATION_AUTHORIZED.json")),
    json("discord", "interaction", include_str!("discord/interaction.json")).kind("2"),
    json("discord", "ping", include_str!("discord/ping.json")).kind("1").handshake(),
    json(
        "meta",
        "whatsapp_business_account.messages",
        include_str!("meta/whatsapp_business_account.messages.json"),
    ),
    json("meta", "page.messaging", include_str!("meta/page.messaging.json")).kind("page"),
    bare("GET", "meta", "subscribe")
        .kind("")
        .query("hub.mode=subscribe&hub.challenge={{digits}}&hub.verify_token=hookyard")
        .handshake()
        .unsigned(),
    json("x", "tweet_create_events", include_str!("x/tweet_create_events.json")),
    bare("GET", "x", "crc").kind("").query("crc_token={{hex}}&nonce={{hex2}}").handshake().unsigned(),
    json("zoom", "meeting.started", include_str!("zoom/meeting.started.json")),
    json("zoom", "endpoint.url_validation", include_str!("zoom/endpoint.url_validation.json")).handshake(),
    json("sendgrid", "delivered", include_str!("sendgrid/delivered.json")),
    json("mailgun", "delivered", include_str!("mailgun/delivered.json")).schemes(&["mailgun"]),
    form("mailgun", "delivered-form", include_str!("mailgun/delivered-form.form"))
        .kind("delivered")
        .schemes(&["mailgun-form"]),
    json("intercom", "conversation.user.created", include_str!("intercom/conversation.user.created.json")),
    bare("HEAD", "intercom", "head").kind("").handshake().unsigned(),
    json(
        "zendesk",
        "zen:event-type:ticket.created",
        include_str!("zendesk/zen_event-type_ticket.created.json"),
    )
    .headers(&[
        ("X-Zendesk-Webhook-Id", "01HARBOUREXAMPLE00000000000"),
        ("X-Zendesk-Webhook-Invocation-Id", "{{hex26}}"),
        ("X-Zendesk-Account-Id", "17"),
    ]),
    json("twitch", "channel.follow", include_str!("twitch/channel.follow.json")).headers(&[
        ("Twitch-Eventsub-Message-Type", "notification"),
        ("Twitch-Eventsub-Message-Retry", "0"),
        ("Twitch-Eventsub-Subscription-Type", "{{type}}"),
        ("Twitch-Eventsub-Subscription-Version", "2"),
    ]),
    json(
        "twitch",
        "webhook_callback_verification",
        include_str!("twitch/webhook_callback_verification.json"),
    )
    .kind("channel.follow")
    .headers(&[
        ("Twitch-Eventsub-Message-Type", "webhook_callback_verification"),
        ("Twitch-Eventsub-Message-Retry", "0"),
        ("Twitch-Eventsub-Subscription-Type", "{{type}}"),
        ("Twitch-Eventsub-Subscription-Version", "2"),
    ])
    .handshake(),
    json("mux", "video.asset.ready", include_str!("mux/video.asset.ready.json")),
    json("typeform", "form_response", include_str!("typeform/form_response.json")),
];
