//! Reads a schema: every keyword that is understood must have the right form, every reference must lead somewhere.

use std::collections::{HashMap, HashSet};

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::{SettingsSchema, referred};

/// Bytes of a compiled regular expression.
const MAX_PATTERN: usize = 256 * 1024;

/// Regular expressions in one schema.
const MAX_PATTERNS: usize = 200;

/// Keywords that hold one schema.
const ONE: [&str; 9] = [
    "additionalProperties",
    "additionalItems",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "items",
];

/// Keywords that hold a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords that hold schemas by name.
const NAMED: [&str; 5] = ["properties", "patternProperties", "definitions", "$defs", "dependentSchemas"];

/// Keywords that hold a number.
const NUMBERS: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/// Keywords that hold a count.
const COUNTS: [&str; 6] =
    ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];

/// Keywords that constrain, and that are not understood here.
const UNCHECKED: [&str; 6] = [
    "unevaluatedProperties",
    "unevaluatedItems",
    "minContains",
    "maxContains",
    "$dynamicRef",
    "$recursiveRef",
];

const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

struct Reading<'s> {
    root: &'s Value,
    patterns: HashMap<String, Regex>,
    warnings: Vec<String>,
    /// What has been read or is to be; a reference may lead anywhere.
    known: HashSet<*const Value>,
    ahead: Vec<(String, &'s Value)>,
}

pub(super) fn read(root: Value) -> Result<SettingsSchema, String> {
    let mut reading = Reading {
        root: &root,
        patterns: HashMap::new(),
        warnings: Vec::new(),
        known: HashSet::new(),
        ahead: Vec::new(),
    };
    reading.later(String::new(), &root);
    while let Some((at, schema)) = reading.ahead.pop() {
        match schema {
            Value::Bool(_) => {}
            Value::Object(keywords) => reading.object(&at, keywords)?,
            _ => return Err(format!("{} is no schema", place(&at))),
        }
    }
    let Reading { patterns, mut warnings, .. } = reading;
    warnings.sort();
    warnings.dedup();
    Ok(SettingsSchema { root, patterns, warnings })
}

impl<'s> Reading<'s> {
    fn later(&mut self, at: String, schema: &'s Value) {
        if self.known.insert(schema) {
            self.ahead.push((at, schema));
        }
    }

    fn object(&mut self, at: &str, keywords: &'s Map<String, Value>) -> Result<(), String> {
        for (keyword, demand) in keywords {
            let at = format!("{at}/{keyword}");
            let fits = match keyword.as_str() {
                "$ref" => self.reference(demand)?,
                "type" => is_type(demand),
                "enum" => demand.is_array(),
                "required" => is_names(demand),
                "dependentRequired" => demand.as_object().is_some_and(|all| all.values().all(is_names)),
                "dependencies" => self.dependencies(&at, demand),
                "uniqueItems" => demand.is_boolean(),
                "pattern" => demand.as_str().map(|pattern| self.pattern(pattern)).transpose()?.is_some(),
                word if NUMBERS.contains(&word) => {
                    demand.is_number() && (word != "multipleOf" || positive(demand))
                }
                word if COUNTS.contains(&word) => {
                    demand.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0)
                }
                "items" if demand.is_array() => self.list(&at, demand),
                word if ONE.contains(&word) => {
                    self.later(at.clone(), demand);
                    true
                }
                word if LIST.contains(&word) => self.list(&at, demand),
                word if NAMED.contains(&word) => self.named(&at, word, demand)?,
                word if UNCHECKED.contains(&word) => {
                    self.warnings.push(format!("`{word}` in its JSON Schema is not checked"));
                    true
                }
                // Anything else says something to people, or to programs of another kind.
                _ => true,
            };
            if !fits {
                return Err(format!("{} is malformed", place(&at)));
            }
        }
        Ok(())
    }

    fn reference(&mut self, demand: &Value) -> Result<bool, String> {
        let Some(reference) = demand.as_str() else { return Ok(false) };
        let Some(schema) = referred(self.root, reference) else {
            return Err(format!(
                "it refers to {reference:?}, which is not in it (`#/…` is followed, and nothing is fetched)"
            ));
        };
        self.later(reference.trim_start_matches('#').to_owned(), schema);
        Ok(true)
    }

    fn list(&mut self, at: &str, demand: &'s Value) -> bool {
        let Some(schemas) = demand.as_array() else { return false };
        for (number, schema) in schemas.iter().enumerate() {
            self.later(format!("{at}/{number}"), schema);
        }
        true
    }

    fn named(&mut self, at: &str, keyword: &str, demand: &'s Value) -> Result<bool, String> {
        let Some(schemas) = demand.as_object() else { return Ok(false) };
        for (name, schema) in schemas {
            if keyword == "patternProperties" {
                self.pattern(name)?;
            }
            self.later(format!("{at}/{name}"), schema);
        }
        Ok(true)
    }

    /// Of draft 7: names or a schema for each name.
    fn dependencies(&mut self, at: &str, demand: &'s Value) -> bool {
        let Some(all) = demand.as_object() else { return false };
        for (name, depends) in all {
            if depends.is_array() {
                if !is_names(depends) {
                    return false;
                }
            } else {
                self.later(format!("{at}/{name}"), depends);
            }
        }
        true
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), String> {
        if self.patterns.contains_key(pattern) {
            return Ok(());
        }
        if self.patterns.len() >= MAX_PATTERNS {
            return Err(format!("it has more than {MAX_PATTERNS} patterns"));
        }
        let compiled = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
        let compiled = compiled.map_err(|error| format!("pattern {pattern:?}: {}", last_line(&error)))?;
        self.patterns.insert(pattern.to_owned(), compiled);
        Ok(())
    }
}

/// The crate's messages begin with a picture.
fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn is_type(demand: &Value) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    known(demand) || demand.as_array().is_some_and(|types| types.iter().all(known))
}

fn is_names(demand: &Value) -> bool {
    demand.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

fn positive(demand: &Value) -> bool {
    demand.as_f64().is_some_and(|number| number > 0.0)
}

fn place(at: &str) -> String {
    if at.is_empty() { "the whole".to_owned() } else { format!("#{at}") }
}
