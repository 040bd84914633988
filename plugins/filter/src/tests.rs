//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Processed, Ran};

use super::{process, validate};

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).process(process, incoming)
}

#[test]
fn events_go_on_by_their_content() {
    let all = r#"{"all": {"/action": ["opened", "reopened"], "/draft": {"not": true}}}"#;
    let any = r#"{"any": [{"/a": 1}, {"/b": {"gt": 5}, "header:X-Env": "prod"}]}"#;
    let none = r#"{"none": [{"/a": 1}, {"/b": 1}], "reason": "{/why}!"}"#;
    let others = r#"{"all": {"event.kind": "ping"}, "on_match": "discard", "reason": "{/gone}{event.kind}"}"#;
    for (config, body, expected) in [
        (all, r#"{"action": "opened"}"#, None),
        (all, r#"{"action": "opened", "draft": true}"#, Some("filtered out")),
        (all, r#"{"action": "closed"}"#, Some("filtered out")),
        (any, r#"{"a": 1}"#, None),
        (any, r#"{"b": 6}"#, None),
        (any, r#"{"b": 5}"#, Some("filtered out")),
        (none, r#"{"a": 2}"#, None),
        (none, r#"{"b": 1, "why": "so"}"#, Some("so!")),
        (others, "{}", Some("ping")),
    ] {
        let ran = run(config, Incoming::new(body).kind("ping").header("x-env", "prod"));
        match expected {
            None => assert_eq!(ran.message().text(), body, "{config}"),
            Some(reason) => assert_eq!(ran.discarded(), reason, "{config} {body}"),
        }
    }
}

#[test]
fn a_body_that_is_not_json_is_nothing_to_decide_by() {
    for (option, discarded) in [("", None), ("forward", Some(false)), ("discard", Some(true))] {
        let option = if option.is_empty() { String::new() } else { format!(r#", "on_invalid": "{option}""#) };
        let ran = run(&format!(r#"{{"all": {{"/a": 1}}{option}}}"#), "a=1");
        match discarded {
            None => assert!(matches!(ran.failure(), Failure::Permanent(_))),
            Some(expected) => assert_eq!(matches!(ran.result, Processed::Discarded(_)), expected, "{option}"),
        }
    }
    run(r#"{"all": {"event.source": "test"}}"#, "a=1").message();
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"all": {"/a": 1}}"#), Vec::<String>::new());
    for (config, problem) in [
        ("{}", "`all`, or `any` or `none`, what must hold, is missing"),
        (r#"{"all": 1}"#, "`all` must be a table of conditions"),
        (r#"{"any": [{"a": 1}]}"#, "`any` has \"a\", which is none of"),
        (r#"{"all": {}, "on_match": "drop"}"#, "`on_match` must be \"forward\" or \"discard\""),
        (r#"{"all": {}, "on_invalid": ""}"#, "`on_invalid` must be \"fail\", \"forward\" or \"discard\""),
        (r#"{"all": {}, "where": 1}"#, "`where` is not an option; the options are all, any, none, on_match"),
    ] {
        assert!(validate(config).concat().starts_with(problem), "{config}: {:?}", validate(config));
    }
}
