//! Proof of who sent a webhook: schemes as data, one verifier for all of them, and the table of known providers.

mod presets;
mod scheme;
mod secret;
mod standard_webhooks;
#[cfg(test)]
mod vectors;
mod verifier;

pub use presets::{PRESETS, Preset, preset};
pub use scheme::{
    Encoding, EventField, Hash, KeyEncoding, Scheme, SignatureField, Template, TemplateError, TimestampField,
    TimestampFormat, TimestampPlace,
};
pub use secret::Secret;
pub use standard_webhooks::{InvalidSigningKey, SigningKey, signing_secret, webhook_signature};
pub use verifier::{Refusal, SignedRequest, Verified, Verifier};
