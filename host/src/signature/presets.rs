//! The providers known by name. A row is data: how they sign, and where they say what happened.

use super::scheme::{EventField, Hash, Scheme};

/// What is known about a provider.
pub struct Preset {
    /// The name in `provider = "…"`.
    pub provider: &'static str,
    /// How the provider signs.
    pub scheme: fn() -> Scheme,
    /// The parts of the event type, joined with `.`; absent parts are left out.
    pub kind: fn() -> Vec<EventField>,
    /// The provider's own id of a delivery.
    pub delivery_id: fn() -> Option<EventField>,
    /// The largest body that the provider sends, in bytes: refusing one may lose the event for good.
    pub max_body: usize,
    /// An empty body is never genuine.
    pub rejects_empty_body: bool,
    /// Where the secret is to be pasted.
    pub paste_secret: &'static str,
}

/// Every known provider, by name.
pub static PRESETS: &[Preset] = &[Preset {
    provider: "github",
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    scheme: || Scheme::hex_of_body(Hash::Sha256, "X-Hub-Signature-256", "sha256="),
    kind: || vec![EventField::Header("X-GitHub-Event".into()), EventField::Body("/action".into())],
    delivery_id: || Some(EventField::Header("X-GitHub-Delivery".into())),
    // https://docs.github.com/en/webhooks/webhook-events-and-payloads: payloads are capped at 25 MB.
    max_body: 25 * 1024 * 1024,
    rejects_empty_body: true,
    paste_secret: "repository → Settings → Webhooks → Secret, content type application/json",
}];

/// The preset of that name.
pub fn preset(provider: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.provider == provider)
}
