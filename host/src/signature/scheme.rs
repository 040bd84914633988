//! How a sender proves itself, as data. The same words describe the built-in providers and a `verify` table in the
//! configuration, so that a new sender needs no new release.

use crate::event::Pointer;

use super::encoding::{Encoding, Hash, KeyEncoding};
use super::jwt::{Jwt, JwtFamily};
use super::paypal::{self, PayPal};
use super::sns::Sns;
use super::template::Template;
use super::twilio;

/// How a sender proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A signature over parts of the request.
    Signed(Signed),
    /// A secret that is sent along.
    Token(Token),
    /// A token that is signed.
    Jwt(Jwt),
    /// The way of Twilio.
    Twilio,
    /// The way of Adyen's standard webhooks.
    AdyenItems,
    /// The way of PayPal.
    PayPal(PayPal),
    /// The way of Amazon SNS.
    Sns(Sns),
}

/// How a signature is made of what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// A hash keyed with the shared secret.
    Hmac(Hash),
    /// A plain hash over a text that holds the shared secret.
    Digest(Hash),
    /// Ed25519; the secret is the sender's public key.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, signature in ASN.1; the secret is the sender's public key.
    EcdsaP256,
}

/// A place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The only header of this name.
    Header(String),
    /// Every header whose name is this text and a number: `X-Signature-` stands for `X-Signature-1` and so on.
    HeaderSeries(String),
    /// The first query parameter of this name, decoded.
    Query(String),
    /// A scalar of the body's JSON view.
    Body(Pointer),
    /// A scalar in each item of a list of the body's JSON view: all of them count.
    BodyEach {
        /// The list.
        list: Pointer,
        /// Where it stands in an item.
        item: Pointer,
    },
}

/// Where signatures stand and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureField {
    /// At least one; what is there in any of them is tried.
    pub places: Vec<Place>,
    /// Text before a signature, such as `sha256=`.
    pub prefix: String,
    /// What separates several signatures or fields in one place.
    pub separator: Option<char>,
    /// What separates a field's name from its value.
    pub assignment: Option<char>,
    /// Names of the fields that carry a signature; each is tried.
    pub fields: Vec<String>,
    /// How the bytes are written.
    pub encoding: Encoding,
}

/// Where the time of signing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimestampPlace {
    /// In a header of its own.
    Header(String),
    /// In a field of the signature header.
    Field(String),
    /// In the body's JSON view.
    Body(Pointer),
}

/// How the time of signing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
    /// A date and time of RFC 3339.
    Rfc3339,
}

/// The time of signing, and how far it may be from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampField {
    /// Where it stands.
    pub place: TimestampPlace,
    /// How it is written.
    pub format: TimestampFormat,
    /// Seconds that it may lie in the past; None does not check.
    pub tolerance: Option<u32>,
    /// Seconds that it may lie in the future; None does not check.
    pub future_tolerance: Option<u32>,
}

/// A signature over parts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// How it is made.
    pub algorithm: Algorithm,
    /// How the secret becomes the key.
    pub key_encoding: KeyEncoding,
    /// Text before the encoded key that is not part of it, such as `whsec_`.
    pub key_prefix: String,
    /// What is covered.
    pub template: Template,
    /// Where the signature stands.
    pub signature: SignatureField,
    /// Where the time of signing stands, for senders that sign it.
    pub timestamp: Option<TimestampField>,
    /// The header with the id that `{id}` stands for.
    pub id_header: Option<String>,
    /// An empty body is never genuine.
    pub rejects_empty_body: bool,
}

/// A secret that is sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands.
    pub place: Place,
    /// Text before it, such as `Bearer `. One that ends with a space is an authentication scheme, whose name may be
    /// written in either case.
    pub prefix: String,
    /// Whether it is written in base64, as `user:password` is in basic authentication.
    pub base64: bool,
}

impl Scheme {
    /// An HMAC of the whole body in one header, written in hex behind a prefix: the most common scheme.
    pub fn hex_of_body(hash: Hash, header: &str, prefix: &str) -> Self {
        Scheme::Signed(Signed::of_body(hash, header, prefix, Encoding::Hex))
    }

    /// Its name, for people: `hmac-sha256`.
    pub fn name(&self) -> &'static str {
        match self {
            Scheme::Signed(signed) => signed.algorithm.name(),
            Scheme::Token(token) => match (token.base64, token.prefix.trim_end()) {
                (true, _) => "basic",
                (false, "Bearer") => "bearer",
                (false, _) => "token",
            },
            Scheme::Jwt(_) => "jwt",
            Scheme::Twilio => "hmac-sha1",
            Scheme::AdyenItems => "hmac-sha256",
            Scheme::PayPal(_) | Scheme::Sns(_) => "rsa",
        }
    }

    /// Whether it covers the address that the sender called, which has to be known then.
    pub fn names_url(&self) -> bool {
        match self {
            Scheme::Signed(signed) => signed.template.names_url(),
            Scheme::Twilio => true,
            Scheme::Token(_) | Scheme::Jwt(_) | Scheme::AdyenItems | Scheme::PayPal(_) | Scheme::Sns(_) => {
                false
            }
        }
    }

    /// Whether what proves a request stands in this header.
    pub fn stands_in(&self, header: &str) -> bool {
        match self {
            Scheme::Twilio => return header.eq_ignore_ascii_case(twilio::SIGNATURE),
            Scheme::PayPal(_) => return header.eq_ignore_ascii_case(paypal::SIGNATURE),
            _ => {}
        }
        self.places().iter().any(|place| match place {
            Place::Header(name) => name.eq_ignore_ascii_case(header),
            Place::HeaderSeries(prefix) => {
                header.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
            Place::Query(_) | Place::Body(_) | Place::BodyEach { .. } => false,
        })
    }

    /// Whether what proves a request stands in the query parameter of this name, decoded.
    pub fn stands_in_query(&self, parameter: &str) -> bool {
        self.places().iter().any(|place| matches!(place, Place::Query(name) if name == parameter))
    }

    /// Whether what proves a request proves any other as well, so that whoever reads it can send in the sender's name. A
    /// signature proves nothing but the request that it was made for.
    pub fn is_sent_along(&self) -> bool {
        matches!(self, Scheme::Token(_) | Scheme::Jwt(_))
    }

    /// The places that the configuration or a preset names.
    fn places(&self) -> &[Place] {
        match self {
            Scheme::Signed(signed) => &signed.signature.places,
            Scheme::Token(token) | Scheme::Jwt(Jwt { token, .. }) => std::slice::from_ref(&token.place),
            Scheme::Twilio | Scheme::AdyenItems | Scheme::PayPal(_) | Scheme::Sns(_) => &[],
        }
    }

    /// Whether the secret is a public key or a certificate, with which nothing can be signed.
    pub fn is_asymmetric(&self) -> bool {
        match self {
            Scheme::Signed(signed) => matches!(signed.algorithm, Algorithm::Ed25519 | Algorithm::EcdsaP256),
            Scheme::Jwt(jwt) => jwt.algorithms.iter().any(|algorithm| algorithm.family() != JwtFamily::Hmac),
            Scheme::PayPal(_) | Scheme::Sns(_) => true,
            Scheme::Token(_) | Scheme::Twilio | Scheme::AdyenItems => false,
        }
    }

    /// Whether requests name the certificate that they are signed with, so that none has to be known beforehand.
    pub fn names_certificate(&self) -> bool {
        matches!(self, Scheme::PayPal(_) | Scheme::Sns(_))
    }
}

impl Algorithm {
    /// Its name, for people and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Hmac(Hash::Sha1) => "hmac-sha1",
            Algorithm::Hmac(Hash::Sha256) => "hmac-sha256",
            Algorithm::Hmac(Hash::Sha512) => "hmac-sha512",
            Algorithm::Digest(Hash::Sha1) => "sha1",
            Algorithm::Digest(Hash::Sha256) => "sha256",
            Algorithm::Digest(Hash::Sha512) => "sha512",
            Algorithm::Ed25519 => "ed25519",
            Algorithm::EcdsaP256 => "ecdsa-p256",
        }
    }
}

impl Signed {
    /// An HMAC of the whole body in one header.
    pub fn of_body(hash: Hash, header: &str, prefix: &str, encoding: Encoding) -> Self {
        Signed {
            algorithm: Algorithm::Hmac(hash),
            key_encoding: KeyEncoding::Verbatim,
            key_prefix: String::new(),
            template: Template::body(),
            signature: SignatureField::header(header, prefix, encoding),
            timestamp: None,
            id_header: None,
            rejects_empty_body: false,
        }
    }

    /// Key bytes from a secret, or what is wrong with the secret.
    pub(super) fn key(&self, secret: &[u8]) -> Result<Vec<u8>, &'static str> {
        let secret = secret.strip_prefix(self.key_prefix.as_bytes()).unwrap_or(secret);
        self.key_encoding.decode(secret)
    }
}

impl SignatureField {
    /// One signature in one header.
    pub fn header(name: &str, prefix: &str, encoding: Encoding) -> Self {
        SignatureField {
            places: vec![Place::Header(name.to_owned())],
            prefix: prefix.to_owned(),
            separator: None,
            assignment: None,
            fields: Vec::new(),
            encoding,
        }
    }
}

impl TimestampField {
    /// A time that may lie so many seconds in the past or the future.
    pub fn within(place: TimestampPlace, format: TimestampFormat, seconds: u32) -> Self {
        TimestampField { place, format, tolerance: Some(seconds), future_tolerance: Some(seconds) }
    }
}
