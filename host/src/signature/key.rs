//! A secret made ready for use.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey};
use aws_lc_rs::{constant_time, digest, hmac};

use super::adyen;
use super::certificate::SigningCertificate;
use super::encoding::{Encoding, Hash};
use super::jwt::{self, JwtAlgorithm, JwtKey};
use super::scheme::{Algorithm, Scheme, Signed, Token};
use super::secret::Secret;

/// What a candidate is compared with. Never printed.
#[derive(Clone)]
pub(super) enum Key {
    Hmac(Box<hmac::Key>),
    /// A plain digest: the algorithm, and the secret that stands in what is hashed.
    Digest(&'static digest::Algorithm, Secret),
    Public(ParsedPublicKey),
    /// The hash of a token, so that comparing tells nothing about its length.
    Token([u8; 32]),
    /// For each algorithm that counts.
    Jwt(Vec<(JwtAlgorithm, JwtKey)>),
    Certificate(Box<SigningCertificate>),
}

impl Key {
    /// Fails with what is wrong with the secret.
    pub(super) fn new(scheme: &Scheme, secret: &Secret) -> Result<Self, &'static str> {
        match scheme {
            Scheme::Signed(signed) => Key::signed(signed, secret),
            Scheme::Token(token) => Key::token(token, secret),
            Scheme::Jwt(scheme) => jwt::keys(scheme, secret).map(Key::Jwt),
            Scheme::Twilio if secret.expose().is_empty() => Err("it is empty"),
            Scheme::Twilio => Ok(Key::keyed(Hash::Sha1, secret.expose())),
            Scheme::AdyenItems => Ok(Key::keyed(Hash::Sha256, &adyen::key(secret)?)),
            Scheme::PayPal(_) | Scheme::Sns(_) => {
                SigningCertificate::from_pem(secret.expose()).map(Box::new).map(Key::Certificate)
            }
        }
    }

    fn signed(signed: &Signed, secret: &Secret) -> Result<Self, &'static str> {
        Ok(match signed.algorithm {
            Algorithm::Hmac(hash) => Key::keyed(hash, &signed.key(secret.expose())?),
            Algorithm::Digest(hash) => Key::Digest(hash.digest(), Secret::new(signed.key(secret.expose())?)),
            Algorithm::Ed25519 => {
                let key = public_key(signed, secret)?;
                let parsed = ParsedPublicKey::new(&ED25519, &key);
                Key::Public(parsed.map_err(|_| "it is not an Ed25519 public key")?)
            }
            Algorithm::EcdsaP256 => {
                let key = public_key(signed, secret)?;
                let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key);
                Key::Public(parsed.map_err(|_| "it is not a public key on the curve P-256")?)
            }
        })
    }

    fn keyed(hash: Hash, key: &[u8]) -> Self {
        Key::Hmac(Box::new(hmac::Key::new(hash.hmac(), key)))
    }

    fn token(token: &Token, secret: &Secret) -> Result<Self, &'static str> {
        let secret = secret.expose();
        if secret.is_empty() {
            return Err("it is empty");
        }
        if token.base64 && !secret.contains(&b':') {
            return Err("it is not of the form user:password");
        }
        Ok(Key::Token(sha256(secret)))
    }

    /// Whether this key makes the signature of what `parts` are one after the other, in constant time.
    pub(super) fn makes<'p>(&self, parts: impl Iterator<Item = &'p [u8]>, candidates: &[Vec<u8>]) -> bool {
        let any_is = |tag: &[u8]| {
            let same = |candidate: &Vec<u8>| constant_time::verify_slices_are_equal(tag, candidate).is_ok();
            candidates.iter().any(same)
        };
        match self {
            Key::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                parts.for_each(|part| context.update(part));
                any_is(context.sign().as_ref())
            }
            Key::Digest(algorithm, _) => {
                let mut context = digest::Context::new(algorithm);
                parts.for_each(|part| context.update(part));
                any_is(context.finish().as_ref())
            }
            Key::Public(key) => {
                let message = parts.collect::<Vec<_>>().concat();
                candidates.iter().any(|candidate| key.verify_sig(&message, candidate).is_ok())
            }
            Key::Token(_) | Key::Jwt(_) | Key::Certificate(_) => false,
        }
    }

    /// What tokens of this algorithm are checked with.
    pub(super) fn jwt(&self, algorithm: JwtAlgorithm) -> Option<&JwtKey> {
        match self {
            Key::Jwt(keys) => keys.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key),
            _ => None,
        }
    }

    /// The certificate, where it is one.
    pub(super) fn certificate(&self) -> Option<&SigningCertificate> {
        match self {
            Key::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// The HMAC of a message, where that is what this key is for.
    pub(super) fn hmac(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Key::Hmac(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
            _ => None,
        }
    }

    /// Whether this is the secret of the token.
    pub(super) fn is(&self, token: &[u8]) -> bool {
        matches!(self, Key::Token(known) if constant_time::verify_slices_are_equal(known, &sha256(token)).is_ok())
    }

    /// The secret that stands in what a plain digest covers.
    pub(super) fn covered(&self) -> &[u8] {
        match self {
            Key::Digest(_, secret) => secret.expose(),
            _ => &[],
        }
    }
}

/// A public key's bytes. Operators paste what the sender shows, which may be PEM.
fn public_key(signed: &Signed, secret: &Secret) -> Result<Vec<u8>, &'static str> {
    let text = std::str::from_utf8(secret.expose()).unwrap_or_default().trim();
    match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
        None => signed.key(secret.expose().trim_ascii()),
        Some(armoured) => {
            let inner = armoured.trim_end().strip_suffix("-----END PUBLIC KEY-----");
            let joined: String = inner.ok_or("its PEM has no end")?.split_whitespace().collect();
            Encoding::Base64.decode(joined.as_bytes()).ok_or("its PEM is not base64")
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
