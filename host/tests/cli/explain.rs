//! `hookyard explain`: of samples and files without a gateway, of stored events with and without one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::{Serving, hookyard, text};

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        r#"
[server]
listen = "127.0.0.1:{port}"

[sources.github]
secret = {{ generated = true }}

[sources.shop]
secret = {{ env = "SECRET_OF_NOBODY" }}
verify = {{ type = "hmac", signature = {{ header = "X-Proof" }} }}
event_type = "body:/type"

[routes.prs]
source = "github"
events = ["pull_request.*"]
match = {{ "/action" = "opened", "header:X-GitHub-Event" = "pull_request" }}
when = 'body.action != "closed" && has(body.pull_request)'
to = "archive"

[routes.large]
source = "shop"
when = '''
  event.kind == "order.paid"
  && body.amount > 1000
  && ("x-tenant" in headers || query.token == "t")'''
to = "archive"

[destinations.archive]
path = "archive.jsonl"
"#
    );
    fs::write(directory.path().join("config.toml"), config).unwrap();
    directory
}

fn explain(directory: &Path, arguments: &[&str]) -> Output {
    hookyard(directory).arg("explain").args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap()
}

/// Its exit code, and all that it says.
fn said(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = explain(directory, arguments);
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn samples_and_files_need_no_gateway_and_no_secret() {
    let directory = directory();
    let here = directory.path();
    let (code, sample) = said(here, &["github", "pull_request.opened"]);
    assert_eq!(code, Some(0), "{sample}");
    assert!(
        sample.contains("✓ prs  config.toml:13:9") && sample.contains("body.action is \"opened\""),
        "{sample}"
    );

    let (code, sample) = said(here, &["github", "push"]);
    assert_eq!(code, Some(1), "{sample}");
    assert!(
        sample.contains("✗ events = [\"pull_request.*\"]") && sample.contains("no route takes it"),
        "{sample}"
    );

    fs::write(here.join("order.json"), r#"{"type":"order.paid","amount":1250}"#).unwrap();
    let file = ["order.json", "--source", "shop"];
    let with = |more: &[&'static str]| said(here, &[&file, more].concat());
    let (code, refused) = with(&[]);
    assert_eq!(code, Some(1), "{refused}");
    assert!(
        refused.contains("no route takes it: route large: `when` cannot be decided: there is no `token`"),
        "{refused}"
    );
    let (code, taken) = with(&["--query", "a=1&token=t"]);
    assert_eq!(code, Some(0), "{taken}");
    assert!(taken.contains("query.token is withheld (--reveal)"), "{taken}");
    assert!(with(&["--query", "token=t", "--reveal"]).1.contains("query.token is \"t\""));
    insta::assert_snapshot!("explained_file", with(&["--header", "X-Tenant: acme", "--query", "token=t"]).1);
    let (code, taken) = with(&["--header", "X-Tenant: acme", "--output", "json"]);
    assert_eq!(code, Some(0), "{taken}");
    let view: Value = serde_json::from_str(&taken).unwrap();
    assert_eq!((&view["type"], &view["taken"][0]), (&"order.paid".into(), &"large".into()), "{view}");
    assert_eq!(view["routes"][0]["parts"][1]["at"], "config.toml:22:1");
    assert_eq!(view["elsewhere"][0], "prs");
    assert_eq!(with(&["--type", "order.lost"]).0, Some(1));

    let mut child = hookyard(here);
    let mut child = child.args(["explain", "-", "--source", "shop", "--header", "x-tenant: a"]);
    child = child.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(br#"{"type":"order.paid","amount":1001}"#).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!here.join("state").exists(), "nothing was made");
}

#[test]
fn what_makes_no_sense_is_told() {
    let directory = directory();
    let here = directory.path();
    fs::write(here.join("body.json"), "{}").unwrap();
    for (arguments, code, expected) in [
        (&["body.json"][..], 2, "--source NAME"),
        (&["body.json", "--source", "shopp"], 2, "there is no source `shopp`; there are: github, shop"),
        (
            &["nowhere.json"],
            2,
            "`nowhere.json` is no event's id, no file, and as a sample: there are no samples",
        ),
        (&["github"], 2, "name an event: "),
        (&["github", "pull_request.opend"], 2, "there is no sample `pull_request.opend`"),
        (&["body.json", "--header", "X"], 2, "write 'Name: value'"),
        (&["01934c1e-5b7a-7c3d-9e2f-0123456789ab", "--type", "x"], 2, "give nothing but its id"),
        (&["body.json", "--source", "shop", "--config", "none.toml"], 78, "none.toml"),
    ] {
        let (found, said) = said(here, arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_stored_event_is_explained_by_the_gateway_or_from_its_store() {
    let directory = directory();
    let here = directory.path();
    // The other source has no secret here.
    let config = fs::read_to_string(here.join("config.toml")).unwrap();
    let config = config.replace("{ env = \"SECRET_OF_NOBODY\" }", "{ generated = true }");
    fs::write(here.join("config.toml"), config).unwrap();
    let mut serving = Serving::start(here);
    for event in ["pull_request.opened", "push"] {
        assert!(super::run(here, &["send", "github", event]).status.success());
    }
    let listed = text(&super::run(here, &["events", "list", "--output", "json"]).stdout);
    let events: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let id = |kind: &str| {
        let event = events.iter().find(|event| event["type"] == kind).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    let (taken, left) = (id("pull_request.opened"), id("push"));
    let check = || {
        let (code, story) = said(here, &[&taken]);
        assert_eq!(code, Some(0), "{story}");
        assert!(story.contains("✓ prs") && story.contains("It takes prs."), "{story}");
        assert_eq!(said(here, &[&left]).0, Some(1));
        let nobody = said(here, &["01934c1e-5b7a-7c3d-9e2f-0123456789ab"]);
        assert!(nobody.0 == Some(1) && nobody.1.contains("there is no event"), "{nobody:?}");
        story
    };
    let by_gateway = check();
    serving.signal(rustix::process::Signal::TERM);
    serving.child.wait().unwrap();
    assert_eq!(check(), by_gateway);
}
