//! Standards that many senders follow.

use std::time::Duration;

use crate::provider::preset::{Handshake, NamedScheme, Preset, SecretPlace, Split};
use crate::provider::words::{Base64, Unix, signed, standard_webhooks, token, token_in_query};
use crate::signature::{Algorithm, KeyEncoding};

pub(super) static ROWS: &[Preset] = &[STANDARD_WEBHOOKS, SVIX, CLOUDEVENTS];

/// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const STANDARD_WEBHOOKS: Preset = Preset {
    deadline: Some(Duration::from_secs(15)),
    failure: "the specification recommends to send again for about 3 days; 410 switches the endpoint off",
    secret: SecretPlace::Agreed(
        "whsec_… as the sender shows it; with `scheme = \"standard-webhooks-ed25519\"`, its public key whpk_…",
    ),
    ..Preset::new(
        "standard-webhooks",
        "Standard Webhooks",
        &[
            NamedScheme { name: "standard-webhooks", scheme: || standard_webhooks("webhook") },
            NamedScheme {
                name: "standard-webhooks-ed25519",
                scheme: || {
                    signed(Algorithm::Ed25519, "webhook-signature", Base64)
                        .field(' ', ',', "v1a")
                        .key(KeyEncoding::Base64, "whpk_")
                        .over("{id}.{timestamp}.{body}")
                        .time("webhook-timestamp", Unix, 300)
                        .id("webhook-id")
                        .scheme()
                },
            },
        ],
        &[&["body:/type"]],
        &[&["header:webhook-id"]],
    )
};

const SVIX: Preset = Preset {
    deadline: Some(Duration::from_secs(15)),
    failure: "sent again for about 3 days",
    secret: SecretPlace::Issued("whsec_… as the sender shows it"),
    ..Preset::new(
        "svix",
        "Svix",
        &[NamedScheme { name: "svix", scheme: || standard_webhooks("svix") }],
        &[&["body:/type"]],
        &[&["header:svix-id"]],
    )
};

/// https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
const CLOUDEVENTS: Preset = Preset {
    handshakes: &[Handshake::WebHookOptions],
    split: Some(Split::CloudEventsBatch),
    failure: "up to the sender",
    secret: SecretPlace::Agreed("the sender's bearer token"),
    ..Preset::new(
        "cloudevents",
        "CloudEvents",
        &[
            NamedScheme { name: "cloudevents", scheme: || token("Authorization", "Bearer ") },
            NamedScheme { name: "cloudevents-query", scheme: || token_in_query("access_token") },
        ],
        &[&["header:ce-type"], &["body:/type"]],
        &[&["header:ce-id", "header:ce-source"], &["body:/id", "body:/source"]],
    )
};
