//! Amazon SNS sends nothing to an address before somebody there has visited the one in its first message.

use http::StatusCode;

use crate::destination::Fetcher;
use crate::event::Event;
use crate::generation::SourceEntry;
use crate::ingest::answer;
use crate::ingest::refused::Refused;
use crate::provider::Handshake;
use crate::signature::sns_subscribe_url;

use super::Answered;

/// Confirms the subscription that a message asks to be confirmed, which has to be genuine. Where that fails, SNS is asked
/// to come again. None for all other messages.
pub(in crate::ingest) async fn confirm(fetcher: &Fetcher, source: &SourceEntry, event: &Event) -> Answered {
    if !source.handshakes.kinds.contains(&Handshake::SnsConfirmation) {
        return None;
    }
    let url = match sns_subscribe_url(&event.body) {
        Ok(url) => url?,
        Err(refusal) => return Some(Err(Refused::forged(&refusal))),
    };
    let topic = crate::routing::scalar(event, "/TopicArn").unwrap_or_default();
    Some(match fetcher.get(&url).await {
        Ok(_) => {
            tracing::info!(source = &*source.name, topic = &*topic, "subscription confirmed");
            Ok(answer::empty())
        }
        Err(problem) => {
            let operator = format!("the subscription to {topic} cannot be confirmed: {problem}");
            Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not confirmed, try again", operator))
        }
    })
}
