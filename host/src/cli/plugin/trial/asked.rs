//! Requests that a plugin has sent, as they are shown and written down: secrets masked, bodies of bounded size.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::plugin::wasm::sha256;
use crate::plugin::{GrantedSecrets, HttpRequest};

use super::super::super::operate::text;
use super::outcome::{content, put};

/// Bytes of a body that is written down as it is; of a larger one, and of one that is no text, its size and digest are.
const MAX_BODY: usize = 16 * 1024;

/// Characters of a body that are shown in a line.
const MAX_SHOWN: usize = 1_000;

/// A request as the plugin wrote it, in which no granted secret stands any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    method: String,
    url: String,
    /// By name, in lower case.
    headers: BTreeMap<String, Vec<String>>,
    body: Vec<u8>,
}

impl Asked {
    pub(super) fn new(request: HttpRequest, secrets: &GrantedSecrets) -> Self {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in request.headers {
            let value = secrets.mask_bytes(&value);
            let values = headers.entry(secrets.mask(name).to_ascii_lowercase()).or_default();
            values.push(String::from_utf8_lossy(&value).into_owned());
        }
        Asked {
            method: secrets.mask(request.method),
            url: secrets.mask(request.url),
            headers,
            body: secrets.mask_bytes(&request.body).into_owned(),
        }
    }

    /// As it is written down.
    pub(super) fn written(&self) -> Value {
        let mut all = Map::new();
        all.insert("method".to_owned(), json!(self.method));
        all.insert("url".to_owned(), json!(self.url));
        put(&mut all, "headers", json!(self.headers));
        match self.text() {
            Some("") => {}
            Some(_) => {
                let (key, value) = content(&self.body);
                all.insert(key.to_owned(), value);
            }
            None => {
                all.insert("bytes".to_owned(), self.body.len().into());
                all.insert("sha256".to_owned(), sha256(&self.body).into());
            }
        }
        Value::Object(all)
    }

    /// As it is shown: a line for what is asked, and below it one for each header and for the body.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![short(&self.method, &self.url)];
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, values)| format!("  {name}: {}", values.join(", "))));
        let size = text::count(self.body.len() as u64, "byte", "bytes");
        match self.text() {
            Some("") => {}
            Some(body) => lines.push(match body.char_indices().nth(MAX_SHOWN) {
                Some((end, _)) => format!("  {}… ({size})", &body[..end]),
                None => format!("  {body}"),
            }),
            None => lines.push(format!("  {size}")),
        }
        lines
    }

    /// The body, if it is a text of bounded size.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().filter(|text| text.len() <= MAX_BODY)
    }
}

/// What is found, with a line in place of each request of which a line is all that is expected: `POST https://a.example/`.
pub(super) fn as_short_as(expected: &Value, mut found: Value) -> Value {
    let lines = expected["http"].as_array().into_iter().flatten();
    let requests = found.get_mut("http").and_then(Value::as_array_mut).into_iter().flatten();
    for (request, _) in requests.zip(lines).filter(|(_, line)| line.is_string()) {
        let named = |key: &str| request[key].as_str().unwrap_or_default();
        *request = short(named("method"), named("url")).into();
    }
    found
}

fn short(method: &str, url: &str) -> String {
    format!("{method} {url}")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::signature::Secret;

    fn check(headers: &[(&str, &str)], body: &[u8], written: Value, shown: &[&str]) {
        let secrets = GrantedSecrets::new(vec![("key".to_owned(), Secret::new("s3cret"))]);
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), Bytes::from((*value).to_owned()));
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: "https://a.example/s3cret".to_owned(),
            headers: headers.iter().map(header).collect(),
            body: Bytes::copy_from_slice(body),
        };
        let asked = Asked::new(request, &secrets);
        let mut expected = json!({"method": "POST", "url": "https://a.example/***"});
        expected.as_object_mut().unwrap().extend(written.as_object().unwrap().clone());
        assert_eq!(asked.written(), expected);
        assert_eq!(asked.lines()[0], "POST https://a.example/***");
        assert_eq!(asked.lines()[1..], *shown);
    }

    #[test]
    fn a_request_is_written_without_secrets_and_within_bounds() {
        check(&[], b"", json!({}), &[]);
        check(
            &[("X-B", "1"), ("Authorization", "Bearer s3cret"), ("x-b", "2")],
            b"{\"key\": \"s3cret\"}",
            json!({"headers": {"authorization": ["Bearer ***"], "x-b": ["1", "2"]}, "body": {"key": "***"}}),
            &["  authorization: Bearer ***", "  x-b: 1, 2", "  {\"key\": \"***\"}"],
        );
        check(&[], b"a=s3cret", json!({"text": "a=***"}), &["  a=***"]);
        let digest = sha256(b"\xff***\x00");
        check(&[], b"\xffs3cret\x00", json!({"bytes": 5, "sha256": digest}), &["  5 bytes"]);
        let long = "x".repeat(MAX_SHOWN + 1);
        let cut = format!("  {}… (1001 bytes)", &long[1..]);
        check(&[], long.as_bytes(), json!({"text": long}), &[&cut]);
        let large = vec![b'x'; MAX_BODY + 1];
        let digest = sha256(&large);
        check(&[], &large, json!({"bytes": MAX_BODY + 1, "sha256": digest}), &["  16385 bytes"]);
    }

    #[test]
    fn a_line_may_be_all_that_is_expected() {
        let request = json!({"method": "GET", "url": "https://a.example/", "headers": {"x-a": ["1"]}});
        let found = || json!({"outcome": "forward", "http": [request, request]});
        let line = "GET https://a.example/";
        for (expected, http) in [
            (json!({"http": [line, line]}), json!([line, line])),
            (json!({"http": [line]}), json!([line, request])),
            (json!({"http": [{}, "POST"]}), json!([request, line])),
            (json!({"outcome": "forward"}), json!([request, request])),
        ] {
            assert_eq!(as_short_as(&expected, found())["http"], http, "{expected}");
        }
        let none = json!({"outcome": "forward"});
        assert_eq!(as_short_as(&json!({"http": [line]}), none.clone()), none);
    }
}
