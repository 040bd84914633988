//! `retry = { … }` of a destination.

use std::time::Duration;

use crate::retry::{RetryPolicy, Waits};

use super::field::{Element, Field, Shape};
use super::table::Table;
use super::value::Value;

const DAY: u64 = 86_400_000;

static WAIT: Shape = Shape::millis(0, 30 * DAY);

static STATUS: Shape = Shape::Integer { min: 400, max: 599 };

pub(super) static RETRY: Element = Element {
    name: "retry",
    doc: "When a failed attempt is repeated, and when it is given up and becomes a dead letter. The default makes ten \
          attempts over about 28 hours.",
    fields: &[
        Field::new(
            "schedule",
            Shape::List(&WAIT),
            "The wait before the second, third, … attempt; the last one repeats while attempts remain.",
        )
        .default(r#"["5s", "30s", "2m", "10m", "30m", "1h", "3h", "8h", "15h"]"#)
        .example(r#"["5s", "1m", "10m"]"#),
        Field::new("backoff", Shape::Table(&BACKOFF), "Instead of a schedule: waits that grow.")
            .example(r#"{ first = "5s", factor = 3, max = "8h" }"#),
        Field::new("max_attempts", Shape::Integer { min: 1, max: 1000 }, "Attempts in all; 1 never repeats.")
            .otherwise("one more than the schedule has waits; 10 with `backoff`"),
        Field::new(
            "max_age",
            Shape::millis(1, 365 * DAY),
            "No attempt is waited for that could only begin when the message has been stored for longer than this, and \
             what an open breaker holds becomes a dead letter then.",
        )
        .otherwise("twice what the waits add up to, and at least 3 days")
        .example(r#""24h""#),
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
        ("delays", "it is called `schedule`"),
        ("age", "it is called `max_age`"),
        ("factor", "write backoff = { factor = … }"),
    ],
};

pub(super) static PLUGIN_RETRY: Element = Element {
    name: "plugin retry",
    doc: "When a run in which a plugin failed is repeated, and when it is given up and becomes a dead letter.",
    fields: &[
        Field::new(
            "schedule",
            Shape::List(&WAIT),
            "The wait before the second, third, … attempt; the last one repeats while attempts remain.",
        )
        .default(r#"["1s", "10s", "1m", "10m"]"#),
        Field::new("backoff", Shape::Table(&BACKOFF), "Instead of a schedule: waits that grow.")
            .example(r#"{ first = "1s", factor = 5, max = "1h" }"#),
        Field::new("max_attempts", Shape::Integer { min: 1, max: 1000 }, "Attempts in all; 1 never repeats.")
            .otherwise("one more than the schedule has waits; 10 with `backoff`"),
        Field::new(
            "jitter",
            Shape::Number { min: 0.0, max: 1.0 },
            "How far a wait may vary in proportion: 0.2 means between 0.8 and 1.2 of it.",
        )
        .default("0.2"),
    ],
    instead: &[
        ("attempts", "it is called `max_attempts`"),
        ("delays", "it is called `schedule`"),
        ("factor", "write backoff = { factor = … }"),
    ],
};

/// After 1 s, 10 s, 1 min and 10 min.
pub(super) fn plugin_default() -> RetryPolicy {
    let waits = [1, 10, 60, 600].map(Duration::from_secs).to_vec();
    RetryPolicy { max_attempts: 5, waits: Waits::Schedule(waits), ..RetryPolicy::default() }
}

/// Reads `retry` of a plugin's table. A run is repeated however old it is.
pub(super) fn read_plugin(table: &Table<'_>) -> RetryPolicy {
    let default = plugin_default();
    let (waits, max_attempts) = planned(table, &default);
    RetryPolicy {
        waits,
        max_attempts,
        jitter: table.get("jitter").and_then(Value::number).unwrap_or(default.jitter),
        ..default
    }
}

pub(super) static BACKOFF: Element = Element {
    name: "backoff",
    doc: "Waits of which each is longer than the one before.",
    fields: &[
        Field::new("first", Shape::millis(1, 30 * DAY), "The wait before the second attempt.")
            .default(r#""5s""#),
        Field::new(
            "factor",
            Shape::Number { min: 1.0, max: 100.0 },
            "How many times longer each next one is.",
        )
        .default("3"),
        Field::new("max", Shape::millis(1, 30 * DAY), "None is longer than this.").default(r#""8h""#),
    ],
    instead: &[
        ("base", "it is called `first`"),
        ("initial", "it is called `first`"),
        ("multiplier", "it is called `factor`"),
    ],
};

pub(super) fn read(table: &Table<'_>) -> RetryPolicy {
    let default = RetryPolicy::default();
    let (waits, max_attempts) = planned(table, &default);
    let duration = |key| table.get(key).and_then(Value::duration);
    RetryPolicy {
        max_age: duration("max_age").unwrap_or_else(|| waits.usual_max_age(max_attempts)),
        waits,
        max_attempts,
        jitter: table.get("jitter").and_then(Value::number).unwrap_or(default.jitter),
        max_retry_after: max_retry_after(table).unwrap_or(default.max_retry_after),
    }
}

/// The waits, and how many attempts.
fn planned(table: &Table<'_>, default: &RetryPolicy) -> (Waits, u32) {
    let schedule = table.get("schedule").and_then(schedule);
    let backoff = table.table("backoff").map(|table| backoff(&table));
    if let (Some(_), Some(backoff)) = (table.get("schedule"), table.get("backoff")) {
        backoff.context.gathered.error(
            backoff.key_spot(),
            "waits follow a `schedule` or a `backoff`, not both",
            |_| (),
        );
    }
    let planned = match (&schedule, &backoff) {
        (Some(waits), _) => waits.len() as u32 + 1,
        (None, Some(_)) => RetryPolicy::default().max_attempts,
        (None, None) => default.max_attempts,
    };
    let waits = schedule.map(Waits::Schedule).or(backoff).unwrap_or_else(|| default.waits.clone());
    let max_attempts = table.get("max_attempts").and_then(Value::integer);
    let max_attempts = max_attempts.map_or(planned, |attempts| u32::try_from(attempts).unwrap_or(u32::MAX));
    (waits, max_attempts)
}

fn backoff(table: &Table<'_>) -> Waits {
    let duration = |key| table.get(key).and_then(Value::duration);
    Waits::Backoff {
        first: duration("first").unwrap_or(Duration::from_secs(5)),
        factor: table.get("factor").and_then(Value::number).unwrap_or(3.0),
        max: duration("max").unwrap_or(Duration::from_secs(8 * 3600)),
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

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let check = |retry: &str, expected: RetryPolicy| {
            let text = format!("[destinations.d]\ntype = \"console\"\nretry = {{ {retry} }}");
            let config = check::read(&text).unwrap();
            assert_eq!(config.destinations["d"].retry, expected, "{retry}");
        };
        let seconds = Duration::from_secs;
        let default = RetryPolicy::default;
        check("", default());
        check(
            "schedule = [\"1s\", \"40h\"]",
            RetryPolicy {
                waits: Waits::Schedule(vec![seconds(1), seconds(40 * 3600)]),
                max_attempts: 3,
                max_age: seconds(80 * 3600 + 2),
                ..default()
            },
        );
        check("max_attempts = 2", RetryPolicy { max_attempts: 2, ..default() });
        check("max_age = \"90s\"", RetryPolicy { max_age: seconds(90), ..default() });
        let backoff =
            |first, factor, max| Waits::Backoff { first: seconds(first), factor, max: seconds(max) };
        check("backoff = {}", RetryPolicy { waits: backoff(5, 3.0, 8 * 3600), ..default() });
        check(
            "backoff = { first = \"1s\", factor = 1.5, max = \"1m\" }, max_attempts = 5, max_age = \"1h\", \
             jitter = 0, max_retry_after = \"0s\"",
            RetryPolicy {
                waits: backoff(1, 1.5, 60),
                max_attempts: 5,
                max_age: seconds(3600),
                jitter: 0.0,
                max_retry_after: seconds(0),
            },
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (retry, expected) in [
            ("backoff = {}, schedule = [\"1s\"]", "waits follow a `schedule` or a `backoff`, not both"),
            ("backoff = { factor = 0.5 }", "expected 1 to 100"),
            ("backoff = { base = \"1s\" }", "it is called `first`"),
            ("backoff = \"5s\"", "expected a table"),
            ("max_age = \"0s\"", "`max_age` is out of range"),
        ] {
            check::fails(&format!("[destinations.d]\ntype = \"console\"\nretry = {{ {retry} }}"), expected);
        }
    }
}
