//! Changes to a sample before it is signed.

use bytes::Bytes;

use crate::event::{Body, Edit, Headers, Pointer, with_field};

use super::super::operate::failed::Failed;
use super::super::samples::{Format, Request};

/// `--set`: what is changed, and to what.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Change {
    at: String,
    value: String,
}

/// `POINTER=VALUE`, or `NAME=VALUE` for forms.
pub(super) fn change(text: &str) -> Result<Change, String> {
    let (at, value) =
        text.split_once('=').ok_or("expected POINTER=VALUE, such as /data/object/amount=500")?;
    Ok(Change { at: at.to_owned(), value: value.to_owned() })
}

/// Makes the changes: in the JSON of the body, in the fields of a form, or, without a body, in those of the query.
pub(super) fn apply_all(changes: &[Change], format: Format, request: &mut Request) -> Result<(), Failed> {
    for Change { at, value } in changes {
        let name = at.strip_prefix('/').unwrap_or(at);
        match format {
            Format::Json => request.body = set(&request.body, at, value).map_err(Failed::usage)?,
            Format::Form => request.body = with_field(&request.body, name, value),
            Format::None => request.query = with_field(&request.query, name, value),
            Format::Xml => return Err(Failed::usage("--set changes JSON and forms; this sample is XML")),
        }
    }
    Ok(())
}

/// A value that is JSON is taken as it is, anything else as a text.
fn set(body: &str, at: &str, value: &str) -> Result<String, String> {
    let pointer = Pointer::new(at).map_err(|problem| format!("--set {at}: {problem}"))?;
    let value = match serde_json::from_str::<serde::de::IgnoredAny>(value) {
        Ok(_) => value.to_owned(),
        Err(_) => serde_json::Value::from(value).to_string(),
    };
    let body = Body::new(Bytes::from(body.to_owned()), &Headers::new());
    let edit = Edit::Set { pointer: pointer.as_str().to_owned(), value };
    let bytes = body.edited(&[edit]).map_err(|problem| format!("--set {at}: {problem}"))?;
    String::from_utf8(bytes.to_vec()).map_err(|problem| problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_made_where_they_belong() {
        let check = |format: Format, body: &str, text: &str, expected: Result<&str, &str>| {
            let mut request =
                Request { method: "POST", headers: vec![], query: body.to_owned(), body: body.to_owned() };
            let made =
                apply_all(&[change(text).unwrap()], format, &mut request).map_err(|failed| failed.message);
            let now = if format == Format::None { request.query } else { request.body };
            assert_eq!(made.map(|()| now).as_deref().map_err(String::as_str), expected, "{text}");
        };
        let json = "{ \"a\": {\"b\": 1} }";
        check(Format::Json, json, "/a/b=2", Ok("{ \"a\": {\"b\": 2} }"));
        check(Format::Json, json, "/a/b=two", Ok("{ \"a\": {\"b\": \"two\"} }"));
        check(Format::Json, json, "/a/b=x=y", Ok("{ \"a\": {\"b\": \"x=y\"} }"));
        check(Format::Json, json, "/a/b=[1,{}]", Ok("{ \"a\": {\"b\": [1,{}]} }"));
        check(Format::Form, "a=1&b=2", "a=x y", Ok("a=x+y&b=2"));
        check(Format::Form, "a=1&b=2", "/c=3", Ok("a=1&b=2&c=3"));
        check(Format::None, "a=1", "a=2", Ok("a=2"));
        check(Format::Xml, "<a/>", "a=2", Err("--set changes JSON and forms; this sample is XML"));
        assert!(change("/a").is_err());
    }
}
