//! Requests with known results, from the senders' documentation and libraries; each names its source in `vectors.json`.

use std::str::FromStr as _;

use http::HeaderName;
use serde_json::Value;

use crate::event::Headers;

use super::{
    Encoding, Hash, KeyEncoding, Scheme, Secret, SignatureField, SignedRequest, SigningKey, Template,
    TimestampField, TimestampFormat, TimestampPlace, Verifier, preset, webhook_signature,
};

const VECTORS: &str = include_str!("vectors.json");

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn character(value: &Value) -> Option<char> {
    value.as_str().and_then(|text| text.chars().next())
}

/// The generic vocabulary, as these vectors write it.
fn scheme(declaration: &Value) -> Scheme {
    let signature = &declaration["signature"];
    let timestamp = &declaration["timestamp"];
    Scheme {
        hash: match declaration["hash"].as_str() {
            Some("sha1") => Hash::Sha1,
            Some("sha512") => Hash::Sha512,
            _ => Hash::Sha256,
        },
        key_encoding: match declaration["key_encoding"].as_str() {
            Some("base64") => KeyEncoding::Base64,
            Some("hex") => KeyEncoding::Hex,
            _ => KeyEncoding::Verbatim,
        },
        key_prefix: text(&declaration["key_prefix"]),
        template: Template::from_str(declaration["template"].as_str().unwrap()).unwrap(),
        signature: SignatureField {
            header: text(&signature["header"]),
            prefix: text(&signature["prefix"]),
            separator: character(&signature["separator"]),
            assignment: character(&signature["kv"]),
            fields: signature["fields"].as_array().into_iter().flatten().map(text).collect(),
            encoding: if signature["encoding"] == "hex" { Encoding::Hex } else { Encoding::Base64 },
        },
        timestamp: timestamp.is_object().then(|| TimestampField {
            place: match timestamp["header"].as_str() {
                Some(header) => TimestampPlace::Header(header.to_owned()),
                None => TimestampPlace::Field(text(&timestamp["field"])),
            },
            format: if timestamp["format"] == "unix_ms" {
                TimestampFormat::UnixMillis
            } else {
                TimestampFormat::Unix
            },
            tolerance: u32::try_from(timestamp["tolerance"].as_u64().unwrap()).unwrap(),
        }),
        id_header: declaration["id"]["header"].as_str().map(str::to_owned),
    }
}

fn headers(vector: &Value) -> Headers {
    let mut headers = Headers::new();
    for field in vector["headers"].as_array().unwrap() {
        let name = HeaderName::from_str(field[0].as_str().unwrap()).unwrap();
        headers.push(name, text(&field[1]).into_bytes());
    }
    headers
}

/// Each vector's result: `None` if it is taken for genuine, or else the code of the refusal.
fn verify(scheme: Scheme, rejects_empty_body: bool, vector: &Value) -> Option<&'static str> {
    let secret = Secret::new(text(&vector["secret"]));
    let verifier =
        Verifier::new(scheme, &[Secret::new("b2xkIHNlY3JldA=="), secret], rejects_empty_body).unwrap();
    let body = text(&vector["body"]);
    let headers = headers(vector);
    let request = SignedRequest { method: "POST", headers: &headers, body: body.as_bytes() };
    verifier
        .verify(request, vector["now"].as_i64().unwrap_or_default() * 1000)
        .err()
        .map(|refusal| refusal.code())
}

#[test]
fn every_vector_has_its_known_result() {
    let schemes: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let mut checked = 0;
    let mut wrong = Vec::new();
    for entry in &schemes {
        let declaration = &entry["declaration"];
        for vector in entry["vectors"].as_array().unwrap() {
            let found = verify(scheme(declaration), declaration["reject_empty_body"] == true, vector);
            let expected = vector["reason"].as_str();
            let genuine = vector["valid"] == true;
            if found.is_none() != genuine || (!genuine && found != expected) {
                wrong.push(format!("{}: expected {genuine} {expected:?}, found {found:?}", vector["id"]));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} vectors");
}

#[test]
fn the_github_preset_is_what_its_vectors_declare() {
    let schemes: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let declared = schemes.iter().find(|entry| entry["scheme"] == "github").unwrap();
    assert_eq!((preset("github").unwrap().scheme)(), scheme(&declared["declaration"]));
}

#[test]
fn what_is_signed_here_is_genuine_here_and_any_changed_bit_is_not() {
    let schemes: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let now = 1_700_000_000_000;
    for entry in &schemes {
        let verifier =
            Verifier::new(scheme(&entry["declaration"]), &[Secret::new("c2VjcmV0")], true).unwrap();
        let mut headers = Headers::new();
        let mut body = b"{\"a\": 1}".to_vec();
        for (name, value) in verifier.sign("POST", &body, "id-1", now) {
            headers.set(&name, &value).unwrap();
        }
        let genuine = |body: &[u8]| {
            verifier.verify(SignedRequest { method: "POST", headers: &headers, body }, now).is_ok()
        };
        assert!(genuine(&body), "{}", entry["scheme"]);
        for bit in 0..body.len() * 8 {
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!genuine(&body), "{} bit {bit}", entry["scheme"]);
            body[bit / 8] ^= 1 << (bit % 8);
        }
        headers.push(HeaderName::from_str(&verifier_header(entry)).unwrap(), "x");
        let refused = verifier.verify(SignedRequest { method: "POST", headers: &headers, body: &body }, now);
        assert_eq!(refused.unwrap_err().code(), "duplicate_header");
    }
}

#[test]
fn outgoing_signatures_are_those_of_standard_webhooks() {
    let schemes: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let standard = schemes.iter().find(|entry| entry["scheme"] == "standard_webhooks").unwrap();
    let vectors = standard["vectors"].as_array().unwrap().iter();
    let mut checked = 0;
    for vector in vectors.filter(|vector| vector["valid"] == true) {
        let headers = headers(vector);
        let key = SigningKey::new(&Secret::new(text(&vector["secret"]))).unwrap();
        let seconds = headers.text("webhook-timestamp").unwrap().parse().unwrap();
        let id = headers.text("webhook-id").unwrap();
        let ours = webhook_signature(&[key], id, seconds, text(&vector["body"]).as_bytes());
        let known = headers.text("webhook-signature").unwrap();
        assert!(known.split(' ').any(|known| known == ours), "{}: {ours} is not in {known}", vector["id"]);
        checked += 1;
    }
    assert!(checked > 1, "only {checked} vectors");
}

fn verifier_header(entry: &Value) -> String {
    text(&entry["declaration"]["signature"]["header"])
}
