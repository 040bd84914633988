//! `application/x-www-form-urlencoded`, as the [URL standard](https://url.spec.whatwg.org/#urlencoded-parsing) reads it.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::percent_decode;

use super::fields::{Field, MAX_FIELDS, has_control, object};

/// The object of a form's fields, or why it is no form.
pub(super) fn to_json(bytes: &[u8]) -> Result<Bytes, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if has_control(bytes) {
        return Err("it has a control character".to_owned());
    }
    let mut fields = Vec::new();
    for pair in bytes.trim_ascii_end().split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == MAX_FIELDS {
            return Err(format!("it has more than {MAX_FIELDS} fields"));
        }
        let equals = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let value = pair.get(equals + 1..).unwrap_or_default();
        fields.push((decode(&pair[..equals]), Field::Text(decode(value))));
    }
    Ok(object(&fields))
}

/// A name or a value of a form or a query: `+` is a space, `%XX` a byte, and what is not UTF-8 is replaced.
pub(crate) fn decode(encoded: &[u8]) -> String {
    let mut spaced = Cow::Borrowed(encoded);
    if encoded.contains(&b'+') {
        for byte in spaced.to_mut().iter_mut().filter(|byte| **byte == b'+') {
            *byte = b' ';
        }
    }
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}
