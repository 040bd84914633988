//! Places inside a string: where in the file a part of a string's value was written. An escape is longer in the file than
//! in the value.

use std::ops::Range;

/// Where a stretch of a string's value stands in its source; `source` is the string with its quotes. None where the two
/// cannot be brought together.
pub(super) fn inside(source: &str, value: &str, part: Range<usize>) -> Option<Range<usize>> {
    let (quotes, escapes) = match source.as_bytes() {
        [b'"', b'"', b'"', ..] if source.len() >= 6 => (3, true),
        [b'\'', b'\'', b'\'', ..] if source.len() >= 6 => (3, false),
        [b'"', ..] if source.len() >= 2 => (1, true),
        [b'\'', ..] if source.len() >= 2 => (1, false),
        _ => return None,
    };
    let written = source.get(quotes..source.len() - quotes)?;
    let mut places = Places { written, at: 0, escapes };
    if quotes == 3 {
        places.skip_line_break();
    }
    let (mut start, mut end) = (None, None);
    for (offset, letter) in value.char_indices() {
        let place = places.next(letter)?;
        if offset <= part.start {
            start = Some(place.start);
        }
        if offset < part.end {
            end = Some(place.end);
        }
    }
    // What follows the last letter is the end of the text.
    let start = if part.start >= value.len() { places.at } else { start? };
    let end = end.unwrap_or(start).max(start);
    Some(quotes + start..quotes + end)
}

/// Goes through a string as it is written, letter by letter of its value.
struct Places<'s> {
    written: &'s str,
    at: usize,
    escapes: bool,
}

impl Places<'_> {
    fn rest(&self) -> &str {
        &self.written[self.at..]
    }

    /// A line break right after the opening quotes is no part of the value.
    fn skip_line_break(&mut self) {
        for line_break in ["\r\n", "\n"] {
            if self.rest().starts_with(line_break) {
                self.at += line_break.len();
                return;
            }
        }
    }

    /// The place of the next letter, which is `letter`.
    fn next(&mut self, letter: char) -> Option<Range<usize>> {
        while self.escapes && self.continues_on_the_next_line() {
            let rest = self.rest()[1..].trim_start();
            self.at = self.written.len() - rest.len();
        }
        let start = self.at;
        let mut letters = self.rest().chars();
        let first = letters.next()?;
        let long = match (first, letters.next()) {
            ('\\', Some(escaped)) if self.escapes => {
                1 + match escaped {
                    'x' => 3,
                    'u' => 5,
                    'U' => 9,
                    _ => 1,
                }
            }
            // Line breaks may have been made alike.
            ('\r', Some('\n')) if letter == '\n' => 2,
            (same, _) if same == letter => letter.len_utf8(),
            _ => return None,
        };
        self.at += long;
        (self.at <= self.written.len() && self.written.is_char_boundary(self.at)).then_some(start..self.at)
    }

    fn continues_on_the_next_line(&self) -> bool {
        self.rest()
            .strip_prefix('\\')
            .is_some_and(|rest| rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'))
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn a_part_is_found_in_what_was_written() {
        for (source, part, expected) in [
            ("'body.a > 1'", "a", "a"),
            ("\"body.a > 1\"", "> 1", "> 1"),
            ("\"a == \\\"x\\\" && b\"", "b", "b"),
            ("\"a == \\\"x\\\" && b\"", "x\"", "x\\\""),
            ("\"\\u00e9\\U0001F600\\x41é b\"", "Aé", "\\x41é"),
            ("\"\\u00e9\\U0001F600\\x41é b\"", "😀", "\\U0001F600"),
            ("\"\\\\b\\tb\"", "b\t", "b\\t"),
            ("'''\nbody.a\n  && b'''", "&& b", "&& b"),
            ("'''\r\nbody.a\r\n  && b'''", "&& b", "&& b"),
            ("\"\"\"\nbody.a \\\n     && b\"\"\"", "&& b", "&& b"),
            ("\"\"\"\"x\" == \"\"y\"\"\"", "y", "y"),
        ] {
            let text = format!("k = {source}");
            let table = DeTable::parse(&text).unwrap();
            let value = table.get_ref()["k"].get_ref().as_str().unwrap();
            let at = value.rfind(part).unwrap();
            let found = inside(source, value, at..at + part.len()).unwrap();
            assert_eq!(&source[found], expected, "{source}");
            let end = inside(source, value, value.len()..value.len()).unwrap();
            assert_eq!(source[end.start..].trim_start_matches(['"', '\'']), "", "{source}");
        }
        assert_eq!(inside("\"ab\"", "xy", 0..1), None);
        assert_eq!(inside("ab", "ab", 0..1), None);
    }
}
