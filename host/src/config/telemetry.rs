//! `[telemetry]`: what is logged and how.

use super::field::{Choice, Element, Field, Format, Shape, alternatives};
use super::suggest::did_you_mean;
use super::table::Table;

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`) or `tracing` directives such as `info,hookyard=debug`.
    pub log: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry { log: "info".to_owned(), format: LogFormat::Text }
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(super) static TELEMETRY: Element = Element {
    name: "telemetry",
    doc: "What is logged and how.",
    fields: &[
        Field::new(
            "log",
            Shape::Text(Format::free("a level such as \"info\"")),
            "A level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or several by module such as `info,hookyard=debug`.",
        )
        .default("\"info\"")
        .example("\"info,hookyard=debug\""),
        Field::new(
            "format",
            Shape::Choice(&[
                Choice {
                    word: "text",
                    doc: "for people",
                },
                Choice {
                    word: "json",
                    doc: "one JSON object a line",
                },
            ]),
            "How a log line is written.",
        )
        .default("\"text\""),
    ],
    instead: &[("level", "it is called `log`")],
};

impl Telemetry {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Telemetry::default();
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Telemetry {
            log: table.get("log").and_then(|value| value.parse(directives)).unwrap_or(default.log),
            format: table.get("format").and_then(|value| value.choice(&formats)).unwrap_or(default.format),
        }
    }
}

/// Levels are checked here, because a misspelt one would be taken for the name of a module and silence everything.
fn directives(text: &str) -> Result<String, String> {
    for directive in text.split(',') {
        let level = match directive.rsplit_once('=') {
            Some((_, level)) => level.trim(),
            None => directive.trim(),
        };
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            let near = did_you_mean(level, LEVELS.into_iter());
            let advice = match near {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("levels are {}", alternatives(LEVELS.map(str::to_owned))),
            };
            return Err(format!("{level:?} is not a level; {advice}"));
        }
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "[telemetry]\nlog = \"warn,hookyard=debug\"\nformat = \"json\"";
        let expected = Telemetry { log: "warn,hookyard=debug".to_owned(), format: LogFormat::Json };
        assert_eq!(check::read(text).map(|config| config.telemetry), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("log = \"inf\"", "\"inf\" is not a level; did you mean \"info\"?"),
            ("log = \"hookyard=loud\"", "\"loud\" is not a level; levels are"),
            ("log = \"\"", "is not a level"),
            ("format = \"xml\"", "expected \"text\" or \"json\""),
            ("level = \"info\"", "it is called `log`"),
        ] {
            check::fails(&format!("[telemetry]\n{line}"), expected);
        }
    }
}
