//! Proof of who sent a webhook: schemes as data, one verifier for all of them.

mod adyen;
mod certificate;
#[cfg(test)]
mod certificate_tests;
mod encoding;
mod jwt;
#[cfg(test)]
mod jwt_tests;
mod key;
mod pair;
mod paypal;
mod refusal;
mod request;
mod rsa;
mod scheme;
mod secret;
mod sign;
mod signed;
mod sns;
mod standard_webhooks;
mod template;
mod token;
mod trace;
mod twilio;
mod verifier;

pub use certificate::{CertificateUrl, SigningCertificate, Unvouched};
pub use encoding::{Encoding, Hash, KeyEncoding};
pub use jwt::{BodyHash, Jwt, JwtAlgorithm, JwtFamily};
pub use pair::{private_key, public_key};
pub use paypal::PayPal;
pub use refusal::Refusal;
pub use request::SignedRequest;
pub use scheme::{
    Algorithm, Place, Scheme, SignatureField, Signed, TimestampField, TimestampFormat, TimestampPlace, Token,
};
pub use secret::Secret;
pub use sign::{CannotSign, Draft, sign};
pub use sns::{Sns, sns_subscribe_url};
pub use standard_webhooks::{InvalidSigningKey, SigningKey, signing_secret, webhook_signature};
pub use template::{Template, TemplateError};
pub use trace::Trace;
pub use verifier::{ActiveSecret, Verified, Verifier};
