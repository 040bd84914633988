//! Every sample is genuine to the gateway when it is signed, and says what happened where the preset looks for it.

use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Pointer};
use crate::provider::{Preset, Split, preset, presets};
use crate::signature::{Algorithm, Draft, Scheme, Secret, Signed, Verifier, private_key, public_key, sign};

use super::table::{find, first, of};
use super::{Fresh, Sample};

const NOW: i64 = 1_700_000_000_000;

/// Secrets, for signing and for checking.
fn pair(scheme: &Scheme) -> (Secret, Secret) {
    let one = |text: &str| (Secret::new(text), Secret::new(text));
    match scheme {
        Scheme::Signed(Signed { algorithm: Algorithm::Ed25519 | Algorithm::EcdsaP256, .. }) => {
            let private = private_key(scheme).unwrap();
            (private.clone(), public_key(scheme, &private).unwrap())
        }
        Scheme::PayPal(_) | Scheme::Sns(_) => {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
            let made = CertificateParams::new(vec!["sender.example".to_owned()]).unwrap();
            let pem = |what: &str, der: &[u8]| {
                let text = base64::prelude::BASE64_STANDARD.encode(der);
                Secret::new(format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n"))
            };
            let certificate = made.self_signed(&key).unwrap();
            (pem("PRIVATE KEY", &key.serialize_der()), pem("CERTIFICATE", certificate.der()))
        }
        Scheme::Token(token) if token.base64 => one("user:password"),
        _ => one("00112233445566778899aabbccddeeff"),
    }
}

fn event(draft: &Draft, preset: &Preset) -> Event {
    let batch = draft.headers.text("content-type").is_some_and(|said| said.contains("batch"));
    let at = match preset.split {
        Some(Split::List(at)) => Some(at),
        Some(Split::CloudEventsBatch) if batch => Some(""),
        Some(Split::CloudEventsBatch) | None => None,
    };
    let items = at.and_then(|at| crate::event::split(&draft.body, &Pointer::new(at).unwrap()).ok());
    let first = items.and_then(|split| split.items.into_iter().next());
    let item = first.map(|item| Body::new(item, &draft.headers));
    Event {
        id: EventId(Uuid::nil()),
        source: preset.provider.into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: NOW,
        method: draft.method.clone(),
        path: "/".to_owned(),
        query: draft.query.clone(),
        headers: draft.headers.clone(),
        body: item.unwrap_or_else(|| draft.body.clone()),
    }
}

fn schemes(sample: &Sample, preset: &Preset) -> Vec<(&'static str, Scheme)> {
    let fits = |name: &str| sample.schemes.is_empty() || sample.schemes.contains(&name);
    let named = preset.schemes.iter().filter(|named| fits(named.name));
    named.map(|named| (named.name, (named.scheme)())).collect()
}

#[test]
fn every_sample_is_genuine_and_is_read() {
    let mut checked = 0;
    for sample in presets().flat_map(|preset| of(preset.provider)) {
        let preset = preset(sample.provider).unwrap();
        let name = format!("{} {}", sample.provider, sample.event);
        for (scheme_name, scheme) in schemes(sample, preset) {
            let (private, public) = pair(&scheme);
            let mut draft = sample.request(&Fresh::new(Uuid::now_v7(), NOW)).draft();
            draft.url = Some("https://hooks.example.com/in/x".to_owned());
            if !sample.unsigned {
                sign(&scheme, &private, &mut draft, "id-1", NOW)
                    .unwrap_or_else(|problem| panic!("{name}: {problem}"));
                let verifier = Verifier::new(scheme, [public.into()]).unwrap();
                let verified = verifier.verify(draft.request(), NOW);
                assert!(verified.is_ok(), "{name} {scheme_name}: {verified:?}");
            }
            let event = event(&draft, preset);
            assert_eq!(preset.kind().read(&event, ".").unwrap_or_default(), sample.event_type(), "{name}");
            let id = preset.delivery_id().read(&event, ":");
            let has_id =
                !sample.handshake && !preset.delivery_id().is_empty() && !WITHOUT_ID.contains(&&*name);
            assert!(!has_id || id.is_some(), "{name} has no id");
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked}");
}

/// Requests in which the sender gives no id of its own.
const WITHOUT_ID: [&str; 2] = ["discord APPLICATION_AUTHORIZED", "docusign Completed"];

#[test]
fn every_provider_has_a_sample_for_each_of_its_schemes() {
    for preset in presets() {
        for named in preset.schemes {
            let fits = |sample: &&Sample| {
                !sample.handshake && (sample.schemes.is_empty() || sample.schemes.contains(&named.name))
            };
            assert!(of(preset.provider).iter().any(fits), "{} {}", preset.provider, named.name);
        }
        assert!(!first(preset.provider).unwrap().handshake, "{}", preset.provider);
    }
}

#[test]
fn names_are_unique_and_files_are_whole() {
    let fresh = Fresh::new(Uuid::from_u128(1), NOW);
    for sample in presets().flat_map(|preset| of(preset.provider)) {
        assert!(std::ptr::eq(find(sample.provider, sample.event).unwrap(), sample), "{sample:?}");
        let request = sample.request(&fresh);
        let texts = request.headers.iter().map(|(_, value)| value).chain([&request.query, &request.body]);
        for text in texts {
            assert!(!text.contains("{{"), "{} {}: {text}", sample.provider, sample.event);
        }
        if sample.format == super::Format::Json {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&request.body);
            assert!(parsed.is_ok(), "{} {}: {}", sample.provider, sample.event, request.body);
        }
    }
}
