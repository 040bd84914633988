//! `{…}` in a string of the configured document.

use hookyard_plugin::json::push_quoted;
use hookyard_plugin::{Event, Failure, JsonKind};

/// Appends a template's value as JSON text: the node itself where the template is one pointer, else a string.
pub fn write(body: &mut String, event: &Event, template: &str) -> Result<(), Failure> {
    if let Some(pointer) = lone_pointer(template) {
        body.push_str(node(event, pointer)?.as_deref().unwrap_or("null"));
        return Ok(());
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(plain);
        rest = if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            after
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            after
        } else {
            let Some((name, after)) = from.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
                return Err(invalid(
                    template,
                    "a brace without its partner; a brace itself is written twice",
                ));
            };
            fill(&mut text, event, name, template)?;
            after
        };
    }
    text.push_str(rest);
    push_quoted(body, &text);
    Ok(())
}

fn lone_pointer(template: &str) -> Option<&str> {
    let pointer = template.strip_prefix('{')?.strip_suffix('}')?;
    (pointer.starts_with('/') && !pointer.contains(['{', '}'])).then_some(pointer)
}

fn fill(text: &mut String, event: &Event, name: &str, template: &str) -> Result<(), Failure> {
    let value = match name {
        "event.id" => Some(event.id()),
        "event.kind" => Some(event.kind()),
        "event.source" => Some(event.source()),
        pointer if pointer.starts_with('/') => as_text(event, pointer)?,
        other => match other.strip_prefix("header:") {
            Some(header) => event.header(header),
            None => {
                return Err(invalid(
                    template,
                    "a placeholder that is none of {/json/pointer}, {header:Name}, \
                {event.id}, {event.kind}, {event.source}",
                ));
            }
        },
    };
    text.push_str(value.as_deref().unwrap_or(""));
    Ok(())
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
    Failure::permanent(["config: `fields` has \"", template, "\" with ", problem].concat())
}
