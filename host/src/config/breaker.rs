//! `breaker = { … }` of a destination.

use crate::breaker::BreakerPolicy;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

/// Whether there is one, or a table with more.
pub(super) const BREAKER_OR_TABLE: Shape = Shape::Either(&[Shape::Boolean, Shape::Table(&BREAKER)]);

pub(super) static BREAKER: Element = Element {
    name: "breaker",
    doc: "When a receiver is left alone. While the breaker is open its messages are held: nothing is sent, no attempt is \
          used up, nothing is lost. After a time one attempt is let through; when that goes well, all of it goes on. \
          What counts as failure: no connection, no answer in time, 5xx, 429. Another 4xx, or what no repetition would \
          help, is an answer to one message from a receiver that works.",
    fields: &[
        Field::new(
            "failures",
            Shape::Integer { min: 1, max: 100_000 },
            "Failures in a row after which the breaker opens.",
        )
        .default("10"),
        Field::new(
            "open",
            Shape::millis(10, 86_400_000),
            "How long it stays open the first time. Twice as long after each attempt let through that fails.",
        )
        .default("\"30s\""),
        Field::new(
            "max_open",
            Shape::millis(10, 86_400_000),
            "It never stays open for longer than this at a time.",
        )
        .otherwise("`5m`, or `open` if that is longer"),
    ],
    instead: &[("threshold", "it is called `failures`"), ("timeout", "it is called `open`")],
};

/// Reads `breaker` of a destination's table.
pub(super) fn read(destination: &Table<'_>) -> Option<BreakerPolicy> {
    let default = BreakerPolicy::default();
    let Some(value) = destination.get("breaker") else { return Some(default) };
    if !value.is_table() {
        return value.boolean().unwrap_or(true).then_some(default);
    }
    let table = value.table_titled(destination.subtitle("breaker"))?;
    let failures = table.get("failures").and_then(Value::integer);
    let open = table.get("open").and_then(Value::duration).unwrap_or(default.open);
    let max_open = table.get("max_open").map(|value| (value, value.duration()));
    if let Some((value, Some(max_open))) = max_open
        && max_open < open
    {
        value.error("`max_open` is shorter than `open`", |_| ());
    }
    Some(BreakerPolicy {
        failures: failures.map_or(default.failures, |count| u32::try_from(count).unwrap_or(u32::MAX)),
        open,
        max_open: max_open.and_then(|(_, max_open)| max_open).unwrap_or(default.max_open.max(open)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::check;
    use super::*;

    fn text(breaker: &str) -> String {
        format!("[destinations.d]\ntype = \"console\"\n{breaker}")
    }

    #[test]
    fn what_is_written_is_read() {
        let check = |breaker: &str, expected: Option<(u32, u64, u64)>| {
            let config = check::read(&text(breaker)).unwrap();
            let expected = expected.map(|(failures, open, max_open)| BreakerPolicy {
                failures,
                open: Duration::from_secs(open),
                max_open: Duration::from_secs(max_open),
            });
            assert_eq!(config.destinations["d"].breaker, expected, "{breaker}");
        };
        check("", Some((10, 30, 300)));
        check("breaker = true", Some((10, 30, 300)));
        check("breaker = {}", Some((10, 30, 300)));
        check("breaker = false", None);
        check("breaker = { failures = 3, open = \"1s\", max_open = \"2s\" }", Some((3, 1, 2)));
        check("breaker = { open = \"1h\" }", Some((10, 3600, 3600)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (breaker, expected) in [
            ("breaker = \"off\"", "expected `true` or `false` or a table"),
            ("breaker = { failures = 0 }", "expected 1 to 100000"),
            ("breaker = { open = \"1m\", max_open = \"1s\" }", "`max_open` is shorter than `open`"),
            ("breaker = { threshold = 1 }", "it is called `failures`"),
        ] {
            check::fails(&text(breaker), expected);
        }
    }
}
