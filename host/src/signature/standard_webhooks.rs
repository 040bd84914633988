//! Signatures of requests that we send, by [Standard Webhooks 1.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
//! HMAC-SHA256, written `v1,` and base64. Incoming ones are checked by the [`Verifier`](super::Verifier), whose schemes
//! describe these too.

use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::hmac;

use super::encoding::Encoding;
use super::secret::Secret;

/// What a secret of this kind begins with, so that people recognise one.
const SIGNING_PREFIX: &str = "whsec_";

/// Bytes of a key, as the specification bounds them.
const LENGTHS: RangeInclusive<usize> = 24..=64;

/// The bytes of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey(Secret);

/// Why a secret is no key; never with the secret's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidSigningKey {
    /// What follows the prefix is not base64.
    NotBase64,
    /// It stands for fewer than 24 bytes.
    TooShort,
    /// It stands for more than 64 bytes.
    TooLong,
}

impl SigningKey {
    /// The key that a secret stands for: `whsec_`, which may be left out, and 24 to 64 bytes in base64.
    pub fn new(secret: &Secret) -> Result<Self, InvalidSigningKey> {
        let text = secret.expose();
        let encoded = text.strip_prefix(SIGNING_PREFIX.as_bytes()).unwrap_or(text);
        let key = Encoding::Base64.decode(encoded).ok_or(InvalidSigningKey::NotBase64)?;
        match key.len() {
            length if length < *LENGTHS.start() => Err(InvalidSigningKey::TooShort),
            length if length > *LENGTHS.end() => Err(InvalidSigningKey::TooLong),
            _ => Ok(SigningKey(Secret::new(key))),
        }
    }

    /// A signature by this key, as it stands in the header.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        let mut context = hmac::Context::with_key(&key);
        for part in [id.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body] {
            context.update(part);
        }
        format!("v1,{}", Encoding::Base64.encode(context.sign().as_ref()))
    }
}

/// The value of `webhook-signature`: one signature by each key, so that a receiver that knows any of them is content.
/// `seconds` since 1970 are those in `webhook-timestamp`. Empty without a key.
pub fn webhook_signature(keys: &[SigningKey], id: &str, seconds: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = keys.iter().map(|key| key.sign(id, seconds, body)).collect();
    signatures.join(" ")
}

/// A secret that stands for these bytes.
pub fn signing_secret(bytes: &[u8]) -> String {
    format!("{SIGNING_PREFIX}{}", Encoding::Base64.encode(bytes))
}

impl fmt::Display for InvalidSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidSigningKey::NotBase64 => "it is not base64",
            InvalidSigningKey::TooShort => "it is shorter than 24 bytes",
            InvalidSigningKey::TooLong => "it is longer than 64 bytes",
        })?;
        f.write_str("; expected `whsec_` and 24 to 64 random bytes in base64")
    }
}

impl std::error::Error for InvalidSigningKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let text = |length: usize| signing_secret(&vec![7; length]);
        let unpadded = text(25).trim_end_matches('=').to_owned();
        for (secret, expected) in [
            (text(24), Ok(24)),
            (text(64), Ok(64)),
            (text(32).replace(SIGNING_PREFIX, ""), Ok(32)),
            (unpadded, Ok(25)),
            (text(23), Err(InvalidSigningKey::TooShort)),
            (text(65), Err(InvalidSigningKey::TooLong)),
            (String::new(), Err(InvalidSigningKey::TooShort)),
            (SIGNING_PREFIX.to_owned(), Err(InvalidSigningKey::TooShort)),
            (format!("{} ", text(32)), Err(InvalidSigningKey::NotBase64)),
            ("hunter2hunter2hunter2hunter2hunter2!".to_owned(), Err(InvalidSigningKey::NotBase64)),
            ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), Err(InvalidSigningKey::NotBase64)),
        ] {
            let key = SigningKey::new(&Secret::new(secret.clone()));
            assert_eq!(key.map(|key| key.0.expose().len()), expected, "{secret}");
        }
        assert!(!format!("{:?}", SigningKey::new(&Secret::new(text(32)))).contains('7'));
    }

    #[test]
    fn one_signature_for_each_key() {
        let key = |byte| SigningKey::new(&Secret::new(signing_secret(&[byte; 24]))).unwrap();
        assert_eq!(webhook_signature(&[], "id", 1, b"{}"), "");
        let (one, other) =
            (webhook_signature(&[key(1)], "id", 1, b"{}"), webhook_signature(&[key(2)], "id", 1, b"{}"));
        assert_eq!(webhook_signature(&[key(1), key(2)], "id", 1, b"{}"), format!("{one} {other}"));
        for changed in [
            webhook_signature(&[key(1)], "ie", 1, b"{}"),
            webhook_signature(&[key(1)], "id", 2, b"{}"),
            webhook_signature(&[key(1)], "id", 1, b"{ }"),
        ] {
            assert_ne!(one, changed);
        }
    }
}
