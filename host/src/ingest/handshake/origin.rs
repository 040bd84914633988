//! Leave to send, which CloudEvents' webhooks ask for before they send at all.

use http::header::ALLOW;
use http::{HeaderName, HeaderValue, StatusCode};

use super::super::answer;
use super::super::refused::Refused;
use super::{Answered, Asked};

/// <https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection>
pub(super) fn options(asked: &Asked<'_>) -> Answered {
    let origin = asked.header("WebHook-Request-Origin").filter(|_| asked.is("OPTIONS"))?;
    let allowed = |known: &String| known == "*" || known.eq_ignore_ascii_case(origin);
    if !asked.agreed.origins.iter().any(allowed) {
        let origin: String = origin.chars().take(120).collect();
        let operator = format!("{:?} asks for leave to send, and is not in `allowed_origins`", origin);
        return Some(Err(Refused::new(StatusCode::FORBIDDEN, "origin not allowed", operator)));
    }
    let mut response = answer::empty();
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("POST"));
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(HeaderName::from_static("webhook-allowed-origin"), origin);
    }
    if let Some(rate) = rate(asked) {
        headers.insert(HeaderName::from_static("webhook-allowed-rate"), HeaderValue::from(rate));
    }
    Some(Ok(response))
}

/// Requests a minute: not more than the operator grants, and not more than was asked for.
fn rate(asked: &Asked<'_>) -> Option<u32> {
    let wanted = asked.header("WebHook-Request-Rate").and_then(|rate| rate.trim().parse::<u32>().ok());
    match (wanted, asked.agreed.rate) {
        (Some(wanted), Some(granted)) => Some(wanted.min(granted)),
        (wanted, granted) => wanted.or(granted),
    }
}
