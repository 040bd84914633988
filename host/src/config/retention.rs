//! `[store.retention]`: how long what has ended is kept.

use std::time::Duration;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

const DAY: Duration = Duration::from_secs(24 * 3600);
const GIB: u64 = 1 << 30;

/// How long, and how much of, what has ended is kept. What has not ended is kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bodies and headers of settled events.
    pub payloads: Keep,
    /// Settled events.
    pub settled: Keep,
    /// Events that no route took.
    pub unrouted: Keep,
    /// Settled events with dead letters.
    pub dead_letters: Keep,
    /// Deliveries to destinations that are not in the configuration any more or disabled: when they become dead letters.
    pub orphaned: Duration,
}

/// How long, and how much of, something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// For how long after it has ended.
    pub age: Duration,
    /// How many bytes of bodies and headers; beyond, the oldest goes first.
    pub size: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let keep = |days, gib| Keep { age: DAY * days, size: GIB * gib };
        Retention {
            payloads: keep(3, 4),
            settled: keep(7, 4),
            unrouted: keep(30, 1),
            dead_letters: keep(30, 4),
            orphaned: DAY * 30,
        }
    }
}

static KEEP: Element = Element {
    name: "keep",
    doc: "How long, and how much of, something that has ended is kept. Whichever is reached first.",
    fields: &[
        Field::new("age", AGE, "For how long.").example("\"30d\""),
        Field::new(
            "size",
            Shape::Size { min: 0, max: 1 << 50 },
            "How many bytes of bodies and headers. Beyond, the oldest goes first.",
        )
        .example("\"1GiB\""),
    ],
    instead: &[
        ("time", "it is called `age`"),
        ("bytes", "it is called `size`"),
        ("max_size", "it is called `size`"),
    ],
};

const AGE: Shape = Shape::Duration { min: Duration::ZERO, max: Duration::from_secs(100 * 365 * 24 * 3600) };

pub(super) static RETENTION: Element = Element {
    name: "retention",
    doc: "How long what has ended is kept. What has not ended is kept in any case. What is not written has the default.",
    fields: &[
        Field::new(
            "payloads",
            Shape::Table(&KEEP),
            "Bodies and headers of settled events without dead letters. Without them an event is still listed, and \
             cannot be replayed.",
        )
        .default("{ age = \"3d\", size = \"4GiB\" }"),
        Field::new(
            "settled",
            Shape::Table(&KEEP),
            "Settled events without dead letters, with all that is known of them.",
        )
        .default("{ age = \"7d\", size = \"4GiB\" }"),
        Field::new("unrouted", Shape::Table(&KEEP), "Events that no route took.")
            .default("{ age = \"30d\", size = \"1GiB\" }"),
        Field::new("dead_letters", Shape::Table(&KEEP), "Events with dead letters.")
            .default("{ age = \"30d\", size = \"4GiB\" }"),
        Field::new(
            "orphaned",
            AGE,
            "Deliveries to a destination that is not in the configuration any more, or that is disabled: they wait for it \
             to come back, and become dead letters after this time.",
        )
        .default("\"30d\""),
    ],
    instead: &[
        ("events", "they are called `settled`, `unrouted` and `dead_letters`"),
        ("bodies", "they are called `payloads`"),
        ("dead-letters", "it is called `dead_letters`"),
    ],
};

impl Retention {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Retention::default();
        let keep = |key, default| table.table(key).map_or(default, |table| Keep::read(&table, default));
        Retention {
            payloads: keep("payloads", default.payloads),
            settled: keep("settled", default.settled),
            unrouted: keep("unrouted", default.unrouted),
            dead_letters: keep("dead_letters", default.dead_letters),
            orphaned: table.get("orphaned").and_then(Value::duration).unwrap_or(default.orphaned),
        }
    }
}

impl Keep {
    fn read(table: &Table<'_>, default: Keep) -> Self {
        let size = table.get("size").and_then(Value::size).map(|size| size as u64);
        Keep {
            age: table.get("age").and_then(Value::duration).unwrap_or(default.age),
            size: size.unwrap_or(default.size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let default = Retention::default();
        for (lines, expected) in [
            ("", default),
            ("orphaned = \"1h\"", Retention { orphaned: Duration::from_secs(3600), ..default }),
            (
                "settled = { age = \"1d\" }\nunrouted = { size = \"1MiB\", age = \"0s\" }",
                Retention {
                    settled: Keep { age: DAY, ..default.settled },
                    unrouted: Keep { age: Duration::ZERO, size: 1 << 20 },
                    ..default
                },
            ),
        ] {
            let text = format!("[store.retention]\n{lines}");
            assert_eq!(check::read(&text).map(|config| config.store.retention), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("settled = \"7d\"", "expected a table, found a string"),
            ("settled = { time = \"7d\" }", "it is called `age`"),
            ("bodies = { age = \"7d\" }", "they are called `payloads`"),
            ("orphaned = 7", "write \"7s\" for seconds"),
        ] {
            check::fails(&format!("[store.retention]\n{line}"), expected);
        }
    }
}
