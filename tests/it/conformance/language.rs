//! The languages, and where their plugins are.

use std::path::PathBuf;

use hookyard_tests::{dist, repository};

/// A language that plugins are written in, with one way of building them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Language {
    /// As `cargo xtask plugins --lang` has it, and as its folder is called.
    pub(super) name: &'static str,
    /// As people write it.
    pub(super) title: &'static str,
}

/// The columns of the table.
pub(super) const LANGUAGES: [Language; 6] = [
    Language { name: "rust", title: "Rust" },
    Language { name: "javascript", title: "JavaScript (QuickJS)" },
    // Its guest `conformance` is on the other engine.
    Language { name: "typescript", title: "TypeScript (StarlingMonkey)" },
    Language { name: "python", title: "Python" },
    Language { name: "go", title: "Go" },
    Language { name: "c", title: "C" },
];

/// What a language cannot do because of what it is built with, and why.
pub(super) const GAPS: [(&str, &str, &str); 13] = [
    ("javascript", "event: the earliest time", DOUBLES),
    ("javascript", "event: the latest time", DOUBLES),
    ("javascript", "json: integers of 64 bits", DOUBLES),
    ("javascript", "kv: counters of 64 bits", DOUBLES),
    (
        "javascript",
        "kv: quota",
        "a text of 4 MiB takes more than the usual 64 MiB of memory to become bytes, since QuickJS has no TextEncoder of its own",
    ),
    ("typescript", "event: the earliest time", UNSIGNED),
    ("typescript", "kv: counters of 64 bits", UNSIGNED),
    ("typescript", "text: out of the body", MARK),
    ("typescript", "text: out of the configuration", MARK),
    ("typescript", "text: to the host", MARK),
    ("typescript", "kv: keys beyond ASCII", MARK),
    ("typescript", "10,000 calls: a fresh instance each", MARK),
    ("typescript", "10,000 calls: one instance reused", MARK),
];

const UNSIGNED: &str = "componentize-js 0.23.0 takes negative 64-bit integers for unsigned ones";

const MARK: &str = "componentize-js 0.23.0 takes a leading U+FEFF from a text";

const DOUBLES: &str = "componentize-qjs 0.4.5 makes doubles of 64-bit integers, which are exact up to 2^53";

impl Language {
    /// The component of a plugin, if it has been built.
    pub(super) fn component(self, plugin: &str) -> Option<PathBuf> {
        let folder = match self.name {
            "rust" => dist(),
            name => repository().join("target/plugins").join(name),
        };
        let file = folder.join(format!("{plugin}.wasm"));
        file.is_file().then_some(file)
    }
}
