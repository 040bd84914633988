//! Files, tasks, contracts, customers.

use std::time::Duration;

use crate::provider::preset::{Answer, Handshake, NamedScheme, Preset, Repetition, SecretPlace, Split};
use crate::provider::words::{Base64, Hex, Rfc3339, Sha1, Sha256, UnixMillis, hmac, signed};
use crate::signature::{Algorithm, Place};

pub(super) static ROWS: &[Preset] = &[HUBSPOT, DROPBOX, BOX, DOCUSIGN, ASANA, TRELLO];

/// The id of an event is not promised to be unique. What v1 and v2 sign can be continued by whoever has seen a request (the
/// secret comes first and the hash is no HMAC), although hardly into JSON: prefer v3.
const HUBSPOT: Preset = Preset {
    repetition: Repetition::Fields(&[&[
        "body:/eventId",
        "body:/subscriptionId",
        "body:/objectId",
        "body:/occurredAt",
    ]]),
    split: Some(Split::List("")),
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again up to 10 times within 24 hours",
    secret: SecretPlace::Issued("your app → Auth → Client secret"),
    ..Preset::new(
        "hubspot",
        "HubSpot",
        &[
            NamedScheme {
                name: "hubspot-v3",
                scheme: || {
                    hmac(Sha256, "X-HubSpot-Signature-v3", Base64)
                        .over("{method}{url-decoded}{body}{timestamp}")
                        .time("X-HubSpot-Request-Timestamp", UnixMillis, 300)
                        .scheme()
                },
            },
            NamedScheme {
                name: "hubspot-v2",
                scheme: || {
                    signed(Algorithm::Digest(Sha256), "X-HubSpot-Signature", Hex)
                        .over("{secret}{method}{url}{body}")
                        .scheme()
                },
            },
            NamedScheme {
                name: "hubspot-v1",
                scheme: || {
                    signed(Algorithm::Digest(Sha256), "X-HubSpot-Signature", Hex)
                        .over("{secret}{body}")
                        .scheme()
                },
            },
        ],
        &[&["body:/subscriptionType"]],
        &[&["body:/eventId"]],
    )
};

const DROPBOX: Preset = Preset {
    handshakes: &[Handshake::QueryChallenge],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(10)),
    failure: "sent again for about 10 minutes; a failing receiver is switched off",
    secret: SecretPlace::Issued("App Console → your app → App secret"),
    ..Preset::new(
        "dropbox",
        "Dropbox",
        &[NamedScheme { name: "dropbox", scheme: || hmac(Sha256, "X-Dropbox-Signature", Hex).scheme() }],
        &[],
        &[],
    )
};

const BOX: Preset = Preset {
    deadline: Some(Duration::from_secs(30)),
    failure: "sent again up to 10 times within 24 hours; only port 443 is called",
    secret: SecretPlace::Issued(
        "Developer Console → your app → Webhooks → Manage signature keys: primary and secondary",
    ),
    ..Preset::new(
        "box",
        "Box",
        &[NamedScheme {
            name: "box",
            scheme: || {
                hmac(Sha256, "", Base64)
                    .places(vec![
                        Place::Header("BOX-SIGNATURE-PRIMARY".to_owned()),
                        Place::Header("BOX-SIGNATURE-SECONDARY".to_owned()),
                    ])
                    .over("{body}{timestamp}")
                    .time("BOX-DELIVERY-TIMESTAMP", Rfc3339, 600)
                    .scheme()
            },
        }],
        &[&["body:/trigger"]],
        &[&["header:BOX-DELIVERY-ID"]],
    )
};

const DOCUSIGN: Preset = Preset {
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(100)),
    failure: "sent again for up to 15 days, at growing intervals",
    secret: SecretPlace::Issued("Settings → Connect → Connect Keys: HMAC keys"),
    ..Preset::new(
        "docusign",
        "Docusign",
        &[NamedScheme {
            name: "docusign",
            scheme: || {
                hmac(Sha256, "", Base64)
                    .places(vec![Place::HeaderSeries("X-DocuSign-Signature-".to_owned())])
                    .scheme()
            },
        }],
        &[&["body:/event"], &["body:/DocuSignEnvelopeInformation/EnvelopeStatus/Status"]],
        &[&["body:/data/envelopeId", "body:/event", "body:/generatedDateTime"]],
    )
};

/// The secret arrives in the first request of all.
const ASANA: Preset = Preset {
    handshakes: &[Handshake::HookSecret],
    answer: Answer::Ok,
    split: Some(Split::List("/events")),
    deadline: Some(Duration::from_secs(10)),
    failure: "sent again for up to 24 hours, then the webhook is deleted",
    secret: SecretPlace::Brought(
        "sent by Asana when the webhook is made: secret = { handshake = true } remembers it",
    ),
    ..Preset::new(
        "asana",
        "Asana",
        &[NamedScheme { name: "asana", scheme: || hmac(Sha256, "X-Hook-Signature", Hex).scheme() }],
        &[&["body:/resource/resource_type", "body:/action"]],
        &[],
    )
};

const TRELLO: Preset = Preset {
    handshakes: &[Handshake::Head],
    answer: Answer::Ok,
    failure: "sent again 3 times: after 30, 60 and 120 seconds; 410 deletes the webhook",
    secret: SecretPlace::Issued(
        "trello.com/power-ups/admin → your Power-Up → API key → OAuth secret; the callback URL is signed as registered",
    ),
    ..Preset::new(
        "trello",
        "Trello",
        &[NamedScheme {
            name: "trello",
            scheme: || hmac(Sha1, "X-Trello-Webhook", Base64).over("{body}{url}").scheme(),
        }],
        &[&["body:/action/type"]],
        &[&["body:/action/id"]],
    )
};
