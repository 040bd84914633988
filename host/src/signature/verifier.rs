//! Checks a request against a scheme and the secrets that are active, and signs requests the same way.
//!
//! Every signature in the header is tried with every secret, each comparison in constant time, so that a sender may
//! rotate its secret. A refusal carries a stable code; it never carries a secret or an expected signature.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};

use crate::event::{Headers, UnixMillis};

use super::scheme::{Hash, Part, Scheme, TimestampFormat, TimestampPlace};
use super::secret::Secret;

/// Signatures tried in one header; no sender sends more than a handful.
const MAX_SIGNATURES: usize = 16;

/// What a signature may cover.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Upper case.
    pub method: &'a str,
    /// As received.
    pub headers: &'a Headers,
    /// The exact bytes.
    pub body: &'a [u8],
}

/// A genuine request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which of the secrets it was signed with, counted from 0.
    pub secret: usize,
}

/// Why a request is not taken for genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A header that the scheme needs is absent or empty.
    MissingHeader(String),
    /// A header that must be single is there twice.
    DuplicateHeader(String),
    /// The signature header is not of the scheme's form.
    MalformedHeader(String),
    /// The header carries signatures, but none of the kind that the scheme names.
    NoSignatureOfExpectedVersion(String),
    /// The signature is not of the scheme's encoding.
    MalformedSignature(String),
    /// The time of signing is not a number.
    MalformedTimestamp,
    /// Signed too long ago, in seconds.
    StaleTimestamp(u64),
    /// Signed in the future, in seconds.
    FutureTimestamp(u64),
    /// The body is empty, which this provider never sends.
    EmptyBody,
    /// No active secret makes this signature.
    BadSignature,
}

impl Refusal {
    /// A stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::MissingHeader(_) => "missing_header",
            Refusal::DuplicateHeader(_) => "duplicate_header",
            Refusal::MalformedHeader(_) => "malformed_header",
            Refusal::NoSignatureOfExpectedVersion(_) => "no_signature_of_expected_version",
            Refusal::MalformedSignature(_) => "malformed_signature",
            Refusal::MalformedTimestamp => "malformed_timestamp",
            Refusal::StaleTimestamp(_) => "stale_timestamp",
            Refusal::FutureTimestamp(_) => "future_timestamp",
            Refusal::EmptyBody => "empty_body",
            Refusal::BadSignature => "bad_signature",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::MissingHeader(name) => write!(f, "header {name} is missing or empty"),
            Refusal::DuplicateHeader(name) => write!(f, "header {name} is there more than once"),
            Refusal::MalformedHeader(name) => {
                write!(f, "header {name} is not of the form this provider sends")
            }
            Refusal::NoSignatureOfExpectedVersion(name) => {
                write!(f, "header {name} has no signature of the expected version")
            }
            Refusal::MalformedSignature(name) => {
                write!(f, "the signature in header {name} is not of the expected encoding")
            }
            Refusal::MalformedTimestamp => f.write_str("the time of signing is not a number"),
            Refusal::StaleTimestamp(age) => {
                write!(f, "it was signed {age} s ago; check both clocks, or raise `tolerance`")
            }
            Refusal::FutureTimestamp(ahead) => {
                write!(f, "it was signed {ahead} s in the future; check both clocks")
            }
            Refusal::EmptyBody => f.write_str("the body is empty"),
            Refusal::BadSignature => f.write_str(
                "no active secret makes this signature; compare the secret here with the sender's",
            ),
        }
    }
}

/// A scheme with its keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    scheme: Scheme,
    keys: Vec<hmac::Key>,
    rejects_empty_body: bool,
}

impl Verifier {
    /// Makes the keys. Fails with the number of the unusable secret, counted from 0, and what is wrong with it.
    pub fn new(
        scheme: Scheme,
        secrets: &[Secret],
        rejects_empty_body: bool,
    ) -> Result<Self, (usize, &'static str)> {
        let algorithm = match scheme.hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        let key = |(at, secret): (usize, &Secret)| {
            scheme
                .key(secret.expose())
                .map(|key| hmac::Key::new(algorithm, &key))
                .map_err(|problem| (at, problem))
        };
        let keys = secrets.iter().enumerate().map(key).collect::<Result<_, _>>()?;
        Ok(Verifier { scheme, keys, rejects_empty_body })
    }

    /// The scheme's name, for people: `hmac-sha256`.
    pub fn name(&self) -> &'static str {
        match self.scheme.hash {
            Hash::Sha1 => "hmac-sha1",
            Hash::Sha256 => "hmac-sha256",
            Hash::Sha512 => "hmac-sha512",
        }
    }

    /// Checks a request against the wall clock `now`.
    pub fn verify(&self, request: SignedRequest<'_>, now: UnixMillis) -> Result<Verified, Refusal> {
        let field = &self.scheme.signature;
        let header = single(request.headers, &field.header)?;
        if self.rejects_empty_body && request.body.is_empty() {
            return Err(Refusal::EmptyBody);
        }
        let timestamp = self.timestamp(request.headers, header)?;
        let id = match &self.scheme.id_header {
            Some(name) => single(request.headers, name)?,
            None => "",
        };
        let candidates = self.candidates(header)?;
        if let Some(text) = timestamp {
            self.check_time(text, now)?;
        }
        for (at, key) in self.keys.iter().enumerate() {
            let tag = self.tag(key, request, timestamp.unwrap_or_default(), id);
            let matches =
                |candidate: &Vec<u8>| constant_time::verify_slices_are_equal(tag.as_ref(), candidate).is_ok();
            if candidates.iter().any(matches) {
                return Ok(Verified { secret: at });
            }
        }
        Err(Refusal::BadSignature)
    }

    /// The headers that make a request genuine, signed with the first secret at the wall clock `now`; `id` is used
    /// where the scheme signs one.
    pub fn sign(&self, method: &str, body: &[u8], id: &str, now: UnixMillis) -> Vec<(String, String)> {
        let Some(key) = self.keys.first() else {
            return Vec::new();
        };
        let field = &self.scheme.signature;
        let mut signed = Vec::new();
        let mut carried = Vec::new();
        let mut time = String::new();
        if let Some(timestamp) = &self.scheme.timestamp {
            time = match timestamp.format {
                TimestampFormat::Unix => (now / 1000).to_string(),
                TimestampFormat::UnixMillis => now.to_string(),
            };
            match &timestamp.place {
                TimestampPlace::Header(name) => signed.push((name.clone(), time.clone())),
                TimestampPlace::Field(name) => carried.push((name.clone(), time.clone())),
            }
        }
        if let Some(name) = &self.scheme.id_header {
            signed.push((name.clone(), id.to_owned()));
        }
        let headers = Headers::new();
        let request = SignedRequest { method, headers: &headers, body };
        let tag =
            format!("{}{}", field.prefix, field.encoding.encode(self.tag(key, request, &time, id).as_ref()));
        let value = match (field.assignment, field.fields.first()) {
            (Some(assignment), Some(name)) => {
                carried.push((name.clone(), tag));
                let pairs: Vec<String> =
                    carried.iter().map(|(name, value)| format!("{name}{assignment}{value}")).collect();
                pairs.join(&field.separator.unwrap_or(',').to_string())
            }
            _ => tag,
        };
        signed.push((field.header.clone(), value));
        signed
    }

    fn timestamp<'a>(&self, headers: &'a Headers, signature: &'a str) -> Result<Option<&'a str>, Refusal> {
        let Some(timestamp) = &self.scheme.timestamp else {
            return Ok(None);
        };
        match &timestamp.place {
            TimestampPlace::Header(name) => single(headers, name).map(Some),
            TimestampPlace::Field(name) => {
                let found = self.pairs(signature).find(|(field, _)| field == name).map(|(_, value)| value);
                found.map(Some).ok_or_else(|| Refusal::MalformedHeader(self.scheme.signature.header.clone()))
            }
        }
    }

    fn check_time(&self, text: &str, now: UnixMillis) -> Result<(), Refusal> {
        let Some(timestamp) = &self.scheme.timestamp else {
            return Ok(());
        };
        let number: i64 = text.parse().map_err(|_| Refusal::MalformedTimestamp)?;
        let signed_at = match timestamp.format {
            TimestampFormat::Unix => number.checked_mul(1000).ok_or(Refusal::MalformedTimestamp)?,
            TimestampFormat::UnixMillis => number,
        };
        let age = now.saturating_sub(signed_at) / 1000;
        if timestamp.tolerance > 0 && age.unsigned_abs() > u64::from(timestamp.tolerance) {
            let seconds = age.unsigned_abs();
            return Err(if age > 0 {
                Refusal::StaleTimestamp(seconds)
            } else {
                Refusal::FutureTimestamp(seconds)
            });
        }
        Ok(())
    }

    /// `name=value` pairs of the signature header; a piece without the assignment has an empty name.
    fn pairs<'a>(&self, header: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let assignment = self.scheme.signature.assignment;
        self.pieces(header).map(move |piece| match assignment {
            Some(assignment) => piece.split_once(assignment).unwrap_or(("", piece)),
            None => ("", piece),
        })
    }

    fn pieces<'a>(&self, header: &'a str) -> impl Iterator<Item = &'a str> {
        let separator = self.scheme.signature.separator;
        header.split(move |character| Some(character) == separator).map(str::trim)
    }

    /// The signatures to try, decoded.
    fn candidates(&self, header: &str) -> Result<Vec<Vec<u8>>, Refusal> {
        let field = &self.scheme.signature;
        let malformed = || Refusal::MalformedHeader(field.header.clone());
        let mut undecodable = false;
        let mut of_other_version = false;
        let mut candidates = Vec::with_capacity(1);
        for (name, value) in self.pairs(header) {
            if field.assignment.is_some() && !field.fields.iter().any(|field| field == name) {
                of_other_version |= !name.is_empty() && !value.is_empty() && !self.is_timestamp(name);
                continue;
            }
            let Some(encoded) = value.strip_prefix(&field.prefix).filter(|encoded| !encoded.is_empty())
            else {
                continue;
            };
            match field.encoding.decode(encoded.as_bytes()) {
                Some(bytes) if !bytes.is_empty() => candidates.push(bytes),
                _ => undecodable = true,
            }
            if candidates.len() > MAX_SIGNATURES {
                return Err(malformed());
            }
        }
        if !candidates.is_empty() {
            Ok(candidates)
        } else if undecodable {
            Err(Refusal::MalformedSignature(field.header.clone()))
        } else if of_other_version {
            Err(Refusal::NoSignatureOfExpectedVersion(field.header.clone()))
        } else {
            Err(malformed())
        }
    }

    fn is_timestamp(&self, name: &str) -> bool {
        matches!(&self.scheme.timestamp, Some(field) if field.place == TimestampPlace::Field(name.to_owned()))
    }

    fn tag(&self, key: &hmac::Key, request: SignedRequest<'_>, timestamp: &str, id: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(key);
        for part in &self.scheme.template.0 {
            context.update(match part {
                Part::Literal(text) => text.as_bytes(),
                Part::Body => request.body,
                Part::Timestamp => timestamp.as_bytes(),
                Part::Id => id.as_bytes(),
                Part::Method => request.method.as_bytes(),
            });
        }
        context.sign()
    }
}

/// The only value of a header. An attacker who adds a second one must not choose which of the two is read.
fn single<'a>(headers: &'a Headers, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.all(name);
    let value = values.next().ok_or_else(|| Refusal::MissingHeader(name.to_owned()))?;
    if values.next().is_some() {
        return Err(Refusal::DuplicateHeader(name.to_owned()));
    }
    match std::str::from_utf8(value).map(str::trim) {
        Ok("") => Err(Refusal::MissingHeader(name.to_owned())),
        Ok(text) => Ok(text),
        Err(_) => Err(Refusal::MalformedHeader(name.to_owned())),
    }
}
