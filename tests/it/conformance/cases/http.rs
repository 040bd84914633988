//! Requests to a server that really is there.

use serde_json::{Value, json};

use crate::conformance::case::Case;
use crate::conformance::outcome::Outcome;

pub(super) fn cases() -> Vec<Case> {
    vec![echo(), answers(), bytes(), large(), timeout(), too_large(), denied(), failed()]
}

/// A request; `{server}` becomes the server's address, `{elsewhere}` one that is not allowed.
fn to(method: &str, url: &str) -> Value {
    json!({ "method": method, "url": url, "value": "" })
}

/// What the server answers to `/echo`: method, path and query, the headers whose names begin with `x-`, the body.
fn echoed(text: &str) -> String {
    format!("200|content-type=text/plain;content-length={};|{}", text.len(), hex::encode(text))
}

fn echo() -> Case {
    let full = json!({ "method": "POST", "url": "{server}/echo/%C3%A9?q=%20", "value": "größer 🌊", "headers": [
        { "name": "X-B", "value": "1" }, { "name": "x-a", "value": "" }, { "name": "x-b", "value": "a\tb" },
    ] });
    Case::new("http: what is asked arrives")
        .gives("send", to("GET", "{server}/echo"), echoed("GET /echo\n\n"))
        .gives("send", to("DELETE", "{server}/echo?"), echoed("DELETE /echo?\n\n"))
        .gives("send", full, echoed("POST /echo/%C3%A9?q=%20\nx-b: 1\nx-b: a\tb\nx-a: \n\ngrößer 🌊"))
}

fn answers() -> Case {
    let mut case = Case::new("http: any status is an answer");
    for status in [200, 204, 302, 404, 429, 500, 599] {
        let length = if status == 204 { "" } else { "content-length=0;" };
        case = case.gives(
            "send",
            to("GET", &format!("{{server}}/status/{status}")),
            format!("{status}|{length}|"),
        );
    }
    let headers = "200|x-b=1;x-b=;x-a=2;x-text=a\u{fffd}b;content-length=0;|";
    case.gives("send", to("GET", "{server}/headers"), headers)
}

fn bytes() -> Case {
    let all: String = (0..=255_u8).map(|byte| format!("{byte:02x}")).collect();
    Case::new("http: every byte, there and back").body((0..=255).collect::<Vec<u8>>()).gives(
        "send",
        json!({ "method": "PUT", "url": "{server}/mirror" }),
        format!("200|content-length=256;|{all}"),
    )
}

fn large() -> Case {
    Case::new("http: 1 MiB, there and back")
        .body(vec![b'x'; 1 << 20])
        .gives("send", json!({ "method": "PUT", "url": "{server}/mirror" }), "")
        .does("report", json!({}))
        .judged(|outcome| {
            let report = format!("200|content-length=1048576;|{}\n", "78".repeat(1 << 20));
            outcome.reported(&report)
        })
}

fn timeout() -> Case {
    Case::new("http: no answer in time").gives(
        "send",
        json!({ "method": "GET", "url": "{server}/hang", "value": "", "timeout": 50 }),
        "error timeout",
    )
}

fn too_large() -> Case {
    Case::new("http: too large an answer").gives(
        "send",
        to("GET", "{server}/bytes/5000000"),
        "error too-large",
    )
}

fn begins(outcome: &Outcome, beginnings: &[&str]) -> Result<(), String> {
    let [message] = outcome.messages() else { return Err(outcome.to_string()) };
    let report = String::from_utf8_lossy(message.body.bytes()).into_owned();
    let right = report.lines().count() == beginnings.len()
        && report.lines().zip(beginnings).all(|(line, beginning)| line.starts_with(beginning));
    if right { Ok(()) } else { Err(report) }
}

fn denied() -> Case {
    Case::new("http: what is not allowed")
        .does("send", to("GET", "{elsewhere}/echo"))
        .does("send", to("GET", "https://example.com/"))
        .does("report", json!({}))
        .judged(|outcome| begins(outcome, &["error denied ", "error denied "]))
}

fn failed() -> Case {
    let header = |name: &str, value: &str| json!({ "method": "GET", "url": "{server}/echo", "value": "", "headers": [{ "name": name, "value": value }] });
    Case::new("http: what is no request")
        .does("send", to("GET", "no address"))
        .does("send", to("not a method", "{server}/echo"))
        .does("send", header("größe", ""))
        .does("send", header("x-a", "a\r\nx-b: c"))
        .does("send", header("content-length", "5"))
        .does("send", to("GET", "{server}/broken"))
        .does("report", json!({}))
        .judged(|outcome| begins(outcome, &["error failed "; 6]))
}
