//! `[quarantine]`: what is kept of requests that were not taken for genuine.

use std::time::Duration;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

pub(super) static QUARANTINE: Element = Element {
    name: "quarantine",
    doc: "What is kept, in the state directory, of requests whose origin could not be proven, so that they can be taken \
          in once the reason is mended: `hookyard quarantine`. When there are too many, the oldest of the source that \
          has the most go first.",
    fields: &[
        Field::new("max_requests", Shape::Integer { min: 0, max: 100_000 }, "Requests; 0 keeps none.")
            .default("1000"),
        Field::new("max_bytes", Shape::Size { min: 0, max: 1 << 40 }, "Bytes of all of them together.")
            .default("\"64MiB\""),
        Field::new("max_age", Shape::millis(1_000, 365 * 86_400_000), "How long one is kept.")
            .default("\"7d\""),
    ],
    instead: &[("retention", "it is called `max_age`"), ("limit", "it is called `max_requests`")],
};

/// How much is kept of refused requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Requests; 0 keeps none.
    pub max_requests: usize,
    /// Bytes of all of them together.
    pub max_bytes: usize,
    /// How long one is kept.
    pub max_age: Duration,
}

impl Default for Quarantine {
    fn default() -> Self {
        Quarantine { max_requests: 1000, max_bytes: 64 << 20, max_age: Duration::from_secs(7 * 24 * 3600) }
    }
}

impl Quarantine {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Quarantine::default();
        Quarantine {
            max_requests: table.get("max_requests").and_then(Value::count).unwrap_or(default.max_requests),
            max_bytes: table.get("max_bytes").and_then(Value::size).unwrap_or(default.max_bytes),
            max_age: table.get("max_age").and_then(Value::duration).unwrap_or(default.max_age),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "[quarantine]\nmax_requests = 0\nmax_bytes = \"1MiB\"\nmax_age = \"1h\"";
        let expected = Quarantine { max_requests: 0, max_bytes: 1 << 20, max_age: Duration::from_secs(3600) };
        assert_eq!(check::read(text).map(|config| config.quarantine), Ok(expected));
        assert_eq!(check::read("").map(|config| config.quarantine), Ok(Quarantine::default()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        check::fails("[quarantine]\nmax_age = \"0s\"", "`max_age` is out of range");
        check::fails("[quarantine]\nlimit = 3", "it is called `max_requests`");
    }
}
