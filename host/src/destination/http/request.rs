//! What is sent: the message's headers and body, our own headers, the operator's.

use ::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use ::http::{Request, Version};
use bytes::Bytes;
use http_body_util::Full;

use crate::destination::Parcel;
use crate::destination::forward::forwarded;

use super::HttpSettings;

/// Names the sender of the requests, unless a plugin or the operator names another.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Hookyard/", env!("CARGO_PKG_VERSION")));

/// The request for one attempt. A header that HTTP does not allow is left out.
pub(super) fn request(
    settings: &HttpSettings,
    bearer: Option<&HeaderValue>,
    parcel: &Parcel,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(parcel.message.body(&parcel.event).clone()));
    *request.method_mut() = settings.method.clone();
    *request.uri_mut() = settings.url.clone();
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    for (name, value) in forwarded(parcel) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value.clone())) {
            // It refuses only past 32768 fields.
            let _full = headers.try_append(name, value);
        }
    }
    headers.entry(USER_AGENT).or_insert(AGENT);
    own(headers, parcel);
    for (name, value) in &settings.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(bearer) = bearer {
        headers.insert(AUTHORIZATION, bearer.clone());
    }
    request
}

/// What the receiver may rely on. `webhook-id` and `webhook-timestamp` are those of
/// [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
fn own(headers: &mut HeaderMap, parcel: &Parcel) {
    let own = [
        ("webhook-id", parcel.id.to_string()),
        ("webhook-timestamp", (parcel.now / 1000).to_string()),
        ("hookyard-event-id", parcel.event.id.to_string()),
        ("hookyard-source", parcel.event.source.to_string()),
        ("hookyard-event-type", parcel.event.kind.clone()),
        ("hookyard-attempt", parcel.attempt.to_string()),
    ];
    for (name, value) in own {
        let name = HeaderName::from_static(name);
        // A provider's event type is whatever its sender wrote.
        match HeaderValue::try_from(value) {
            Ok(value) if !value.is_empty() => headers.insert(name, value),
            _ => headers.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use crate::destination::sample::parcel;

    use super::super::Network;
    use super::*;

    fn settings() -> HttpSettings {
        HttpSettings {
            name: "ci".into(),
            url: "https://ci.example.com/hooks?x=1".parse().unwrap(),
            method: ::http::Method::PUT,
            headers: vec![],
            bearer: None,
            timeout: std::time::Duration::from_secs(1),
            network: Network::Public,
        }
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let mut settings = settings();
        let parcel = parcel(&[("X-A", "theirs"), ("X-B", "theirs"), ("Webhook-Id", "theirs")], "{}");
        let sent = request(&settings, None, &parcel);
        let field = |sent: &Request<Full<Bytes>>, name: &str| {
            sent.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(field(&sent, "x-a").as_deref(), Some("theirs"));
        assert_eq!(field(&sent, "webhook-id"), Some(parcel.id.to_string()));
        assert_eq!(field(&sent, "webhook-timestamp").as_deref(), Some("1700000001"));
        assert_eq!(field(&sent, "hookyard-event-id"), Some(parcel.event.id.to_string()));
        assert_eq!(field(&sent, "hookyard-source").as_deref(), Some("github"));
        assert_eq!(field(&sent, "hookyard-event-type").as_deref(), Some("pull_request.opened"));
        assert_eq!(field(&sent, "hookyard-attempt").as_deref(), Some("2"));
        assert!(field(&sent, "user-agent").is_some_and(|agent| agent.starts_with("Hookyard/")));
        assert_eq!((sent.method().as_str(), sent.uri().path()), ("PUT", "/hooks"));

        settings.headers = vec![
            (HeaderName::from_static("x-a"), HeaderValue::from_static("ours")),
            (USER_AGENT, HeaderValue::from_static("Ours/1")),
        ];
        let sent = request(&settings, Some(&HeaderValue::from_static("Bearer t")), &parcel);
        assert_eq!(field(&sent, "x-a").as_deref(), Some("ours"));
        assert_eq!(field(&sent, "user-agent").as_deref(), Some("Ours/1"));
        assert_eq!(field(&sent, "authorization").as_deref(), Some("Bearer t"));
    }

    #[test]
    fn what_http_does_not_allow_is_left_out() {
        let sent = request(&settings(), None, &parcel(&[("x", "a\r\nb: c"), ("y", "2")], "{}"));
        assert!(!sent.headers().contains_key("x"));
        assert!(sent.headers().contains_key("y"));
    }
}
