//! Which of a message's headers go on to a receiver.
//!
//! What belongs to the connection over which the webhook came does not, nor what the sender said to us alone
//! (credentials and secrets, who it is, which way it came), nor what would pass for our own word. A plugin that sets one of the
//! sender's private headers means it, and it goes out.

use bytes::Bytes;

use crate::event::Headers;

use super::Parcel;

/// Of a connection, not of a message: [RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1), and what
/// the HTTP client sets itself.
const OF_THE_CONNECTION: [&str; 14] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "proxy-authorization",
    "proxy-authenticate",
    "host",
    "content-length",
    "expect",
    "accept-encoding",
];

/// Between the sender and us.
const OF_THE_SENDER: [&str; 6] = ["authorization", "cookie", "user-agent", "forwarded", "via", "x-real-ip"];

/// The headers of the parcel's message that go on, in order.
pub(super) fn forwarded(parcel: &Parcel) -> impl Iterator<Item = (&str, &Bytes)> {
    let headers = parcel.message.headers(&parcel.event);
    let named = named_by_connection(headers);
    headers.iter().filter(move |(name, value)| {
        let is = |list: &[&str]| list.iter().any(|other| name.eq_ignore_ascii_case(other));
        let of_the_sender = is(&OF_THE_SENDER) || starts_with(name, "x-forwarded-");
        !(is(&OF_THE_CONNECTION)
            || named.iter().any(|other| name.eq_ignore_ascii_case(other))
            || starts_with(name, "hookyard-")
            || starts_with(name, "proxy-")
            || of_the_sender && parcel.was_sent(name, value)
            || parcel.is_sent_secret(name, value))
    })
}

fn named_by_connection(headers: &Headers) -> Vec<String> {
    headers
        .all("connection")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect()
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::delivery::Outgoing;
    use crate::destination::sample::parcel;

    use super::*;

    #[test]
    fn what_belongs_to_others_stays_behind() {
        let received = [
            ("Content-Type", "application/json"),
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "5"),
            ("Transfer-Encoding", "chunked"),
            ("Host", "in.example"),
            ("Content-Length", "2"),
            ("Expect", "100-continue"),
            ("Authorization", "Bearer theirs"),
            ("Cookie", "a=b"),
            ("User-Agent", "Sender/1"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("Forwarded", "for=1.2.3.4"),
            ("Proxy-Anything", "x"),
            ("Hookyard-Source", "forged"),
            ("X-Repeated", "1"),
            ("x-repeated", "2"),
        ];
        let mut parcel = parcel(&received, "{}");
        let names = |parcel: &Parcel| -> Vec<_> {
            forwarded(parcel).map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect()
        };
        assert_eq!(names(&parcel), ["content-type=application/json", "x-repeated=1", "x-repeated=2"]);

        let mut changed = Headers::new();
        for (name, value) in [("authorization", "Bearer ours"), ("cookie", "a=b"), ("user-agent", "Plugin/1")]
        {
            changed.set(name, value).unwrap();
        }
        parcel.message = Arc::new(Outgoing { headers: Some(changed), body: None });
        assert_eq!(names(&parcel), ["authorization=Bearer ours", "user-agent=Plugin/1"]);
    }

    #[test]
    fn a_secret_that_was_sent_along_stays_behind() {
        let mut parcel = parcel(&[("X-Company", "theirs"), ("X-Kind", "theirs")], "{}");
        let names = |parcel: &Parcel| -> Vec<_> {
            forwarded(parcel).map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect()
        };
        assert_eq!(names(&parcel), ["x-company=theirs", "x-kind=theirs"]);
        parcel.secret_headers = vec!["X-Company".into()];
        assert_eq!(names(&parcel), ["x-kind=theirs"]);
        let mut changed = parcel.event.headers.clone();
        changed.set("x-kind", "2").unwrap();
        parcel.message = Arc::new(Outgoing { headers: Some(changed.clone()), body: None });
        assert_eq!(names(&parcel), ["x-kind=2"], "also where a plugin has changed another");
        changed.set("x-company", "ours").unwrap();
        parcel.message = Arc::new(Outgoing { headers: Some(changed), body: None });
        assert_eq!(names(&parcel), ["x-company=ours", "x-kind=2"]);
    }
}
