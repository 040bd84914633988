//! `retry = { … }` of a destination.

use std::time::Duration;

use crate::retry::RetryPolicy;

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

const DAY: u64 = 86_400_000;

static WAIT: Shape = Shape::millis(0, 30 * DAY);

static STATUS: Shape = Shape::Integer { min: 400, max: 599 };

pub(super) static RETRY: Element = Element {
    name: "retry",
    doc: "When a failed attempt is repeated, and when it is given up and becomes a dead letter.",
    fields: &[
        Field::new(
            "schedule",
            Shape::List(&WAIT),
            "The wait before the second, third, … attempt; the last one repeats while attempts remain.",
        )
        .default(r#"["5s", "30s", "2m", "10m", "30m", "1h", "3h", "8h", "15h"]"#)
        .example(r#"["5s", "1m", "10m"]"#),
        Field::new("max_attempts", Shape::Integer { min: 1, max: 1000 }, "Attempts in all; 1 never repeats.")
            .otherwise("one more than the schedule has waits"),
        Field::new(
            "jitter",
            Shape::Number { min: 0.0, max: 1.0 },
            "How far a wait may vary in proportion: 0.2 means between 0.8 and 1.2 of it.",
        )
        .default("0.2"),
        Field::new(
            "max_retry_after",
            Shape::millis(0, 30 * DAY),
            "The longest wait that a receiver may ask for with `Retry-After`.",
        )
        .default(r#""24h""#),
        Field::new(
            "honor_retry_after",
            Shape::Boolean,
            "Wait at least as long as a receiver asks for with `Retry-After`.",
        )
        .default("true"),
        Field::new(
            "permanent",
            Shape::List(&STATUS),
            "http: statuses after which a message is not tried again, in addition to redirects, which are not \
             followed, and 410, by which a receiver says that it is gone for good. After any other failure it is.",
        )
        .default("[]")
        .example("[400, 422]"),
    ],
    instead: &[
        ("attempts", "it is called `max_attempts`"),
        ("backoff", "it is called `schedule`"),
        ("delays", "it is called `schedule`"),
    ],
};

pub(super) fn read(table: &Table<'_>) -> RetryPolicy {
    let default = RetryPolicy::default();
    let schedule = table.get("schedule").and_then(schedule).unwrap_or(default.schedule);
    let attempts = table.get("max_attempts").and_then(Value::integer);
    RetryPolicy {
        max_attempts: u32::try_from(attempts.unwrap_or(schedule.len() as u64 + 1)).unwrap_or(u32::MAX),
        schedule,
        jitter: table.get("jitter").and_then(Value::number).unwrap_or(default.jitter),
        max_retry_after: max_retry_after(table).unwrap_or(default.max_retry_after),
    }
}

/// A receiver that is not heeded is one that may ask for no wait at all.
fn max_retry_after(table: &Table<'_>) -> Option<Duration> {
    let max = table.get("max_retry_after");
    if table.get("honor_retry_after").and_then(Value::boolean) != Some(false) {
        return max.and_then(Value::duration);
    }
    if let Some(max) = max {
        max.error("without `honor_retry_after` there is nothing to bound", |_| ());
    }
    Some(Duration::ZERO)
}

/// Statuses after which a message is not tried again.
pub(super) fn permanent(table: &Table<'_>) -> Vec<u16> {
    let statuses = table.get("permanent").and_then(Value::items).unwrap_or_default();
    statuses.into_iter().filter_map(Value::integer).filter_map(|status| u16::try_from(status).ok()).collect()
}

fn schedule(value: Value<'_>) -> Option<Vec<Duration>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.fail("a schedule has at least one wait; to never repeat, write max_attempts = 1");
    }
    items.into_iter().map(Value::duration).collect()
}
