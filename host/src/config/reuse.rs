//! `reuse = { … }` of a plugin: when a reused instance is put aside.

use std::time::Duration;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

/// When a reused instance is put aside for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReuseCaps {
    /// After so many calls.
    pub calls: u32,
    /// So long after it was made.
    pub age: Duration,
    /// Once its memory has grown by more bytes than this since it was made.
    pub growth: usize,
}

impl Default for ReuseCaps {
    fn default() -> Self {
        ReuseCaps { calls: 10_000, age: Duration::from_secs(600), growth: 16 << 20 }
    }
}

pub(super) static REUSE: Element = Element {
    name: "reuse",
    doc: "When a reused instance is put aside for a new one. It is after every trap and every limit that it exceeded.",
    fields: &[
        Field::new("calls", Shape::Integer { min: 1, max: 1_000_000_000 }, "After so many calls.")
            .default("10000"),
        Field::new("age", Shape::millis(1, 86_400_000), "So long after it was made.").default(r#""10m""#),
        Field::new(
            "growth",
            Shape::Size { min: 0, max: 4 << 30 },
            "Once its memory has grown by more than this since it was made.",
        )
        .default(r#""16MiB""#),
    ],
    instead: &[("memory", "it is called `growth`"), ("count", "it is called `calls`")],
};

impl ReuseCaps {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = ReuseCaps::default();
        let calls = table.get("calls").and_then(Value::integer);
        ReuseCaps {
            calls: calls.map_or(default.calls, |calls| u32::try_from(calls).unwrap_or(u32::MAX)),
            age: table.get("age").and_then(Value::duration).unwrap_or(default.age),
            growth: table.get("growth").and_then(Value::size).unwrap_or(default.growth),
        }
    }
}
