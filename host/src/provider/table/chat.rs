//! People talking: chat, calls, mail, social networks, video.

use std::time::Duration;

use crate::provider::preset::{Answer, Handshake, NamedScheme, Preset, Repetition, SecretPlace, Split};
use crate::provider::words::{Base64, Hex, Rfc3339, Sha1, Sha256, Unix, body, hmac, signed, time_in_body};
use crate::signature::{Algorithm, KeyEncoding};

pub(super) static ROWS: &[Preset] =
    &[SLACK, DISCORD, META, X, ZOOM, SENDGRID, MAILGUN, INTERCOM, ZENDESK, TWITCH, MUX, TYPEFORM];

const SLACK: Preset = Preset {
    handshakes: &[Handshake::SlackUrlVerification],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(3)),
    failure: "sent again 3 times: at once, after 1 minute, after 5 minutes",
    secret: SecretPlace::Issued("your app → Basic Information → App Credentials → Signing Secret"),
    ..Preset::new(
        "slack",
        "Slack",
        &[NamedScheme {
            name: "slack",
            scheme: || {
                hmac(Sha256, "X-Slack-Signature", Hex)
                    .prefix("v0=")
                    .over("v0:{timestamp}:{body}")
                    .time("X-Slack-Request-Timestamp", Unix, 300)
                    .scheme()
            },
        }],
        &[&["body:/event/type"], &["body:/command"], &["body:/type"]],
        &[&["body:/event_id"], &["body:/trigger_id"]],
    )
};

/// Discord probes with wrong signatures and expects 401.
const DISCORD: Preset = Preset {
    handshakes: &[Handshake::DiscordPing],
    answer: Answer::NoContent,
    deadline: Some(Duration::from_secs(3)),
    failure: "events are sent again for up to 10 minutes; interactions are not",
    secret: SecretPlace::PublicKey("your application → General Information → Public Key"),
    ..Preset::new(
        "discord",
        "Discord",
        &[NamedScheme {
            name: "discord",
            scheme: || {
                signed(Algorithm::Ed25519, "X-Signature-Ed25519", Hex)
                    .key(KeyEncoding::Hex, "")
                    .over("{timestamp}{body}")
                    .time("X-Signature-Timestamp", Unix, 300)
                    .scheme()
            },
        }],
        &[&["body:/event/type"], &["body:/type"]],
        &[&["body:/id"]],
    )
};

/// A request is a batch of up to 1000 changes and is stored whole. A later batch may begin with a message that an earlier
/// one held, beside others that are new, so that nothing but the same body is a repetition.
const META: Preset = Preset {
    repetition: Repetition::Body,
    handshakes: &[Handshake::HubChallenge],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(20)),
    failure: "sent again for 36 hours, WhatsApp for 7 days, less and less often",
    secret: SecretPlace::Issued("your app → App settings → Basic → App secret"),
    ..Preset::new(
        "meta",
        "Meta (Facebook, Instagram, WhatsApp)",
        &[NamedScheme {
            name: "meta",
            scheme: || hmac(Sha256, "X-Hub-Signature-256", Hex).prefix("sha256=").scheme(),
        }],
        &[&["body:/object", "body:/entry/0/changes/0/field"]],
        &[
            &["body:/entry/0/changes/0/value/messages/0/id"],
            &[
                "body:/entry/0/changes/0/value/statuses/0/id",
                "body:/entry/0/changes/0/value/statuses/0/status",
            ],
            &["body:/entry/0/messaging/0/message/mid"],
        ],
    )
};

const X: Preset = Preset {
    handshakes: &[Handshake::CrcToken],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(10)),
    failure: "not reliably sent again",
    secret: SecretPlace::Issued("your app → Keys and tokens → API key secret (consumer secret)"),
    ..Preset::new(
        "x",
        "X (Twitter)",
        &[NamedScheme {
            name: "x",
            scheme: || hmac(Sha256, "x-twitter-webhooks-signature", Base64).prefix("sha256=").scheme(),
        }],
        &[&["member:*_events"]],
        &[],
    )
};

/// No id is promised, and events of the same millisecond are told apart by nothing but what they say.
const ZOOM: Preset = Preset {
    repetition: Repetition::Body,
    handshakes: &[Handshake::ZoomUrlValidation],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(3)),
    failure: "sent again 3 times: after 5, 30 and 90 minutes",
    secret: SecretPlace::Issued("your app → Feature → Event Subscriptions → Secret Token"),
    ..Preset::new(
        "zoom",
        "Zoom",
        &[NamedScheme {
            name: "zoom",
            scheme: || {
                hmac(Sha256, "x-zm-signature", Hex)
                    .prefix("v0=")
                    .over("v0:{timestamp}:{body}")
                    .time("x-zm-request-timestamp", Unix, 300)
                    .scheme()
            },
        }],
        &[&["body:/event"]],
        &[],
    )
};

const SENDGRID: Preset = Preset {
    split: Some(Split::List("")),
    failure: "sent again for up to 24 hours",
    secret: SecretPlace::PublicKey(
        "Settings → Mail Settings → Event Webhook → Signature Verification → Public Key",
    ),
    ..Preset::new(
        "sendgrid",
        "SendGrid",
        &[NamedScheme {
            name: "sendgrid",
            scheme: || {
                signed(Algorithm::EcdsaP256, "X-Twilio-Email-Event-Webhook-Signature", Base64)
                    .key(KeyEncoding::Base64, "")
                    .over("{timestamp}{body}")
                    .time("X-Twilio-Email-Event-Webhook-Timestamp", Unix, 0)
                    .scheme()
            },
        }],
        &[&["body:/event"]],
        &[&["body:/sg_event_id"]],
    )
};

/// Seconds.
const MAILGUN_AGE: u32 = 12 * 3600;

/// The signature covers its own time and token, not the event. A token counts once, as Mailgun advises, so that what has
/// been received here makes nothing else genuine; and none counts longer than Mailgun repeats a request (8 hours), with room
/// for clocks. What stays open: whoever gets hold of a request that has not arrived here can put another event into it for
/// that long.
const MAILGUN: Preset = Preset {
    repetition: Repetition::Fields(&[&["body:/signature/token"], &["body:/token"]]),
    answer: Answer::Ok,
    failure: "sent again for 8 hours; 406 says not to",
    secret: SecretPlace::Issued("Sending → Webhooks → HTTP webhook signing key"),
    ..Preset::new(
        "mailgun",
        "Mailgun",
        &[
            NamedScheme {
                name: "mailgun",
                scheme: || {
                    hmac(Sha256, "", Hex)
                        .places(vec![body("/signature/signature")])
                        .over("{body:/signature/timestamp}{body:/signature/token}")
                        .timestamp(time_in_body("/signature/timestamp"), Unix, MAILGUN_AGE)
                        .scheme()
                },
            },
            NamedScheme {
                name: "mailgun-form",
                scheme: || {
                    hmac(Sha256, "", Hex)
                        .places(vec![body("/signature")])
                        .over("{body:/timestamp}{body:/token}")
                        .timestamp(time_in_body("/timestamp"), Unix, MAILGUN_AGE)
                        .scheme()
                },
            },
        ],
        &[&["body:/event-data/event"], &["body:/event"]],
        &[&["body:/event-data/id"], &["body:/token"]],
    )
};

const INTERCOM: Preset = Preset {
    handshakes: &[Handshake::Head],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(5)),
    failure: "sent once more after a minute; 410 switches it off",
    secret: SecretPlace::Issued("Developer Hub → your app → Basic information → Client secret"),
    final_4xx: true,
    ..Preset::new(
        "intercom",
        "Intercom",
        &[NamedScheme {
            name: "intercom",
            scheme: || hmac(Sha1, "X-Hub-Signature", Hex).prefix("sha1=").scheme(),
        }],
        &[&["body:/topic"]],
        &[&["body:/id"]],
    )
};

const ZENDESK: Preset = Preset {
    deadline: Some(Duration::from_secs(12)),
    failure: "sent again after 409, 429, 503 and timeouts, a few times",
    secret: SecretPlace::Issued(
        "Admin Center → Apps and integrations → Webhooks → your webhook → Signing secret, used as it stands",
    ),
    ..Preset::new(
        "zendesk",
        "Zendesk",
        &[NamedScheme {
            name: "zendesk",
            scheme: || {
                hmac(Sha256, "X-Zendesk-Webhook-Signature", Base64)
                    .over("{timestamp}{body}")
                    .time("X-Zendesk-Webhook-Signature-Timestamp", Rfc3339, 300)
                    .scheme()
            },
        }],
        &[&["body:/type"]],
        &[&["header:X-Zendesk-Webhook-Invocation-Id"]],
    )
};

const TWITCH: Preset = Preset {
    handshakes: &[Handshake::TwitchCallback],
    failure: "sent again; too many failures revoke the subscription",
    secret: SecretPlace::Chosen("the secret that the subscription was created with, 10 to 100 characters"),
    ..Preset::new(
        "twitch",
        "Twitch",
        &[NamedScheme {
            name: "twitch",
            scheme: || {
                hmac(Sha256, "Twitch-Eventsub-Message-Signature", Hex)
                    .prefix("sha256=")
                    .over("{id}{timestamp}{body}")
                    .time("Twitch-Eventsub-Message-Timestamp", Rfc3339, 600)
                    .id("Twitch-Eventsub-Message-Id")
                    .scheme()
            },
        }],
        &[&["header:Twitch-Eventsub-Subscription-Type"]],
        &[&["header:Twitch-Eventsub-Message-Id"]],
    )
};

const MUX: Preset = Preset {
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again for 24 hours, at growing intervals",
    secret: SecretPlace::Issued("Settings → Webhooks → your webhook → Signing secret"),
    ..Preset::new(
        "mux",
        "Mux",
        &[NamedScheme {
            name: "mux",
            scheme: || {
                hmac(Sha256, "Mux-Signature", Hex)
                    .field(',', '=', "v1")
                    .over("{timestamp}.{body}")
                    .time_field("t", 300)
                    .scheme()
            },
        }],
        &[&["body:/type"]],
        &[&["body:/id"]],
    )
};

const TYPEFORM: Preset = Preset {
    deadline: Some(Duration::from_secs(30)),
    failure: "sent again every few minutes for 10 hours; 404 and 410 switch it off",
    secret: SecretPlace::Chosen("your form → Connect → Webhooks → Edit → Secret"),
    ..Preset::new(
        "typeform",
        "Typeform",
        &[NamedScheme {
            name: "typeform",
            scheme: || hmac(Sha256, "Typeform-Signature", Base64).prefix("sha256=").scheme(),
        }],
        &[&["body:/event_type"]],
        &[&["body:/event_id"]],
    )
};
