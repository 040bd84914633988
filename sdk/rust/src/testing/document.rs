//! A checked JSON text, and pointers into it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::JsonKind;
use crate::json::{Json, is_pointer};

/// Checks a text as the host does.
pub(super) fn check(bytes: &[u8]) -> Result<&str, String> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let checked = match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text).map(drop),
        _ => serde_json::from_str::<IgnoredAny>(text).map(drop),
    };
    checked.map(|()| text).map_err(|error| error.to_string())
}

/// The node that an RFC 6901 pointer names, of a duplicate key the last. None where there is none, or where the pointer is not one.
pub(super) fn find<'d>(text: &'d str, pointer: &str) -> Option<Json<'d>> {
    let mut node = Json::new(text);
    for segment in segments(pointer)? {
        node = match node.sigil() {
            b'{' => node.member(&segment)?,
            b'[' => node.items().nth(index(&segment)?)?,
            _ => return None,
        };
    }
    Some(node)
}

/// What kind of value a node is.
pub(super) fn kind(node: Json<'_>) -> JsonKind {
    match node.sigil() {
        b'{' => JsonKind::Object,
        b'[' => JsonKind::Array,
        b'"' => JsonKind::String,
        b't' | b'f' => JsonKind::Boolean,
        b'n' => JsonKind::Null,
        _ => JsonKind::Number,
    }
}

/// A string's value. None for other kinds, and for a string with an unpaired surrogate.
pub(super) fn string(node: Json<'_>) -> Option<String> {
    serde_json::from_str(node.text()).ok()
}

/// The unescaped segments of a pointer; None where the text is not one.
pub(super) fn segments(pointer: &str) -> Option<impl DoubleEndedIterator<Item = Cow<'_, str>>> {
    if !is_pointer(pointer) {
        return None;
    }
    let segments: Vec<_> = pointer.split('/').skip(1).collect();
    Some(segments.into_iter().map(|segment| match segment.contains('~') {
        true => Cow::Owned(segment.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(segment),
    }))
}

/// An array index without sign and leading zero.
pub(super) fn index(segment: &str) -> Option<usize> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_digit());
    let plain = plain && (segment == "0" || !segment.starts_with('0'));
    if plain { segment.parse().ok() } else { None }
}
