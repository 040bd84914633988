//! What is sent: the message's headers and body, our own headers, the operator's.

use ::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, MaxSizeReached, USER_AGENT};
use ::http::{Request, Version};
use bytes::Bytes;
use http_body_util::Full;

use crate::destination::Parcel;
use crate::destination::forward::forwarded;
use crate::signature::{SigningKey, webhook_signature};

use super::HttpSettings;

/// Names the sender of the requests, unless a plugin or the operator names another.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Hookyard/", env!("CARGO_PKG_VERSION")));

/// The request for one attempt. A header that HTTP does not allow is left out. There is none if the message has more
/// header fields than a request can have.
pub(super) fn request(
    settings: &HttpSettings,
    authorization: Option<&HeaderValue>,
    parcel: &Parcel,
) -> Result<Request<Full<Bytes>>, MaxSizeReached> {
    let body = parcel.message.body(&parcel.event);
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = settings.method.clone();
    *request.uri_mut() = settings.url.clone();
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = outgoing(parcel, &settings.signing_keys)?;
    let headers = request.headers_mut();
    if !headers.contains_key(USER_AGENT) {
        headers.try_insert(USER_AGENT, AGENT)?;
    }
    for (name, value) in &settings.headers {
        headers.try_insert(name.clone(), value.clone())?;
    }
    if let Some(authorization) = authorization {
        headers.try_insert(AUTHORIZATION, authorization.clone())?;
    }
    Ok(request)
}

/// The headers of the message, and what the receiver may rely on. There are none if they are more than a request can have.
pub fn outgoing(parcel: &Parcel, keys: &[SigningKey]) -> Result<HeaderMap, MaxSizeReached> {
    let mut headers = HeaderMap::new();
    for (name, value) in forwarded(parcel) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(value.clone())) {
            headers.try_append(name, value)?;
        }
    }
    own(&mut headers, parcel, keys)?;
    Ok(headers)
}

/// What the receiver may rely on. The three `webhook-` headers are those of
/// [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). They
/// belong together: ours replace a sender's own even where nothing is signed, since its signature would not fit our id.
fn own(headers: &mut HeaderMap, parcel: &Parcel, keys: &[SigningKey]) -> Result<(), MaxSizeReached> {
    let id = parcel.id.to_string();
    let seconds = parcel.now / 1000;
    let signature = webhook_signature(keys, &id, seconds, parcel.message.body(&parcel.event));
    let own = [
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
        ("hookyard-event-id", parcel.event.id.to_string()),
        ("hookyard-source", parcel.event.source.to_string()),
        ("hookyard-event-type", parcel.event.kind.clone()),
        ("hookyard-attempt", parcel.attempt.to_string()),
    ];
    for (name, value) in own {
        let name = HeaderName::from_static(name);
        // A provider's event type is whatever its sender wrote.
        match HeaderValue::try_from(value) {
            Ok(value) if !value.is_empty() => headers.try_insert(name, value)?,
            _ => headers.remove(name),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::destination::sample::parcel;

    use crate::delivery::Outgoing;
    use crate::event::Body;
    use crate::event::Headers;
    use crate::provider::preset;
    use crate::signature::{Refusal, Secret, SignedRequest, Verified, Verifier};

    use super::*;

    fn request(
        settings: &HttpSettings,
        authorization: Option<&HeaderValue>,
        parcel: &Parcel,
    ) -> Request<Full<Bytes>> {
        super::request(settings, authorization, parcel).unwrap()
    }

    fn settings() -> HttpSettings {
        HttpSettings {
            method: ::http::Method::PUT,
            ..HttpSettings::new("ci", "https://ci.example.com/hooks?x=1".parse().unwrap())
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

    /// What a receiver with this secret makes of the request at that time.
    fn received(
        sent: &Request<Full<Bytes>>,
        body: &[u8],
        secret: &str,
        now: i64,
    ) -> Result<Verified, Refusal> {
        let mut headers = Headers::new();
        for (name, value) in sent.headers() {
            headers.push(name.clone(), value.as_bytes().to_vec());
        }
        let standard = preset("standard-webhooks").unwrap().scheme(None).unwrap();
        let verifier = Verifier::new((standard.scheme)(), [Secret::new(secret).into()]).unwrap();
        let body = Body::from(Bytes::copy_from_slice(body));
        let request = SignedRequest {
            method: "PUT",
            url: None,
            query: "",
            headers: &headers,
            body: &body,
            certificate: None,
        };
        verifier.verify(request, now)
    }

    #[test]
    fn a_receiver_takes_what_is_signed_for_genuine() {
        let secrets = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
        let key = |secret: &&str| SigningKey::new(&Secret::new(*secret)).unwrap();
        let settings = HttpSettings { signing_keys: secrets.iter().map(key).collect(), ..settings() };
        let mut parcel = parcel(&[("Webhook-Signature", "v1,theirs"), ("Webhook-Timestamp", "1")], "{}");
        let first = request(&settings, None, &parcel);
        for secret in secrets {
            assert!(received(&first, b"{}", secret, parcel.now).is_ok(), "{secret}");
            assert_eq!(received(&first, b"{ }", secret, parcel.now), Err(Refusal::BadSignature));
        }
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        assert_eq!(received(&first, b"{}", other, parcel.now), Err(Refusal::BadSignature));

        parcel.attempt += 1;
        parcel.now += 3_600_000;
        let second = request(&settings, None, &parcel);
        assert_eq!(first.headers()["webhook-id"], second.headers()["webhook-id"]);
        assert_ne!(first.headers()["webhook-signature"], second.headers()["webhook-signature"]);
        assert_eq!(received(&first, b"{}", secrets[0], parcel.now), Err(Refusal::StaleTimestamp(3600)));
        assert!(received(&second, b"{}", secrets[1], parcel.now).is_ok());

        parcel.message = Outgoing { headers: None, body: Some("[]".into()) }.into();
        assert!(received(&request(&settings, None, &parcel), b"[]", secrets[0], parcel.now).is_ok());
    }

    #[test]
    fn a_signature_of_the_sender_does_not_go_on() {
        let theirs = [("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
        let mut parcel = parcel(&theirs, "{}");
        for _ in 0..2 {
            let sent = request(&settings(), None, &parcel);
            assert!(!sent.headers().contains_key("webhook-signature"));
            assert_eq!(sent.headers()["webhook-id"], parcel.id.to_string().as_str());
            assert_eq!(sent.headers()["webhook-timestamp"], "1700000001");
            // Nor one that a plugin took over.
            let mut changed = Headers::new();
            changed.set("webhook-signature", "v1,AAAA").unwrap();
            parcel.message = Outgoing { headers: Some(changed), body: None }.into();
        }
    }
}
