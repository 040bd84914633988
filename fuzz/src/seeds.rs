//! What fuzzing begins with: requests that senders have documented, and a few bodies and expressions.

use std::path::Path;

use serde_json::Value;

use super::{join, known};

/// Requests with known results, as the provider's own tests read them.
const VECTORS: &str = include_str!("../../host/src/provider/vectors.json");

/// What [`form_seeds`] and the target that reads them choose from.
pub const FORMS: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/x-ndjson"];

/// Writes seeds into the folder that `HOOKYARD_FUZZ_SEEDS` names, if it does.
pub fn write_seeds(seeds: fn() -> Vec<Vec<u8>>) {
    let Some(folder) = std::env::var_os("HOOKYARD_FUZZ_SEEDS") else { return };
    for (number, seed) in seeds().iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed-{number:03}"));
        if let Err(error) = std::fs::write(&path, seed) {
            panic!("failed to write {}: {error}", path.display());
        }
    }
}

/// The vectors' headers and bodies, as requests that nobody here has signed; and for each scheme one that is signed.
pub fn signature_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let entries: Vec<Value> = serde_json::from_str(VECTORS).unwrap_or_default();
    for entry in &entries {
        let found = known().iter().position(|known| Some(known.name) == entry["scheme"].as_str());
        let Some(at) = found else { continue };
        for vector in entry["vectors"].as_array().into_iter().flatten() {
            let header = |name: &str| {
                let fields = vector["headers"].as_array().into_iter().flatten();
                let mut named =
                    fields.filter(|field| field[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
                named.next().and_then(|field| field[1].as_str()).unwrap_or_default()
            };
            let query =
                vector["url"].as_str().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
            let mut pieces: Vec<&[u8]> =
                known()[at].headers.iter().map(|name| header(name).as_bytes()).collect();
            pieces.push(header("content-type").as_bytes());
            pieces.push(query.as_bytes());
            pieces.push(vector["body"].as_str().unwrap_or_default().as_bytes());
            seeds.push(join(&head(at, 0), &pieces));
        }
    }
    for (at, known) in known().iter().enumerate() {
        let pieces = vec![&b""[..]; known.headers.len() + 1];
        seeds.push(join(&head(at, 1), &pieces));
    }
    seeds
}

fn head(scheme: usize, choices: u8) -> [u8; 6] {
    [u8::try_from(scheme).unwrap_or_default(), choices, 0, 0, 0, 0]
}

/// Forms of each kind.
pub fn form_seeds() -> Vec<Vec<u8>> {
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--b--\r\n";
    let bodies = [
        (0, "a=1&b=%C3%A9&a=2&c"),
        (0, "payload=%7B%22a%22%3A1%7D"),
        (0, "{\"a\":[1,2]}"),
        (1, multipart),
        (2, "{\"a\":1}\n{\"a\":2}\r\n"),
    ];
    bodies.map(|(kind, body): (u8, &str)| [&[kind], body.as_bytes()].concat()).to_vec()
}

/// XML of several kinds.
pub fn xml_seeds() -> Vec<Vec<u8>> {
    let bodies: [&str; 4] = [
        "<?xml version=\"1.0\"?><a x=\"1\"><b>t</b><b/><![CDATA[<]]>&amp;&#233;</a>",
        "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
        "<s:Envelope xmlns:s=\"urn:s\"><!-- c --><s:Body>1</s:Body></s:Envelope>",
        "{\"a\":1}",
    ];
    bodies.map(|body| body.as_bytes().to_vec()).to_vec()
}

/// Expressions of several kinds.
pub fn expression_seeds() -> Vec<Vec<u8>> {
    let expressions: [&str; 7] = [
        "event.kind == \"order.paid\" && body.amount > 1000",
        "\"x-tenant\" in headers && headers[\"x-tenant\"] == \"acme\"",
        "body.items.exists(i, i.price > 40) || !has(body.customer)",
        "body.text.matches(\"^a.*$\") ? size(body.items) == 2 : query.a == \"1\"",
        "body.items.map(i, i.price).all(p, p % 2 == 0) && [1, 2u, 1.5e3].size() > int(body.rate)",
        "body.text.startsWith('a') && {'a': b'\\x00'} == {\"a\": null} && -body.amount < 0x10",
        "body.items.filter(i, i.price >= 20)[0].price in [20, 60] && glob(event.kind, 'order.*')",
    ];
    expressions.map(|text| text.as_bytes().to_vec()).to_vec()
}
