//! JSON Web Tokens (RFC 7519) under static keys.
//!
//! Which algorithms count is the operator's word, never the token's (RFC 8725 §3.1): a token names one of them, and each
//! key is made for its own algorithm. A token proves who sent it; it proves the body only where it carries its hash.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};

use crate::event::{Document, UnixMillis};

use super::certificate::subject_key;
use super::encoding::{Encoding, Hash};
use super::refusal::Refusal;
use super::request::SignedRequest;
use super::rsa;
use super::scheme::Token;
use super::secret::Secret;
use super::sign::{CannotSign, Draft};
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

/// A token that is signed with a key that both sides know, or of which this side knows the public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    /// Where it stands.
    pub token: Token,
    /// The algorithms that count; at least one, and all of one family.
    pub algorithms: Vec<JwtAlgorithm>,
    /// What `iss` has to say.
    pub issuer: Option<String>,
    /// What `aud` has to say, or one of what it says.
    pub audience: Option<String>,
    /// Seconds by which the clocks may differ.
    pub leeway: u32,
    /// Seconds since `iat` after which it is refused. Where this is set, `iat` has to be there; where not, `exp`.
    pub max_age: Option<u32>,
    /// The claim that proves the body.
    pub body_hash: Option<BodyHash>,
}

/// A claim that carries the body's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyHash {
    /// Its name.
    pub claim: String,
    /// The hash function.
    pub hash: Hash,
    /// How it is written.
    pub encoding: Encoding,
}

/// How a token is signed (RFC 7518 §3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256; the secret is shared.
    Hs256,
    /// HMAC with SHA-384; the secret is shared.
    Hs384,
    /// HMAC with SHA-512; the secret is shared.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// Which kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtFamily {
    /// A shared secret.
    Hmac,
    /// An RSA key.
    Rsa,
    /// A key on the curve P-256.
    P256,
    /// An Ed25519 key.
    Ed25519,
}

impl JwtAlgorithm {
    /// Every algorithm.
    pub const ALL: [JwtAlgorithm; 7] = [
        JwtAlgorithm::Hs256,
        JwtAlgorithm::Hs384,
        JwtAlgorithm::Hs512,
        JwtAlgorithm::Rs256,
        JwtAlgorithm::Ps256,
        JwtAlgorithm::Es256,
        JwtAlgorithm::EdDsa,
    ];

    /// Its name in a token.
    pub fn name(self) -> &'static str {
        match self {
            JwtAlgorithm::Hs256 => "HS256",
            JwtAlgorithm::Hs384 => "HS384",
            JwtAlgorithm::Hs512 => "HS512",
            JwtAlgorithm::Rs256 => "RS256",
            JwtAlgorithm::Ps256 => "PS256",
            JwtAlgorithm::Es256 => "ES256",
            JwtAlgorithm::EdDsa => "EdDSA",
        }
    }

    /// Which kind of key it takes.
    pub fn family(self) -> JwtFamily {
        match self {
            JwtAlgorithm::Hs256 | JwtAlgorithm::Hs384 | JwtAlgorithm::Hs512 => JwtFamily::Hmac,
            JwtAlgorithm::Rs256 | JwtAlgorithm::Ps256 => JwtFamily::Rsa,
            JwtAlgorithm::Es256 => JwtFamily::P256,
            JwtAlgorithm::EdDsa => JwtFamily::Ed25519,
        }
    }

    /// Those with a public key have none here.
    fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            JwtAlgorithm::Hs256 => Some(hmac::HMAC_SHA256),
            JwtAlgorithm::Hs384 => Some(hmac::HMAC_SHA384),
            JwtAlgorithm::Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    fn public(self) -> (&'static dyn VerificationAlgorithm, &'static str) {
        match self {
            JwtAlgorithm::Ps256 => {
                (&RSA_PSS_2048_8192_SHA256, "it is not a public RSA key of at least 2048 bits")
            }
            JwtAlgorithm::Es256 => (&ECDSA_P256_SHA256_FIXED, "it is not a public key on the curve P-256"),
            JwtAlgorithm::EdDsa => (&ED25519, "it is not an Ed25519 public key"),
            _ => (&RSA_PKCS1_2048_8192_SHA256, "it is not a public RSA key of at least 2048 bits"),
        }
    }
}

/// What signatures of one algorithm are checked with.
#[derive(Clone)]
pub(super) enum JwtKey {
    Shared(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl JwtKey {
    fn new(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, &'static str> {
        if let Some(hmac) = algorithm.hmac() {
            return match secret.expose() {
                [] => Err("it is empty"),
                // A public key is no secret: whoever knows it could sign (RFC 8725 §3.1).
                pem if pem.starts_with(b"-----BEGIN ") => Err("it is a key in PEM, not a shared secret"),
                bytes => Ok(JwtKey::Shared(Box::new(hmac::Key::new(hmac, bytes)))),
            };
        }
        let pem = secret.expose();
        let key = match SubjectPublicKeyInfoDer::from_pem_slice(pem) {
            Ok(key) => key.to_vec(),
            Err(_) => {
                let certificate = CertificateDer::from_pem_slice(pem);
                subject_key(&certificate.map_err(|_| "it is neither a public key nor a certificate in PEM")?)?
            }
        };
        let (algorithm, problem) = algorithm.public();
        ParsedPublicKey::new(algorithm, key).map(JwtKey::Public).map_err(|_| problem)
    }

    fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            JwtKey::Shared(key) => hmac::verify(key, message, signature).is_ok(),
            JwtKey::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// One key for each algorithm that counts.
pub(super) fn keys(scheme: &Jwt, secret: &Secret) -> Result<Vec<(JwtAlgorithm, JwtKey)>, &'static str> {
    scheme.algorithms.iter().map(|algorithm| Ok((*algorithm, JwtKey::new(*algorithm, secret)?))).collect()
}

pub(super) fn verify<T: Trace>(
    scheme: &Jwt,
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let texts = request.read(&scheme.token.place)?;
    let label = scheme.token.place.label();
    trace.candidate(&label, "(withheld)");
    let malformed = || Refusal::MalformedToken(label.clone());
    // One token: of several, the others would prove nothing.
    let [text] = &texts[..] else { return Err(malformed()) };
    let token = scheme.token.stripped(text).ok_or_else(malformed)?;
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let header = object(header).ok_or_else(malformed)?;
    // What a token marks as critical has to be understood, and nothing that it could mark is (RFC 7515 §4.1.11).
    if header.find("/crit").is_some() || header.repeats_keys() {
        return Err(malformed());
    }
    let named = header.find("/alg").and_then(|node| header.string(node)).ok_or_else(malformed)?;
    let algorithm = scheme.algorithms.iter().copied().find(|algorithm| algorithm.name() == named);
    let algorithm = algorithm.ok_or_else(|| Refusal::OtherAlgorithm(named.chars().take(32).collect()))?;
    trace.covered(std::iter::once(Some(signed.as_bytes())));
    let verified = verifier.first(now, trace, |key| {
        key.jwt(algorithm).is_some_and(|key| key.made(signed.as_bytes(), &signature))
    })?;
    let claims = object(claims).filter(|claims| !claims.repeats_keys()).ok_or_else(malformed)?;
    scheme.check_time(&claims, now)?;
    scheme.check_names(&claims)?;
    scheme.check_body(&claims, request.body.bytes())?;
    Ok(verified)
}

/// A part of a token: an object in JSON, in base64url.
fn object(part: &str) -> Option<Document> {
    let document = Document::parse(Bytes::from(BASE64_URL_SAFE_NO_PAD.decode(part).ok()?)).ok()?;
    (document.kind(document.root()) == crate::event::Kind::Object).then_some(document)
}

impl Jwt {
    fn check_time(&self, claims: &Document, now: UnixMillis) -> Result<(), Refusal> {
        // Seconds since 1970, which may have a fraction.
        let time = |name: &str| match claims.find(&format!("/{name}")) {
            None => Ok(None),
            Some(node) => match claims.number(node).filter(|seconds| seconds.abs() < 1e12) {
                Some(seconds) => Ok(Some((seconds * 1000.0) as UnixMillis)),
                None => Err(Refusal::WrongClaim(name.to_owned())),
            },
        };
        let (expires, issued, begins) = (time("exp")?, time("iat")?, time("nbf")?);
        if self.max_age.is_none() && expires.is_none() {
            return Err(Refusal::NoExpiry);
        }
        // Seconds since then, where they are more than these; negative for what is still to come.
        let since = |time: UnixMillis, more: u32| {
            let seconds = now.saturating_sub(time) / 1000;
            (seconds.unsigned_abs() > u64::from(more)).then_some(seconds)
        };
        let ahead = |claim, time| match since(time, self.leeway) {
            Some(seconds @ ..0) => Err(Refusal::TokenNotYet(claim, seconds.unsigned_abs(), self.leeway)),
            _ => Ok(()),
        };
        if let Some(seconds @ 1..) = expires.and_then(|expires| since(expires, self.leeway)) {
            return Err(Refusal::TokenExpired(seconds.unsigned_abs(), self.leeway));
        }
        if let Some(begins) = begins {
            ahead("nbf", begins)?;
        }
        if let Some(max_age) = self.max_age {
            let issued = issued.ok_or_else(|| Refusal::WrongClaim("iat".to_owned()))?;
            ahead("iat", issued)?;
            if let Some(seconds @ 1..) = since(issued, max_age.saturating_add(self.leeway)) {
                return Err(Refusal::TokenTooOld(seconds.unsigned_abs(), max_age));
            }
        }
        Ok(())
    }

    fn check_names(&self, claims: &Document) -> Result<(), Refusal> {
        let node = |name: &str| claims.find(&format!("/{name}"));
        let is = |node, expected: &String| claims.string(node).is_some_and(|text| *text == **expected);
        if let Some(issuer) = &self.issuer
            && !node("iss").is_some_and(|node| is(node, issuer))
        {
            return Err(Refusal::WrongClaim("iss".to_owned()));
        }
        if let Some(audience) = &self.audience {
            let among =
                |node| claims.items(node).is_some_and(|items| items.iter().any(|item| is(item, audience)));
            if !node("aud").is_some_and(|node| is(node, audience) || among(node)) {
                return Err(Refusal::WrongClaim("aud".to_owned()));
            }
        }
        Ok(())
    }

    fn check_body(&self, claims: &Document, body: &[u8]) -> Result<(), Refusal> {
        let Some(BodyHash { claim, hash, encoding }) = &self.body_hash else { return Ok(()) };
        // The name is no pointer: it may hold a slash.
        let pointer = format!("/{}", claim.replace('~', "~0").replace('/', "~1"));
        let Some(written) = claims.find(&pointer).and_then(|node| claims.string(node)) else {
            // Some senders leave it out where there is nothing to prove.
            return if body.is_empty() { Ok(()) } else { Err(Refusal::WrongClaim(claim.clone())) };
        };
        let written = encoding.decode(written.as_bytes()).unwrap_or_default();
        let computed = digest::digest(hash.digest(), body);
        verify_slices_are_equal(&written, computed.as_ref()).map_err(|_| Refusal::BodyHash)
    }
}

/// Makes a token with what the scheme asks for; for a public key, `secret` is the private one in PEM (PKCS #8).
pub(super) fn sign(
    scheme: &Jwt,
    secret: &Secret,
    draft: &mut Draft,
    id: &str,
    now: UnixMillis,
) -> Result<(), CannotSign> {
    let no_algorithm = || CannotSign::Request("the scheme names no algorithm".to_owned());
    let algorithm = *scheme.algorithms.first().ok_or_else(no_algorithm)?;
    let seconds = now / 1000;
    let mut claims = json!({ "jti": id, "iat": seconds, "exp": seconds + 300 });
    if let Some(issuer) = &scheme.issuer {
        claims["iss"] = Value::from(issuer.as_str());
    }
    if let Some(audience) = &scheme.audience {
        claims["aud"] = Value::from(audience.as_str());
    }
    if let Some(BodyHash { claim, hash, encoding }) = &scheme.body_hash {
        let computed = digest::digest(hash.digest(), draft.body.bytes());
        claims[claim.as_str()] = Value::from(encoding.encode(computed.as_ref()));
    }
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let header = json!({ "alg": algorithm.name(), "typ": "JWT" });
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = signature(algorithm, secret, signed.as_bytes())?;
    let token = format!("{}{signed}.{}", scheme.token.prefix, BASE64_URL_SAFE_NO_PAD.encode(signature));
    draft.write(&scheme.token.place, &token)
}

fn signature(algorithm: JwtAlgorithm, secret: &Secret, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
    if let Some(hmac) = algorithm.hmac() {
        return Ok(hmac::sign(&hmac::Key::new(hmac, secret.expose()), message).as_ref().to_vec());
    }
    let no_key = || CannotSign::Secret("it is not a private key in PEM (PKCS #8) of the scheme's kind");
    let pem = || PrivatePkcs8KeyDer::from_pem_slice(secret.expose()).map_err(|_| no_key());
    match algorithm {
        JwtAlgorithm::Ps256 => rsa::sign_with(secret, &RSA_PSS_SHA256, message),
        JwtAlgorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pem()?.secret_pkcs8_der());
            let signed = pair.map_err(|_| no_key())?.sign(&SystemRandom::new(), message);
            Ok(signed.map_err(|_| no_key())?.as_ref().to_vec())
        }
        JwtAlgorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem()?.secret_pkcs8_der());
            Ok(pair.map_err(|_| no_key())?.sign(message).as_ref().to_vec())
        }
        _ => rsa::sign_with(secret, &RSA_PKCS1_SHA256, message),
    }
}
