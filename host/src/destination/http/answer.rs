//! What a receiver's answer means.
//!
//! A status of 2xx means that it has arrived, whatever happens to the rest of the answer. 410 means that the receiver is
//! gone for good. A redirect is given up at once: only another address would change it. Everything else is tried again,
//! also what the status calls the sender's own fault, since receivers are misconfigured and repaired every day, and the
//! schedule ends. An operator who knows his receiver names the statuses that mean what they say.

use std::time::Duration;

use ::http::header::{HeaderMap, LOCATION, RETRY_AFTER};
use ::http::{Response, StatusCode, Uri};
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::delivery::{Blame, Sent};
use crate::event::UnixMillis;

/// Bytes of an answer that are shown to people.
pub(super) const EXCERPT: usize = 1024;

/// An answer, as far as it matters.
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    /// The beginning of its body.
    pub(super) text: &'a [u8],
}

/// What follows from the answer of a component, which is the receiver itself: what it refuses, it refuses again.
pub fn answer_of_component(answer: &Response<Bytes>, now: UnixMillis) -> Sent {
    let permanent: Vec<u16> = (400..500).filter(|status| *status != 429).collect();
    let answer = Answer { status: answer.status(), headers: answer.headers(), text: answer.body() };
    outcome(&answer, &permanent, now)
}

/// What follows from an answer at the time `now`; `permanent` are the statuses after which no repetition helps.
pub(super) fn outcome(answer: &Answer<'_>, permanent: &[u16], now: UnixMillis) -> Sent {
    let shown = shown(answer.status);
    let status = answer.status.as_u16();
    let cause = || format!("{shown}{}", excerpt(answer.text));
    match status {
        200..=299 => Sent::Delivered { detail: shown },
        300..=399 => Sent::Permanent { cause: format!("{shown}{}", redirect(answer.headers)) },
        410 => Sent::Gone { cause: cause() },
        _ if permanent.contains(&status) => Sent::Permanent { cause: cause() },
        _ => Sent::Retryable {
            cause: cause(),
            retry_after: retry_after(answer.headers, now),
            blame: blame(answer.status),
        },
    }
}

/// A receiver that refuses one message is well; one that breaks down or has too much to do is not.
fn blame(status: StatusCode) -> Blame {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Blame::Receiver
    } else {
        Blame::Message
    }
}

fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

/// Redirects are not followed: the operator allowed one address, and a POST would become a GET.
fn redirect(headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let host = location.and_then(|location| location.parse::<Uri>().ok());
    match host.as_ref().and_then(Uri::host) {
        Some(host) => format!(": redirects to {host}, which is not followed; put the final address into url"),
        None => ": redirects are not followed; put the final address into url".to_owned(),
    }
}

/// Seconds or a date in any of HTTP's three forms, [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = date(value)?.as_millisecond().saturating_sub(now);
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

fn date(text: &str) -> Option<Timestamp> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let obsolete = |format| DateTime::strptime(format, text).ok()?.to_zoned(TimeZone::UTC).ok();
    parser.parse_timestamp(text).ok().or_else(|| {
        let date = obsolete("%A, %d-%b-%y %H:%M:%S GMT").or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))?;
        Some(date.timestamp())
    })
}

/// A short piece of text without anything that moves a cursor.
fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(EXCERPT)]);
    let words: Vec<_> =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn check(status: u16, headers: &[(&'static str, &'static str)], text: &str, expected: Sent) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: &map, text: text.as_bytes() };
        assert_eq!(outcome(&answer, &[413, 422, 501], 784_111_777_000), expected);
    }

    #[test]
    fn answers_and_what_follows() {
        let retryable = |cause: &str, seconds: Option<u64>| Sent::Retryable {
            cause: cause.to_owned(),
            retry_after: seconds.map(Duration::from_secs),
            blame: if cause.starts_with(['5']) || cause.starts_with("429") {
                Blame::Receiver
            } else {
                Blame::Message
            },
        };
        let permanent = |cause: &str| Sent::Permanent { cause: cause.to_owned() };
        check(200, &[], "ok", Sent::Delivered { detail: "200 OK".to_owned() });
        check(204, &[], "", Sent::Delivered { detail: "204 No Content".to_owned() });
        check(299, &[], "", Sent::Delivered { detail: "299".to_owned() });
        for (status, cause) in [
            (400, "400 Bad Request"),
            (401, "401 Unauthorized"),
            (404, "404 Not Found"),
            (405, "405 Method Not Allowed"),
            (408, "408 Request Timeout"),
            (409, "409 Conflict"),
            (415, "415 Unsupported Media Type"),
            (425, "425 Too Early"),
            (500, "500 Internal Server Error"),
            (502, "502 Bad Gateway"),
            (505, "505 HTTP Version Not Supported"),
            (599, "599"),
            (101, "101 Switching Protocols"),
        ] {
            check(status, &[], "", retryable(cause, None));
        }
        check(410, &[("retry-after", "7")], "bye", Sent::Gone { cause: "410 Gone: bye".to_owned() });
        for (status, cause) in
            [(413, "413 Payload Too Large"), (422, "422 Unprocessable Entity"), (501, "501 Not Implemented")]
        {
            check(status, &[("retry-after", "7")], "", permanent(cause));
        }
        check(410, &[], "moved", Sent::Gone { cause: "410 Gone: moved".to_owned() });
        check(500, &[], "a\x1b[31m\r\n  b", retryable("500 Internal Server Error: a [31m b", None));
        check(429, &[("retry-after", "120")], "", retryable("429 Too Many Requests", Some(120)));
        for (value, expected) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1990 08:50:37 GMT", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            check(500, &[("retry-after", value)], "", retryable("500 Internal Server Error", expected));
            check(404, &[("retry-after", value)], "", retryable("404 Not Found", expected));
        }
        check(
            301,
            &[("location", "https://other.example/x?secret=1")],
            "",
            permanent(
                "301 Moved Permanently: redirects to other.example, which is not followed; put the final address into url",
            ),
        );
    }
}
