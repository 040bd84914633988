//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Ran};

use super::{process, validate};

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).process(process, incoming)
}

#[test]
fn what_the_table_holds_is_added() {
    let table = r#""key": "{/tier}", "table": {"gold": {"desk": 1, "a/~": "{/tier}"}}"#;
    for (more, body, expected) in [
        ("", r#"{"tier": "gold"}"#, r#"{"tier": "gold","desk":1,"a/~":"{/tier}"}"#),
        (
            r#", "at": "/in""#,
            r#"{"tier": "gold", "in": {"desk": 2}}"#,
            r#""in": {"desk": 1,"a/~":"{/tier}"}"#,
        ),
        ("", r#"{"tier": "tin"}"#, r#"{"tier": "tin"}"#),
        (r#", "default": {"desk": 9}"#, "{ }", r#"{"desk":9"#),
    ] {
        let ran = run(&format!("{{{table}{more}}}"), body);
        assert!(ran.message().text().contains(expected), "{more}: {}", ran.message().text());
    }
}

#[test]
fn what_cannot_be_added_fails() {
    for (more, body, problem) in [
        (r#", "on_missing": "fail""#, r#"{"a": "b"}"#, "the table has no \"b\", and there is no `default`"),
        ("", "{}", ""),
        (r#", "at": "/a""#, r#"{"a": "gold"}"#, "the body has no object at \"/a\" to add to"),
    ] {
        let ran = run(&format!(r#"{{"key": "{{/a}}", "table": {{"gold": {{"c": 1}}}}{more}}}"#), body);
        if problem.is_empty() {
            assert_eq!(ran.message().text(), body);
        } else {
            assert_eq!(ran.failure(), &Failure::permanent(problem), "{more}");
        }
    }
}

#[test]
fn mistakes_are_named() {
    for config in [
        r#"{"key": "", "table": {}}"#,
        r#"{"key": "{/a} {header:x}", "table": {"a": {"b": "{"}}, "default": {}, "at": "/a~0/~1", "on_missing": "fail"}"#,
    ] {
        assert_eq!(validate(config), Vec::<String>::new(), "{config}");
    }
    let check = |config: &str, problems: &[&str]| {
        assert_eq!(validate(config), problems, "{config}");
        let failure = Failure::Permanent(format!("config: {}", problems.join("; ")));
        assert_eq!(run(config, "{}").failure(), &failure, "{config}");
    };
    check("{}", &["`key`, what to look up, is missing", "`table` is missing"]);
    check(
        r#"{"key": 1, "table": [], "default": "a", "at": "/a~2", "on_missing": "drop", "keys": 1}"#,
        &[
            "`key` must be a string such as \"{/customer/tier}\"",
            "`table` must be a table",
            "`default` must be a table",
            "`at` must be a JSON pointer such as \"/customer\"",
            "`on_missing` must be \"forward\" or \"fail\"",
            "`keys` is not an option; the options are key, table, default, at, on_missing",
        ],
    );
    check(
        r#"{"key": "", "table": {"a": 1, "b": {}, "c": []}}"#,
        &["`table.a` must be a table", "`table.c` must be a table"],
    );
}

#[test]
fn what_would_fail_every_event_is_named() {
    let brace = "\"{/a\" has a brace without its partner; a brace itself is written twice";
    let config = r#"{"key": "{/a", "table": {}}"#;
    assert_eq!(validate(config), [["`key` is a text of which ", brace].concat()]);
    // What an event would be told of it.
    assert_eq!(run(config, "{}").failure(), &Failure::Permanent(["config: ", brace].concat()));
}
