//! The parts of an event that the operator points at: a header, a query parameter, a node of the body.

use crate::event::Pointer;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The first value of a header, where it is UTF-8.
    Header(String),
    /// The first value of a query parameter, percent-decoded.
    Query(String),
    /// A node of a JSON body.
    Body(Pointer),
}

/// The first value of a parameter in `a=1&b=2`, with `+` and `%XX` decoded.
pub(super) fn query(query: &str, name: &str) -> Option<String> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find_map(|(key, value)| (decode(key) == name).then(|| decode(value)))
}
