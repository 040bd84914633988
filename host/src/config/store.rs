//! `[store]`: where events are kept.

use std::path::{Path, PathBuf};

use super::field::{Choice, Element, Field, Format, Shape};
use super::retention::{RETENTION, Retention};
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
    /// Events that may be pending at once; beyond, senders get 503 with Retry-After.
    pub max_events: usize,
    /// Bytes of bodies and headers that may be pending at once; beyond, senders get 503 with Retry-After.
    pub max_bytes: usize,
    /// When what is written has to be on the disk.
    pub sync: SyncMode,
    /// Bytes of disk that stay free: below, senders get 503 with Retry-After.
    pub reserve: u64,
    /// How long what has ended is kept.
    pub retention: Retention,
}

/// Which engine keeps events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// In an SQLite database in the state directory.
    #[default]
    Sqlite,
    /// In memory: lost when the process ends.
    Memory,
}

/// When what is written has to be on the disk, and not only with the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// An event before its sender is answered, and what an operator asks for before he is. What became of events
    /// within a second: after a power failure something may be done again, and nothing is forgotten.
    #[default]
    Accepted,
    /// Everything at once.
    All,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            kind: StoreKind::Sqlite,
            path: PathBuf::from("state"),
            max_events: StoreKind::Sqlite.max_events(),
            max_bytes: StoreKind::Sqlite.max_bytes(),
            sync: SyncMode::Accepted,
            reserve: 256 << 20,
            retention: Retention::default(),
        }
    }
}

impl StoreKind {
    fn max_events(self) -> usize {
        match self {
            StoreKind::Sqlite => 10_000_000,
            StoreKind::Memory => 100_000,
        }
    }

    fn max_bytes(self) -> usize {
        match self {
            StoreKind::Sqlite => 16 << 30,
            StoreKind::Memory => 512 << 20,
        }
    }
}

pub(super) static STORE: Element = Element {
    name: "store",
    doc: "Where events are kept, and how many.",
    fields: &[
        Field::new(
            "type",
            Shape::Choice(&[
                Choice {
                    word: "sqlite",
                    doc: "a database in the state directory",
                },
                Choice {
                    word: "memory",
                    doc: "lost when the process ends; for tests and trials",
                },
            ]),
            "Which engine keeps events.",
        )
        .default("\"sqlite\""),
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
            "Events that have not ended. Beyond, senders get 503 with Retry-After.",
        )
        .otherwise("10000000, in memory 100000"),
        Field::new(
            "max_bytes",
            Shape::Size { min: 1 << 20, max: 1 << 46 },
            "Bytes of bodies and headers of events that have not ended. Beyond, senders get 503 with Retry-After.",
        )
        .otherwise("16GiB, in memory 512MiB"),
        Field::new(
            "sync",
            Shape::Choice(&[
                Choice {
                    word: "accepted",
                    doc: "an event before its sender is answered; what became of it within a second, so that after a \
                          power failure something may be delivered twice and nothing is lost",
                },
                Choice { word: "all", doc: "everything at once, which costs a write to the disk for each step" },
            ]),
            "When what is written has to be on the disk.",
        )
        .default("\"accepted\""),
        Field::new(
            "reserve",
            Shape::Size { min: 0, max: 1 << 46 },
            "Disk space that stays free. Below, senders get 503 with Retry-After, while deliveries go on.",
        )
        .default("\"256MiB\""),
        Field::new("retention", Shape::Table(&RETENTION), "How long what has ended is kept."),
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
        let kinds = [("sqlite", StoreKind::Sqlite), ("memory", StoreKind::Memory)];
        let kind = table.get("type").and_then(|value| value.choice(&kinds)).unwrap_or(default.kind);
        let syncs = [("accepted", SyncMode::Accepted), ("all", SyncMode::All)];
        let reserve = table.get("reserve").and_then(Value::size).map(|size| size as u64);
        Store {
            kind,
            path: table.get("path").and_then(Value::path).unwrap_or(default.path),
            max_events: table.get("max_events").and_then(Value::count).unwrap_or(kind.max_events()),
            max_bytes: table.get("max_bytes").and_then(Value::size).unwrap_or(kind.max_bytes()),
            sync: table.get("sync").and_then(|value| value.choice(&syncs)).unwrap_or(default.sync),
            reserve: reserve.unwrap_or(default.reserve),
            retention: table.table("retention").map_or(default.retention, |table| Retention::read(&table)),
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
                    ..Store::default()
                },
            ),
            (
                "[store]\nsync = \"all\"\nreserve = \"1GiB\"",
                Store { sync: SyncMode::All, reserve: 1 << 30, ..Store::beside(Path::new("/etc/hookyard")) },
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
