//! Signatures over parts of a request.

use std::borrow::Cow;

use crate::event::{Document, UnixMillis};

use super::refusal::Refusal;
use super::request::{SignedRequest, single};
use super::scheme::{Place, SignatureField, Signed, TimestampField, TimestampFormat, TimestampPlace};
use super::template::Part;
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

/// Signatures tried in one request; no sender sends more than a handful.
const MAX_SIGNATURES: usize = 16;

pub(super) fn verify<T: Trace>(
    scheme: &Signed,
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let written = written(&scheme.signature, request)?;
    if scheme.rejects_empty_body && request.body.bytes().is_empty() {
        return Err(Refusal::EmptyBody);
    }
    let timestamp = match &scheme.timestamp {
        Some(field) => Some((field, timestamp(field, &scheme.signature, request, &written)?)),
        None => None,
    };
    let id = match &scheme.id_header {
        Some(name) => single(request.headers, name)?,
        None => "",
    };
    let candidates = candidates(scheme, &written, trace)?;
    let signed_at = match &timestamp {
        Some((field, text)) => Some(field.format.read(text).ok_or(Refusal::MalformedTimestamp)?),
        None => None,
    };
    let time = timestamp.as_ref().map_or("", |(_, text)| text);
    let covered = Covered::of(scheme, request, time, id)?;
    if scheme.reads_body() && request.body.json().is_ok_and(Document::repeats_keys) {
        return Err(Refusal::RepeatedKey);
    }
    trace.covered(covered.pieces(&[]).map(|(piece, secret)| (!secret).then_some(piece)));
    let verified = verifier.first(now, trace, |key| {
        key.makes(covered.pieces(key.covered()).map(|(piece, _)| piece), &candidates)
    })?;
    match (&timestamp, signed_at) {
        (Some((field, _)), Some(signed_at)) => field.check(signed_at, now).map(|()| verified),
        _ => Ok(verified),
    }
}

impl Signed {
    /// Whether it is proven by single nodes of the body, of which a receiver may read others than are read here, and
    /// not by the body as a whole.
    fn reads_body(&self) -> bool {
        let in_body = |place: &Place| matches!(place, Place::Body(_) | Place::BodyEach { .. });
        let time_in_body = |time: &TimestampField| matches!(time.place, TimestampPlace::Body(_));
        !self.template.covers_body()
            && (self.template.names_nodes()
                || self.signature.places.iter().any(in_body)
                || self.timestamp.as_ref().is_some_and(time_in_body))
    }
}

/// A text that may hold signatures, with the place where it stood.
type Written<'s, 'r> = (&'s Place, Cow<'r, str>);

/// What stands at the places of the signature; where there are several places, some may be empty.
fn written<'s, 'r>(
    field: &'s SignatureField,
    request: SignedRequest<'r>,
) -> Result<Vec<Written<'s, 'r>>, Refusal> {
    let mut found = Vec::with_capacity(1);
    let mut missing = None;
    for place in &field.places {
        match request.read(place) {
            Ok(texts) => found.extend(texts.into_iter().map(|text| (place, text))),
            Err(
                absent @ (Refusal::MissingHeader(_) | Refusal::MissingParameter(_) | Refusal::MissingNode(_)),
            ) => missing = missing.or(Some(absent)),
            Err(refusal) => return Err(refusal),
        }
    }
    match missing {
        Some(missing) if found.is_empty() => Err(missing),
        _ => Ok(found),
    }
}

/// The signatures to try, decoded.
fn candidates<T: Trace>(
    scheme: &Signed,
    written: &[Written<'_, '_>],
    trace: &mut T,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let field = &scheme.signature;
    let mut undecodable = false;
    let mut of_other_version = false;
    let mut candidates = Vec::with_capacity(1);
    for (place, text) in written {
        for (name, value) in pairs(field, text) {
            if field.assignment.is_some() && !field.fields.iter().any(|field| field == name) {
                of_other_version |= !name.is_empty() && !value.is_empty() && !is_timestamp(scheme, name);
                continue;
            }
            let Some(encoded) = value.strip_prefix(&field.prefix).filter(|encoded| !encoded.is_empty())
            else {
                continue;
            };
            trace.candidate(&place.label(), encoded);
            match field.encoding.decode(encoded.as_bytes()) {
                Some(bytes) if !bytes.is_empty() => candidates.push(bytes),
                _ => undecodable = true,
            }
            if candidates.len() > MAX_SIGNATURES {
                return Err(malformed(place));
            }
        }
    }
    let place = field.places.first();
    let label = || place.map(Place::label).unwrap_or_default();
    if !candidates.is_empty() {
        Ok(candidates)
    } else if undecodable {
        Err(Refusal::MalformedSignature(label()))
    } else if of_other_version {
        Err(Refusal::NoSignatureOfExpectedVersion(label()))
    } else {
        Err(place.map_or(Refusal::BadSignature, malformed))
    }
}

fn malformed(place: &Place) -> Refusal {
    match place {
        Place::Header(name) => Refusal::MalformedHeader(name.clone()),
        other => Refusal::MalformedSignature(other.label()),
    }
}

/// `name=value` pairs of a signature header; a piece without the assignment has an empty name.
fn pairs<'a>(field: &SignatureField, text: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (separator, assignment) = (field.separator, field.assignment);
    let pieces = text.split(move |character| Some(character) == separator).map(str::trim);
    pieces.map(move |piece| match assignment {
        Some(assignment) => piece.split_once(assignment).unwrap_or(("", piece)),
        None => ("", piece),
    })
}

fn is_timestamp(scheme: &Signed, name: &str) -> bool {
    matches!(&scheme.timestamp, Some(TimestampField { place: TimestampPlace::Field(field), .. }) if field == name)
}

/// The time of signing, as it was sent.
fn timestamp<'r>(
    field: &TimestampField,
    signature: &SignatureField,
    request: SignedRequest<'r>,
    written: &[Written<'_, 'r>],
) -> Result<Cow<'r, str>, Refusal> {
    match &field.place {
        TimestampPlace::Header(name) => single(request.headers, name).map(Cow::Borrowed),
        TimestampPlace::Body(pointer) => request.node(pointer),
        TimestampPlace::Field(name) => {
            let found = written
                .iter()
                .find_map(|(_, text)| pairs(signature, text).find(|(field, _)| field == name))
                .map(|(_, value)| Cow::Owned(value.to_owned()));
            found.ok_or_else(|| signature.places.first().map_or(Refusal::MalformedTimestamp, malformed))
        }
    }
}

impl TimestampFormat {
    /// Milliseconds since 1970.
    pub(super) fn read(self, text: &str) -> Option<UnixMillis> {
        match self {
            TimestampFormat::Unix => text.parse::<i64>().ok()?.checked_mul(1000),
            TimestampFormat::UnixMillis => text.parse().ok(),
            TimestampFormat::Rfc3339 => Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
        }
    }

    /// A time in this form.
    pub(super) fn write(self, now: UnixMillis) -> String {
        match self {
            TimestampFormat::Unix => (now / 1000).to_string(),
            TimestampFormat::UnixMillis => now.to_string(),
            TimestampFormat::Rfc3339 => {
                jiff::Timestamp::from_millisecond(now).map(|time| time.to_string()).unwrap_or_default()
            }
        }
    }
}

impl TimestampField {
    fn check(&self, signed_at: UnixMillis, now: UnixMillis) -> Result<(), Refusal> {
        check_age(signed_at, now, self.tolerance, self.future_tolerance)
    }
}

/// Whether a time lies no more than so many seconds in the past, and so many in the future; None does not check.
pub(super) fn check_age(
    signed_at: UnixMillis,
    now: UnixMillis,
    past: Option<u32>,
    future: Option<u32>,
) -> Result<(), Refusal> {
    let age = now.saturating_sub(signed_at) / 1000;
    let seconds = age.unsigned_abs();
    match if age > 0 { past } else { future } {
        Some(limit) if seconds > u64::from(limit) && age > 0 => Err(Refusal::StaleTimestamp(seconds)),
        Some(limit) if seconds > u64::from(limit) => Err(Refusal::FutureTimestamp(seconds)),
        _ => Ok(()),
    }
}

/// What a signature covers, ready to be hashed with one key after the other.
pub(super) struct Covered<'a> {
    parts: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Known(Cow<'a, [u8]>),
    Secret,
}

impl<'a> Covered<'a> {
    pub(super) fn of(
        scheme: &'a Signed,
        request: SignedRequest<'a>,
        time: &'a str,
        id: &'a str,
    ) -> Result<Self, Refusal> {
        let mut parts = Vec::with_capacity(scheme.template.0.len());
        for part in &scheme.template.0 {
            parts.push(match part {
                Part::Literal(text) => Piece::Known(Cow::Borrowed(text.as_bytes())),
                Part::Body => Piece::Known(Cow::Borrowed(request.body.bytes())),
                Part::Timestamp => Piece::Known(Cow::Borrowed(time.as_bytes())),
                Part::Id => Piece::Known(Cow::Borrowed(id.as_bytes())),
                Part::Method => Piece::Known(Cow::Borrowed(request.method.as_bytes())),
                Part::Url => Piece::Known(Cow::Borrowed(request.url.ok_or(Refusal::UnknownUrl)?.as_bytes())),
                Part::UrlDecoded => {
                    Piece::Known(Cow::Owned(decoded(request.url.ok_or(Refusal::UnknownUrl)?)))
                }
                Part::Secret => Piece::Secret,
                Part::BodyNode(pointer) => Piece::Known(match request.node(pointer)? {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                }),
            });
        }
        Ok(Covered { parts })
    }

    /// The bytes one after the other, and whether they are secret.
    pub(super) fn pieces<'k>(&'k self, secret: &'k [u8]) -> impl Iterator<Item = (&'k [u8], bool)> {
        self.parts.iter().map(move |piece| match piece {
            Piece::Known(bytes) => (&**bytes, false),
            Piece::Secret => (secret, true),
        })
    }
}

/// The characters that [HubSpot](https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests)
/// signs as themselves even where the address has them escaped.
const SIGNED_PLAINLY: &[u8] = b":/?@!$'()*,;";

fn decoded(url: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|digits| hex::decode(digits).ok());
        match escaped.as_deref() {
            Some([character]) if SIGNED_PLAINLY.contains(character) => {
                plain.push(*character);
                rest = &after[2..];
            }
            _ => {
                plain.push(first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::event::Pointer;
    use crate::signature::{Draft, Encoding, Hash, Scheme, Secret, sign};

    use super::*;

    fn in_body(pointer: &str) -> Place {
        Place::Body(Pointer::new(pointer).unwrap())
    }

    /// A receiver may read the first of two equal keys, we read the last.
    #[test]
    fn what_single_nodes_prove_stands_there_once() {
        let over_nodes = {
            let mut scheme = Signed::of_body(Hash::Sha256, "X-Signature", "", Encoding::Hex);
            scheme.template = "{body:/id}.{body:/amount}".parse().unwrap();
            scheme
        };
        let with_signature_inside = {
            let mut scheme = over_nodes.clone();
            scheme.signature.places = vec![in_body("/proof/signature")];
            scheme
        };
        let secret = Secret::new("a secret");
        let genuine = r#"{"id":"a","amount":1,"proof":{"signature":"?"}}"#;
        for scheme in [over_nodes, with_signature_inside] {
            let verifier = Verifier::new(Scheme::Signed(scheme.clone()), [secret.clone().into()]).unwrap();
            let mut draft = Draft::post(Bytes::from_static(genuine.as_bytes()).into());
            sign(&Scheme::Signed(scheme), &secret, &mut draft, "id-1", 0).unwrap();
            let text = String::from_utf8(draft.body.bytes().to_vec()).unwrap();
            let mut result = |text: String| {
                draft.body = Bytes::from(text).into();
                verifier.verify(draft.request(), 0).map(|_| ())
            };
            assert_eq!(result(text.clone()), Ok(()));
            let fillers: String = (0..300).map(|number| format!("\"f{number}\":0,")).collect();
            for added in ["\"amount\":1000,".to_owned(), format!("\"amount\":1000,{fillers}")] {
                let forged = text.replacen('{', &format!("{{{added}"), 1);
                assert_eq!(result(forged), Err(Refusal::RepeatedKey));
            }
        }
    }

    #[test]
    fn what_is_covered_as_a_whole_may_repeat_itself() {
        let scheme = Scheme::hex_of_body(Hash::Sha256, "X-Signature", "");
        let secret = Secret::new("a secret");
        let mut draft = Draft::post(Bytes::from_static(br#"{"a":1,"a":2}"#).into());
        sign(&scheme, &secret, &mut draft, "id-1", 0).unwrap();
        let verifier = Verifier::new(scheme, [secret.into()]).unwrap();
        assert_eq!(verifier.verify(draft.request(), 0).map(|_| ()), Ok(()));
    }
}
