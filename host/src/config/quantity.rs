//! Durations and sizes as people write them.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;
use jiff::{SignedDuration, SpanRelativeTo};

/// Durations: the schema shows the same expression to editors. Units that vary with the calendar are left out.
pub(super) const DURATION: &str = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)( ?[0-9]+(\.[0-9]+)?(ms|s|m|h|d))*$";

/// Sizes in bytes, likewise.
pub(super) const SIZE: &str = r"^[0-9]+(\.[0-9]+)? ?(B|KB|KiB|MB|MiB|GB|GiB)$";

/// `500ms`, `5s`, `1h 30m`, `2d`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    static PARSER: SpanParser = SpanParser::new();
    // jiff alone would take years and weeks too.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b' ' | b'm' | b's' | b'h' | b'd')) {
        return None;
    }
    let span = PARSER.parse_span(text).ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// The shortest way to write a duration.
pub(super) fn show_duration(duration: Duration) -> String {
    const DAY: u64 = 24 * 3600;
    let seconds = duration.as_secs();
    if seconds > DAY && seconds.is_multiple_of(DAY) && duration.subsec_nanos() == 0 {
        return format!("{}d", seconds / DAY);
    }
    match SignedDuration::try_from(duration) {
        Ok(duration) => format!("{duration:#}"),
        Err(_) => format!("{seconds}s"),
    }
}

const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// `64KiB`, `25MB`, `1.5 GiB`, `100B`.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    let number = number.strip_suffix(' ').unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let fraction = format!("0.{fraction}").parse::<f64>().ok()? * factor as f64;
    whole.checked_add(fraction as u64)
}

/// The shortest exact way to write a size.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, factor) in [UNITS[2], UNITS[1], UNITS[0]] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let pattern = regex::Regex::new(DURATION).unwrap();
        for (text, expected) in [
            ("500ms", Some(500)),
            ("5s", Some(5_000)),
            ("0s", Some(0)),
            ("1.5s", Some(1_500)),
            ("10m", Some(600_000)),
            ("1h 30m", Some(5_400_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("", None),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("5s ago", None),
            ("1y", None),
            ("1w", None),
            ("1mo", None),
            ("5 parsecs", None),
            ("99999999999999999999s", None),
        ] {
            let parsed = duration(text);
            assert_eq!(parsed, expected.map(Duration::from_millis), "{text}");
            assert!(parsed.is_none() || pattern.is_match(text), "the schema must take {text}");
        }
        for (seconds, expected) in [(5_400, "1h 30m"), (86_400, "24h"), (172_800, "2d"), (0, "0s")] {
            assert_eq!(show_duration(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn sizes() {
        let pattern = regex::Regex::new(SIZE).unwrap();
        for (text, expected) in [
            ("100B", Some(100)),
            ("64KiB", Some(65_536)),
            ("25MB", Some(25_000_000)),
            ("1.5 GiB", Some(1_610_612_736)),
            ("0B", Some(0)),
            ("1", None),
            ("MB", None),
            ("1.MB", None),
            ("-1MB", None),
            ("1mb", None),
            ("1  MB", None),
            ("99999999999999GiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
            assert!(expected.is_none() || pattern.is_match(text), "the schema must take {text}");
        }
        assert_eq!(show_size(65_536), "64KiB");
        assert_eq!(show_size(1_000), "1000B");
    }
}
