//! Requests of any kind against every provider's scheme and against made-up ones: nothing panics, and nothing is taken for
//! genuine that was not signed.
#![no_main]

use bytes::Bytes;
use hookyard::event::{Body, Headers};
use hookyard::signature::{Draft, Place, Scheme, SignedRequest, Trace, sign};
use hookyard_fuzz::{Known, Pieces, known, signature_seeds, write_seeds};
use http::HeaderName;
use libfuzzer_sys::fuzz_target;

/// When requests are signed here, in milliseconds.
const SIGNED_AT: i64 = 1_700_000_000_000;

fuzz_target!(init: write_seeds(signature_seeds), |data: &[u8]| {
    if let Some(mut pieces) = Pieces::new(data, 6) {
        let (scheme, choices, offset) = (pieces.choice(), pieces.choice(), pieces.number());
        let known = &known()[usize::from(scheme) % known().len()];
        match choices & 1 {
            0 => nothing_is_genuine(known, choices, offset, pieces),
            _ => only_what_was_signed_is_genuine(known, choices, offset, pieces),
        }
    }
});

/// Nobody has signed anything.
fn nothing_is_genuine(known: &Known, choices: u8, offset: i64, mut pieces: Pieces<'_>) {
    let mut headers = Headers::new();
    for name in known.headers.iter().map(String::as_str).chain(["Content-Type"]) {
        push(&mut headers, name, pieces.piece().filter(|value| !value.is_empty()));
    }
    // A header that is there twice.
    if let Some(first) = known.headers.first().filter(|_| choices & 2 != 0) {
        push(&mut headers, first, pieces.piece());
    }
    let query = String::from_utf8_lossy(pieces.piece().unwrap_or_default()).into_owned();
    let url = format!("https://hooks.example.com/in/x?{query}");
    let body = Body::new(Bytes::copy_from_slice(pieces.rest()), &headers);
    let url = (choices & 4 == 0).then_some(&*url);
    let request = SignedRequest {
        method: "POST",
        url,
        query: &query,
        headers: &headers,
        body: &body,
        certificate: None,
    };
    let now = SIGNED_AT.saturating_add(offset);
    let found = known.verifier.verify(request, now);
    assert!(found.is_err(), "{}: nobody signed this: {:?}", known.name, known.scheme);
    assert_eq!(found, known.verifier.verify_watched(request, now, &mut Watching), "watching changes nothing");
    let _ = known.verifier.certificate_url(request);
    let _ = found.map_err(|refusal| refusal.to_string());
}

/// A request is signed, and then parts of it are replaced.
fn only_what_was_signed_is_genuine(known: &Known, choices: u8, offset: i64, mut pieces: Pieces<'_>) {
    let Some(signing) = &known.signing else { return };
    let mut headers = Headers::new();
    let replaced: Vec<Option<&[u8]>> =
        known.headers.iter().map(|_| pieces.piece().filter(|value| !value.is_empty())).collect();
    let mut draft = Draft::post(Body::new(Bytes::from_static(SIGNED), &headers));
    draft.url = Some("https://hooks.example.com/in/x".to_owned());
    if sign(&known.scheme, signing, &mut draft, "id-1", SIGNED_AT).is_err() {
        return;
    }
    assert!(known.verifier.verify(draft.request(), SIGNED_AT).is_ok(), "{}: {:?}", known.name, known.scheme);

    for (name, value) in draft.headers.iter() {
        let at = known.headers.iter().position(|known| known.eq_ignore_ascii_case(name));
        let other = at.and_then(|at| replaced[at]);
        push(&mut headers, name, Some(other.unwrap_or(value)));
    }
    let other = pieces.rest();
    let body = if choices & 2 != 0 { Bytes::copy_from_slice(other) } else { draft.body.bytes().clone() };
    let body = Body::new(body, &headers);
    let request = SignedRequest { headers: &headers, body: &body, ..draft.request() };
    let now = SIGNED_AT.saturating_add(offset);
    if known.verifier.verify(request, now).is_ok() {
        assert!(
            is_same(known, draft.body.bytes(), body.bytes()),
            "{}: another body: {:?}",
            known.name,
            body.bytes()
        );
        assert!(is_in_time(known, now), "{}: {offset} ms later", known.name);
    }
}

/// Has what schemes look for in a body. Begins with a brace, which no time and no id has in it.
const SIGNED: &[u8] = br#"{"signature":{"timestamp":"1","token":"t"},"timestamp":"1","token":"t","webhookTimestamp":0,
    "value":[{"clientState":""}],"notificationItems":[{"NotificationRequestItem":{"pspReference":"1"}}],"end":"x"}"#;

/// Whether the bytes are those that were signed, for schemes that sign all of them and not only some members.
fn is_same(known: &Known, signed: &[u8], found: &[u8]) -> bool {
    match &known.scheme {
        Scheme::Signed(scheme) => {
            let in_body = scheme.signature.places.iter().any(|place| matches!(place, Place::Body(_)));
            let is_open = !scheme.template.covers_body() || in_body;
            is_open || signed == found || (touches_time(known.name) && is_shifted(signed, found))
        }
        Scheme::Jwt(_) | Scheme::Twilio => signed == found,
        Scheme::Token(_) | Scheme::AdyenItems | Scheme::PayPal(_) | Scheme::Sns(_) => true,
    }
}

/// Senders who sign the time and the body with nothing in between. Digits of the time can move to the body, as long as
/// what is left of the time is near enough; that is their choice.
fn touches_time(scheme: &str) -> bool {
    matches!(scheme, "discord" | "sendgrid" | "zendesk" | "hubspot-v3" | "box")
}

fn is_shifted(signed: &[u8], found: &[u8]) -> bool {
    let (short, long) = if signed.len() < found.len() { (signed, found) } else { (found, signed) };
    long.starts_with(short) || long.ends_with(short)
}

fn is_in_time(known: &Known, now: i64) -> bool {
    let Scheme::Signed(scheme) = &known.scheme else { return true };
    let Some(time) = &scheme.timestamp else { return true };
    let age = now.saturating_sub(SIGNED_AT) / 1000;
    let limit = if age > 0 { time.tolerance } else { time.future_tolerance };
    limit.is_none_or(|limit| age.unsigned_abs() <= u64::from(limit)) || touches_time(known.name)
}

fn push(headers: &mut Headers, name: &str, value: Option<&[u8]>) {
    if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
        headers.push(name, Bytes::copy_from_slice(value));
    }
}

struct Watching;

impl Trace for Watching {
    fn covered<'p>(&mut self, pieces: impl Iterator<Item = Option<&'p [u8]>>) {
        pieces.for_each(drop);
    }
}
