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
//!
//! [`Holes`] knows further names, for what a plugin has found out itself.

use std::borrow::Cow;

use crate::json::{Json, push_quoted};
use crate::{Event, Failure, JsonKind};

/// The text with its holes filled. `push` appends a hole's value, escaped as the place needs it where it stands.
///
/// # Errors
///
/// A permanent failure: see the module's description.
pub fn text(event: &Event, template: &str, push: impl Fn(&mut String, &str)) -> Result<String, Failure> {
    Holes::new(event).text(template, push)
}

/// [`text`] with values as they are.
///
/// # Errors
///
/// As [`text`].
pub fn plain(event: &Event, template: &str) -> Result<String, Failure> {
    Holes::new(event).plain(template)
}

/// The JSON text of a document in which every string, at any depth, is a template; the rest stays what it is. A string
/// that is one `{/json/pointer}` and nothing else becomes the node itself with its JSON type, or `null` without it.
///
/// # Errors
///
/// As [`text`].
pub fn document(event: &Event, node: Json<'_>) -> Result<String, Failure> {
    Holes::new(event).document(node)
}

/// What is wrong with a template, as far as that can be told without an event. `names` are further names of holes.
///
/// # Errors
///
/// The problem, for an operator.
pub fn check(template: &str, names: &[&str]) -> Result<(), String> {
    for part in parts(template) {
        match part.map_err(reason)? {
            Part::Text(_) => {}
            Part::Hole(name) if name.starts_with('/') || name.starts_with("header:") => {}
            Part::Hole("event.id" | "event.kind" | "event.source") => {}
            Part::Hole(name) if names.contains(&name) => {}
            Part::Hole(_) => return Err(reason(unknown(template, names))),
        }
    }
    Ok(())
}

/// [`check`] for every string of a document, at any depth.
///
/// # Errors
///
/// The first problem, for an operator.
pub fn check_document(node: Json<'_>, names: &[&str]) -> Result<(), String> {
    match node.sigil() {
        b'{' => node.members().try_for_each(|(_, value)| check_document(value, names)),
        b'[' => node.items().try_for_each(|item| check_document(item, names)),
        b'"' => check(&node.string().unwrap_or_default(), names),
        _ => Ok(()),
    }
}

/// What fills the holes: an event, and what a plugin adds to it.
#[derive(Debug)]
pub struct Holes<'e> {
    event: &'e Event,
    named: Vec<(&'e str, String)>,
    item: Option<(&'e str, usize)>,
}

impl<'e> Holes<'e> {
    /// An event's values and no others.
    pub fn new(event: &'e Event) -> Self {
        Holes { event, named: Vec::new(), item: None }
    }

    /// Makes `{name}` stand for a value, given as JSON text.
    #[must_use]
    pub fn named(mut self, name: &'e str, json: impl Into<String>) -> Self {
        self.named.push((name, json.into()));
        self
    }

    /// Makes `{/array/*}` stand for one element of the array at this pointer, and `{/array/*/below}` for what is below it.
    #[must_use]
    pub fn item(mut self, array: &'e str, index: usize) -> Self {
        self.item = Some((array, index));
        self
    }

    /// [`text`].
    ///
    /// # Errors
    ///
    /// As [`text`].
    pub fn text(&self, template: &str, push: impl Fn(&mut String, &str)) -> Result<String, Failure> {
        let mut text = String::new();
        for part in parts(template) {
            match part? {
                Part::Text(plain) => text.push_str(plain),
                Part::Hole(name) => push(&mut text, self.value(name, template)?.as_deref().unwrap_or("")),
            }
        }
        Ok(text)
    }

    /// [`plain`].
    ///
    /// # Errors
    ///
    /// As [`text`].
    pub fn plain(&self, template: &str) -> Result<String, Failure> {
        self.text(template, String::push_str)
    }

    /// [`document`].
    ///
    /// # Errors
    ///
    /// As [`text`].
    pub fn document(&self, node: Json<'_>) -> Result<String, Failure> {
        let mut json = String::new();
        self.push_document(&mut json, node)?;
        Ok(json)
    }

    fn push_document(&self, json: &mut String, node: Json<'_>) -> Result<(), Failure> {
        match node.sigil() {
            b'{' => {
                json.push('{');
                for (at, (name, value)) in node.members().enumerate() {
                    json.push_str(if at > 0 { "," } else { "" });
                    push_quoted(json, &name);
                    json.push(':');
                    self.push_document(json, value)?;
                }
                json.push('}');
            }
            b'[' => {
                json.push('[');
                for (at, item) in node.items().enumerate() {
                    json.push_str(if at > 0 { "," } else { "" });
                    self.push_document(json, item)?;
                }
                json.push(']');
            }
            b'"' => self.push_string(json, &node.string().unwrap_or_default())?,
            _ => json.push_str(node.text()),
        }
        Ok(())
    }

    fn push_string(&self, json: &mut String, template: &str) -> Result<(), Failure> {
        let lone = lone_hole(template);
        if let Some(value) = lone.and_then(|name| self.known(name)) {
            json.push_str(value);
        } else if let Some(pointer) = lone.filter(|name| name.starts_with('/')) {
            json.push_str(self.node(pointer)?.as_deref().unwrap_or("null"));
        } else {
            push_quoted(json, &self.plain(template)?);
        }
        Ok(())
    }

    fn value(&self, name: &str, template: &str) -> Result<Option<String>, Failure> {
        if let Some(value) = self.known(name) {
            return Ok(Some(Json::new(value).plain()));
        }
        match name {
            "event.id" => Ok(Some(self.event.id())),
            "event.kind" => Ok(Some(self.event.kind())),
            "event.source" => Ok(Some(self.event.source())),
            pointer if pointer.starts_with('/') => self.as_text(pointer),
            other => match other.strip_prefix("header:") {
                Some(header) => Ok(self.event.header(header)),
                None => {
                    let names: Vec<_> = self.named.iter().map(|(name, _)| *name).collect();
                    Err(unknown(template, &names))
                }
            },
        }
    }

    fn known(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// A node within other text: a string without its quotes, anything else as JSON; null reads like nothing.
    fn as_text(&self, pointer: &str) -> Result<Option<String>, Failure> {
        if let Some(text) = self.event.json_string(&self.place(pointer)) {
            return Ok(Some(text));
        }
        Ok(self.node(pointer)?.filter(|text| text != "null"))
    }

    /// A node's JSON text. Absence is fine, but a document full of blanks because the body is no JSON at all is not.
    fn node(&self, pointer: &str) -> Result<Option<String>, Failure> {
        let text = self.event.json_source(&self.place(pointer));
        if text.is_none() && self.event.json_kind("") == JsonKind::Invalid {
            return Err(Failure::permanent("the body is not JSON, so there is nothing to take fields from"));
        }
        Ok(text)
    }

    /// A pointer with the element's index in place of the `*`.
    fn place<'p>(&self, pointer: &'p str) -> Cow<'p, str> {
        if let Some((array, index)) = self.item
            && let Some(rest) = pointer.strip_prefix(array).and_then(|rest| rest.strip_prefix("/*"))
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return Cow::Owned([array, "/", &index.to_string(), rest].concat());
        }
        Cow::Borrowed(pointer)
    }
}

/// The name of the hole that is the whole template.
fn lone_hole(template: &str) -> Option<&str> {
    let name = template.strip_prefix('{')?.strip_suffix('}')?;
    (!name.is_empty() && !name.contains(['{', '}'])).then_some(name)
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

fn unknown(template: &str, names: &[&str]) -> Failure {
    let mut problem = "a placeholder that is none of {/json/pointer}, {header:Name}, {event.id}, {event.kind}, {event.source}".to_owned();
    for name in names {
        problem.extend([", {", name, "}"]);
    }
    invalid(template, &problem)
}

fn reason(failure: Failure) -> String {
    let (Failure::Permanent(reason) | Failure::Retryable(reason)) = failure;
    reason.strip_prefix("config: ").unwrap_or(&reason).to_owned()
}

fn invalid(template: &str, problem: &str) -> Failure {
    Failure::permanent(["config: \"", template, "\" has ", problem].concat())
}

#[cfg(test)]
mod tests {
    use super::{Holes, Part, check, check_document, lone_hole, parts};
    use crate::json::Json;
    use crate::testing::{Host, Incoming};
    use crate::{Event, Failure, Verdict};

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
    fn one_hole_alone_is_the_node_itself() {
        assert_eq!(lone_hole("{/a}"), Some("/a"));
        for template in ["{}", "{/a} ", "{/a}{/b}", "{{/a}}", ""] {
            assert_eq!(lone_hole(template), None, "{template}");
        }
    }

    #[test]
    fn a_template_is_checked_without_an_event() {
        for template in ["", "{/a}{header:X}{event.id}{event.kind}{event.source}{count}", "{{"] {
            assert_eq!(check(template, &["count"]), Ok(()));
        }
        for (template, problem) in [("{a}", "{event.source}, {count}"), ("{", "without its partner")] {
            let found = check_document(Json::new(&format!(r#"[1, {{"x": "{template}"}}]"#)), &["count"]);
            assert!(found.as_ref().is_err_and(|found| found.contains(problem)), "{found:?}");
        }
    }

    #[test]
    fn holes_are_filled_from_the_event_and_by_name() {
        fn process(event: Event) -> Result<Verdict, Failure> {
            let holes = Holes::new(&event).named("count", "5").named("key", "\"a\\\"b\"").item("/list", 1);
            let document = r#"{"n": "{count}", "k": "{key}", "t": "{count}: {key}", "i": "{/list/*}", "b": "{/list/*/x} {/list/0}",
                "o": "{/list/*x}", "h": "{header:X-Team}", "e": "{event.kind}{/gone}{{}}", "one": 1}"#;
            Ok(Verdict::Discard(holes.document(Json::new(document))?))
        }
        let incoming = Incoming::new(r#"{"list": ["first", {"x": "y"}]}"#).header("x-team", "quay").kind("k");
        let filled = Host::new().process(process, incoming);
        assert_eq!(
            filled.discarded(),
            r#"{"n":5,"k":"a\"b","t":"5: a\"b","i":{"x": "y"},"b":"y first","o":null,"h":"quay","e":"k{}","one":1}"#
        );
    }
}
