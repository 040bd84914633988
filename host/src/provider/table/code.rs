//! Code, deployments, identities, and what watches over them.

use std::time::Duration;

use crate::provider::preset::{Answer, Handshake, NamedScheme, Preset, SecretPlace, Split};
use crate::provider::words::{Hex, Sha1, Sha256, UnixMillis, basic, hmac, time_in_body, token};
use crate::provider::words::{standard_webhooks, token_in_each, token_in_query};
use crate::signature::{Scheme, Sns};

pub(super) static ROWS: &[Preset] = &[
    GITLAB,
    BITBUCKET,
    JIRA,
    LINEAR,
    VERCEL,
    SENTRY,
    OKTA,
    AUTH0,
    SNS,
    MSGRAPH,
    EVENTGRID,
    ALERTMANAGER,
    DATADOG,
    NAGIOS,
];

const GITLAB: Preset = Preset {
    max_body: 25 << 20,
    deadline: Some(Duration::from_secs(10)),
    failure: "seldom sent again; after 4 failures in a row it is switched off for a while, after 40 for good",
    secret: SecretPlace::Chosen(
        "project → Settings → Webhooks → Secret token; with `scheme = \"gitlab-signing\"`, the signing token",
    ),
    ..Preset::new(
        "gitlab",
        "GitLab",
        &[
            NamedScheme { name: "gitlab-token", scheme: || token("X-Gitlab-Token", "") },
            NamedScheme { name: "gitlab-signing", scheme: || standard_webhooks("webhook") },
        ],
        &[&["header:X-Gitlab-Event"]],
        &[&["header:Idempotency-Key"], &["header:webhook-id"], &["header:X-Gitlab-Event-UUID"]],
    )
};

const BITBUCKET: Preset = Preset {
    deadline: Some(Duration::from_secs(10)),
    failure: "sent again twice after 5xx and timeouts",
    secret: SecretPlace::Chosen("repository → Repository settings → Webhooks → Secret"),
    final_4xx: true,
    ..Preset::new(
        "bitbucket",
        "Bitbucket",
        &[NamedScheme {
            name: "bitbucket",
            scheme: || hmac(Sha256, "X-Hub-Signature", Hex).prefix("sha256=").scheme(),
        }],
        &[&["header:X-Event-Key"]],
        &[&["header:X-Request-UUID"]],
    )
};

const JIRA: Preset = Preset {
    failure: "sent again up to 5 times after 408, 409, 425, 429 and 5xx",
    secret: SecretPlace::Chosen("System → WebHooks → your webhook → Secret"),
    ..Preset::new(
        "jira",
        "Jira",
        &[NamedScheme {
            name: "jira",
            scheme: || hmac(Sha256, "X-Hub-Signature", Hex).prefix("sha256=").scheme(),
        }],
        &[&["body:/webhookEvent"]],
        &[&["header:X-Atlassian-Webhook-Identifier"]],
    )
};

/// The time that is signed stands in the body; the header `linear-timestamp` is not covered.
const LINEAR: Preset = Preset {
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(5)),
    failure: "sent again 3 times: after 1 minute, 1 hour and 6 hours",
    secret: SecretPlace::Issued("Settings → API → Webhooks → your webhook → Signing secret"),
    ..Preset::new(
        "linear",
        "Linear",
        &[NamedScheme {
            name: "linear",
            scheme: || {
                hmac(Sha256, "Linear-Signature", Hex)
                    .timestamp(time_in_body("/webhookTimestamp"), UnixMillis, 60)
                    .scheme()
            },
        }],
        &[&["header:Linear-Event", "body:/action"], &["body:/type", "body:/action"]],
        &[&["header:Linear-Delivery"]],
    )
};

const VERCEL: Preset = Preset {
    handshakes: &[Handshake::VercelVerify],
    answer: Answer::Ok,
    deadline: Some(Duration::from_secs(30)),
    failure: "sent again for up to 24 hours, at growing intervals",
    secret: SecretPlace::Issued("Settings → Webhooks: the secret shown when the webhook is made"),
    ..Preset::new(
        "vercel",
        "Vercel",
        &[NamedScheme { name: "vercel", scheme: || hmac(Sha1, "x-vercel-signature", Hex).scheme() }],
        &[&["body:/type"]],
        &[&["body:/id"]],
    )
};

/// The time in `Sentry-Hook-Timestamp` is not signed.
const SENTRY: Preset = Preset {
    deadline: Some(Duration::from_secs(1)),
    failure: "not sent again; 1,000 timeouts within 24 hours end the subscription",
    secret: SecretPlace::Issued("Settings → Developer Settings → your integration → Client Secret"),
    ..Preset::new(
        "sentry",
        "Sentry",
        &[NamedScheme { name: "sentry", scheme: || hmac(Sha256, "Sentry-Hook-Signature", Hex).scheme() }],
        &[&["header:Sentry-Hook-Resource", "body:/action"]],
        &[&["header:Request-ID"]],
    )
};

const OKTA: Preset = Preset {
    handshakes: &[Handshake::OktaChallenge],
    answer: Answer::NoContent,
    split: Some(Split::List("/data/events")),
    deadline: Some(Duration::from_secs(3)),
    failure: "sent again once at most, and not after 4xx",
    secret: SecretPlace::Chosen(
        "Workflow → Event Hooks → your hook → Authentication secret: the whole value of the Authorization header",
    ),
    final_4xx: true,
    ..Preset::new(
        "okta",
        "Okta",
        &[NamedScheme { name: "okta", scheme: || token("Authorization", "") }],
        &[&["body:/eventType"]],
        &[&["body:/uuid"], &["body:/eventId"]],
    )
};

const AUTH0: Preset = Preset {
    answer: Answer::Ok,
    split: Some(Split::List("")),
    failure: "sent again 3 times, and resumed later",
    secret: SecretPlace::Chosen(
        "Monitoring → Streams → your stream → Authorization Token: the whole value of the Authorization header",
    ),
    ..Preset::new(
        "auth0",
        "Auth0",
        &[NamedScheme { name: "auth0", scheme: || token("Authorization", "") }],
        &[&["body:/data/type"]],
        &[&["body:/log_id"]],
    )
};

/// https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html. The event type
/// is that of the body, which is signed, although it is sent as text/plain; the header that repeats it is not.
const SNS: Preset = Preset {
    // A message has at most 256 KiB, of which JSON may write each byte in six.
    max_body: 2 << 20,
    handshakes: &[Handshake::SnsConfirmation],
    deadline: Some(Duration::from_secs(15)),
    failure: "sent again 50 times within an hour, unless the subscription says otherwise; then gone, or in its own dead \
              letters",
    secret: SecretPlace::Needless(
        "none is needed: the certificate is fetched from Amazon; name your topics in `topics`",
    ),
    ..Preset::new(
        "sns",
        "Amazon SNS",
        &[NamedScheme { name: "sns", scheme: || Scheme::Sns(Sns::default()) }],
        &[&["body:/Type"], &["header:x-amz-sns-message-type"]],
        &[&["body:/MessageId"], &["header:x-amz-sns-message-id"]],
    )
};

const MSGRAPH: Preset = Preset {
    handshakes: &[Handshake::ValidationToken],
    split: Some(Split::List("/value")),
    deadline: Some(Duration::from_secs(3)),
    failure: "sent again for up to 4 hours; slow receivers are throttled",
    secret: SecretPlace::Chosen("the clientState that the subscription was created with"),
    ..Preset::new(
        "msgraph",
        "Microsoft Graph",
        &[NamedScheme { name: "msgraph", scheme: || token_in_each("/value", "/clientState") }],
        &[&["body:/lifecycleEvent"], &["body:/changeType"]],
        &[&["body:/id"]],
    )
};

const EVENTGRID: Preset = Preset {
    max_body: 2 << 20,
    handshakes: &[Handshake::EventGridValidation, Handshake::WebHookOptions],
    answer: Answer::Ok,
    split: Some(Split::List("")),
    deadline: Some(Duration::from_secs(30)),
    failure: "sent again for up to 24 hours, but not after 400, 401, 403 and 413",
    secret: SecretPlace::Chosen(
        "the value of a delivery header X-Api-Key that the event subscription is given, marked as secret",
    ),
    ..Preset::new(
        "eventgrid",
        "Azure Event Grid",
        &[
            NamedScheme { name: "eventgrid", scheme: || token("X-Api-Key", "") },
            NamedScheme { name: "eventgrid-query", scheme: || token_in_query("code") },
        ],
        &[&["body:/eventType"], &["body:/type"]],
        &[&["body:/id"]],
    )
};

const ALERTMANAGER: Preset = Preset {
    failure: "sent again after 5xx; dropped after other codes, and sent anew at every repeat_interval while it lasts",
    secret: SecretPlace::Chosen("webhook_configs → http_config → authorization → credentials"),
    final_4xx: true,
    ..Preset::new(
        "alertmanager",
        "Prometheus Alertmanager",
        &[
            NamedScheme { name: "alertmanager-bearer", scheme: || token("Authorization", "Bearer ") },
            NamedScheme { name: "alertmanager-basic", scheme: basic },
        ],
        &[&["body:/status", "body:/commonLabels/alertname"]],
        &[],
    )
};

const DATADOG: Preset = Preset {
    deadline: Some(Duration::from_secs(15)),
    failure: "sent again up to 5 times after 5xx",
    secret: SecretPlace::Chosen("Integrations → Webhooks → Custom Headers: {\"X-Webhook-Token\": \"…\"}"),
    final_4xx: true,
    ..Preset::new(
        "datadog",
        "Datadog",
        &[NamedScheme { name: "datadog", scheme: || token("X-Webhook-Token", "") }],
        &[&["body:/event_type"]],
        &[&["body:/id"]],
    )
};

const NAGIOS: Preset = Preset {
    failure: "not sent again",
    secret: SecretPlace::Chosen("the header X-Webhook-Token in the notification command's curl"),
    ..Preset::new(
        "nagios",
        "Nagios",
        &[NamedScheme { name: "nagios", scheme: || token("X-Webhook-Token", "") }],
        &[&["body:/type"], &["body:/state"]],
        &[&["body:/id"]],
    )
};
