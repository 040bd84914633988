//! JSON lines: one value on each line.

use bytes::Bytes;
use serde_json::value::RawValue;

/// The list of what is on the lines, each value as it stands there. None where a line is no value.
pub(super) fn to_json(bytes: &[u8]) -> Option<Bytes> {
    let mut list = Vec::with_capacity(bytes.len() + 2);
    for line in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        // Checked one by one: two lines that are no values can be one together.
        serde_json::from_slice::<&RawValue>(line).ok()?;
        list.push(if list.is_empty() { b'[' } else { b',' });
        list.extend_from_slice(line);
    }
    if list.is_empty() {
        return None;
    }
    list.push(b']');
    Some(list.into())
}
