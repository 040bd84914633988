//! How values stand in rows: ids, states, headers, replies, and the digests that stand for keys.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::HeaderName;
use rusqlite::Row;
use uuid::Uuid;

use crate::delivery::{Reply, State};
use crate::event::{Event, Headers};

use super::fault::{Fault, Result};

/// Stored, and not yet to be seen: see `fanouts` in the schema.
pub(super) const STAGED: i64 = 8;

/// The number of a state in a row. What is leased is pending there.
pub(super) const fn state_number(state: State) -> i64 {
    match state {
        State::Held => 0,
        State::Pending | State::Leased => 1,
        State::Done => 3,
        State::Dropped => 4,
        State::Dead => 5,
        State::Discarded => 6,
        State::Replaced => 7,
    }
}

/// The state of a number in a row.
pub(super) fn state(number: i64) -> Result<State> {
    let of_number = |state: &State| *state != State::Leased && state_number(*state) == number;
    State::ALL.into_iter().find(of_number).ok_or_else(|| Fault::Broken(format!("there is no state {number}")))
}

/// An id in a row.
pub(super) fn uuid(row: &Row<'_>, column: usize) -> Result<Uuid> {
    Uuid::from_slice(blob(row, column)?).map_err(|_| Fault::Broken("an id is not 16 bytes long".to_owned()))
}

/// Bytes in a row.
pub(super) fn blob<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8]> {
    row.get_ref(column)?.as_blob().map_err(|error| Fault::Broken(format!("column {column}: {error}")))
}

/// Bytes in a row that may be absent.
pub(super) fn optional_blob<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a [u8]>> {
    row.get_ref(column)?.as_blob_or_null().map_err(|error| Fault::Broken(format!("column {column}: {error}")))
}

/// Sixteen bytes that stand for a name and a key, however long these are. Nobody finds two that collide.
pub(super) fn digest(name: &str, key: &str) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    context.update(&(name.len() as u64).to_be_bytes());
    context.update(name.as_bytes());
    context.update(key.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&context.finish().as_ref()[..16]);
    short
}

/// `name: value` lines, each ended by CR LF; neither can stand in a checked field.
pub(super) fn encode_headers(headers: &Headers) -> Vec<u8> {
    let mut text = Vec::with_capacity(headers.size() + 4 * headers.len());
    for (name, value) in headers.iter() {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value);
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// What [`encode_headers`] made.
pub(super) fn decode_headers(text: &[u8]) -> Result<Headers> {
    let broken = || Fault::Broken("a header field cannot be read".to_owned());
    // One copy, which all values share.
    let text = Bytes::copy_from_slice(text);
    let mut fields = Vec::with_capacity(16);
    let mut at = 0;
    while at < text.len() {
        let line = text[at..].windows(2).position(|two| two == b"\r\n").ok_or_else(broken)?;
        let name = text[at..at + line].iter().position(|&byte| byte == b':').ok_or_else(broken)?;
        let parsed = HeaderName::from_bytes(&text[at..at + name]).map_err(|_| broken())?;
        if name + 2 > line {
            return Err(broken());
        }
        fields.push((parsed, text.slice(at + name + 2..at + line)));
        at += line + 2;
    }
    Ok(fields.into_iter().collect())
}

/// Status, headers and an empty line, and the body.
pub(super) fn encode_reply(reply: &Reply) -> Vec<u8> {
    let mut text = format!("{}\r\n", reply.status).into_bytes();
    text.extend_from_slice(&encode_headers(&reply.headers));
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&reply.body);
    text
}

/// What [`encode_reply`] made.
pub(super) fn decode_reply(text: &[u8]) -> Result<Reply> {
    let broken = || Fault::Broken("a reply cannot be read".to_owned());
    let (status, rest) = text.split_at_checked(3).ok_or_else(broken)?;
    let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).ok_or_else(broken)?;
    let end = rest.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(broken)?;
    // The status's line end stands before the first field.
    let headers = rest[..end + 2].get(2..).ok_or_else(broken)?;
    Ok(Reply { status, headers: decode_headers(headers)?, body: Bytes::copy_from_slice(&rest[end + 4..]) })
}

/// Bytes of what was received that count for limits and retention.
pub(super) fn event_size(event: &Event) -> u64 {
    (event.bytes().len() + event.headers.size() + event.path.len() + event.query.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static [u8])]) -> Headers {
        fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), Bytes::from_static(value)))
            .collect()
    }

    #[test]
    fn headers_and_replies_come_back() {
        let some: [(&'static str, &'static [u8]); 4] =
            [("a", b""), ("a", b"1"), ("b", b" : \xff\t"), ("a", b"2: 3")];
        for count in 0..=some.len() {
            let given = headers(&some[..count]);
            assert_eq!(decode_headers(&encode_headers(&given)).unwrap(), given);
            for body in [&b""[..], b"\r\n\r\nx", b"hello"] {
                let reply = Reply { status: 299, headers: given.clone(), body: Bytes::from_static(body) };
                assert_eq!(decode_reply(&encode_reply(&reply)).unwrap(), reply);
            }
        }
        for broken in [&b"a"[..], b"a: b", b"a\r\n", b": \r\n", b"a:\r\n"] {
            assert!(decode_headers(broken).is_err(), "{broken:?}");
        }
        for broken in [&b""[..], b"20", b"abc\r\n\r\n", b"200\r\nx\r\n\r\n", b"200"] {
            assert!(decode_reply(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn digests_and_states_are_distinct() {
        assert_ne!(digest("s", "ab"), digest("sa", "b"));
        assert_eq!(digest("s", "ab"), digest("s", "ab"));
        for of in State::ALL {
            let expected = if of == State::Leased { State::Pending } else { of };
            assert_eq!(state(state_number(of)).unwrap(), expected);
        }
        assert!(state(2).is_err() && state(STAGED).is_err());
    }
}
