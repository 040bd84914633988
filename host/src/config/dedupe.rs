//! `dedupe` of a source: how a repeated event is recognised.

use std::time::Duration;

use crate::routing::{DedupeBy, DedupeRule, Field as EventField, Fields};

use super::field::{Element, Field, Format, Shape};
use super::subject;
use super::table::Table;
use super::value::Value;

/// Senders repeat for up to three days.
const WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

const DAY: u64 = 86_400_000;

/// What may stand under `dedupe`.
pub(super) const DEDUPE_OR_TABLE: Shape = Shape::Either(&[Shape::Boolean, Shape::Table(&DEDUPE)]);

pub(super) static DEDUPE: Element = Element {
    name: "dedupe",
    doc: "How a repeated event is recognised. Its sender is answered as the first time, and nothing else happens.",
    fields: &[
        Field::new(
            "key",
            Shape::Text(Format {
                what: "\"hash\", or a part of the event such as \"body:/id\", \"header:NAME\" or \"query:NAME\"",
                pattern: "^(hash|body:/.*|header:.+|query:.+)$",
            }),
            "What is the same in a repetition: a part of the event, or `\"hash\"` for its type, query and body, byte by \
             byte. An event that lacks the part, or has `null`, an object or a list there, is no repetition of \
             anything.",
        )
        .otherwise("what the provider repeats, or the sender's own id of a delivery, see `delivery_id`")
        .example(r#""body:/id""#),
        Field::new(
            "window",
            Shape::millis(1_000, 90 * DAY),
            "How long after an event another one with the same key is taken for its repetition.",
        )
        .default(r#""7d""#),
    ],
    instead: &[("by", "it is called `key`"), ("ttl", "it is called `window`"), ("for", "it is called `window`")],
};

/// Reads `dedupe` of a source that recognises repetitions like this unless told otherwise. The outer None is an error
/// that has been told.
pub(super) fn read(source: &Table<'_>, usual: Option<DedupeBy>) -> Option<Option<DedupeRule>> {
    let by_id = || usual.clone();
    let Some(value) = source.get("dedupe") else {
        return Some(by_id().map(|by| DedupeRule { by, window: WINDOW }));
    };
    if !value.is_table() {
        return match value.boolean()? {
            false => Some(None),
            true => value.fail("`true` says too little: leave `dedupe` out, or write { key = \"body:/id\" }"),
        };
    }
    let table = source.table("dedupe")?;
    let window = table.get("window").map_or(Some(WINDOW), Value::duration);
    let by = match table.get("key") {
        Some(value) => by(value),
        None => by_id().or_else(|| {
            table.error(format!("{} lacks `key`", table.shown()), |error| {
                error
                    .label("nothing says where this sender's id of a delivery stands")
                    .help("for example: key = \"body:/id\", or key = \"hash\"");
            });
            None
        }),
    };
    Some(Some(DedupeRule { by: by?, window: window? }))
}

fn by(value: Value<'_>) -> Option<DedupeBy> {
    value.parse(|text| match text {
        "hash" => Ok(DedupeBy::Hash),
        text => {
            let subject = subject::parse(text, "hash")?;
            Ok(DedupeBy::Fields(Fields::joined(vec![EventField::Subject(subject)])))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;

    fn text(source: &str, lines: &str) -> String {
        format!("[sources.{source}]\n{lines}\n{}", check::ROUTE.replace("github", source))
    }

    #[test]
    fn rules() {
        let github = "secret = { env = \"A\" }";
        let open = "verify = \"none\"";
        for (source, lines, expected) in [
            ("github", github.to_owned(), "DeliveryId 604800s"),
            ("github", format!("{github}\ndedupe = false"), "none"),
            ("github", format!("{github}\ndedupe = {{ window = \"1h\" }}"), "DeliveryId 3600s"),
            ("github", format!("{github}\ndedupe = {{ key = \"hash\" }}"), "Hash 604800s"),
            ("acme", open.to_owned(), "none"),
            ("acme", format!("{open}\ndelivery_id = \"body:/id\""), "DeliveryId 604800s"),
            (
                "acme",
                format!("{open}\ndedupe = {{ key = \"body:/id\", window = \"30s\" }}"),
                r#"Fields(Fields { alternatives: [[Subject(Body(Pointer("/id")))]] }) 30s"#,
            ),
        ] {
            let mut config = check::read(&text(source, &lines)).unwrap();
            let rule = config.sources.remove(source).unwrap().dedupe;
            let shown = rule.map_or("none".to_owned(), |rule| format!("{:?} {:?}", rule.by, rule.window));
            assert_eq!(shown, expected, "{lines}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (written, expected) in [
            ("true", "`true` says too little"),
            ("\"hash\"", "found a string"),
            ("{}", "nothing says where this sender's id of a delivery stands"),
            ("{ window = \"1h\" }", "[sources.acme.dedupe] lacks `key`"),
            ("{ key = \"hsh\" }", "did you mean \"hash\"?"),
            ("{ key = \"source\" }", "is none of \"hash\""),
            ("{ key = \"body:id\" }", "is not a JSON pointer"),
            ("{ key = \"hash\", window = \"10ms\" }", "`window` is out of range"),
            ("{ kye = \"hash\" }", "unknown key `kye` in [sources.acme.dedupe]: did you mean `key`?"),
            ("{ key = \"hash\", ttl = \"1h\" }", "it is called `window`"),
        ] {
            check::fails(&text("acme", &format!("verify = \"none\"\ndedupe = {written}")), expected);
        }
    }
}
