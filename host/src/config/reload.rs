//! `[reload]`: how changed files are noticed.

use std::time::Duration;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

/// How changed files are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Listen to the file system's notifications.
    pub watch: bool,
    /// Compare content this often, for file systems that notify of nothing; zero never.
    pub poll: Duration,
    /// How long files must be quiet before they are read.
    pub debounce: Duration,
}

impl Default for Reload {
    fn default() -> Self {
        Reload { watch: true, poll: Duration::from_secs(5), debounce: Duration::from_millis(50) }
    }
}

pub(super) static RELOAD: Element = Element {
    name: "reload",
    doc: "How changed files are noticed: configuration, plugins, and files that hold secrets.",
    fields: &[
        Field::new("watch", Shape::Boolean, "Listen to the file system's notifications.").default("true"),
        Field::new(
            "poll",
            Shape::millis(0, 86_400_000),
            "Compare content this often, for file systems that notify of nothing (network mounts, some containers). \"0s\" never does.",
        )
        .default("\"5s\""),
        Field::new(
            "debounce",
            Shape::millis(0, 10_000),
            "How long files must be quiet before they are read.",
        )
        .default("\"50ms\""),
    ],
    instead: &[("interval", "it is called `poll`")],
};

impl Reload {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Reload::default();
        Reload {
            watch: table.get("watch").and_then(Value::boolean).unwrap_or(default.watch),
            poll: table.get("poll").and_then(Value::duration).unwrap_or(default.poll),
            debounce: table.get("debounce").and_then(Value::duration).unwrap_or(default.debounce),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "[reload]\nwatch = false\npoll = \"0s\"\ndebounce = \"1s\"";
        let expected = Reload { watch: false, poll: Duration::ZERO, debounce: Duration::from_secs(1) };
        assert_eq!(check::read(text).map(|config| config.reload), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("watch = \"yes\"", "expected `true` or `false`, found a string"),
            ("debounce = \"1m\"", "`debounce` is out of range: expected 0s to 10s"),
            ("poll = 0", "write \"0s\" for seconds"),
        ] {
            check::fails(&format!("[reload]\n{line}"), expected);
        }
    }
}
