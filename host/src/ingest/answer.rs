//! What senders are told. One place for every status code.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;

use crate::delivery::Reply;
use crate::event::EventId;

/// An answer.
pub type Response = http::Response<Full<Bytes>>;

/// The event is stored.
pub(super) fn accepted(id: EventId) -> Response {
    let mut buffer = uuid::Uuid::encode_buffer();
    let id: &str = id.0.hyphenated().encode_lower(&mut buffer);
    let mut response = json(StatusCode::ACCEPTED, ["{\"id\":\"", id, "\"}\n"].concat());
    // Senders show it in their own logs, which makes an event findable from there.
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static("hookyard-event-id"), value);
    }
    response
}

/// What the sender asked for has been done; there is no event.
pub(super) fn confirmed() -> Response {
    json(StatusCode::OK, "{\"confirmed\":true}\n".to_owned())
}

/// The request is not taken.
pub(super) fn refusal(status: StatusCode, reason: &str, retry_after: Option<u32>) -> Response {
    let mut response = json(status, format!("{{\"error\":\"{reason}\"}}\n"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Only POST is taken.
pub(super) fn wrong_method() -> Response {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "only POST is taken here", None);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
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
            response.headers_mut().append(name, value);
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
