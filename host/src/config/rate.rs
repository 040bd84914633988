//! `rate = "50/s"` of a destination, and of a source.

use std::time::Duration;

use crate::rate::Rate;

use super::admission::{Limited, SourceRate};
use super::field::{Element, Field, Format, Shape};
use super::table::Table;
use super::value::Value;

const LIMIT: Shape =
    Shape::Text(Format { what: "a rate such as \"50/s\"", pattern: "^[1-9][0-9]{0,6}/(s|m|h)$" });

/// A rate, or a table with the rate and more.
pub(super) const RATE_OR_TABLE: Shape = Shape::Either(&[LIMIT, Shape::Table(&RATE)]);

pub(super) static RATE: Element = Element {
    name: "rate",
    doc: "How many attempts may begin. In any span of time these are at most the burst and what the limit comes to in \
          that time. What has to wait stays in the store.",
    fields: &[
        Field::new("limit", LIMIT, "Attempts for each second, minute or hour.")
            .required()
            .example("\"50/s\""),
        Field::new(
            "burst",
            Shape::Integer { min: 1, max: 1_000_000 },
            "How many attempts may begin at once after a pause.",
        )
        .otherwise("what the limit comes to in a tenth of a second, and at least 1"),
    ],
    instead: &[("rate", "it is called `limit`"), ("per", "it is called `limit`")],
};

/// The same of a source, which can also say what it answers.
pub(super) const SOURCE_RATE_OR_TABLE: Shape = Shape::Either(&[LIMIT, Shape::Table(&SOURCE_RATE)]);

pub(super) static SOURCE_RATE: Element = Element {
    name: "source rate",
    doc: "How many requests are taken, genuine or not: they are counted before their signatures are looked at. In any \
          span of time these are at most the burst and what the limit comes to in that time. The others are told when \
          to try again (Retry-After).",
    fields: &[
        Field::new("limit", LIMIT, "Requests for each second, minute or hour.").required().example("\"50/s\""),
        Field::new(
            "burst",
            Shape::Integer { min: 1, max: 1_000_000 },
            "How many requests are taken at once after a pause.",
        )
        .otherwise("what the limit comes to in a tenth of a second, and at least 1"),
        Field::new(
            "status",
            Shape::Integer { min: 429, max: 503 },
            "What the others are told: 429 (too many requests), or 503 (unavailable) for a sender that takes 429 for \
             final and drops the event.",
        )
        .otherwise("what makes the provider try again, which is 429 for most"),
    ],
    instead: &[("rate", "it is called `limit`"), ("per", "it is called `limit`")],
};

/// Reads `rate` of a destination's table.
pub(super) fn read(value: Value<'_>, destination: &Table<'_>) -> Option<Rate> {
    if !value.is_table() {
        return value.parse(limit).map(usual);
    }
    in_table(&value.table_titled(destination.subtitle("rate"))?)
}

/// Reads `rate` of a source's table; `answer` is what the others are told unless it says more.
pub(super) fn read_of_source(value: Value<'_>, source: &Table<'_>, answer: Limited) -> Option<SourceRate> {
    if !value.is_table() {
        return value.parse(limit).map(|interval| SourceRate { rate: usual(interval), answer });
    }
    let table = value.table_titled(source.subtitle("rate"))?;
    let answer = table.get("status").map_or(Some(answer), status);
    Some(SourceRate { rate: in_table(&table)?, answer: answer? })
}

fn status(value: Value<'_>) -> Option<Limited> {
    match value.integer()? {
        429 => Some(Limited::TooManyRequests),
        503 => Some(Limited::Unavailable),
        _ => value.fail("`status` is 429 (too many requests) or 503 (unavailable)"),
    }
}

fn usual(interval: Duration) -> Rate {
    Rate { interval, burst: usual_burst(interval) }
}

fn in_table(table: &Table<'_>) -> Option<Rate> {
    let burst = table.get("burst").and_then(Value::integer);
    let interval = table.required("limit")?.parse(limit)?;
    let burst = burst.map_or_else(|| usual_burst(interval), |burst| u32::try_from(burst).unwrap_or(u32::MAX));
    Some(Rate { interval, burst })
}

/// The time between two of them. Rounded up: slower is allowed.
fn limit(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text:?} is no rate such as \"50/s\", \"10/m\" or \"5/h\"");
    let (count, unit) = text.split_once('/').ok_or_else(problem)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(problem()),
    };
    let digits =
        count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0') && count.len() <= 7;
    let count = count.parse::<u64>().ok().filter(|_| digits).ok_or_else(problem)?;
    Ok(Duration::from_nanos((unit * 1_000_000_000).div_ceil(count)))
}

fn usual_burst(interval: Duration) -> u32 {
    let tenth = Duration::from_millis(100).as_nanos() / interval.as_nanos().max(1);
    u32::try_from(tenth).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn text(rate: &str) -> String {
        format!("[destinations.d]\ntype = \"console\"\nrate = {rate}")
    }

    #[test]
    fn what_is_written_is_read() {
        let check = |rate: &str, nanos: u64, burst| {
            let config = check::read(&text(rate)).unwrap();
            let expected = Rate { interval: Duration::from_nanos(nanos), burst };
            assert_eq!(config.destinations["d"].rate, Some(expected), "{rate}");
        };
        check("\"50/s\"", 20_000_000, 5);
        check("\"3/s\"", 333_333_334, 1);
        check("\"120/m\"", 500_000_000, 1);
        check("\"1/h\"", 3_600_000_000_000, 1);
        check("\"9999999/s\"", 101, 990_099);
        check("{ limit = \"50/s\" }", 20_000_000, 5);
        check("{ limit = \"50/s\", burst = 100 }", 20_000_000, 100);
        assert_eq!(check::read("[destinations.d]\ntype = \"console\"").unwrap().destinations["d"].rate, None);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (rate, expected) in [
            ("\"50\"", "\"50\" is no rate such as \"50/s\""),
            ("\"0/s\"", "is no rate"),
            ("\"05/s\"", "is no rate"),
            ("\"-1/s\"", "is no rate"),
            ("\"1.5/s\"", "is no rate"),
            ("\"50/d\"", "is no rate"),
            ("50", "expected a rate such as \"50/s\" or a table"),
            ("{}", "lacks `limit`"),
            ("{ limit = \"5/s\", burst = 0 }", "expected 1 to 1000000"),
        ] {
            check::fails(&text(rate), expected);
        }
    }
}
