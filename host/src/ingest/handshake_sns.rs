//! Amazon SNS sends nothing to an address before somebody there has visited the one in its first message.

use http::StatusCode;

use crate::destination::Fetcher;
use crate::event::Event;
use crate::generation::SourceEntry;
use crate::signature::{Scheme, sns_subscribe_url};

use super::Refused;
use super::answer::{self, Response};

/// Confirms the subscription that a genuine message asks to be confirmed, and answers it; None for all other events.
/// Where that fails, SNS is asked to come again.
pub(super) async fn confirm(
    fetcher: &Fetcher,
    source: &SourceEntry,
    event: &Event,
) -> Result<Option<Response>, Refused> {
    let is_proven = |verifier: &crate::signature::Verifier| matches!(verifier.scheme(), Scheme::Sns(_));
    if !source.verifier.as_ref().is_some_and(is_proven) {
        return Ok(None);
    }
    let url = sns_subscribe_url(&event.body).map_err(|refusal| Refused::forged(source, &refusal))?;
    let Some(url) = url else { return Ok(None) };
    let topic = crate::routing::scalar(event, "/TopicArn").unwrap_or_default();
    match fetcher.get(&url).await {
        Ok(_) => {
            source.counters.accepted.inc();
            tracing::info!(source = &*source.name, topic = &*topic, "subscription confirmed");
            Ok(Some(answer::confirmed()))
        }
        Err(problem) => {
            source.counters.refused.inc();
            let operator = format!("the subscription to {topic} cannot be confirmed: {problem}");
            Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not confirmed, try again", operator))
        }
    }
}
