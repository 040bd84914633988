//! Requests with known results, from the senders' documentation and libraries; each names its source in `vectors.json`.

use std::str::FromStr as _;

use bytes::Bytes;
use http::HeaderName;
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Headers};
use crate::signature::{
    ActiveSecret, Draft, PayPal, Refusal, Scheme, Secret, SignedRequest, SigningKey, Sns, Trace, Verifier,
    sign, webhook_signature,
};

use super::preset::Repetition;
use super::{preset, presets};

const VECTORS: &str = include_str!("vectors.json");

/// Vectors whose stated event type or id belongs to another body than theirs.
const MISDESCRIBED: [&str; 2] = ["hubspot-010", "docusign-005"];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn entries() -> Vec<Value> {
    serde_json::from_str(VECTORS).unwrap()
}

fn scheme(entry: &Value) -> Option<Scheme> {
    let preset = preset(entry["provider"].as_str().unwrap())?;
    preset.scheme(entry["scheme"].as_str()).map(|named| (named.scheme)())
}

fn event(vector: &Value) -> Event {
    let mut headers = Headers::new();
    for field in vector["headers"].as_array().unwrap() {
        let name = HeaderName::from_str(field[0].as_str().unwrap()).unwrap();
        headers.push(name, text(&field[1]).into_bytes());
    }
    let body = match &vector["body_gen"] {
        Value::Object(parts) => {
            let repeated = text(&parts["repeat"]).repeat(parts["count"].as_u64().unwrap() as usize);
            format!("{}{repeated}{}", text(&parts["prefix"]), text(&parts["suffix"]))
        }
        _ => text(&vector["body"]),
    };
    let url = text(&vector["url"]);
    Event {
        id: EventId(Uuid::nil()),
        source: "vector".into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: vector["method"].as_str().unwrap_or("POST").to_owned(),
        path: "/".to_owned(),
        query: url.split_once('?').map_or("", |(_, query)| query).to_owned(),
        headers,
        body: Bytes::from(body).into(),
    }
}

fn secrets(vector: &Value) -> Vec<ActiveSecret> {
    let texts = match &vector["secret"] {
        Value::Array(several) => several.iter().map(text).collect(),
        one => vec![text(one)],
    };
    texts.into_iter().map(|text| ActiveSecret::from(Secret::new(text))).collect()
}

fn request<'a>(event: &'a Event, vector: &'a Value) -> SignedRequest<'a> {
    SignedRequest {
        method: &event.method,
        url: vector["url"].as_str(),
        query: &event.query,
        headers: &event.headers,
        body: &event.body,
        certificate: None,
    }
}

/// The scheme as an operator would set it up to receive the vector.
fn set_up(scheme: Scheme, vector: &Value) -> Scheme {
    match scheme {
        Scheme::PayPal(paypal) => {
            Scheme::PayPal(PayPal { webhook_id: text(&vector["webhook_id"]), ..paypal })
        }
        // Where nothing says when the request came, it came in time.
        Scheme::Sns(sns) if vector["now"].is_null() => Scheme::Sns(Sns { tolerance: None, ..sns }),
        other => other,
    }
}

fn verify(scheme: Scheme, vector: &Value) -> Result<(), Refusal> {
    let scheme = set_up(scheme, vector);
    let verifier = Verifier::new(scheme, secrets(vector)).unwrap();
    let event = event(vector);
    let now = vector["now"].as_i64().unwrap_or_default() * 1000;
    verifier.verify(request(&event, vector), now).map(|_| ())
}

#[test]
fn every_vector_has_its_known_result() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for entry in &entries() {
        let scheme = scheme(entry).unwrap_or_else(|| panic!("nobody knows {}", entry["scheme"]));
        for vector in entry["vectors"].as_array().unwrap() {
            let found = verify(scheme.clone(), vector).err().map(|refusal| refusal.code());
            let expected = vector["reason"].as_str();
            let genuine = vector["valid"] == true;
            if found.is_none() != genuine || (!genuine && found != expected) {
                wrong.push(format!("{}: expected {genuine} {expected:?}, found {found:?}", vector["id"]));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 200, "only {checked} vectors");
}

#[test]
fn what_happened_is_read_where_the_sender_says_it() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for entry in &entries() {
        let Some(preset) = preset(entry["provider"].as_str().unwrap()) else { continue };
        for vector in entry["vectors"].as_array().unwrap() {
            if MISDESCRIBED.contains(&vector["id"].as_str().unwrap()) || preset.split.is_some() {
                continue;
            }
            let event = event(vector);
            let kind = preset.kind().read(&event, ".").unwrap_or_default();
            let id = preset.delivery_id().read(&event, ":");
            // An event type may go on with the action, which the vectors leave out.
            if let Some(expected) = vector["event_type"].as_str()
                && kind.strip_prefix(expected).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.'))
            {
                wrong.push(format!("{}: expected type {expected:?}, found {kind:?}", vector["id"]));
            }
            if vector["valid"] == true
                && vector["event_id"].is_string()
                && vector["event_id"].as_str() != id.as_deref()
            {
                wrong.push(format!("{}: expected id {}, found {id:?}", vector["id"], vector["event_id"]));
            }
            checked += usize::from(vector["event_type"].is_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} vectors");
}

/// A request with something at every place of the body that a scheme looks at.
fn draft() -> Draft {
    let json =
        br#"{"signature":{"timestamp":"1","token":"t"},"timestamp":"1","token":"t","webhookTimestamp":0,
        "value":[{"clientState":""}],"notificationItems":[{"NotificationRequestItem":{}}]}"#;
    let mut draft = Draft::post(Bytes::from_static(json).into());
    draft.url = Some("https://hooks.example.com/in/x".to_owned());
    draft
}

/// A secret that a scheme's own key encoding accepts: base64, hexadecimal and `user:password` at once are not possible.
fn made_up(scheme: &Scheme) -> Secret {
    match scheme {
        Scheme::Token(token) if token.base64 => Secret::new("user:password"),
        _ => Secret::new("00112233445566778899aabbccddeeff"),
    }
}

#[test]
fn what_is_signed_here_is_genuine_here_and_any_changed_bit_is_not() {
    let now = 1_700_000_000_000;
    let mut checked = 0;
    for named in presets().flat_map(|preset| preset.schemes) {
        let scheme = (named.scheme)();
        let covers_body = match &scheme {
            Scheme::Signed(signed) => signed.template.covers_body(),
            other => *other == Scheme::Twilio,
        };
        if scheme.is_asymmetric() || !covers_body {
            continue;
        }
        let verifier = Verifier::new(scheme.clone(), [made_up(&scheme).into()]).unwrap();
        let mut draft = Draft::post(Bytes::from_static(b"{\"a\": 1, \"webhookTimestamp\": 0}").into());
        draft.url = Some("https://hooks.example.com/in/x?a=1".to_owned());
        sign(&scheme, &made_up(&scheme), &mut draft, "id-1", now).unwrap();
        assert_eq!(verifier.verify(draft.request(), now).map(|_| ()), Ok(()), "{}", named.name);
        let body = draft.body.bytes().to_vec();
        for bit in 0..body.len() * 8 {
            let mut changed = body.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            draft.body = Bytes::from(changed).into();
            assert!(verifier.verify(draft.request(), now).is_err(), "{} bit {bit}", named.name);
        }
        checked += 1;
    }
    assert!(checked > 35, "only {checked} schemes");
}

#[test]
fn a_second_signature_header_is_refused() {
    for named in presets().flat_map(|preset| preset.schemes) {
        let scheme = (named.scheme)();
        if scheme.is_asymmetric() {
            continue;
        }
        let verifier = Verifier::new(scheme.clone(), [made_up(&scheme).into()]).unwrap();
        let mut draft = draft();
        sign(&scheme, &made_up(&scheme), &mut draft, "id-1", 0).unwrap();
        let fields: Vec<_> =
            draft.headers.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        for (name, value) in fields.iter().filter(|(name, _)| scheme.stands_in(name)) {
            let mut headers = draft.headers.clone();
            headers.push(HeaderName::from_str(name).unwrap(), value.clone());
            let refused = verifier.verify(SignedRequest { headers: &headers, ..draft.request() }, 0);
            assert_eq!(
                refused.map(|_| ()).map_err(|refusal| refusal.code()),
                Err("duplicate_header"),
                "{}",
                named.name
            );
        }
    }
}

/// Nothing that a check shows to whoever watches it holds the secret.
#[test]
fn a_watched_check_shows_no_secret() {
    #[derive(Default)]
    struct Seen(Vec<u8>);
    impl Trace for Seen {
        fn candidate(&mut self, place: &str, written: &str) {
            self.0.extend(format!("{place} {written}\n").into_bytes());
        }
        fn covered<'p>(&mut self, pieces: impl Iterator<Item = Option<&'p [u8]>>) {
            pieces.for_each(|piece| self.0.extend(piece.unwrap_or(b"***")));
        }
    }
    for named in presets().flat_map(|preset| preset.schemes) {
        let scheme = (named.scheme)();
        if scheme.is_asymmetric() {
            continue;
        }
        let secret = made_up(&scheme);
        let verifier = Verifier::new(scheme.clone(), [secret.clone().into()]).unwrap();
        let mut draft = draft();
        if sign(&scheme, &secret, &mut draft, "id-1", 0).is_err() {
            continue;
        }
        let mut seen = Seen::default();
        verifier.verify_watched(draft.request(), 0, &mut seen).unwrap();
        assert!(!seen.0.is_empty(), "{}", named.name);
        let found = seen.0.windows(secret.expose().len()).any(|window| window == secret.expose());
        assert!(!found, "{}: {}", named.name, String::from_utf8_lossy(&seen.0));
    }
}

#[test]
fn rows_are_well_formed() {
    let mut names: Vec<&str> = presets().map(|preset| preset.provider).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name stands twice");
    for preset in presets() {
        let repetition = match preset.repetition {
            Repetition::Fields(rows) => rows,
            Repetition::Id | Repetition::Body => &[],
        };
        let rows = [preset.kind, preset.delivery_id, repetition];
        for place in rows.into_iter().flatten().flat_map(|row| row.iter()) {
            assert!(place.parse::<crate::routing::Field>().is_ok(), "{}: {place}", preset.provider);
        }
        assert!(!preset.schemes.is_empty() && !preset.secret.text().is_empty(), "{}", preset.provider);
    }
}

/// The token that names a request is not signed, so that whoever sends an old request again can change it.
#[test]
fn an_old_request_of_twilio_is_known_by_what_is_signed() {
    let id = |body: &str, token: &str| {
        let form = ["Content-Type", "application/x-www-form-urlencoded"];
        let headers = [form, ["I-Twilio-Idempotency-Token", token]];
        let mut event = event(&serde_json::json!({ "headers": headers, "body": "" }));
        event.body = Body::new(Bytes::copy_from_slice(body.as_bytes()), &event.headers);
        preset("twilio").unwrap().delivery_id().read(&event, ":")
    };
    for (body, expected) in [
        ("MessageSid=SM1&MessageStatus=sent&SmsStatus=sent", "sent:SM1"),
        ("MessageSid=SM1&SmsStatus=received&Body=hi", "received:SM1"),
        ("RecordingSid=RE1&RecordingStatus=completed", "completed:RE1"),
        ("CallSid=CA1&CallStatus=ringing&SequenceNumber=0", "0:CA1:ringing"),
        (
            "CallSid=CA1&ConferenceSid=CF1&StatusCallbackEvent=participant-join&SequenceNumber=1",
            "1:CA1:CF1:participant-join",
        ),
    ] {
        assert_eq!([id(body, "a"), id(body, "b")], [Some(expected.to_owned()), Some(expected.to_owned())]);
    }
    // What may look alike although it is not the same is known by the token alone.
    for body in ["CallSid=CA1&CallStatus=in-progress&Digits=1", "EventType=onMessageUpdated&MessageSid=IM1"] {
        assert_eq!(id(body, "a").as_deref(), Some("a"), "{body}");
    }
}

#[test]
fn outgoing_signatures_are_those_of_standard_webhooks() {
    let entries = entries();
    let standard = entries.iter().find(|entry| entry["scheme"] == "standard-webhooks").unwrap();
    let vectors = standard["vectors"].as_array().unwrap().iter();
    let mut checked = 0;
    for vector in vectors.filter(|vector| vector["valid"] == true) {
        let event = event(vector);
        let key = SigningKey::new(&Secret::new(text(&vector["secret"]))).unwrap();
        let seconds = event.headers.text("webhook-timestamp").unwrap().parse().unwrap();
        let id = event.headers.text("webhook-id").unwrap();
        let ours = webhook_signature(&[key], id, seconds, event.bytes());
        let known = event.headers.text("webhook-signature").unwrap();
        assert!(known.split(' ').any(|known| known == ours), "{}: {ours} is not in {known}", vector["id"]);
        checked += 1;
    }
    assert!(checked > 1, "only {checked} vectors");
}
