//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Ran};

use super::{process, validate};

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).process(process, incoming)
}

#[test]
fn the_document_is_what_leaves() {
    let event = Incoming::new(r#"{"who": "octo", "n": 7}"#).kind("push").header("content-type", "text/x");
    let ran = run(
        r#"{"fields": {"text": "{/who}: {/n}", "n": "{/n}", "list": ["{event.kind}", {"gone": "{/gone}"}], "on": true}}"#,
        event.clone(),
    );
    let expected = r#"{"text":"octo: 7","n":7,"list":["push",{"gone":null}],"on":true}"#;
    assert_eq!(ran.message().text(), expected);
    assert_eq!(ran.message().header("content-type"), Some("application/json"));
    let ran = run(r#"{"fields": {}, "content_type": "application/vnd.x+json"}"#, event);
    assert_eq!(
        (&*ran.message().text(), ran.message().header("content-type")),
        ("{}", Some("application/vnd.x+json"))
    );
    assert!(matches!(run(r#"{"fields": {"a": "{/a}"}}"#, "no JSON").failure(), Failure::Permanent(_)));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"fields": {"a": "{/a}{{"}, "content_type": ""}"#), Vec::<String>::new());
    let check = |config: &str, problems: &[&str]| {
        assert_eq!(validate(config), problems, "{config}");
        let failure = Failure::Permanent(format!("config: {}", problems.join("; ")));
        assert_eq!(run(config, "{}").failure(), &failure, "{config}");
    };
    check("{}", &["`fields`, the document to build, is missing"]);
    check(
        r#"{"fields": ["{"], "content_type": 1, "type": 1}"#,
        &[
            "`fields` must be a table",
            "`content_type` must be a string",
            "`type` is not an option; the options are fields, content_type",
        ],
    );
    check(r#"{"fields": "{"}"#, &["`fields` must be a table"]);
}

#[test]
fn every_text_that_has_no_proper_holes_is_named() {
    let brace = "\"{/a\" has a brace without its partner; a brace itself is written twice";
    let none = "\"{a}\" has a placeholder that is none of {/json/pointer}, {header:Name}, {event.id}, {event.kind}, {event.source}";
    let config = r#"{"fields": {"a": "{/a", "b": {"c": [1, "{/a}", "{a}"]}}}"#;
    let places = [("fields.a", brace), ("fields.b.c[2]", none)];
    assert_eq!(
        validate(config),
        places.map(|(place, problem)| format!("`{place}` is a text of which {problem}"))
    );
    // What an event would be told of the first.
    assert_eq!(run(config, "{}").failure(), &Failure::Permanent(format!("config: {brace}")));
}
