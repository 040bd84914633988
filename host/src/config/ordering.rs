//! `ordering` of a route: which of its events go one after the other.

use crate::routing::{OrderBy, Ordering};

use super::field::{Choice, Element, Field, Format, Shape};
use super::subject;
use super::table::Table;
use super::value::Value;

const KEY: Shape = Shape::Text(Format {
    what: "\"source\", or a part of the event such as \"body:/customer\", \"header:NAME\" or \"query:NAME\"",
    pattern: "^(source|body:/.*|header:.+|query:.+)$",
});

/// What may stand under `ordering`.
pub(super) const ORDERING_OR_TABLE: Shape = Shape::Either(&[KEY, Shape::Table(&ORDERING)]);

pub(super) static ORDERING: Element = Element {
    name: "ordering",
    doc: "Which events of a route go one after the other: an event begins once the one before it with the same key has \
          ended, with all its deliveries. Others do not wait for it.",
    fields: &[
        Field::new(
            "key",
            KEY,
            "What events in one sequence have in common: a part of the event, or `\"source\"` for all events of a \
             source. An event that lacks the part, or has `null`, an object or a list there, is in no sequence and \
             waits for nothing.",
        )
        .required()
        .example(r#""body:/data/object/customer""#),
        Field::new(
            "after_dead_letter",
            Shape::Choice(&[
                Choice { word: "continue", doc: "the next one begins" },
                Choice {
                    word: "wait",
                    doc: "those behind it wait until an operator replays or discards it",
                },
            ]),
            "What follows an event that was given up, or of which a delivery was.",
        )
        .default(r#""continue""#),
    ],
    instead: &[("by", "it is called `key`"), ("on_dead_letter", "it is called `after_dead_letter`")],
};

/// Reads `ordering` of a route. The outer None is an error that has been told.
pub(super) fn read(route: &Table<'_>) -> Option<Option<Ordering>> {
    let Some(value) = route.get("ordering") else { return Some(None) };
    if !value.is_table() {
        return Some(Some(Ordering { by: by(value)?, waits_for_dead_letters: false }));
    }
    let table = route.table("ordering")?;
    let words = [("continue", false), ("wait", true)];
    let waits = table.get("after_dead_letter").map_or(Some(false), |value| value.choice(&words));
    // Read even where the other is wrong, so that both are told.
    let by = table.required("key").and_then(by);
    Some(Some(Ordering { by: by?, waits_for_dead_letters: waits? }))
}

fn by(value: Value<'_>) -> Option<OrderBy> {
    value.parse(|text| match text {
        "source" => Ok(OrderBy::Source),
        text => subject::parse(text, "source").map(OrderBy::Subject),
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;

    const REST: &str =
        "[sources.a]\nverify = \"none\"\n[plugins.p]\npath = \"p\"\n[destinations.c]\ntype = \"console\"";

    fn text(lines: &str) -> String {
        format!("[routes.r]\nsource = \"a\"\nto = \"c\"\n{lines}\n{REST}")
    }

    #[test]
    fn orderings() {
        for (written, expected) in [
            (r#""source""#, "Source false"),
            (r#""body:/a/0""#, r#"Subject(Body(Pointer("/a/0"))) false"#),
            (r#""header:X-Shop""#, r#"Subject(Header("X-Shop")) false"#),
            (r#""query:a b""#, r#"Subject(Query("a b")) false"#),
            (r#"{ key = "source" }"#, "Source false"),
            (r#"{ key = "source", after_dead_letter = "continue" }"#, "Source false"),
            (r#"{ key = "body:/a", after_dead_letter = "wait" }"#, r#"Subject(Body(Pointer("/a"))) true"#),
        ] {
            let config = check::read(&text(&format!("ordering = {written}"))).unwrap();
            let ordering = config.routes[0].ordering.as_ref().unwrap();
            let shown = format!("{:?} {}", ordering.by, ordering.waits_for_dead_letters);
            assert_eq!(shown, expected, "{written}");
        }
        assert_eq!(check::read(&text("")).unwrap().routes[0].ordering, None);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (written, expected) in [
            (r#""sorce""#, r#""sorce" is none of "source", "body:/POINTER""#),
            (r#""sorce""#, r#"did you mean "source"?"#),
            (r#""/a""#, r#"is none of "source""#),
            (r#""body:""#, "lacks a pointer"),
            (r#""body:a""#, "is not a JSON pointer"),
            (r#""header:a b""#, "not the name of a header"),
            (r#""query:""#, "is none of"),
            ("true", "found a boolean"),
            ("{}", "[routes.r.ordering] lacks `key`"),
            (r#"{ kye = "source" }"#, "unknown key `kye` in [routes.r.ordering]: did you mean `key`?"),
            (r#"{ by = "source" }"#, "it is called `key`"),
            (r#"{ key = "source", after_dead_letter = "wat" }"#, r#"did you mean "wait"?"#),
        ] {
            check::fails(&text(&format!("ordering = {written}")), expected);
        }
        check::fails(
            &text("ordering = \"source\"\nplugins = \"p\"\nrespond = \"plugin\""),
            "`ordering` and respond = \"plugin\" exclude each other",
        );
    }
}
