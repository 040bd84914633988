//! Challenges that are answered with their HMAC, by which the gateway proves that it knows the secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;

use super::super::answer;
use super::super::refused::Refused;
use super::echo::bounded;
use super::{Answered, Asked};

/// <https://docs.x.com/x-api/webhooks/introduction>; asked again and again.
///
/// Anybody may ask, and events are signed with the same secret, so whoever asks with an event's text would get its
/// signature. Therefore a token is a word, and [`word_as_event`] takes no word for an event.
pub(super) fn crc_token(asked: &Asked<'_>) -> Answered {
    let token = asked.is("GET").then(|| asked.query("crc_token")).flatten()?;
    let word = |token: String| match is_word(token.as_bytes()) {
        true => Ok(token),
        false => {
            let operator = "crc_token is not a word; somebody may be after a signature for it";
            Err(Refused::new(StatusCode::BAD_REQUEST, "no challenge", operator))
        }
    };
    let answered = bounded(Some(token)).and_then(word).and_then(|token| hmac(asked, &token));
    Some(answered.map(|hmac| {
        answer::json_of(&json!({ "response_token": format!("sha256={}", STANDARD.encode(hmac)) }))
    }))
}

/// Refuses what anybody could have had signed as a `crc_token`.
pub(super) fn word_as_event(asked: &Asked<'_>) -> Answered {
    is_word(asked.event.bytes()).then(|| {
        let operator = "the body could be a crc_token, which is signed for anybody, and proves nothing";
        Err(Refused::new(StatusCode::UNAUTHORIZED, "signature refused", operator))
    })
}

/// Of characters that tokens are made of and no document; nothing at all counts as well.
fn is_word(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=:".contains(byte))
}

/// <https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint>; asked again every 72 hours.
pub(super) fn zoom_url_validation(asked: &Asked<'_>) -> Answered {
    if asked.node("/event")? != "endpoint.url_validation" {
        return None;
    }
    let plain = bounded(asked.node("/payload/plainToken"));
    Some(plain.and_then(|plain| {
        let encrypted = hex::encode(hmac(asked, &plain)?);
        Ok(answer::json_of(&json!({ "plainToken": plain, "encryptedToken": encrypted })))
    }))
}

fn hmac(asked: &Asked<'_>, challenge: &str) -> Result<Vec<u8>, Refused> {
    (asked.hmac)(challenge.as_bytes()).ok_or_else(|| {
        let operator = "no secret of this source is active, with which the challenge is answered";
        Refused::new(StatusCode::FORBIDDEN, "no active secret", operator)
    })
}
