//! `limits = { … }` of a plugin: what one call may cost.

use std::time::Duration;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

/// What one call may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginLimits {
    /// Processor time.
    pub cpu: Duration,
    /// Time by the clock on the wall, where the operator has said.
    pub time: Option<Duration>,
    /// Linear memory, in bytes.
    pub memory: usize,
    /// Bytes of everything that a call puts out: bodies, headers, attributes, edits.
    pub output: usize,
    /// Messages that a call may emit.
    pub messages: usize,
}

impl PluginLimits {
    /// Time by the clock on the wall for one message, which nobody waits for.
    pub fn run_time(&self) -> Duration {
        self.time.unwrap_or(Duration::from_secs(5))
    }

    /// Time by the clock on the wall for one verification, which a sender waits for.
    pub fn verification_time(&self) -> Duration {
        self.time.unwrap_or(Duration::from_secs(1))
    }
}

impl Default for PluginLimits {
    fn default() -> Self {
        PluginLimits {
            cpu: Duration::from_millis(500),
            time: None,
            memory: 64 * 1024 * 1024,
            output: 32 * 1024 * 1024,
            messages: 10_000,
        }
    }
}

const SECOND: u64 = 1_000;

pub(super) static LIMITS: Element = Element {
    name: "limits",
    doc: "What one call of a plugin may cost. A call that exceeds a limit is stopped and counts as failed.",
    fields: &[
        Field::new("cpu", Shape::millis(1, 600 * SECOND), "Processor time.").default(r#""500ms""#),
        Field::new(
            "time",
            Shape::millis(1, 600 * SECOND),
            "Time by the clock on the wall, waiting included.",
        )
        .otherwise("5s, or 1s where it verifies requests, since the sender waits")
        .example(r#""2s""#),
        Field::new(
            "memory",
            Shape::Size { min: 64 << 10, max: 4 << 30 },
            "Linear memory. Guests in JavaScript, Python or Go need some tens of MiB.",
        )
        .default(r#""64MiB""#),
        Field::new(
            "output",
            Shape::Size { min: 1 << 10, max: 1 << 30 },
            "Bytes of everything that a call puts out: bodies, headers, attributes, edits.",
        )
        .default(r#""32MiB""#),
        Field::new("messages", Shape::Integer { min: 1, max: 1_000_000 }, "Messages that a call may emit.")
            .default("10000"),
    ],
    instead: &[("timeout", "it is called `time`"), ("fuel", "processor time is limited by `cpu`")],
};

impl PluginLimits {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = PluginLimits::default();
        PluginLimits {
            cpu: table.get("cpu").and_then(Value::duration).unwrap_or(default.cpu),
            time: table.get("time").and_then(Value::duration),
            memory: table.get("memory").and_then(Value::size).unwrap_or(default.memory),
            output: table.get("output").and_then(Value::size).unwrap_or(default.output),
            messages: table.get("messages").and_then(Value::count).unwrap_or(default.messages),
        }
    }
}
