//! Whether a plugin's settings are what the JSON Schema demands that the plugin brings.
//!
//! Draft 7 and what later drafts renamed, as far as it constrains values. The schema comes from the plugin's author, who
//! is trusted with nothing: nothing is fetched, regular expressions take linear time, and the work is counted, since a
//! schema of thirty lines that refers to itself twice in each can ask for a billion steps. No library counts.

mod check;
mod equal;
mod read;
mod words;

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

/// Bytes of a schema.
const MAX_SCHEMA: usize = 256 * 1024;

/// Schemas that one check may look at, each time anew. Real ones need as many as the settings have values.
const MAX_STEPS: usize = 200_000;

/// Schemas within each other; what refers to itself is as deep as the settings are.
const MAX_DEPTH: usize = 200;

/// Problems that are told.
const MAX_UNFIT: usize = 20;

/// A JSON Schema that can be checked against.
#[derive(Debug)]
pub struct SettingsSchema {
    root: Value,
    patterns: HashMap<String, Regex>,
    warnings: Vec<String>,
}

/// A value that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Where it stands, as a JSON pointer; that of the table where something is missing in it.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl SettingsSchema {
    /// Reads a schema, and checks that it is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_SCHEMA {
            return Err(format!("it has {} bytes, more than {MAX_SCHEMA}", text.len()));
        }
        let root = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        read::read(root).map_err(|problem| plain(&problem))
    }

    /// What it demands that is not checked.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Everything in the settings that is not as it should be. Fails where finding out takes too much work.
    pub fn check(&self, settings: &Value) -> Result<Vec<Unfit>, String> {
        check::check(self, settings)
    }
}

/// Without control characters: a schema is somebody else's text, and what is wrong is shown on a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// The part of a schema that a `$ref` leads to. Nothing is fetched.
fn referred<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
    root.pointer(&decoded)
}

#[cfg(test)]
mod tests;
