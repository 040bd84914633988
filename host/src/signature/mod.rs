//! Proof of who sent a webhook: schemes as data, one verifier for all of them.

mod encoding;
mod key;
mod pair;
mod refusal;
mod request;
mod scheme;
mod secret;
mod sign;
mod signed;
mod standard_webhooks;
mod template;
mod token;
mod trace;
mod verifier;

pub use encoding::{Encoding, Hash, KeyEncoding};
pub use pair::{private_key, public_key};
pub use refusal::Refusal;
pub use request::SignedRequest;
pub use scheme::{
    Algorithm, Place, Scheme, SignatureField, Signed, TimestampField, TimestampFormat, TimestampPlace, Token,
};
pub use secret::Secret;
pub use sign::{CannotSign, Draft, sign};
pub use standard_webhooks::{InvalidSigningKey, SigningKey, signing_secret, webhook_signature};
pub use template::{Template, TemplateError};
pub use trace::Trace;
pub use verifier::{ActiveSecret, Verified, Verifier};
