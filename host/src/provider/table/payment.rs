//! Payments and shops.

use std::time::Duration;

use crate::provider::preset::{Answer, NamedScheme, Preset, Repetition, SecretPlace, Split};
use crate::provider::words::{Base64, Hex, Sha256, Sha512, hmac};
use crate::signature::{KeyEncoding, PayPal, Scheme};

pub(super) static ROWS: &[Preset] =
    &[SQUARE, PAYPAL, PADDLE, ADYEN, RAZORPAY, PAYSTACK, COINBASE_COMMERCE, COINBASE_CDP];

const SQUARE: Preset = Preset {
    deadline: Some(Duration::from_secs(10)),
    failure: "sent again for up to 24 hours",
    secret: SecretPlace::Issued(
        "Developer Console → Webhooks → Subscriptions → Signature key; the notification URL is signed as entered there",
    ),
    ..Preset::new(
        "square",
        "Square",
        &[NamedScheme {
            name: "square",
            scheme: || hmac(Sha256, "x-square-hmacsha256-signature", Base64).over("{url}{body}").scheme(),
        }],
        &[&["body:/type"]],
        &[&["body:/event_id"]],
    )
};

/// https://developer.paypal.com/api/rest/webhooks/rest/. The signature covers no more of the body than its CRC-32.
const PAYPAL: Preset = Preset {
    failure: "sent again up to 25 times within 3 days",
    secret: SecretPlace::Needless(
        "none is needed: the certificate is fetched from PayPal; `webhook_id` is what the webhook's settings show",
    ),
    ..Preset::new(
        "paypal",
        "PayPal",
        &[NamedScheme {
            name: "paypal",
            scheme: || Scheme::PayPal(PayPal { webhook_id: String::new(), tolerance: None }),
        }],
        &[&["body:/event_type"]],
        &[&["body:/id"], &["header:PayPal-Transmission-Id"]],
    )
};

const PADDLE: Preset = Preset {
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again up to 60 times within 3 days; in the sandbox 3 times within 15 minutes",
    secret: SecretPlace::Issued("Developer Tools → Notifications → your destination → Secret key"),
    ..Preset::new(
        "paddle",
        "Paddle",
        &[NamedScheme {
            name: "paddle",
            // The libraries allow 5 s of age and look at no time in the future.
            scheme: || {
                hmac(Sha256, "Paddle-Signature", Hex)
                    .field(';', '=', "h1")
                    .over("{timestamp}:{body}")
                    .time_field("ts", 5)
                    .future()
                    .scheme()
            },
        }],
        &[&["body:/event_type"]],
        &[&["body:/event_id"]],
    )
};

/// https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures. Of an item of a standard webhook eight
/// fields are signed (references, merchant account, amount, event code, success); whoever is between Adyen and here can
/// alter every other one, such as `reason` and `additionalData`, so nothing should be decided by those alone.
/// One payment has several events, and one transfer several updates, so that neither id alone tells a repetition.
const ADYEN: Preset = Preset {
    repetition: Repetition::Fields(&[
        &[
            "body:/NotificationRequestItem/eventCode",
            "body:/NotificationRequestItem/pspReference",
            "body:/NotificationRequestItem/success",
        ],
        &["body:/timestamp", "body:/type", "body:/data/id"],
    ]),
    split: Some(Split::List("/notificationItems")),
    answer: Answer::BracketedAccepted,
    deadline: Some(Duration::from_secs(10)),
    failure: "sent again for days, at growing intervals",
    secret: SecretPlace::Issued("Developers → Webhooks → your webhook → HMAC key, in hexadecimal"),
    ..Preset::new(
        "adyen",
        "Adyen",
        &[
            NamedScheme { name: "adyen-items", scheme: || Scheme::AdyenItems },
            NamedScheme {
                name: "adyen-platform",
                scheme: || hmac(Sha256, "HmacSignature", Base64).key(KeyEncoding::Hex, "").scheme(),
            },
        ],
        &[&["body:/NotificationRequestItem/eventCode"], &["body:/type"], &["body:/eventType"]],
        &[&["body:/NotificationRequestItem/pspReference"], &["body:/data/id"]],
    )
};

const RAZORPAY: Preset = Preset {
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again for 24 hours",
    secret: SecretPlace::Chosen("Account & Settings → Webhooks → Secret"),
    ..Preset::new(
        "razorpay",
        "Razorpay",
        &[NamedScheme { name: "razorpay", scheme: || hmac(Sha256, "X-Razorpay-Signature", Hex).scheme() }],
        &[&["body:/event"]],
        &[&["header:x-razorpay-event-id"]],
    )
};

const PAYSTACK: Preset = Preset {
    answer: Answer::Ok,
    failure: "sent again for up to 72 hours",
    secret: SecretPlace::Issued("Settings → API Keys & Webhooks → the secret key"),
    ..Preset::new(
        "paystack",
        "Paystack",
        &[NamedScheme { name: "paystack", scheme: || hmac(Sha512, "x-paystack-signature", Hex).scheme() }],
        &[&["body:/event"]],
        &[],
    )
};

const COINBASE_COMMERCE: Preset = Preset {
    answer: Answer::Ok,
    failure: "sent again for up to 3 days, at growing intervals",
    secret: SecretPlace::Issued("Settings → Notifications → Shared secret"),
    ..Preset::new(
        "coinbase-commerce",
        "Coinbase Commerce",
        &[NamedScheme {
            name: "coinbase-commerce",
            scheme: || hmac(Sha256, "X-CC-Webhook-Signature", Hex).scheme(),
        }],
        &[&["body:/event/type"]],
        &[&["body:/event/id"]],
    )
};

/// The field v0 covers time and body. v1 covers headers as well; whoever can make the one can make the other.
const COINBASE_CDP: Preset = Preset {
    secret: SecretPlace::Issued("the secret in the answer that created the subscription"),
    ..Preset::new(
        "coinbase-cdp",
        "Coinbase Developer Platform",
        &[NamedScheme {
            name: "coinbase-cdp",
            scheme: || {
                hmac(Sha256, "X-Hook0-Signature", Hex)
                    .field(',', '=', "v0")
                    .over("{timestamp}.{body}")
                    .time_field("t", 300)
                    .scheme()
            },
        }],
        &[&["body:/type"]],
        &[&["body:/id"]],
    )
};
