//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Ran};

use super::{process, validate};

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).process(process, incoming)
}

#[test]
fn what_is_named_leaves_removed_or_masked() {
    let body = r#"{"a": {"b": "c", "d": [ {"e": 1}, {"e": 2}, 3 ]},  "f/~": "g"}"#;
    for (config, expected) in [
        ("{}", body),
        (r#"{"mask": ["/a/b"]}"#, r#"{"a": {"b": "***", "d": [ {"e": 1}, {"e": 2}, 3 ]},  "f/~": "g"}"#),
        (
            r#"{"mask": ["/a/d/*/e", "/gone"], "replacement": null}"#,
            r#"{"a": {"b": "c", "d": [ {"e": null}, {"e": null}, 3 ]},  "f/~": "g"}"#,
        ),
        (r#"{"mask": ["/a", "/a/b", "/f~1~0"]}"#, r#"{"a": "***",  "f/~": "***"}"#),
    ] {
        assert_eq!(run(config, body).message().text(), expected, "{config}");
    }
    let removed = run(r#"{"remove": ["/a/d/*", "/f~1~0"]}"#, body).message().text();
    assert!(
        removed.contains("\"b\": \"c\"") && !removed.contains('e') && !removed.contains('g'),
        "{removed}"
    );
}

#[test]
fn a_body_that_is_not_json_fails_unless_it_may_pass() {
    for config in ["{}", r#"{"on_invalid": "fail"}"#] {
        assert!(matches!(run(config, "a=1").failure(), Failure::Permanent(_)), "{config}");
        assert_eq!(run(config, "").message().text(), "");
    }
    assert_eq!(run(r#"{"on_invalid": "forward"}"#, "a=1").message().text(), "a=1");
}

#[test]
fn mistakes_are_named() {
    let good = r#"{"remove": ["/a"], "mask": ["/b/*/c~0~1"], "replacement": {}, "on_invalid": "forward"}"#;
    for config in ["{}", good] {
        assert_eq!(validate(config), Vec::<String>::new(), "{config}");
    }
    let check = |config: &str, problems: &[&str]| {
        assert_eq!(validate(config), problems, "{config}");
        let failure = Failure::Permanent(format!("config: {}", problems.join("; ")));
        assert_eq!(run(config, "{}").failure(), &failure, "{config}");
    };
    check(
        r#"{"removed": ["/a"], "mask": "/a"}"#,
        &[
            "`removed` is not an option; the options are remove, mask, replacement, on_invalid",
            "`mask` must be a list of JSON pointers",
        ],
    );
    check(
        r#"{"remove": ["/a", "b", 1], "mask": [""], "on_invalid": "pass"}"#,
        &[
            "`remove` has \"b\", which is not a JSON pointer such as \"/user/email\"",
            "`remove` has 1, which is not a JSON pointer such as \"/user/email\"",
            "`mask` has \"\", which is not a JSON pointer such as \"/user/email\"",
            "`on_invalid` must be \"fail\" or \"forward\"",
        ],
    );
    for pointer in ["/a~2", "/a~"] {
        let problem =
            format!("`mask` has \"{pointer}\", which is not a JSON pointer such as \"/user/email\"");
        check(&format!(r#"{{"mask": ["{pointer}"]}}"#), &[&problem]);
    }
}
