//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::Failure;
use hookyard_plugin::testing::{Host, Incoming, Ran};

use super::{process, validate};

const ORDER: &str = r#"{"id": 7, "lines": [{"sku": "A", "n": 2}, {"sku": "B\"", "to": "dock"}, 3]}"#;

fn run(config: &str, incoming: impl Into<Incoming>) -> Ran {
    Host::new().config(config).destinations(["quay", "dock"]).process(process, incoming)
}

fn bodies(ran: &Ran) -> Vec<String> {
    ran.messages().iter().map(|message| message.text()).collect()
}

#[test]
fn each_element_becomes_a_message() {
    let ran = run(
        r#"{"items": "/lines"}"#,
        Incoming::new(ORDER).header("x-a", "1").header("content-type", "text/x"),
    );
    assert_eq!(bodies(&ran), [r#"{"sku": "A", "n": 2}"#, r#"{"sku": "B\"", "to": "dock"}"#, "3"]);
    for message in ran.messages() {
        assert_eq!(
            (message.header("x-a"), message.header("content-type")),
            (Some("1"), Some("application/json"))
        );
        assert_eq!(message.destinations, None);
    }
    assert_eq!(bodies(&run(r#"{"items": ""}"#, r#"["a", null]"#)), ["\"a\"", "null"]);
}

#[test]
fn an_element_can_be_dressed() {
    let config = r#"{
        "items": "/lines",
        "fields": {"line": "{/lines/*}", "what": "{/lines/*/sku} of {/id}", "at": "{index}", "of": "{length}"},
        "headers": {"x-sku": "{/lines/*/sku}-{index}", "content-type": "application/vnd.line+json"}
    }"#;
    let ran = run(config, ORDER);
    assert_eq!(
        bodies(&ran),
        [
            r#"{"line":{"sku": "A", "n": 2},"what":"A of 7","at":0,"of":3}"#,
            r#"{"line":{"sku": "B\"", "to": "dock"},"what":"B\" of 7","at":1,"of":3}"#,
            r#"{"line":3,"what":" of 7","at":2,"of":3}"#,
        ]
    );
    let headers: Vec<_> =
        ran.messages().iter().map(|message| message.header("x-sku").unwrap_or("none")).collect();
    assert_eq!(headers, ["A-0", "B\"-1", "-2"]);
    assert_eq!(ran.messages()[0].header("content-type"), Some("application/vnd.line+json"));
}

#[test]
fn an_element_can_choose_where_it_goes() {
    let config = r#"{"items": "/lines", "to": "{/lines/*/to}"}"#;
    let ran = run(config, r#"{"lines": [{"to": "dock"}, {"to": "quay"}]}"#);
    let to: Vec<_> =
        ran.messages().iter().map(|message| message.destinations.clone().unwrap_or_default()).collect();
    assert_eq!(to, [["dock"], ["quay"]]);
    let ran = run(r#"{"items": "", "to": ["quay", "dock"]}"#, "[1]");
    assert_eq!(ran.message().destinations.as_deref(), Some(&["quay".to_owned(), "dock".to_owned()][..]));
}

#[test]
fn an_event_with_nothing_to_split_is_what_was_configured() {
    let run = |option: &str, body: &str| run(&format!(r#"{{"items": "/lines"{option}}}"#), body);
    let missing = "the body has no list at \"/lines\"";
    for body in ["{}", r#"{"lines": {}}"#, "text", ""] {
        assert_eq!(run("", body).failure(), &Failure::permanent(missing), "{body}");
        assert_eq!(run(r#", "on_missing": "discard""#, body).discarded(), missing);
        assert_eq!(run(r#", "on_missing": "forward""#, body).message().text(), body);
    }
    let empty = "the list at \"/lines\" is empty";
    let body = r#"{"lines": [ ]}"#;
    assert_eq!(run("", body).discarded(), empty);
    assert_eq!(run(r#", "on_empty": "forward""#, body).message().text(), body);
    assert_eq!(run(r#", "on_empty": "fail""#, body).failure(), &Failure::permanent(empty));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"items": ""}"#), Vec::<String>::new());
    for (config, problem) in [
        ("{}", "`items`, a JSON pointer to the list, is missing"),
        (r#"{"items": "lines"}"#, "`items` must be a JSON pointer"),
        (r#"{"items": "", "fields": []}"#, "`fields` must be a table"),
        (
            r#"{"items": "", "fields": {"a": "{indx}"}}"#,
            "`fields` is a text of which \"{indx}\" has a placeholder",
        ),
        (r#"{"items": "", "to": "{"}"#, "`to` is a text of which \"{\" has a brace without its partner"),
        (
            r#"{"items": "", "item": ""}"#,
            "`item` is not an option; the options are items, fields, headers, to",
        ),
    ] {
        assert!(validate(config).concat().starts_with(problem), "{config}: {:?}", validate(config));
    }
}
