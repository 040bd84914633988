//! Bodies of any kind and their JSON views: nothing panics, what is made is JSON and not much longer than the body.

use bytes::Bytes;
use hookyard::event::{Body, CloudEvent, Document, Edit, Headers, Kind, Node, Pointer, split};
use serde::de::IgnoredAny;

/// Nodes that are looked at.
const MAX_NODES: usize = 2000;

/// Makes the view of bytes that are said to be of a type, and reads in it.
pub fn look(content_type: &str, bytes: &[u8]) {
    let mut headers = Headers::new();
    if headers.set("content-type", content_type).is_err() {
        return;
    }
    let body = Body::new(Bytes::copy_from_slice(bytes), &headers);
    if let Ok(document) = body.json() {
        let text = document.text(document.root());
        assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "the view is no JSON: {text}");
        assert!(text.len() <= 4 * bytes.len() + 64, "{} bytes of {}", text.len(), bytes.len());
        read(document, document.root(), &mut MAX_NODES.clone());
    }
    if let Ok(pointer) = Pointer::new("/a") {
        let _ = split(&body, &pointer);
    }
    let _ = CloudEvent::all(&headers, &body);
    let edit = Edit::Set { pointer: "/a".to_owned(), value: "1".to_owned() };
    if let Ok(edited) = body.edited(&[edit]) {
        assert!(serde_json::from_slice::<IgnoredAny>(&edited).is_ok(), "an edit has damaged the body");
    }
}

fn read(document: &Document, node: &Node, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let _ = (document.scalar_of(node), document.number(node), document.integer(node));
    match document.kind(node) {
        Kind::Array => document.items(node).into_iter().flatten().for_each(|item| read(document, item, left)),
        Kind::Object => {
            for name in document.member_names(node) {
                if let Some(member) = document.member(node, name) {
                    read(document, member, left);
                }
            }
        }
        Kind::Null | Kind::Boolean | Kind::Number | Kind::Text => {}
    }
}
