//! `breaker = { … }` of a destination, and of a plugin.

use crate::breaker::BreakerPolicy;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

/// Whether there is one, or a table with more.
pub(super) const BREAKER_OR_TABLE: Shape = Shape::Either(&[Shape::Boolean, Shape::Table(&BREAKER)]);

/// The same for a plugin.
pub(super) const PLUGIN_BREAKER_OR_TABLE: Shape =
    Shape::Either(&[Shape::Boolean, Shape::Table(&PLUGIN_BREAKER)]);

/// A plugin that fails on half of its latest events.
pub(super) fn plugin_default() -> BreakerPolicy {
    BreakerPolicy { failures: 10, of: Some(20), ..BreakerPolicy::default() }
}

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

pub(super) static PLUGIN_BREAKER: Element = Element {
    name: "plugin breaker",
    doc: "When a plugin is left alone that fails on most events. While the breaker is open the runs of its routes are parked: \
          they are not begun, no attempt is used up, nothing is lost; readiness, the log and the metrics say so. After a \
          time one event is let through; when that goes well, all of them go on. So they do once the plugin's file or \
          settings have changed. Where `on_error` is \"skip\", events go on without the plugin instead.",
    fields: &[
        Field::new(
            "failures",
            Shape::Integer { min: 1, max: 64 },
            "Failed calls among the latest `of` after which the breaker opens.",
        )
        .default("10"),
        Field::new("of", Shape::Integer { min: 1, max: 64 }, "Of how many of the latest calls.")
            .otherwise("`20`, or `failures` if that is more"),
        Field::new(
            "open",
            Shape::millis(10, 86_400_000),
            "How long it stays open the first time. Twice as long after each event let through that fails.",
        )
        .default("\"30s\""),
        Field::new(
            "max_open",
            Shape::millis(10, 86_400_000),
            "It never stays open for longer than this at a time.",
        )
        .otherwise("`5m`, or `open` if that is longer"),
    ],
    instead: &[("threshold", "it is called `failures`"), ("window", "it is called `of`")],
};

/// Reads `breaker` of a destination's table.
pub(super) fn read(destination: &Table<'_>) -> Option<BreakerPolicy> {
    read_or(destination, BreakerPolicy::default())
}

/// Reads `breaker` of a plugin's table.
pub(super) fn read_plugin(plugin: &Table<'_>) -> Option<BreakerPolicy> {
    read_or(plugin, plugin_default())
}

/// `of` is declared where the default has it.
fn read_or(owner: &Table<'_>, default: BreakerPolicy) -> Option<BreakerPolicy> {
    let Some(value) = owner.get("breaker") else { return Some(default) };
    if !value.is_table() {
        return value.boolean().unwrap_or(true).then_some(default);
    }
    let table = value.table_titled(owner.subtitle("breaker"))?;
    let count = |value: Value<'_>| value.integer().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let failures = table.get("failures").and_then(count).unwrap_or(default.failures);
    let open = table.get("open").and_then(Value::duration).unwrap_or(default.open);
    let max_open = table.get("max_open").map(|value| (value, value.duration()));
    if let Some((value, Some(max_open))) = max_open
        && max_open < open
    {
        value.error("`max_open` is shorter than `open`", |_| ());
    }
    let of = default.of.map(|of| {
        let written = table.get("of").and_then(|value| Some((value, count(value)?)));
        if let Some((value, _)) = written.filter(|(_, of)| *of < failures) {
            value.error("`of` is less than `failures`, so that the breaker would never open", |_| ());
        }
        written.map_or(of.max(failures), |(_, of)| of)
    });
    Some(BreakerPolicy {
        failures,
        of,
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
                of: None,
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

    fn of_plugin(breaker: &str) -> String {
        format!("[plugins.p]\npath = \"p.wasm\"\n{breaker}")
    }

    #[test]
    fn a_plugin_has_one_that_counts_among_the_latest() {
        let check = |breaker: &str, expected: Option<(u32, u32)>| {
            let config = check::read(&of_plugin(breaker)).unwrap();
            let found = config.plugins["p"].breaker.map(|policy| (policy.failures, policy.of.unwrap()));
            assert_eq!(found, expected, "{breaker}");
        };
        check("", Some((10, 20)));
        check("breaker = false", None);
        check("breaker = { failures = 3 }", Some((3, 20)));
        check("breaker = { failures = 30 }", Some((30, 30)));
        check("breaker = { failures = 3, of = 3 }", Some((3, 3)));
        check::fails(&of_plugin("breaker = { failures = 3, of = 2 }"), "`of` is less than `failures`");
        check::fails(&of_plugin("breaker = { window = 2 }"), "it is called `of`");
    }
}
