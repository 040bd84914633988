//! `limits = { … }` of a plugin: what one call may cost; and of a route: what a chain may.

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
    /// Bytes that pass between a call and the host.
    pub host_calls: usize,
    /// Bytes that a call may log.
    pub log: usize,
    /// Lines a second that all of its calls may log.
    pub log_rate: u32,
    /// Bytes of all keys and values that are kept in its namespace.
    pub kv: u64,
    /// How many of them.
    pub kv_keys: u64,
    /// Requests that a call may send.
    pub http_calls: u32,
    /// Bytes of an answer's body.
    pub http_response: usize,
}

/// What all calls of one run may cost together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLimits {
    /// Processor time.
    pub cpu: Duration,
    /// Time by the clock on the wall.
    pub time: Duration,
}

impl Default for ChainLimits {
    fn default() -> Self {
        ChainLimits { cpu: Duration::from_secs(10), time: Duration::from_secs(30) }
    }
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
            host_calls: 256 * 1024 * 1024,
            log: 64 * 1024,
            log_rate: 100,
            kv: 16 * 1024 * 1024,
            kv_keys: 10_000,
            http_calls: 32,
            http_response: 4 * 1024 * 1024,
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
        Field::new(
            "host_calls",
            Shape::Size { min: 1 << 10, max: 64 << 30 },
            "Bytes that pass between a call and the host: bodies and texts that it reads, and all that it hands over.",
        )
        .default(r#""256MiB""#),
        Field::new(
            "log",
            Shape::Size { min: 0, max: 16 << 20 },
            "Bytes that a call may log. What is beyond is left out and counted.",
        )
        .default(r#""64KiB""#),
        Field::new(
            "log_rate",
            Shape::Integer { min: 0, max: 1_000_000 },
            "Lines a second that all of its calls together may log. What is beyond is left out and counted.",
        )
        .default("100"),
        Field::new(
            "kv",
            Shape::Size { min: 0, max: 1 << 40 },
            "Bytes of all the keys and values that it keeps between events, or that are kept under the name which it shares. \
             An operation that would go beyond does nothing, and the plugin is told.",
        )
        .default(r#""16MiB""#),
        Field::new("kv_keys", Shape::Integer { min: 0, max: 1_000_000_000 }, "How many of them.")
            .default("10000"),
        Field::new("http_calls", Shape::Integer { min: 1, max: 10_000 }, "Requests that a call may send over HTTP.")
            .default("32"),
        Field::new(
            "http_response",
            Shape::Size { min: 1 << 10, max: 1 << 30 },
            "Bytes of the body of an answer over HTTP; of a larger one the plugin is told that it is too large.",
        )
        .default(r#""4MiB""#),
    ],
    instead: &[("timeout", "it is called `time`"), ("fuel", "processor time is limited by `cpu`")],
};

impl PluginLimits {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = PluginLimits::default();
        let http_calls = table.get("http_calls").and_then(Value::count);
        PluginLimits {
            cpu: table.get("cpu").and_then(Value::duration).unwrap_or(default.cpu),
            time: table.get("time").and_then(Value::duration),
            memory: table.get("memory").and_then(Value::size).unwrap_or(default.memory),
            output: table.get("output").and_then(Value::size).unwrap_or(default.output),
            messages: table.get("messages").and_then(Value::count).unwrap_or(default.messages),
            host_calls: table.get("host_calls").and_then(Value::size).unwrap_or(default.host_calls),
            log: table.get("log").and_then(Value::size).unwrap_or(default.log),
            log_rate: table.get("log_rate").and_then(Value::count).map_or(default.log_rate, lines),
            kv: table.get("kv").and_then(Value::size).map_or(default.kv, |bytes| bytes as u64),
            http_calls: http_calls.and_then(|calls| u32::try_from(calls).ok()).unwrap_or(default.http_calls),
            http_response: table.get("http_response").and_then(Value::size).unwrap_or(default.http_response),
            kv_keys: table.get("kv_keys").and_then(Value::count).map_or(default.kv_keys, |keys| keys as u64),
        }
    }
}

fn lines(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) static CHAIN_LIMITS: Element = Element {
    name: "route limits",
    doc: "What the calls of one run may cost together, whatever each of them may: an event may be split into many messages, \
          for each of which the plugins further down run. A run that exceeds a limit has failed in the plugin that was being \
          called.",
    fields: &[
        Field::new("cpu", Shape::millis(1, 600 * SECOND), "Processor time.").default(r#""10s""#),
        Field::new(
            "time",
            Shape::millis(1, 600 * SECOND),
            "Time by the clock on the wall, waiting included.",
        )
        .default(r#""30s""#),
    ],
    instead: &[("timeout", "it is called `time`")],
};

impl ChainLimits {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = ChainLimits::default();
        ChainLimits {
            cpu: table.get("cpu").and_then(Value::duration).unwrap_or(default.cpu),
            time: table.get("time").and_then(Value::duration).unwrap_or(default.time),
        }
    }
}
