//! Real payloads, fetched by `cargo xtask corpus`.

use std::path::Path;

use serde_json::value::RawValue;

use crate::yard::repository;

/// One real payload.
#[derive(Clone, Debug)]
pub struct Payload {
    /// GitHub's name of the event, as in `X-GitHub-Event`.
    pub event: String,
    /// The body.
    pub body: String,
}

/// All real payloads; none, with a word on standard error, where they have not been fetched. With
/// `HOOKYARD_REQUIRE_CORPUS=1` their absence is a failure.
pub fn corpus() -> Option<Vec<Payload>> {
    let path = repository().join("corpus/github/index.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(parse(&text)),
        Err(error) if std::env::var_os("HOOKYARD_REQUIRE_CORPUS").is_some_and(|value| value == "1") => {
            panic!("{}: {error}; `cargo xtask corpus` fetches it", path.display())
        }
        Err(_) => {
            report_skip(&path);
            None
        }
    }
}

/// Past the test runner, which keeps to itself what a passing test prints.
fn report_skip(path: &Path) {
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {} is not there, so nothing was tested with real payloads; `cargo xtask corpus` fetches it",
        path.display()
    );
}

fn parse(text: &str) -> Vec<Payload> {
    #[derive(serde::Deserialize)]
    struct Event<'a> {
        name: String,
        #[serde(borrow)]
        examples: Vec<&'a RawValue>,
    }
    let events: Vec<Event<'_>> = serde_json::from_str(text).unwrap();
    let payload =
        |event: &str, body: &RawValue| Payload { event: event.to_owned(), body: body.get().to_owned() };
    events.iter().flat_map(|event| event.examples.iter().map(|body| payload(&event.name, body))).collect()
}

/// A small pull request event in GitHub's manner, with white space that a rewriting would change.
pub fn payload() -> &'static str {
    r#"{ "action": "opened",  "number": 2,
  "pull_request": { "title": "Größe 😀 \u00e9", "user": { "login": "octocat" }, "draft": false },
  "big": 12345678901234567890, "sender": { "login": "octocat", "email": "o@example.com" } }
"#
}
