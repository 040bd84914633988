//! A part of an event, as `ordering` and `dedupe` name it.

use crate::event::Pointer;
use crate::routing::Subject;

use super::suggest::did_you_mean;

/// Reads `body:/POINTER`, `header:NAME` or `query:NAME`; `word` is what may stand in their place.
pub(super) fn parse(text: &str, word: &str) -> Result<Subject, String> {
    match text.split_once(':') {
        Some(("body", "")) => Err("\"body:\" lacks a pointer such as \"body:/id\"".to_owned()),
        Some(("body", pointer)) => {
            Pointer::new(pointer).map(Subject::Body).map_err(|problem| problem.to_string())
        }
        Some(("header", name)) => match http::HeaderName::try_from(name) {
            Ok(_) => Ok(Subject::Header(name.to_owned())),
            Err(_) => Err(format!("{name:?} is not the name of a header")),
        },
        Some(("query", name)) if !name.is_empty() => Ok(Subject::Query(name.to_owned())),
        _ => {
            let near =
                did_you_mean(text, std::iter::once(word)).map(|word| format!("; did you mean {word:?}?"));
            let near = near.unwrap_or_default();
            Err(format!(
                "{text:?} is none of {word:?}, \"body:/POINTER\", \"header:NAME\" and \"query:NAME\"{near}"
            ))
        }
    }
}
