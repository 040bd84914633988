//! `hookyard quarantine`: what was refused with yesterday's secret is taken in once today's is right.

use serde_json::Value;

use super::*;

/// A source with a secret in a file, and nothing that needs a plugin.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = \"{}\"\n[sources.github]\nsecret = {{ file = \"secret\" }}\n[routes.all]\n\
         source = \"github\"\nto = [\"file\"]\n[destinations.file]\npath = \"out.jsonl\"\n",
        address()
    );
    fs::write(directory.path().join("config.toml"), config).unwrap();
    fs::write(directory.path().join("secret"), "the right secret").unwrap();
    directory
}

fn asked(directory: &Path, line: &str) -> (Option<i32>, String) {
    let output = run(directory, &line.split_whitespace().collect::<Vec<_>>());
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn items(directory: &Path, line: &str) -> Vec<Value> {
    let (code, said) = asked(directory, &format!("{line} --output json"));
    assert_eq!(code, Some(0), "{said}");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sends a request as the sender that plugins/verify-acme is for, signed with "the right one". Returns the status.
fn send_acme(address: std::net::SocketAddr) -> String {
    use std::io::{Read as _, Write as _};

    let body = r#"{"event":"order.paid","id":"1"}"#;
    // Made with Python's hmac; the source's tolerance makes the time of no account.
    let signature = "efa230e52c08fd080400156ad9cdc84b36423054bc53c84890e9addc570d291e";
    let request = format!(
        "POST /in/acme HTTP/1.1\r\nhost: acme\r\nconnection: close\r\ncontent-length: {}\r\nacme-time: 1795262400\r\n\
         acme-signature: {signature}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_plugin_looks_again_at_what_it_has_rejected() {
    let (directory, address) = (tempfile::tempdir().unwrap(), address());
    let path = directory.path();
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/dist/verify-acme.wasm");
    // A sender with samples is there for the line that says that the gateway serves.
    let config = format!(
        r#"
[server]
listen = "{address}"
[sources.github]
secret = {{ file = "secret" }}
[sources.acme]
verify = {{ plugin = "acme" }}
[secrets]
key = {{ file = "secret" }}
[plugins.acme]
path = "{plugin}"
allow = {{ secrets = ["key"] }}
config = {{ secret = "key", tolerance = 9999999999 }}
[routes.all]
source = ["acme", "github"]
to = ["file"]
[destinations.file]
path = "out.jsonl"
"#
    );
    fs::write(path.join("config.toml"), config).unwrap();
    fs::write(path.join("secret"), "the wrong one").unwrap();
    let serving = Serving::start(path);
    assert_eq!(send_acme(address), "401");
    assert_eq!(items(path, "quarantine list --reason rejected_by_plugin").len(), 1);
    let (code, said) = asked(path, "quarantine reverify --all");
    assert!(code == Some(1) && said.contains("no secret makes this signature"), "{said}");
    drop(serving);

    fs::write(path.join("secret"), "the right one").unwrap();
    let _serving = Serving::start(path);
    let (code, said) = asked(path, "quarantine reverify --all");
    assert_eq!(code, Some(0), "{said}");
    let events = items(path, "events list");
    assert_eq!((events.len(), &events[0]["type"]), (1, &"order.paid".into()), "{events:?}");
    let (_, sources) = asked(path, "sources");
    assert!(sources.contains("plugin acme"), "{sources}");
}

#[test]
fn what_was_refused_is_taken_in_when_it_is_genuine() {
    let directory = directory();
    let path = directory.path();
    let serving = Serving::start(path);
    for sent in ["send github push --secret tomorrows", "send github push --bad tampered"] {
        let (code, said) = asked(path, sent);
        assert_eq!(code, Some(if sent.contains("--bad") { 0 } else { 1 }), "{said}");
    }
    let listed = items(path, "quarantine list");
    let of = |key: &str| listed.iter().map(|item| item[key].clone()).collect::<Vec<_>>();
    assert_eq!((of("source"), of("reason")), (vec!["github".into(); 2], vec!["bad_signature".into(); 2]));
    assert_eq!(items(path, "quarantine list --reason stale_timestamp"), Vec::<Value>::new());

    let id = listed[1]["id"].as_str().unwrap().to_owned();
    let (code, shown) = asked(path, &format!("quarantine show {id}"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("bad_signature") && shown.contains("x-github-event: push"), "{shown}");
    assert!(shown.contains("x-hub-signature-256: ***") || !shown.contains("sha256="), "{shown}");

    let (code, said) = asked(path, "quarantine reverify --all");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("bad_signature"), "{said}");
    assert!(asked(path, "quarantine reverify").1.contains("say --all or --source NAME"));

    // What is kept outlives the gateway, and can be listed without one.
    drop(serving);
    assert_eq!(items(path, "quarantine list").len(), 2);
    let (code, said) = asked(path, "quarantine reverify --all");
    assert!(code == Some(69) && said.contains("the gateway is not running"), "{said}");

    fs::write(path.join("secret"), "tomorrows").unwrap();
    let _serving = Serving::start(path);
    let (code, said) = asked(path, "quarantine reverify --source github");
    assert_eq!(code, Some(1), "one of the two was tampered with: {said}");
    assert!(said.contains("taken in 1 of 2"), "{said}");
    let events = items(path, "events list");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["type"], &events[0]["source"]), (&"push".into(), &"github".into()));
    assert_eq!(items(path, "quarantine list").len(), 1);
    assert_eq!(asked(path, "quarantine discard --all").0, Some(0));
    assert_eq!(items(path, "quarantine list"), Vec::<Value>::new());
}
