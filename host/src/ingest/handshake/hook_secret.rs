//! A secret that the sender brings. The first is believed, and answered only once it is kept; and again when it is
//! brought again, as when that answer was lost.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::event::Event;
use crate::generation::{NotTaken, SourceEntry, Taken, shown};
use crate::provider::Handshake;

use super::super::answer;
use super::super::refused::Refused;
use super::Answered;

const HEADER: &str = "x-hook-secret";

/// <https://developers.asana.com/docs/webhooks-guide#the-webhook-handshake>
pub(in super::super) async fn take_secret(source: &SourceEntry, event: &Event) -> Answered {
    let brings = event.method == "POST" && source.handshakes.kinds.contains(&Handshake::HookSecret);
    let brought = event.headers.first(HEADER).filter(|_| brings)?.clone();
    let Some(hook) = source.hook().map(Arc::clone) else {
        return Some(Err(refused(
            "the sender brings a secret, and the configuration names another; set secret = { handshake = true } to \
             take it",
        )));
    };
    let text = brought.clone();
    let taken = tokio::task::spawn_blocking(move || hook.take(&text)).await;
    Some(match taken {
        Ok(Ok(taken)) => {
            if taken == Taken::First {
                tracing::warn!(
                    source = &*source.name,
                    "the sender has brought its secret, which is believed from now on; no other will be"
                );
            }
            let mut response = answer::empty();
            if let Ok(value) = HeaderValue::from_bytes(&brought) {
                response.headers_mut().insert(HeaderName::from_static(HEADER), value);
            }
            Ok(response)
        }
        Ok(Err(NotTaken::Known(path))) => Err(refused(&format!(
            "somebody brings another secret than the one that is known; if it is the sender, remove {} and let it ask \
             again",
            shown(&path)
        ))),
        Ok(Err(NotTaken::Unsuitable(problem))) => {
            Err(Refused::new(StatusCode::BAD_REQUEST, "secret refused", format!("X-Hook-Secret: {problem}")))
        }
        Ok(Err(NotTaken::NotKept(path, error))) => Err(not_kept(&format!("{}: {error}", shown(&path)))),
        Err(error) => Err(not_kept(&error.to_string())),
    })
}

fn refused(operator: &str) -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, "secret refused", operator)
}

fn not_kept(problem: &str) -> Refused {
    let operator = format!("the secret that the sender brings could not be kept: {problem}");
    Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not kept, try again", operator)
}
