//! `multipart/form-data` ([RFC 7578](https://www.rfc-editor.org/rfc/rfc7578)): fields with their text; of files only what
//! they are called and how large they are.

use bytes::Bytes;
use memchr::memmem;

use super::super::content_type::parameter;
use super::fields::{Field, MAX_FIELDS, has_control, object};

/// The object of a form's fields, or why it is no form.
pub(super) fn to_json(bytes: &[u8], content_type: &[u8]) -> Result<Bytes, String> {
    let content_type = String::from_utf8_lossy(content_type);
    let boundary = parameter(&content_type, "boundary").filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or("its content type names no boundary")?;
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");

    let mut fields = Vec::new();
    let start = match bytes.starts_with(first.as_bytes()) {
        true => first.len(),
        false => memmem::find(bytes, between.as_bytes()).ok_or("its boundary is not in it")? + between.len(),
    };
    let mut rest = &bytes[start..];
    let finder = memmem::Finder::new(&between);
    while !rest.starts_with(b"--") {
        let end = finder.find(rest).ok_or("it ends inside a part")?;
        if fields.len() == MAX_FIELDS {
            return Err(format!("it has more than {MAX_FIELDS} fields"));
        }
        fields.extend(field(&rest[..end])?);
        rest = &rest[end + between.len()..];
    }
    Ok(object(&fields))
}

/// What a part says; none where it has no name. It begins with the end of the boundary's line.
fn field(part: &[u8]) -> Result<Option<(String, Field)>, &'static str> {
    let Some(end) = memmem::find(part, b"\r\n\r\n") else { return Ok(None) };
    let (head, content) = (&part[..end], &part[end + 4..]);
    if has_control(head) {
        return Err("the head of a part has a control character");
    }
    let head = String::from_utf8_lossy(head);
    Ok(named(&head, content))
}

fn named(head: &str, content: &[u8]) -> Option<(String, Field)> {
    let header = |name: &str| {
        let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields
            .filter(|(field, _)| field.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
    };
    let disposition = header("content-disposition")?;
    let name = parameter(disposition, "name")?;
    let filename = parameter(disposition, "filename");
    if filename.is_none() && !has_control(content) {
        return Some((name, Field::Text(String::from_utf8_lossy(content).into_owned())));
    }
    let content_type = header("content-type").map(str::to_owned);
    Some((name, Field::File { filename, content_type, size: content.len() }))
}
