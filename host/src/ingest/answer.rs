//! What senders are told. One place for every status code.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;

use crate::delivery::Reply;
use crate::event::EventId;
use crate::provider::Answer;

/// An answer.
pub type Response = http::Response<Full<Bytes>>;

/// Ids in one answer; a sender needs none of them.
const MAX_IDS: usize = 100;

/// A document that says nothing, for senders that take instructions.
const EMPTY_TWIML: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#;

/// The events are stored, if there are any.
pub(super) fn stored(answer: Answer, ids: &[EventId]) -> Response {
    let mut response = match answer {
        Answer::Accepted => json(StatusCode::ACCEPTED, told(ids)),
        Answer::Ok => json(StatusCode::OK, told(ids)),
        Answer::NoContent => no_content(),
        Answer::EmptyTwiml => typed("text/xml", EMPTY_TWIML.to_owned()),
        Answer::BracketedAccepted => typed("text/plain", "[accepted]".to_owned()),
    };
    // Senders show it in their own logs, which makes an event findable from there.
    let mut buffer = uuid::Uuid::encode_buffer();
    let first = ids.first().map(|id| &*id.0.hyphenated().encode_lower(&mut buffer));
    if let Some(value) = first.and_then(|id| HeaderValue::from_str(id).ok()) {
        response.headers_mut().insert(HeaderName::from_static("hookyard-event-id"), value);
    }
    response
}

fn told(ids: &[EventId]) -> String {
    if let [id] = ids {
        let mut buffer = uuid::Uuid::encode_buffer();
        return ["{\"id\":\"", &*id.0.hyphenated().encode_lower(&mut buffer), "\"}\n"].concat();
    }
    let shown: Vec<String> = ids.iter().take(MAX_IDS).map(|id| format!("\"{id}\"")).collect();
    format!("{{\"events\":{},\"ids\":[{}]}}\n", ids.len(), shown.join(","))
}

/// 200, and nothing to say.
pub(super) fn empty() -> Response {
    Response::new(Full::default())
}

/// 204.
pub(super) fn no_content() -> Response {
    let mut response = empty();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A text that somebody sent, which no browser is to take for more.
pub(super) fn text(text: String) -> Response {
    unsniffed(typed("text/plain", text))
}

/// A value of JSON that somebody sent a part of.
pub(super) fn json_of(value: &serde_json::Value) -> Response {
    unsniffed(json(StatusCode::OK, value.to_string()))
}

fn typed(content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn unsniffed(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The request is not taken.
pub(super) fn refusal(status: StatusCode, reason: &str, retry_after: Option<u32>) -> Response {
    let mut response = json(status, format!("{{\"error\":\"{reason}\"}}\n"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Only these methods are taken.
pub(super) fn wrong_method(methods: &[&str]) -> Response {
    let methods = methods.join(", ");
    let reason = format!("only {methods} is taken here");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &reason, None);
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// What a plugin answers. Its status and headers have been checked when it made them.
pub(super) fn reply(reply: Reply) -> Response {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    for (name, value) in reply.headers.iter() {
        let framing =
            ["connection", "content-length", "transfer-encoding", "upgrade", "trailer"].contains(&name);
        if let (false, Ok(name), Ok(value)) =
            (framing, HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            // A reply that was stored has had its fields counted.
            let _full = response.headers_mut().try_append(name, value);
        }
    }
    response
}

fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
