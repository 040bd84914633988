//! What operators do with a running gateway, and what they are told where none runs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use regex::Regex;
use serde_json::Value;

use super::{PATIENCE, Serving, address, run, text};

/// A gateway with a destination that nobody serves, without plugins.
fn directory(store: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let address = address();
    let config = format!(
        r#"
[server]
listen = "{address}"

[store]
type = "{store}"

[sources.github]
secret = {{ generated = true }}

[routes.prs]
source = "github"
events = ["pull_request.*"]
to = ["archive", "ci"]

[routes.pushes]
source = "github"
events = ["push"]
to = ["archive"]

[destinations.archive]
path = "archive.jsonl"

[destinations.ci]
url = "http://127.0.0.1:1/hooks"
network = "private"
retry = {{ max_attempts = 1 }}
"#
    );
    fs::write(directory.path().join("config.toml"), config).unwrap();
    directory
}

/// A gateway that has received a pull request, a push, and issues that no route takes.
fn furnished(store: &str) -> (tempfile::TempDir, Serving) {
    let directory = directory(store);
    let serving = Serving::start(directory.path());
    for event in ["pull_request.opened", "push", "issues.opened"] {
        let sent = run(directory.path(), &["send", "github", event]);
        assert!(sent.status.success(), "{}", text(&sent.stderr));
    }
    wait_for(directory.path(), "/pending", 0);
    (directory, serving)
}

/// Waits until a number of the ledger is this.
fn wait_for(directory: &Path, pointer: &str, expected: u64) {
    let start = Instant::now();
    loop {
        let stats: Value =
            serde_json::from_str(&done(directory, &["store", "stats", "--output", "json"])).unwrap();
        if stats["ledger"].pointer(pointer).and_then(Value::as_u64) == Some(expected) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{pointer} is not {expected}: {stats}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// What a command prints that does what it is asked.
fn done(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Checks the exit code of a command that does not, and what it says.
fn fails(directory: &Path, arguments: &[&str], code: i32, expected: &str) {
    let output = run(directory, arguments);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(expected), "{arguments:?}: {said}");
}

/// The ids in a list.
fn ids(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let printed = done(directory, &[arguments, &["--output", "json"]].concat());
    let id = |line: &str| {
        let item: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        item["id"].as_str().unwrap().to_owned()
    };
    printed.lines().map(id).collect()
}

/// The text with what differs from run to run replaced by something as long.
fn normalised(printed: &str) -> String {
    let replace =
        |text: &str, pattern: &str, by: &str| Regex::new(pattern).unwrap().replace_all(text, by).into_owned();
    let mut known: Vec<String> = Vec::new();
    let id = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let printed = id.replace_all(printed, |found: &regex::Captures<'_>| {
        let found = found[0].to_owned();
        let number = known.iter().position(|known| *known == found).unwrap_or_else(|| {
            known.push(found);
            known.len() - 1
        });
        format!("{:-<36}", format!("id-{}", number + 1))
    });
    let printed = replace(&printed, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-01-01 12:00:00");
    let printed = replace(&printed, r"(?m)^ +\+[0-9.]+ m?s ", "        +0 ms ");
    let printed = replace(&printed, r"over \d+ m?s", "over 0 s");
    let printed = replace(&printed, r"(not )?verified: .*", "verified or not");
    let printed = replace(&printed, r"after [0-9.]+ (µs|ms|s):", "after 0 ms:");
    let printed = replace(&printed, r"127\.\d+\.\d+\.\d+:\d{2,5}", "127.0.0.1:8080");
    let printed = replace(&printed, r"hookyard-send/[0-9.]+", "hookyard-send/0");
    let printed = replace(&printed, r"\d+ bytes appended", "1000 bytes appended");
    replace(&printed, r"memory, [0-9.]+ k?B", "memory, 10 kB")
}

/// What the port for webhooks answers.
fn public(directory: &Path, path: &str) -> String {
    let config = fs::read_to_string(directory.join("config.toml")).unwrap();
    let address = config.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap().trim_matches('"');
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: hookyard\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn operators_look() {
    let (directory, _serving) = furnished("memory");
    let here = directory.path();
    let pull_request = ids(here, &["events", "list", "--type", "pull_request.*"]);
    for (name, arguments) in [
        ("events", &["events", "list"][..]),
        ("event", &["events", "show", &pull_request[0]]),
        ("runs", &["runs", "list"]),
        ("deliveries", &["deliveries", "list"]),
        ("dead_letters", &["dead-letters", "list"]),
        ("destinations", &["destinations", "list"]),
        ("stats", &["store", "stats"]),
    ] {
        insta::assert_snapshot!(name, normalised(&done(here, arguments)));
    }
    assert_eq!(done(here, &["store", "verify"]), "the store is sound\n");

    assert_eq!(ids(here, &["events", "list"]).len(), 3);
    assert_eq!(ids(here, &["events", "list", "--state", "unrouted"]).len(), 1);
    assert!(ids(here, &["events", "list", "--until", "1h"]).is_empty());
    let first = run(here, &["events", "list", "--limit", "1"]);
    let said = text(&first.stderr);
    let place = said.trim().strip_prefix("there may be more: --after ").unwrap();
    assert_eq!(ids(here, &["events", "list", "--after", place]).len(), 2);

    let shown = done(here, &["events", "show", &pull_request[0], "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["content"]["body"]["json"]["action"], "opened");
    let secret = fs::read_to_string(here.join("state/secrets/github")).unwrap();
    assert!(!shown.to_string().contains("sha256=") && !shown.to_string().contains(&secret));
    let revealed = done(here, &["events", "show", &pull_request[0], "--reveal"]);
    assert!(revealed.contains("x-hub-signature-256: sha256="), "{revealed}");
    // The port for webhooks tells how it stands, and nothing else.
    let readiness = public(here, "/readyz");
    assert!(
        readiness.starts_with("HTTP/1.1 200") && readiness.contains("\"dead_letters\": 1"),
        "{readiness}"
    );
    assert!(readiness.contains("\"backlog\": []") && readiness.contains("\"held\": []"), "{readiness}");
    assert!(public(here, "/v1/events").starts_with("HTTP/1.1 404"));
    // The socket alone is enough where the configuration cannot be read.
    assert_eq!(ids(here, &["events", "list", "--config", "none", "--socket", "state/admin.sock"]).len(), 3);
}

#[test]
fn operators_act() {
    let (directory, _serving) = furnished("memory");
    let here = directory.path();
    wait_for(here, "/dead_letters", 1);
    let dead = ids(here, &["dead-letters", "list", "--destination", "ci", "--cause", "REFUSED"]);
    let unrouted = ids(here, &["events", "list", "--state", "unrouted"]);

    assert_eq!(done(here, &["replay", &dead[0]]), "replayed 1 of 1\n");
    wait_for(here, "/deliveries_dead", 2);
    assert!(done(here, &["dead-letters", "replay", "--all", "--dry-run"]).starts_with("would replay 1\n"));
    assert_eq!(done(here, &["dead-letters", "replay", "--all", "--rate", "100/s"]), "replayed 1 of 1\n");
    wait_for(here, "/deliveries_dead", 3);
    wait_for(here, "/dead_letters_replayed", 2);
    let arrived = ids(here, &["deliveries", "list", "--state", "done"]);
    fails(here, &["dead-letters", "replay", &arrived[0]], 1, "unfit: it has not ended, or is no dead letter");
    fails(here, &["dead-letters", "discard", "--all", "--route", "pushes"], 1, "there is nothing to discard");
    assert_eq!(done(here, &["dead-letters", "discard", "--all", "--route", "prs"]), "discarded 1 of 1\n");
    fails(here, &["dead-letters", "discard", &dead[0]], 1, "unfit: it has not ended, or is no dead letter");

    fails(here, &["replay", "--event", &unrouted[0]], 1, "unrouted: no route matches");
    let account = done(here, &["replay", "--since", "1h", "--type", "push", "--output", "json"]);
    let account: Value = serde_json::from_str(&account).unwrap();
    assert_eq!((&account["asked"], &account["done"]), (&1.into(), &1.into()), "{account}");
    wait_for(here, "/delivered", 3);
    wait_for(here, "/pending", 0);

    let disabled = done(here, &["destinations", "disable", "ci", "--reason", "moving house"]);
    assert!(disabled.contains("hookyard destinations enable ci"), "{disabled}");
    assert!(done(here, &["destinations", "list"]).contains("disabled: moving house"));
    assert!(public(here, "/readyz").contains("\"because\": \"disabled\""));
    done(here, &["destinations", "enable", "ci"]);
    assert!(!done(here, &["destinations", "list"]).contains("disabled"));
    fails(
        here,
        &["destinations", "disable", "cii"],
        1,
        "there is no destination \"cii\"; there are: archive, ci",
    );
}

#[test]
fn what_cannot_be_done_has_its_exit_code() {
    let (directory, mut serving) = furnished("memory");
    let here = directory.path();
    let nobody = "01934c1e-5b7a-7c3d-9e2f-0123456789ab";
    fails(here, &["events", "show", nobody], 1, "there is no event 01934c1e");
    fails(here, &["replay", nobody], 1, "missing: there is no delivery and no dead run of this id");
    fails(here, &["replay", "--event", nobody, "--route", "x"], 1, "has no route `x`; it has: prs, pushes");
    fails(here, &["replay"], 2, "--since 2h");
    fails(here, &["replay", nobody, "--since", "2h"], 2, "give ids or filters, not both");
    fails(here, &["replay", nobody, "--rate", "fast"], 2, "write 50/s");
    fails(here, &["dead-letters", "replay"], 2, "--all");
    fails(here, &["dead-letters", "replay", nobody, "--route", "prs"], 2, "give them with --all");
    fails(here, &["events", "list", "--since", "yesterday"], 2, "is no time");
    fails(here, &["events", "list", "--state", "lost"], 2, "it is one of: pending, settled, unrouted");
    fails(here, &["events", "list", "--config", "none.toml"], 78, "none.toml");
    fails(here, &["store", "backup", "copy"], 1, "this store cannot do that");

    let socket = here.join("state/admin.sock");
    fs::rename(&socket, here.join("elsewhere")).unwrap();
    fails(here, &["events", "list"], 69, "its admin socket cannot be reached");
    fs::rename(here.join("elsewhere"), &socket).unwrap();
    serving.signal(rustix::process::Signal::TERM);
    serving.wait_for("stopped");
    serving.child.wait().unwrap();
    assert!(!socket.exists());
    fails(here, &["events", "list"], 69, "events are kept in memory; the gateway is not running");

    // A gateway that was killed leaves its socket behind. Nobody takes that for a gateway, and the next one replaces it.
    let mut serving = Serving::start(here);
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    assert!(socket.exists());
    fails(here, &["events", "list"], 69, "the gateway is not running");
    let _serving = Serving::start(here);
    assert!(ids(here, &["events", "list"]).is_empty());
}

#[test]
fn a_stopped_gateways_store_is_worked_on_directly() {
    let (directory, mut serving) = furnished("sqlite");
    let here = directory.path();
    fails(here, &["events", "show", "01934c1e-5b7a-7c3d-9e2f-0123456789ab"], 1, "there is no event");
    serving.signal(rustix::process::Signal::TERM);
    serving.child.wait().unwrap();

    let push = ids(here, &["events", "list", "--type", "push"]);
    assert!(done(here, &["events", "show", &push[0]]).contains("to archive  done"));
    assert_eq!(done(here, &["replay", "--event", &push[0]]), "replayed 1 of 1\n");
    assert_eq!(done(here, &["dead-letters", "discard", "--all"]), "discarded 1 of 1\n");
    assert_eq!(ids(here, &["runs", "list", "--state", "pending"]).len(), 1);
    assert_eq!(done(here, &["store", "verify"]), "the store is sound\n");
    done(here, &["store", "backup", "copy"]);
    assert!(here.join("copy").metadata().unwrap().len() > 0);
    fails(here, &["store", "backup", "copy"], 2, "is there already");

    // What was asked for meanwhile is done when there is a gateway.
    let _serving = Serving::start(here);
    wait_for(here, "/delivered", 3);
    wait_for(here, "/pending", 0);
}

/// P9
#[test]
fn sources_show_which_secrets_are_in_use() {
    let (directory, serving) = furnished("sqlite");
    let refused = run(directory.path(), &["send", "github", "push", "--bad", "wrong-key"]);
    assert!(refused.status.success(), "{}", text(&refused.stderr));
    let shown = done(directory.path(), &["sources"]);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].first(), Some(&"SOURCE"));
    assert_eq!(lines[1][..5], ["github", "github", "hmac-sha256", "generated", "3"], "{shown}");
    assert!(shown.contains("1: bad_signature 1"), "{shown}");
    let secret = fs::read_to_string(directory.path().join("state/secrets/github")).unwrap();
    assert!(!shown.contains(secret.trim()));
    let source: Value =
        serde_json::from_str(&done(directory.path(), &["sources", "--output", "json"])).unwrap();
    assert_eq!(source["requests"]["accepted"], 3);
    assert_eq!(source["secrets"][0]["uses"], 3);
    assert!(source["secrets"][0]["last_used"].is_string());

    drop(serving);
    let written = run(directory.path(), &["sources", "--output", "json"]);
    assert!(text(&written.stderr).contains("no gateway is running"), "{}", text(&written.stderr));
    let source: Value = serde_json::from_slice(&written.stdout).unwrap();
    assert_eq!(
        (&source["secrets"][0]["secret"], &source["requests"]),
        (&Value::from("generated"), &Value::Null)
    );
}
