//! Text of a configuration file, and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A place in a configuration file, counted from 1. Shown as `config.toml:12:8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One file's text.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: Arc<str>,
    pub(super) text: String,
    /// Where each line begins; found once, because every element asks for its place.
    lines: Vec<usize>,
}

/// A stretch of one file's text.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) text: Arc<Text>,
    pub(super) span: Range<usize>,
}

impl Text {
    pub(super) fn new(name: &str, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Text { name: name.into(), text, lines }
    }

    /// The number of the line that holds an offset, from 0.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// A line's bytes without its break.
    pub(super) fn line(&self, number: usize) -> Range<usize> {
        let start = self.lines.get(number).copied().unwrap_or(self.text.len());
        let end = self.lines.get(number + 1).map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }

    pub(super) fn location(&self, offset: usize) -> Location {
        let line = self.line_of(offset);
        let start = self.line(line).start;
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        Location { file: self.name.clone(), line: line + 1, column: before.chars().count() + 1 }
    }
}

impl Spot {
    pub(super) fn location(&self) -> Location {
        self.text.location(self.span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = Text::new("a.toml", "one\nzwöi = 1\n\nend".to_owned());
        for (offset, expected) in [
            (0, "a.toml:1:1"),
            (3, "a.toml:1:4"),
            (4, "a.toml:2:1"),
            (8, "a.toml:2:4"),
            (15, "a.toml:4:1"),
            (999, "a.toml:4:4"),
        ] {
            assert_eq!(text.location(offset).to_string(), expected, "{offset}");
        }
        assert_eq!(&text.text[text.line(1)], "zwöi = 1");
    }
}
