//! `[store]`: where events are kept.

use std::path::{Path, PathBuf};

use super::field::{Choice, Element, Field, Format, Shape};
use super::table::Table;
use super::value::Value;

/// The store and the state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Which engine.
    pub kind: StoreKind,
    /// The state directory: generated secrets, compiled plugins, and what the engine keeps. Resolved against the
    /// configuration file.
    pub path: PathBuf,
    /// Events that may be stored at once; beyond, senders get 503 with Retry-After.
    pub max_events: usize,
    /// Bytes of bodies that may be stored at once; beyond, senders get 503 with Retry-After.
    pub max_bytes: usize,
}

/// Which engine keeps events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// In memory: lost when the process ends.
    #[default]
    Memory,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            kind: StoreKind::Memory,
            path: PathBuf::from("state"),
            max_events: 100_000,
            max_bytes: 512 * 1024 * 1024,
        }
    }
}

pub(super) static STORE: Element = Element {
    name: "store",
    doc: "Where events are kept, and how many.",
    fields: &[
        Field::new(
            "type",
            Shape::Choice(&[Choice {
                word: "memory",
                doc: "lost when the process ends",
            }]),
            "Which engine keeps events.",
        )
        .default("\"memory\""),
        Field::new(
            "path",
            Shape::Text(Format::free("a path")),
            "The state directory, for generated secrets, compiled plugins, and what the engine keeps. Relative to this file.",
        )
        .default("\"state\"")
        .example("\"/var/lib/hookyard\""),
        Field::new(
            "max_events",
            Shape::Integer { min: 1, max: 1_000_000_000 },
            "Events stored at once. Beyond, senders get 503 with Retry-After.",
        )
        .default("100000"),
        Field::new(
            "max_bytes",
            Shape::Size { min: 1 << 20, max: 1 << 46 },
            "Bytes of bodies stored at once. Beyond, senders get 503 with Retry-After.",
        )
        .default("\"512MiB\""),
    ],
    instead: &[("kind", "it is called `type`"), ("directory", "it is called `path`")],
};

impl Store {
    /// The default for a configuration file in this directory.
    pub(super) fn beside(directory: &Path) -> Self {
        let default = Store::default();
        Store { path: directory.join(&default.path), ..default }
    }

    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Store::beside(&table.context.directory);
        Store {
            kind: table
                .get("type")
                .and_then(|value| value.choice(&[("memory", StoreKind::Memory)]))
                .unwrap_or(default.kind),
            path: table.get("path").and_then(Value::path).unwrap_or(default.path),
            max_events: table.get("max_events").and_then(Value::count).unwrap_or(default.max_events),
            max_bytes: table.get("max_bytes").and_then(Value::size).unwrap_or(default.max_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (text, expected) in [
            ("", Store::beside(Path::new("/etc/hookyard"))),
            (
                "[store]\ntype = \"memory\"\npath = \"../data\"\nmax_events = 5\nmax_bytes = 2_000_000",
                Store {
                    kind: StoreKind::Memory,
                    path: PathBuf::from("/etc/hookyard/../data"),
                    max_events: 5,
                    max_bytes: 2_000_000,
                },
            ),
        ] {
            assert_eq!(check::read(text).map(|config| config.store), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("type = \"memmory\"", "`type` cannot be \"memmory\": did you mean \"memory\"?"),
            ("path = \"\"", "a path cannot be empty"),
            ("max_bytes = \"1\"", "\"1\" is not a size"),
            ("max_bytes = true", "expected a size such as \"1MiB\", found a boolean"),
        ] {
            check::fails(&format!("[store]\n{line}"), expected);
        }
    }
}
