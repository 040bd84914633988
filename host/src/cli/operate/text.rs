//! Texts for a terminal. What a sender wrote is shown so that it cannot steer the terminal.

use std::fmt::Write as _;

use crate::event::UnixMillis;

/// One line, with what a terminal would act on written as an escape.
pub(in crate::cli) fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Several lines, likewise.
pub(in crate::cli) fn lines(text: &str) -> String {
    escaped(text, |letter| matches!(letter, '\n' | '\t'))
}

/// JSON with those control characters escaped that JSON itself leaves as they are. They stand in strings only, but for
/// those between its parts.
pub(in crate::cli) fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => safe.push(letter),
            // Between parts; in a string it is an escape already.
            '\r' => safe.push(' '),
            letter if steers(letter) => {
                let _ = write!(safe, "\\u{:04x}", u32::from(letter));
            }
            letter => safe.push(letter),
        }
    }
    safe
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) && !kept(letter) {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// Control characters, and those that turn the direction of what follows.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time of day in UTC.
pub(in crate::cli) fn time(at: UnixMillis) -> String {
    let time = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A stretch of time, in two units at most.
pub(in crate::cli) fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match millis {
        ..0 => format!("-{}", span(millis.saturating_neg())),
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", millis as f64 / 1000.0),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Bytes.
pub(in crate::cli) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A number with its noun.
pub(in crate::cli) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = "a\x1b[2Jb\rc\n\td\u{9b}31m\u{202e}e\u{7f}é🦀";
        assert_eq!(line(hostile), "a\\u{1b}[2Jb\\rc\\n\\td\\u{9b}31m\\u{202e}e\\u{7f}é🦀");
        assert_eq!(lines(hostile), "a\\u{1b}[2Jb\\rc\n\td\\u{9b}31m\\u{202e}e\\u{7f}é🦀");
        let written = "{\r\n\"a\":\"\u{9b}31m\u{7f}é\\r\"}";
        let safe = json(written);
        assert_eq!(safe, "{ \n\"a\":\"\\u009b31m\\u007fé\\r\"}");
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&safe), same(written));
    }

    #[test]
    fn quantities_are_short() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_500, "1.5 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
            (-2_000, "-2.0 s"),
        ] {
            assert_eq!(span(millis), expected);
        }
        for (bytes, expected) in
            [(12, "12 B"), (1_234, "1.2 kB"), (5_000_000, "5.0 MB"), (3_000_000_000, "3.0 GB")]
        {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(count(1, "event", "events"), "1 event");
        assert_eq!(count(0, "event", "events"), "0 events");
    }
}
