//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::testing::{Host, Processed};

use super::{process, validate};

const RULES: &str = r#""rules": [
    {"match": {"/amount": {"gt": 1000}}, "to": ["review", "quay"]},
    {"match": [{"/team": "quay"}, {"/team": "q*", "/old": true}], "to": "quay"},
    {"match": {"/team": {"exists": true}}, "to": "{/team}"}
]"#;

/// Where an event goes; None where it is discarded.
fn sent(options: &str, body: &str) -> Option<Vec<String>> {
    let mut host =
        Host::new().config(format!("{{{RULES}{options}}}")).destinations(["quay", "dock", "review", "rest"]);
    let ran = host.process(process, body);
    match &ran.result {
        Processed::Discarded(_) => None,
        _ => {
            assert_eq!(ran.message().text(), body);
            ran.message().destinations.clone()
        }
    }
}

#[test]
fn the_content_decides() {
    for (options, body, expected) in [
        ("", r#"{"amount": 1001, "team": "dock"}"#, Some(vec!["review", "quay"])),
        ("", r#"{"amount": 1000, "team": "quay"}"#, Some(vec!["quay"])),
        ("", r#"{"team": "queue", "old": true}"#, Some(vec!["quay"])),
        ("", r#"{"team": "dock"}"#, Some(vec!["dock"])),
        ("", "{}", None),
        ("", "no JSON", None),
        (r#", "default": ["rest", "dock"]"#, "{}", Some(vec!["rest", "dock"])),
        (r#", "default": []"#, "{}", Some(vec![])),
        (
            r#", "apply": "all", "default": "rest""#,
            r#"{"amount": 1001, "team": "quay"}"#,
            Some(vec!["review", "quay"]),
        ),
        (r#", "apply": "all""#, r#"{"amount": 1001, "team": "dock"}"#, Some(vec!["review", "quay", "dock"])),
    ] {
        let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(sent(options, body), expected, "{options} {body}");
    }
}

#[test]
fn a_name_that_the_route_does_not_have_is_refused() {
    let ran = Host::new().config(format!("{{{RULES}}}")).process(process, r#"{"team": "x"}"#);
    assert_eq!(ran.result, Processed::Invalid("\"x\" is not a destination of this route".into()));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(&format!("{{{RULES}}}")), Vec::<String>::new());
    for (config, problem) in [
        ("{}", "`rules`, what goes where, is missing"),
        (r#"{"rules": 1}"#, "`rules` must be a list of tables"),
        (r#"{"rules": [{"to": "a"}]}"#, "`rules[0].match`, which events go there, is missing"),
        (r#"{"rules": [{"match": {}}]}"#, "`rules[0].to`, where they go, is missing"),
        (r#"{"rules": [{"match": {"a": 1}, "to": "a"}]}"#, "`rules[0].match` has \"a\", which is none of"),
        (r#"{"rules": [], "default": "{x}"}"#, "`default` is a text of which \"{x}\" has a placeholder"),
        (r#"{"rules": [], "apply": "last"}"#, "`apply` must be \"first\" or \"all\""),
        (r#"{"rules": [], "else": "a"}"#, "`else` is not an option; the options are rules, default, apply"),
    ] {
        assert!(validate(config).concat().starts_with(problem), "{config}: {:?}", validate(config));
    }
}
