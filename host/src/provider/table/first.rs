//! The senders that are complete: every event family has samples, and each has a page in `docs/providers/`.

use std::time::Duration;

use crate::provider::preset::{Answer, NamedScheme, Preset, SecretPlace};
use crate::provider::words::{Base64, Hex, Sha1, Sha256, hmac};
use crate::signature::Scheme;

pub(super) static ROWS: &[Preset] = &[STRIPE, GITHUB, TWILIO, PAGERDUTY, SHOPIFY];

/// https://docs.stripe.com/webhooks and the vectors of its libraries. The secret is used as it stands, with `whsec_`.
const STRIPE: Preset = Preset {
    failure: "sent again for up to 3 days, at growing intervals; a redirect counts as a failure",
    secret: SecretPlace::Issued(
        "Developers → Webhooks → your endpoint → Signing secret (whsec_…), used as it stands",
    ),
    ..Preset::new(
        "stripe",
        "Stripe",
        &[NamedScheme {
            name: "stripe",
            scheme: || {
                hmac(Sha256, "Stripe-Signature", Hex)
                    .field(',', '=', "v1")
                    .over("{timestamp}.{body}")
                    .time_field("t", 300)
                    .never_empty()
                    .scheme()
            },
        }],
        &[&["body:/type"]],
        &[&["body:/id"]],
    )
};

/// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries; payloads are capped at 25 MB:
/// https://docs.github.com/en/webhooks/webhook-events-and-payloads.
const GITHUB: Preset = Preset {
    max_body: 25 * 1024 * 1024,
    deadline: Some(Duration::from_secs(10)),
    failure: "never sent again by itself; for 3 days it can be redelivered by hand or over GitHub's API",
    secret: SecretPlace::Chosen("repository → Settings → Webhooks → Secret, content type application/json"),
    ..Preset::new(
        "github",
        "GitHub",
        &[
            NamedScheme {
                name: "github",
                scheme: || hmac(Sha256, "X-Hub-Signature-256", Hex).prefix("sha256=").never_empty().scheme(),
            },
            NamedScheme {
                name: "github-sha1-legacy",
                scheme: || hmac(Sha1, "X-Hub-Signature", Hex).prefix("sha1=").never_empty().scheme(),
            },
        ],
        &[&["header:X-GitHub-Event", "body:/action"]],
        &[&["header:X-GitHub-Delivery"]],
    )
};

/// https://www.twilio.com/docs/usage/webhooks and /docs/usage/security; the ways of writing the address are those that its
/// libraries try.
///
/// No field is common to all products, so the event type is made of what there is: `message.delivered` (a status callback),
/// `message.received` (an inbound message), `recording.completed`, `call.ringing`, or the product's own name of the event,
/// such as `onMessageAdded` or `com.twilio.messaging.message.sent`.
///
/// What is signed comes before the token that names a request, which is not: an old request with another token is a
/// repetition all the same. Only where several webhooks may look alike although they are not the same (each step of a
/// menu has the call's id and `in-progress`) is there nothing but the token.
const TWILIO: Preset = Preset {
    by_get: true,
    answer: Answer::EmptyTwiml,
    deadline: Some(Duration::from_secs(15)),
    failure: "tried once more if no connection can be made, then the fallback URL; other failures are repeated only where \
              the webhook's URL asks for it (#rc=5&rp=all)",
    secret: SecretPlace::Issued(
        "Console → Account → API keys & tokens → Auth token; the URL is signed as configured there",
    ),
    ..Preset::new(
        "twilio",
        "Twilio",
        &[NamedScheme { name: "twilio", scheme: || Scheme::Twilio }],
        &[
            &["text:message", "body:/MessageStatus"],
            &["text:message", "body:/SmsStatus"],
            &["text:recording", "body:/RecordingStatus"],
            &["body:/EventType"],
            &["body:/StatusCallbackEvent"],
            &["text:call", "body:/CallStatus"],
            &["body:/0/type"],
            &["body:/type"],
            &["text:message", "query:MessageStatus"],
            &["text:message", "query:SmsStatus"],
            &["text:call", "query:CallStatus"],
        ],
        &[
            &["body:/MessageStatus", "body:/MessageSid"],
            &["body:/SmsStatus", "body:/MessageSid"],
            &["body:/RecordingStatus", "body:/RecordingSid"],
            &[
                "body:/SequenceNumber",
                "body:/CallSid",
                "body:/CallStatus",
                "body:/ConferenceSid",
                "body:/StatusCallbackEvent",
            ],
            &["header:I-Twilio-Idempotency-Token"],
        ],
    )
};

/// https://developer.pagerduty.com/docs/webhooks-overview. The secret looks like base64 and is used as it stands.
const PAGERDUTY: Preset = Preset {
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again for up to 48 hours after 5xx, 429 and timeouts; dropped at once after any other 4xx, and three \
              such drops in a row switch the subscription off",
    secret: SecretPlace::Issued(
        "Integrations → Generic Webhooks (v3) → your webhook; the secret is shown once, and used as it stands",
    ),
    final_4xx: true,
    ..Preset::new(
        "pagerduty",
        "PagerDuty",
        &[NamedScheme {
            name: "pagerduty",
            scheme: || {
                hmac(Sha256, "X-PagerDuty-Signature", Hex).field(',', '=', "v1").never_empty().scheme()
            },
        }],
        &[&["body:/event/event_type"]],
        &[&["header:X-Webhook-Id"]],
    )
};

/// https://shopify.dev/docs/apps/build/webhooks/subscribe/https.
const SHOPIFY: Preset = Preset {
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again 8 times within 4 hours; after 8 failures in a row a subscription made over the Admin API is deleted",
    secret: SecretPlace::Issued(
        "the app's client secret; for webhooks made in the shop's settings, the secret shown under the list of webhooks",
    ),
    ..Preset::new(
        "shopify",
        "Shopify",
        &[
            NamedScheme {
                name: "shopify",
                scheme: || hmac(Sha256, "X-Shopify-Hmac-Sha256", Base64).never_empty().scheme(),
            },
            NamedScheme {
                name: "shopify-events",
                scheme: || hmac(Sha256, "Shopify-Hmac-Sha256", Base64).never_empty().scheme(),
            },
        ],
        &[&["header:X-Shopify-Topic"], &["header:Shopify-Topic", "header:Shopify-Action"]],
        &[&["header:X-Shopify-Webhook-Id"], &["header:Shopify-Webhook-Id"]],
    )
};
