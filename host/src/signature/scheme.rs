//! How a sender signs, as data. The same words describe the built-in providers and a `verify` table in the
//! configuration, so that a new sender needs no new release.

use std::fmt;

/// The hash function under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1; still sound inside an HMAC, and some senders offer nothing else.
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-512
    Sha512,
}

/// How signature bytes are written in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, either case.
    Hex,
    /// Base64, standard alphabet, padding optional.
    Base64,
}

/// How the shared secret becomes key bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// Used as it stands.
    Verbatim,
    /// Hexadecimal digits.
    Hex,
    /// Base64.
    Base64,
}

/// Where the signature stands and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureField {
    /// The header's name.
    pub header: String,
    /// Text before the signature, such as `sha256=`.
    pub prefix: String,
    /// What separates several signatures or fields in one header.
    pub separator: Option<char>,
    /// What separates a field's name from its value.
    pub assignment: Option<char>,
    /// Names of the fields that carry a signature; a header may carry several, and each is tried.
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
}

/// How the time of signing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
}

/// The time of signing, and how far it may be from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampField {
    /// Where it stands.
    pub place: TimestampPlace,
    /// How it is written.
    pub format: TimestampFormat,
    /// Seconds that it may lie in the past or the future; 0 does not check.
    pub tolerance: u32,
}

/// A keyed hash over parts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The hash function.
    pub hash: Hash,
    /// How the secret becomes the key.
    pub key_encoding: KeyEncoding,
    /// Text before the encoded key that is not part of it, such as `whsec_`.
    pub key_prefix: String,
    /// What is hashed.
    pub template: Template,
    /// Where the signature stands.
    pub signature: SignatureField,
    /// Where the time of signing stands, for senders that sign it.
    pub timestamp: Option<TimestampField>,
    /// The header with the id that `{id}` stands for.
    pub id_header: Option<String>,
}

impl Scheme {
    /// An HMAC of the whole body in one header, written in hex behind a prefix: the most common scheme.
    pub fn hex_of_body(hash: Hash, header: &str, prefix: &str) -> Self {
        Scheme {
            hash,
            key_encoding: KeyEncoding::Verbatim,
            key_prefix: String::new(),
            template: Template(vec![Part::Body]),
            signature: SignatureField {
                header: header.to_owned(),
                prefix: prefix.to_owned(),
                separator: None,
                assignment: None,
                fields: Vec::new(),
                encoding: Encoding::Hex,
            },
            timestamp: None,
            id_header: None,
        }
    }

    /// Key bytes from a secret, or what is wrong with the secret.
    pub(super) fn key(&self, secret: &[u8]) -> Result<Vec<u8>, &'static str> {
        let secret = secret.strip_prefix(self.key_prefix.as_bytes()).unwrap_or(secret);
        let key = match self.key_encoding {
            KeyEncoding::Verbatim => secret.to_vec(),
            KeyEncoding::Hex => Encoding::Hex.decode(secret).ok_or("it is not hexadecimal")?,
            KeyEncoding::Base64 => Encoding::Base64.decode(secret).ok_or("it is not base64")?,
        };
        if key.is_empty() { Err("it is empty") } else { Ok(key) }
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

use base64::Engine as _;

/// Senders differ in whether they pad.
const BASE64: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// What is hashed: text with `{body}`, `{timestamp}`, `{id}` and `{method}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub(super) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Body,
    Timestamp,
    Id,
    Method,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A placeholder that does not exist.
    Unknown(String),
    /// A `{` without its `}`.
    Open,
    /// Without `{body}` the signature would not prove the body.
    NoBody,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Unknown(name) => {
                write!(
                    f,
                    "there is no `{{{name}}}`; a template may name {{body}}, {{timestamp}}, {{id}} and {{method}}"
                )
            }
            TemplateError::Open => f.write_str("a `{` lacks its `}`"),
            TemplateError::NoBody => f.write_str("without {body} a signature would not prove the body"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl std::str::FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
            parts.push(match name {
                "body" => Part::Body,
                "timestamp" => Part::Timestamp,
                "id" => Part::Id,
                "method" => Part::Method,
                other => return Err(TemplateError::Unknown(other.to_owned())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        if !parts.contains(&Part::Body) {
            return Err(TemplateError::NoBody);
        }
        Ok(Template(parts))
    }
}

/// Where a piece of an event's description stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventField {
    /// A header's first value.
    Header(String),
    /// A string in a JSON body, by RFC 6901 pointer.
    Body(String),
}
