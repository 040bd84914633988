//! Questions that want to hear nothing but that somebody is there.

use http::{HeaderName, HeaderValue};
use serde_json::json;

use crate::generation::SourceEntry;
use crate::provider::Handshake;

use super::super::answer::{self, Response};
use super::{Answered, Asked};

/// <https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/>
pub(super) fn head(asked: &Asked<'_>) -> Answered {
    asked.is("HEAD").then(|| Ok(answer::empty()))
}

/// <https://discord.com/developers/docs/events/webhook-events>: interactions ask with type 1, webhook events with type
/// 0. An event has type 1 as well, and tells what happened.
pub(super) fn discord(asked: &Asked<'_>) -> Answered {
    let document = asked.event.body.json().ok()?;
    if document.find("/event").is_some() {
        return None;
    }
    match &*asked.node("/type")? {
        "1" => Some(Ok(answer::json_of(&json!({ "type": 1 })))),
        "0" => Some(Ok(answer::no_content())),
        _ => None,
    }
}

/// <https://vercel.com/docs/drains>: an empty request, by GET or unsigned by POST since accounts of it differ, whose
/// answer is to carry the agreed token as every other does.
pub(super) fn vercel(asked: &Asked<'_>) -> Answered {
    let posted = asked.is("POST") && asked.header("x-vercel-signature").is_none();
    let empty = asked.event.bytes().is_empty() && asked.agreed.token.is_some();
    (empty && (posted || asked.is("GET"))).then(|| Ok(answer::empty()))
}

/// Adds what every answer of a source carries.
pub(in super::super) fn sign_answer(source: &SourceEntry, response: &mut Response) {
    let agreed = &source.handshakes;
    if !agreed.kinds.contains(&Handshake::VercelVerify) {
        return;
    }
    let token = agreed.token.as_ref().and_then(|token| HeaderValue::from_bytes(token.expose()).ok());
    if let Some(token) = token {
        response.headers_mut().insert(HeaderName::from_static("x-vercel-verify"), token);
    }
}
