//! Bodies that hold several events. Some senders gather what has happened for a while and send a list of it.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::cloud_event::{BATCH, STRUCTURED};
use super::content_type::essence;
use super::view::View;
use super::{Body, Document, Kind, Pointer};

/// Events that one body may be split into.
const MAX_ITEMS: usize = 10_000;

/// The events of one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Each as it stands in the body, in order. They keep no more in memory than twice what they are.
    pub items: Vec<Bytes>,
    /// What the items are, where that is something else than the whole.
    pub content_type: Option<&'static str>,
}

/// Why a body cannot be split. It is then one event, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSplit {
    /// The body is not JSON, in these words.
    NotJson(String),
    /// There is something else than a list at the pointer, or on the way there.
    NoList(Pointer),
    /// The list has more items than one body may be split into, or the body more than is looked at.
    TooMany,
}

impl fmt::Display for NotSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotSplit::NotJson(problem) => f.write_str(problem),
            NotSplit::NoList(at) if at.as_str().is_empty() => f.write_str("the body is not a list"),
            NotSplit::NoList(at) => write!(f, "there is no list at {at} in the body"),
            NotSplit::TooMany => write!(f, "the body holds more than {MAX_ITEMS} events"),
        }
    }
}

impl std::error::Error for NotSplit {}

/// The items of the list at `at`; the empty pointer is the whole body, or the lines of JSON lines. Where there is no such
/// list but could be one, as in `{}` for `/events`, there are no items.
pub fn split(body: &Body, at: &Pointer) -> Result<Split, NotSplit> {
    let essence = essence(body.content_type());
    let (document, lines) = match body.view() {
        Ok(View::Own(document)) => (document, false),
        // The texts of the lines stand in the document byte for byte.
        Ok(View::Lines(document)) => (document, true),
        Ok(View::Made { of, .. }) => return Err(NotSplit::NotJson(format!("{of} is not split"))),
        Err(not_json) => return Err(NotSplit::NotJson(not_json.to_string())),
    };
    let items = match list(document, at) {
        // Then what looks absent or empty may not be.
        _ if document.is_truncated() => return Err(NotSplit::TooMany),
        items => items?,
    };
    if items.len() > MAX_ITEMS {
        return Err(NotSplit::TooMany);
    }
    let content_type = match &*essence {
        BATCH => Some(STRUCTURED),
        _ if lines => Some("application/json"),
        _ => None,
    };
    Ok(Split { items, content_type })
}

fn list(document: &Document, at: &Pointer) -> Result<Vec<Bytes>, NotSplit> {
    let pointer = at.as_str();
    let no_list = || NotSplit::NoList(at.clone());
    let Some(node) = document.find(pointer) else {
        return if could_be(document, pointer) { Ok(Vec::new()) } else { Err(no_list()) };
    };
    match document.items(node) {
        Some(items) => Ok(items.iter().map(|item| by_itself(document.bytes(), item.span())).collect()),
        None if document.kind(node) == Kind::Null => Ok(Vec::new()),
        None => Err(no_list()),
    }
}

/// One item. Each is stored for as long as it takes by itself, so that one which is small beside the whole is copied:
/// sharing its bytes would keep all of them. One that is half of the whole or more is not worth the copy.
fn by_itself(whole: &Bytes, item: Range<usize>) -> Bytes {
    match item.len() < whole.len() / 2 {
        true => Bytes::copy_from_slice(&whole[item]),
        false => whole.slice(item),
    }
}

/// Whether nothing but objects leads to the place where something is missing.
fn could_be(document: &Document, pointer: &str) -> bool {
    let parents = pointer.match_indices('/').map(|(at, _)| &pointer[..at]);
    parents
        .map_while(|parent| document.find(parent))
        .all(|node| matches!(document.kind(node), Kind::Object | Kind::Null))
}

#[cfg(test)]
mod tests {
    use super::super::Headers;
    use super::*;

    fn body(content_type: &str, text: &str) -> Body {
        let mut headers = Headers::new();
        headers.set("content-type", content_type).expect("a header");
        Body::new(Bytes::copy_from_slice(text.as_bytes()), &headers)
    }

    fn pointer(text: &str) -> Pointer {
        Pointer::new(text).expect("a pointer")
    }

    #[test]
    fn items_are_what_stands_in_the_body() {
        let check = |text: &str, at: &str, expected: Result<&[&str], NotSplit>| {
            let split = split(&body("application/json", text), &pointer(at)).map(|split| split.items);
            let expected = expected
                .map(|items| items.iter().map(|item| Bytes::copy_from_slice(item.as_bytes())).collect());
            assert_eq!(split, expected, "{text} {at}");
        };
        let no_list = |at: &str| Err(NotSplit::NoList(pointer(at)));
        check("[ {\"a\": 1.0} ,\n 2,\"x\"]", "", Ok(&["{\"a\": 1.0}", "2", "\"x\""]));
        check(r#"{"value":[{"é":1},[]]}"#, "/value", Ok(&[r#"{"é":1}"#, "[]"]));
        check(r#"{"data":{"events":[1]}}"#, "/data/events", Ok(&["1"]));
        check(r#"[{"events":[1]}]"#, "/0/events", Ok(&["1"]));
        check(r#"{"events":[]}"#, "/events", Ok(&[]));
        check(r#"{"events":null}"#, "/events", Ok(&[]));
        check("{}", "/events", Ok(&[]));
        check("{}", "/data/events", Ok(&[]));
        check(r#"{"data":null}"#, "/data/events", Ok(&[]));
        check("[]", "", Ok(&[]));
        check("{}", "", no_list(""));
        check("[1]", "/events", no_list("/events"));
        check(r#"{"events":{"a":1}}"#, "/events", no_list("/events"));
        check(r#"{"data":[{"events":[1]}]}"#, "/data/events", no_list("/data/events"));
        check(r#"{"data":7}"#, "/data/events", no_list("/data/events"));
    }

    #[test]
    fn an_item_keeps_little_more_than_itself() {
        let check = |content_type: &str, text: &str, at: &str, shared: &[bool]| {
            let body = body(content_type, text);
            let whole = body.bytes().as_ptr_range();
            let split = split(&body, &pointer(at)).expect("split");
            let found: Vec<bool> = split.items.iter().map(|item| whole.contains(&item.as_ptr())).collect();
            assert_eq!(found, shared, "{text}");
        };
        check("application/json", r#"{"events":[{"a":1},{"a":2},{"a":3}]}"#, "/events", &[false; 3]);
        check("application/json", r#"{"x":[{"a":"a large one"},1]}"#, "/x", &[true, false]);
        check("application/json", r#"{"a small one":[{"a":1}]}"#, "/a small one", &[false]);
        check("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", "", &[false; 3]);
    }

    #[test]
    fn the_content_type_of_items() {
        let check = |content_type: &str, text: &str, expected: Option<&str>, count: usize| {
            let split = split(&body(content_type, text), &pointer("")).expect("split");
            assert_eq!((split.content_type, split.items.len()), (expected, count), "{content_type}");
        };
        check("application/json", "[1,2]", None, 2);
        check("application/cloudevents-batch+json", "[{}]", Some("application/cloudevents+json"), 1);
        check("application/x-ndjson", "{\"a\":1}\r\n\n{\"a\":2}\n", Some("application/json"), 2);
    }

    #[test]
    fn what_cannot_be_split_stays_one() {
        let check = |body: Body, expected: &str| {
            let problem = split(&body, &pointer("/a")).expect_err("not split").to_string();
            assert!(problem.starts_with(expected), "{problem}");
        };
        check(body("application/x-www-form-urlencoded", "payload=%5B1%5D"), "a form is not split");
        check(body("text/xml", "<a/>"), "XML is not split");
        check(body("text/plain", "?"), "the body is not JSON: expected value at line 1 column 1");
        let list = |count: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(count - 1));
        check(body("application/json", &list(MAX_ITEMS + 1)), "the body holds more than 10000 events");
        // So many that the document reads as if the list were empty.
        check(body("application/json", &list(300_000)), "the body holds more than 10000 events");
        assert_eq!(split(&body("", &list(MAX_ITEMS)), &pointer("/a")).map(|s| s.items.len()), Ok(MAX_ITEMS));
    }
}
