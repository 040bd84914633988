//! Names with values as a JSON object: what is the same in forms of both kinds and in XML.

use std::collections::HashMap;

use bytes::Bytes;

use super::made::is_container;

/// Fields that a form may have. Frameworks allow 1000 to 4096.
pub(super) const MAX_FIELDS: usize = 10_000;

/// What a form says under one name.
pub(super) enum Field {
    Text(String),
    /// A file, of which only this is shown.
    File {
        filename: Option<String>,
        content_type: Option<String>,
        size: usize,
    },
}

/// An object of the fields, each name in the place where it stands first; a repeated name has the list of its values.
/// Where `payload` is the only field and holds an object or a list, that is the view: GitHub and Slack send JSON so.
pub(super) fn object(fields: &[(String, Field)]) -> Bytes {
    if let [(name, Field::Text(payload))] = fields
        && name == "payload"
        && is_container(payload)
    {
        return Bytes::copy_from_slice(payload.as_bytes());
    }
    let mut text = Vec::new();
    members(&mut text, fields.iter().map(|(name, field)| (&**name, field)), |text, field| field.write(text));
    text.into()
}

impl Field {
    fn write(&self, text: &mut Vec<u8>) {
        let (filename, content_type, size) = match self {
            Field::Text(value) => return string(text, value),
            Field::File { filename, content_type, size } => (filename, content_type, size),
        };
        text.extend_from_slice(b"{");
        for (key, value) in [("filename", filename), ("content_type", content_type)] {
            if let Some(value) = value {
                string(text, key);
                text.push(b':');
                string(text, value);
                text.push(b',');
            }
        }
        text.extend_from_slice(format!("\"size\":{size}}}").as_bytes());
    }
}

/// Writes an object whose repeated members are gathered into lists.
pub(super) fn members<'a, V: Copy>(
    text: &mut Vec<u8>,
    pairs: impl Iterator<Item = (&'a str, V)>,
    mut write: impl FnMut(&mut Vec<u8>, V),
) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut gathered: Vec<(&str, Vec<V>)> = Vec::new();
    for (name, value) in pairs {
        let at = *places.entry(name).or_insert(gathered.len());
        match gathered.get_mut(at) {
            Some((_, values)) => values.push(value),
            None => gathered.push((name, vec![value])),
        }
    }
    text.push(b'{');
    for (at, (name, values)) in gathered.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        string(text, name);
        text.push(b':');
        match values[..] {
            [value] => write(text, value),
            _ => list(text, values, &mut write),
        }
    }
    text.push(b'}');
}

fn list<V>(text: &mut Vec<u8>, values: Vec<V>, write: &mut impl FnMut(&mut Vec<u8>, V)) {
    text.push(b'[');
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        write(text, value);
    }
    text.push(b']');
}

/// Writes a JSON string.
#[expect(clippy::expect_used, reason = "memory takes whatever is written, and every string is a JSON string")]
pub(super) fn string(text: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(text, value).expect("a string");
}

/// Whether there is a control character other than the white ones. No text has one, and each would be written as six.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}
