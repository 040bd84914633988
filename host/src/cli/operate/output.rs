//! Writing to the terminal: tables and sentences for people, JSON for programs.

use clap::ValueEnum;
use serde::Serialize;

use super::super::{complain, say};
use super::text;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// For people
    Table,
    /// For programs: one JSON object a line for each item of a list, one object otherwise
    Json,
}

/// One item of a list, in a line.
pub(in crate::cli) fn item(value: &impl Serialize) {
    let written = serde_json::to_string(value).unwrap_or_default();
    say(&format!("{}\n", text::json(&written)));
}

/// One document.
pub(in crate::cli) fn document(value: &impl Serialize) {
    let written = serde_json::to_string_pretty(value).unwrap_or_default();
    say(&format!("{}\n", text::json(&written)));
}

/// Something beside the result, on standard error.
pub(in crate::cli) fn note(message: &str) {
    complain(&format!("{message}\n"));
}
