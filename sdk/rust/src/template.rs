//! Texts with holes that are filled from the event, as operators write them into a plugin's configuration.
//!
//! | hole                                         | becomes                                                              |
//! |----------------------------------------------|----------------------------------------------------------------------|
//! | `{/json/pointer}`                            | the node of the body (RFC 6901): a string's text, else its JSON      |
//! | `{header:Name}`                              | the request's header                                                 |
//! | `{event.id}` `{event.kind}` `{event.source}` | what Hookyard knows about the event                                  |
//! | `{{` `}}`                                    | a brace                                                              |
//!
//! What the event does not have, and `null`, becomes nothing. A hole that cannot be understood, and a pointer into a body
//! that is not JSON, is a permanent failure with a reason.

use crate::json::{Json, push_quoted};
use crate::{Event, Failure, JsonKind};

/// The text with its holes filled. `push` appends a hole's value, escaped as the place needs it where it stands.
///
/// # Errors
///
/// A permanent failure: see the module's description.
pub fn text(event: &Event, template: &str, push: impl Fn(&mut String, &str)) -> Result<String, Failure> {
    let mut text = String::new();
    for part in parts(template) {
        match part? {
            Part::Text(plain) => text.push_str(plain),
            Part::Hole(name) => push(&mut text, value(event, name, template)?.as_deref().unwrap_or("")),
        }
    }
    Ok(text)
}

/// [`text`] with values as they are.
///
/// # Errors
///
/// As [`text`].
pub fn plain(event: &Event, template: &str) -> Result<String, Failure> {
    text(event, template, String::push_str)
}

/// The JSON text of a document in which every string, at any depth, is a template; the rest stays what it is. A string
/// that is one `{/json/pointer}` and nothing else becomes the node itself with its JSON type, or `null` without it.
///
/// # Errors
///
/// As [`text`].
pub fn document(event: &Event, node: Json<'_>) -> Result<String, Failure> {
    let mut json = String::new();
    push_document(&mut json, event, node)?;
    Ok(json)
}

fn push_document(json: &mut String, event: &Event, node: Json<'_>) -> Result<(), Failure> {
    match node.sigil() {
        b'{' => {
            json.push('{');
            for (at, (name, value)) in node.members().enumerate() {
                json.push_str(if at > 0 { "," } else { "" });
                push_quoted(json, &name);
                json.push(':');
                push_document(json, event, value)?;
            }
            json.push('}');
        }
        b'[' => {
            json.push('[');
            for (at, item) in node.items().enumerate() {
                json.push_str(if at > 0 { "," } else { "" });
                push_document(json, event, item)?;
            }
            json.push(']');
        }
        b'"' => push_string(json, event, &node.string().unwrap_or_default())?,
        _ => json.push_str(node.text()),
    }
    Ok(())
}

fn push_string(json: &mut String, event: &Event, template: &str) -> Result<(), Failure> {
    match lone_pointer(template) {
        Some(pointer) => json.push_str(node(event, pointer)?.as_deref().unwrap_or("null")),
        None => push_quoted(json, &plain(event, template)?),
    }
    Ok(())
}

fn lone_pointer(template: &str) -> Option<&str> {
    let pointer = template.strip_prefix('{')?.strip_suffix('}')?;
    (pointer.starts_with('/') && !pointer.contains(['{', '}'])).then_some(pointer)
}

#[derive(Debug, PartialEq)]
enum Part<'t> {
    Text(&'t str),
    Hole(&'t str),
}

fn parts(template: &str) -> impl Iterator<Item = Result<Part<'_>, Failure>> {
    let mut rest = template;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find(['{', '}']).unwrap_or(rest.len());
        let (plain, from) = rest.split_at_checked(at)?;
        if !plain.is_empty() {
            rest = from;
            return Some(Ok(Part::Text(plain)));
        }
        for (twice, once) in [("{{", "{"), ("}}", "}")] {
            if let Some(after) = from.strip_prefix(twice) {
                rest = after;
                return Some(Ok(Part::Text(once)));
            }
        }
        let hole = from.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        rest = hole.map_or("", |(_, after)| after);
        let problem = "a brace without its partner; a brace itself is written twice";
        Some(hole.map(|(name, _)| Part::Hole(name)).ok_or_else(|| invalid(template, problem)))
    })
}

fn value(event: &Event, name: &str, template: &str) -> Result<Option<String>, Failure> {
    match name {
        "event.id" => Ok(Some(event.id())),
        "event.kind" => Ok(Some(event.kind())),
        "event.source" => Ok(Some(event.source())),
        pointer if pointer.starts_with('/') => as_text(event, pointer),
        other => match other.strip_prefix("header:") {
            Some(header) => Ok(event.header(header)),
            None => {
                let known = "{/json/pointer}, {header:Name}, {event.id}, {event.kind}, {event.source}";
                Err(invalid(template, &["a placeholder that is none of ", known].concat()))
            }
        },
    }
}

/// A node within other text: a string without its quotes, anything else as JSON; null reads like nothing.
fn as_text(event: &Event, pointer: &str) -> Result<Option<String>, Failure> {
    if let Some(text) = event.json_string(pointer) {
        return Ok(Some(text));
    }
    Ok(node(event, pointer)?.filter(|text| text != "null"))
}

/// A node's JSON text. Absence is fine, but a document full of blanks because the body is no JSON at all is not.
fn node(event: &Event, pointer: &str) -> Result<Option<String>, Failure> {
    let text = event.json_source(pointer);
    if text.is_none() && event.json_kind("") == JsonKind::Invalid {
        return Err(Failure::permanent("the body is not JSON, so there is nothing to take fields from"));
    }
    Ok(text)
}

fn invalid(template: &str, problem: &str) -> Failure {
    Failure::permanent(["config: \"", template, "\" has ", problem].concat())
}

#[cfg(test)]
mod tests {
    use super::{Part, lone_pointer, parts};

    #[test]
    fn a_template_is_text_and_holes() {
        let check = |template: &str, expected: &[Part<'_>]| {
            let found: Result<Vec<_>, _> = parts(template).collect();
            assert_eq!(found.ok().as_deref(), Some(expected), "{template}");
        };
        check("", &[]);
        check("plain é", &[Part::Text("plain é")]);
        check("{/a/b}", &[Part::Hole("/a/b")]);
        check(
            "a{/b}{header:X-C}d",
            &[Part::Text("a"), Part::Hole("/b"), Part::Hole("header:X-C"), Part::Text("d")],
        );
        check("{{é}}", &[Part::Text("{"), Part::Text("é"), Part::Text("}")]);
        check("{{{/a}}}", &[Part::Text("{"), Part::Hole("/a"), Part::Text("}")]);
        check("{}", &[Part::Hole("")]);
    }

    #[test]
    fn a_lone_brace_is_an_error() {
        for template in ["{", "}", "a{/b", "a}b", "{{{", "{/a}}"] {
            let found: Vec<_> = parts(template).collect();
            assert!(found.last().is_some_and(Result::is_err), "{template}");
        }
    }

    #[test]
    fn one_pointer_alone_is_the_node_itself() {
        assert_eq!(lone_pointer("{/a}"), Some("/a"));
        for template in ["{event.id}", "{/a} ", "{/a}{/b}", "{{/a}}", ""] {
            assert_eq!(lone_pointer(template), None, "{template}");
        }
    }
}
