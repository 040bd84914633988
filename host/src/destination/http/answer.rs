//! What a receiver's answer means.
//!
//! A status of 2xx means that it has arrived, whatever happens to the rest of the answer. What a repetition may change
//! is retried on schedule: overload, failures, and also most of 4xx, since receivers are misconfigured and repaired
//! every day, and the schedule ends. Given up at once is what only another message, or another address, would change.

use std::time::Duration;

use ::http::header::{HeaderMap, LOCATION, RETRY_AFTER};
use ::http::{StatusCode, Uri};

use crate::delivery::{Blame, Sent};
use crate::event::UnixMillis;

/// Bytes of an answer that are shown to people.
pub(super) const EXCERPT: usize = 1024;

/// What follows from an answer; `text` is the beginning of its body.
pub(super) fn outcome(status: StatusCode, headers: &HeaderMap, text: &[u8], now: UnixMillis) -> Sent {
    let shown = shown(status);
    match status.as_u16() {
        200..=299 => Sent::Delivered { detail: shown },
        300..=399 => Sent::Permanent { cause: format!("{shown}{}", redirect(headers)) },
        410 => Sent::Gone { cause: format!("{shown}{}", excerpt(text)) },
        // Sizes and a media type that stay as they are; what the receiver cannot do at all.
        413 | 414 | 415 | 431 | 501 | 505 => Sent::Permanent { cause: format!("{shown}{}", excerpt(text)) },
        _ => Sent::Retryable {
            cause: format!("{shown}{}", excerpt(text)),
            retry_after: retry_after(headers, now),
            blame: blame(status),
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

/// Seconds or a date, [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let date = parser.parse_timestamp(value).ok()?;
    let wait = date.as_millisecond().saturating_sub(now);
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
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
        assert_eq!(outcome(status, &map, text.as_bytes(), 784_111_777_000), expected);
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
            (425, "425 Too Early"),
            (500, "500 Internal Server Error"),
            (502, "502 Bad Gateway"),
            (599, "599"),
        ] {
            check(status, &[], "", retryable(cause, None));
        }
        for (status, cause) in [(413, "413 Payload Too Large"), (501, "501 Not Implemented")] {
            check(status, &[], "", permanent(cause));
        }
        check(410, &[], "moved", Sent::Gone { cause: "410 Gone: moved".to_owned() });
        check(500, &[], "a\x1b[31m\r\n  b", retryable("500 Internal Server Error: a [31m b", None));
        check(429, &[("retry-after", "120")], "", retryable("429 Too Many Requests", Some(120)));
        let date = [("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")];
        check(503, &date, "", retryable("503 Service Unavailable", Some(60)));
        let past = [("retry-after", "Sun, 06 Nov 1990 08:50:37 GMT")];
        check(503, &past, "", retryable("503 Service Unavailable", Some(0)));
        check(503, &[("retry-after", "soon")], "", retryable("503 Service Unavailable", None));
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
