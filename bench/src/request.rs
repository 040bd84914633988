//! The webhook that everything is measured with: a pull request as GitHub sends it, cut to 1 KiB.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hookyard::event::{Body, Headers, Message};
use hookyard::provider::preset;
use hookyard::signature::{Draft, Secret, sign};

/// The key that the servers know.
pub(crate) const SECRET: &str = "it is a benchmark, not a secret";

/// Bytes of the body.
pub(crate) const BODY: usize = 1024;

/// The body, of exactly [`BODY`] bytes.
pub(crate) fn body() -> Vec<u8> {
    body_of(BODY)
}

/// The body at another size; what makes it longer is the text of the pull request.
pub(crate) fn body_of(size: usize) -> Vec<u8> {
    let start = r#"{"action":"opened","number":42,"pull_request":{"url":"https://api.github.com/repos/example-org/harbour/pulls/42","id":2147483647,"node_id":"PR_kwDOABCD","html_url":"https://github.com/example-org/harbour/pull/42","number":42,"state":"open","locked":false,"title":"Light the lamp at dusk","user":{"login":"ada-example","id":17,"type":"User","site_admin":false},"body":""#;
    let end = r#"","draft":false,"head":{"ref":"lamp","sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e"},"base":{"ref":"main","sha":"c3d0be41ecbe669545ee3e94d31ed9a4bc91ee3c"}},"repository":{"id":4711,"name":"harbour","full_name":"example-org/harbour","private":true},"sender":{"login":"ada-example","id":17,"type":"User"}}"#;
    let words = "It should be lit before ships come in. ";
    let gap = size.saturating_sub(start.len() + end.len());
    let text: String = words.chars().cycle().take(gap).collect();
    [start, &text, end].concat().into_bytes()
}

fn headers(body: &[u8]) -> Result<Vec<(String, String)>> {
    let github =
        preset("github").and_then(|github| github.scheme(None)).context("there is no preset for github")?;
    let mut draft = Draft::post(Body::new(Bytes::copy_from_slice(body), &Headers::new()));
    sign(&(github.scheme)(), &Secret::new(SECRET), &mut draft, DELIVERY, 0)?;
    let mut headers: Vec<(String, String)> = [
        ("Host", "hooks.example.com"),
        ("User-Agent", "GitHub-Hookshot/044aadd"),
        ("Accept", "*/*"),
        ("Content-Type", "application/json"),
        ("X-GitHub-Delivery", DELIVERY),
        ("X-GitHub-Event", "pull_request"),
        ("X-GitHub-Hook-ID", "292430182"),
        ("X-GitHub-Hook-Installation-Target-ID", "79929171"),
        ("X-GitHub-Hook-Installation-Target-Type", "repository"),
        ("X-Forwarded-For", "192.0.2.7"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in draft.headers.iter() {
        headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
    }
    headers.push(("Content-Length".to_owned(), body.len().to_string()));
    Ok(headers)
}

/// GitHub's id of a delivery; the last digits count.
const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-000000000000";

/// A request's bytes, of which each sending has another delivery id.
pub(crate) struct Template {
    bytes: Vec<u8>,
    digits: std::ops::Range<usize>,
    sent: u64,
}

impl Template {
    pub(crate) fn new() -> Result<Self> {
        let body = body();
        let mut text = "POST /in/bench HTTP/1.1\r\n".to_owned();
        for (name, value) in headers(&body)? {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let end = text.find(DELIVERY).context("there is no delivery id")? + DELIVERY.len();
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&body);
        Ok(Template { bytes, digits: end - 12..end, sent: 0 })
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> &[u8] {
        self.sent += 1;
        let mut rest = self.sent;
        for digit in self.bytes[self.digits.clone()].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest % 16) as usize];
            rest /= 16;
        }
        &self.bytes
    }

    /// The delivery id of the latest request.
    pub(crate) fn delivery_id(&self) -> &[u8] {
        &self.bytes[self.digits.end - DELIVERY.len()..self.digits.end]
    }
}

/// The request as it enters a plugin, without a view of its JSON yet.
pub(crate) struct Incoming {
    headers: Headers,
    body: Bytes,
}

impl Incoming {
    pub(crate) fn new(size: usize) -> Result<Self> {
        let body = body_of(size);
        let mut fields = Headers::new();
        for (name, value) in headers(&body)? {
            fields.set(&name, &value)?;
        }
        Ok(Incoming { headers: fields, body: body.into() })
    }

    pub(crate) fn message(&self) -> Message {
        let body = Body::new(self.body.clone(), &self.headers);
        Message::new(self.headers.clone(), body)
    }
}
