//! Requests that a plugin verifies: it is asked on a guest thread, and the sender waits.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::dispatch::Overloaded;
use crate::event::Event;
use crate::generation::{PluginEntry, Proven, SourceEntry};
use crate::plugin::{Finding, Identity};
use crate::signature::Refusal;

use super::Ingest;
use super::answer::{self, Response};
use super::refused::{Refused, forged};

/// How long a request waits for its turn, besides the time that the plugin has.
const PATIENCE: Duration = Duration::from_secs(1);

/// What becomes of a request that is not refused.
pub(super) enum Found {
    /// It is an event.
    Genuine(Event, Proven, Identity),
    /// It was a question, and this is the answer.
    Answered(Response),
}

impl Ingest {
    /// Asks the source's plugin, once everything else that proves the request has been looked at.
    pub(super) async fn ask(
        &self,
        plugin: &Arc<PluginEntry>,
        source: &SourceEntry,
        event: Event,
        proven: Option<Proven>,
    ) -> Result<Found, Refused> {
        let request = Arc::new(event);
        let asked = self.dispatcher.verify(plugin.clone(), request.clone());
        let answered =
            asked.map_err(|Overloaded| unverified(source, plugin, "no guest thread is free for it"))?;
        let patience = plugin.verification_time + PATIENCE;
        let found = tokio::time::timeout(patience, answered).await;
        let found =
            found.map_err(|_| unverified(source, plugin, &format!("it said nothing within {patience:?}")))?;
        let found = found.map_err(|_| unverified(source, plugin, "the gateway is being shut down"))?;
        match found.map_err(|fault| unverified(source, plugin, &fault.to_string()))? {
            Finding::Genuine(identity) => {
                let event = Arc::into_inner(request)
                    .ok_or_else(|| unverified(source, plugin, "its sandbox still holds the request"))?;
                Ok(Found::Genuine(event, proven_by(plugin, proven), identity))
            }
            Finding::Challenge(reply) => Ok(Found::Answered(answer::reply(reply))),
            Finding::Rejected(reason) => {
                let refusal = Refusal::RejectedByPlugin(format!("plugin {}: {reason}", plugin.name));
                source.count_refused(refusal.code());
                Err(forged(&refusal))
            }
        }
    }
}

/// It may be genuine, so its sender is to come again.
fn unverified(source: &SourceEntry, plugin: &PluginEntry, why: &str) -> Refused {
    source.counters.unverified.inc();
    let operator = format!("plugin {} could not verify it: {}", plugin.name, why.escape_debug());
    Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not verified, try again", operator)
}

fn proven_by(plugin: &PluginEntry, further: Option<Proven>) -> Proven {
    let by = match &further {
        None => format!("plugin {}", plugin.name),
        Some(further) => format!("plugin {}; {}", plugin.name, further.by),
    };
    Proven { by: by.into(), secret: further.map_or(0, |further| further.secret) }
}
