//! Results as text, the same in every language.

use std::fmt::Write as _;

use hookyard_plugin::{Header, JsonKind, Response, http, kv};

/// The result of a function that returns nothing.
pub fn nothing() -> String {
    "ok".to_owned()
}

pub fn option(value: Option<String>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| ["some ", &value].concat())
}

pub fn bytes(bytes: &[u8]) -> String {
    let digit = |digit: u8| char::from(b"0123456789abcdef"[usize::from(digit)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub fn double(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

pub fn kind(kind: JsonKind) -> String {
    let name = match kind {
        JsonKind::Absent => "absent",
        JsonKind::Invalid => "invalid",
        JsonKind::Null => "null",
        JsonKind::Boolean => "boolean",
        JsonKind::Number => "number",
        JsonKind::String => "string",
        JsonKind::Array => "array",
        JsonKind::Object => "object",
    };
    name.to_owned()
}

pub fn headers(headers: &[Header]) -> String {
    let mut text = String::new();
    for header in headers {
        let _ = write!(text, "{}={};", header.name, header.value);
    }
    text
}

/// The result of a function of the key-value store.
pub fn kept(result: Result<String, kv::Error>) -> String {
    result.unwrap_or_else(|error| match error {
        kv::Error::Quota => "error quota".to_owned(),
        kv::Error::Unavailable(reason) => ["error unavailable ", &reason].concat(),
    })
}

/// The result of a request.
pub fn answered(result: Result<Response, http::Error>) -> String {
    match result {
        Ok(answer) => format!("{}|{}|{}", answer.status, headers(&answer.headers), bytes(&answer.body)),
        Err(http::Error::Denied(reason)) => ["error denied ", &reason].concat(),
        Err(http::Error::Timeout) => "error timeout".to_owned(),
        Err(http::Error::TooLarge) => "error too-large".to_owned(),
        Err(http::Error::Failed(reason)) => ["error failed ", &reason].concat(),
    }
}
