//! How bytes are written as text, and which hash functions there are.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1; still sound inside an HMAC, and some senders offer nothing else.
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-512
    Sha512,
}

/// How signature bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, either case.
    Hex,
    /// Base64, standard alphabet, padding optional.
    Base64,
}

/// How a secret becomes key bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// Used as it stands.
    Verbatim,
    /// Hexadecimal digits.
    Hex,
    /// Base64.
    Base64,
}

impl Hash {
    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        }
    }

    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha512 => &digest::SHA512,
        }
    }
}

impl Encoding {
    /// The bytes that a text stands for; None where it is not of this encoding.
    pub(super) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => BASE64.decode(text).ok(),
        }
    }

    /// Writes bytes in this encoding.
    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Hex => hex::encode(bytes),
            Encoding::Base64 => BASE64.encode(bytes),
        }
    }
}

impl KeyEncoding {
    /// The key bytes, or what is wrong with the secret.
    pub(super) fn decode(self, secret: &[u8]) -> Result<Vec<u8>, &'static str> {
        let key = match self {
            KeyEncoding::Verbatim => secret.to_vec(),
            KeyEncoding::Hex => Encoding::Hex.decode(secret).ok_or("it is not hexadecimal")?,
            KeyEncoding::Base64 => Encoding::Base64.decode(secret).ok_or("it is not base64")?,
        };
        if key.is_empty() { Err("it is empty") } else { Ok(key) }
    }
}

/// Senders differ in whether they pad.
const BASE64: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);
