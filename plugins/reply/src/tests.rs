//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Ran};

use super::{process, validate};

const BRACE: &str = "has a brace without its partner; a brace itself is written twice";

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).process(process, incoming)
}

#[test]
fn the_sender_is_answered() {
    let body = r#"{"who": "a<b", "word": " Hours "}"#;
    let cases = r#""by": "{/word}", "cases": {"hours": "8 to 18"}"#;
    for (config, status, content_type, expected) in [
        (r#"{"body": "{{{/who}}}"}"#.to_owned(), 200, "text/plain; charset=utf-8", "{a<b}"),
        (
            r#"{"body": {"who": "{/who}"}, "status": 201}"#.to_owned(),
            201,
            "application/json",
            r#"{"who":"a<b"}"#,
        ),
        (
            r#"{"body": "<a>{/who}</a>", "content_type": "text/xml"}"#.to_owned(),
            200,
            "text/xml",
            "<a>a&lt;b</a>",
        ),
        (format!(r#"{{"body": "", {cases}}}"#), 200, "text/plain; charset=utf-8", "8 to 18"),
    ] {
        let ran = run(&config, body);
        assert_eq!(ran.message().text(), body, "the event goes on as it came");
        let reply = ran.reply.expect(&config);
        let header = reply.headers.first().map(|header| &*header.value);
        let text = String::from_utf8_lossy(&reply.body);
        assert_eq!((reply.status, header, &*text), (status, Some(content_type), expected), "{config}");
    }
    let empty = run(r#"{"body": "", "status": 204}"#, "{}").reply.expect("an answer");
    assert_eq!((empty.status, empty.headers.len(), empty.body.len()), (204, 0, 0));
}

#[test]
fn mistakes_are_named() {
    for config in [
        r#"{"body": ""}"#,
        r#"{"body": [1, "{/a}"], "content_type": "application/x+json"}"#,
        r#"{"body": "<a/>", "content_type": "text/xml", "by": "{/a}", "cases": {"a": "{{"}}"#,
        r#"{"body": "a", "by": "{/a}", "cases": {"b": {"c": "{/d}"}}}"#,
    ] {
        assert_eq!(validate(config), Vec::<String>::new(), "{config}");
    }
    let check = |config: &str, problems: &[&str]| {
        assert_eq!(validate(config), problems, "{config}");
        let failure = Failure::Permanent(format!("config: {}", problems.join("; ")));
        assert_eq!(run(config, "{}").failure(), &failure, "{config}");
    };
    check("{}", &["`body`, what to answer, is missing"]);
    check(
        r#"{"bodi": "a", "status": 600, "content_type": 1, "cases": 1}"#,
        &[
            "`bodi` is not an option; the options are status, content_type, body, by, cases",
            "`status` must be a number from 200 to 599",
            "`content_type` must be a string",
            "`cases` must be a table",
            "`by` and `cases` need each other",
            "`body`, what to answer, is missing",
        ],
    );
    check(
        r#"{"body": "", "status": "200", "by": 1}"#,
        &[
            "`status` must be a number from 200 to 599",
            "`by` must be a string",
            "`by` and `cases` need each other",
        ],
    );
}

#[test]
fn an_answer_that_could_not_be_written_is_named() {
    let check = |config: &str, problems: &[String]| assert_eq!(validate(config), problems, "{config}");
    let as_table = "an answer in JSON is written as a table, not as text";
    check(
        r#"{"body": "a", "content_type": "application/json", "by": "{", "cases": {"a": {"b": ["{"]}, "c": "{"}}"#,
        &[
            format!("`by` is a text of which \"{{\" {BRACE}"),
            format!("`body`: {as_table}"),
            format!("`cases.a.b[0]` is a text of which \"{{\" {BRACE}"),
            format!("`cases.c`: {as_table}"),
            format!("`cases.c` is a text of which \"{{\" {BRACE}"),
        ],
    );
    let as_text = "the answer must be a text, since its content type is text/xml";
    let config = r#"{"body": {}, "content_type": "text/xml"}"#;
    check(config, &[format!("`body`: {as_text}")]);
    // What an event would be told.
    assert_eq!(run(config, "{}").failure(), &Failure::Permanent(format!("config: {as_text}")));
}
