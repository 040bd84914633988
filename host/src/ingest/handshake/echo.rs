//! Challenges that are answered with themselves.
//!
//! What is echoed comes from anybody, so it goes back as plain text that no browser may take for more, and bounded.

use http::StatusCode;

use super::super::answer;
use super::super::refused::Refused;
use super::{Answered, Asked};

/// Bytes of a challenge; real ones have some dozens to some hundreds.
const MAX_CHALLENGE: usize = 4096;

/// <https://docs.slack.dev/reference/events/url_verification>
pub(super) fn slack_url_verification(asked: &Asked<'_>) -> Answered {
    (asked.is("POST") && asked.node("/type")? == "url_verification").then(|| text(asked.node("/challenge")))
}

/// <https://dev.twitch.tv/docs/eventsub/handling-webhook-events>. Revoking is told in the same way, and acknowledged.
pub(super) fn twitch_callback(asked: &Asked<'_>) -> Answered {
    match asked.header("Twitch-Eventsub-Message-Type")? {
        "webhook_callback_verification" => Some(text(asked.node("/challenge"))),
        "revocation" => {
            let status = asked.node("/subscription/status").unwrap_or_default();
            let kind = asked.node("/subscription/type").unwrap_or_default();
            tracing::warn!(
                source = &*asked.event.source,
                kind,
                status,
                "the sender has revoked a subscription"
            );
            Some(Ok(answer::no_content()))
        }
        _ => None,
    }
}

/// <https://www.dropbox.com/developers/reference/webhooks>
pub(super) fn query_challenge(asked: &Asked<'_>) -> Answered {
    asked.is("GET").then(|| asked.query("challenge")).flatten().map(|challenge| text(Some(challenge)))
}

/// <https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks>: the decoded token, as text.
pub(super) fn validation_token(asked: &Asked<'_>) -> Answered {
    asked.is("POST").then(|| asked.query("validationToken")).flatten().map(|token| text(Some(token)))
}

/// <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>
pub(super) fn hub_challenge(asked: &Asked<'_>) -> Answered {
    if !asked.is("GET") || asked.query("hub.mode")? != "subscribe" {
        return None;
    }
    let refused =
        |operator: &str| Some(Err(Refused::new(StatusCode::FORBIDDEN, "verify token refused", operator)));
    let Some(agreed) = &asked.agreed.token else {
        return refused("a subscription asks for a verify token; set `verify_token` to what was agreed on");
    };
    match asked.query("hub.verify_token") {
        Some(token) if agreed.is(token.as_bytes()) => Some(text(asked.query("hub.challenge"))),
        _ => refused("hub.verify_token is not `verify_token`"),
    }
}

/// <https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request>
pub(super) fn okta_challenge(asked: &Asked<'_>) -> Answered {
    let challenge = asked.header("X-Okta-Verification-Challenge").filter(|_| asked.is("GET"))?;
    Some(
        bounded(Some(challenge.to_owned()))
            .map(|challenge| answer::json_of(&serde_json::json!({ "verification": challenge }))),
    )
}

/// <https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema>
pub(super) fn event_grid_validation(asked: &Asked<'_>) -> Answered {
    let is_validation = |kind: &&str| kind.eq_ignore_ascii_case("SubscriptionValidation");
    asked.header("aeg-event-type").filter(is_validation)?;
    let code = asked.node("/0/data/validationCode").or_else(|| asked.node("/data/validationCode"));
    Some(bounded(code).map(|code| answer::json_of(&serde_json::json!({ "validationResponse": code }))))
}

fn text(challenge: Option<String>) -> Result<answer::Response, Refused> {
    bounded(challenge).map(answer::text)
}

pub(super) fn bounded(challenge: Option<String>) -> Result<String, Refused> {
    let bad = |operator| Err(Refused::new(StatusCode::BAD_REQUEST, "no challenge", operator));
    match challenge {
        Some(challenge) if challenge.len() <= MAX_CHALLENGE => Ok(challenge),
        Some(_) => bad("the challenge has more than 4096 bytes"),
        None => bad("the challenge is missing"),
    }
}
