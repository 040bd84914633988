//! Whether a request is genuine. What signatures say is found out at once; a plugin is asked on a guest thread, and the
//! sender waits.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::dispatch::Overloaded;
use crate::event::{Event, UnixMillis};
use crate::generation::{PluginEntry, Proven, SourceEntry};
use crate::plugin::{Fault, Finding, Identity};
use crate::signature::Refusal;

use super::Ingest;
use super::answer::{self, Response};
use super::refused::Refused;

/// How long a request waits for its turn, besides the time that the plugin has.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a request is that is not refused.
pub(super) enum Found {
    /// An event, with what proves it, unless anybody may send, and what is known of it besides what it says.
    Genuine(Event, Option<Proven>, Identity),
    /// A question, which this plugin has answered.
    Answered(Arc<str>, Response),
}

/// A request that is refused.
pub(super) struct Unproven {
    pub(super) refused: Refused,
    /// It, unless it still waits for the plugin.
    pub(super) event: Option<Box<Event>>,
}

impl Ingest {
    /// Finds out whether a request is genuine, and counts it if not.
    pub(super) async fn prove(
        &self,
        source: &SourceEntry,
        event: Event,
        now: UnixMillis,
    ) -> Result<Found, Unproven> {
        match (self.by_signatures(source, &event, now).await, &source.plugin) {
            (Err(refused), _) => Err(Unproven { refused, event: Some(Box::new(event)) }),
            (Ok(proven), None) => Ok(Found::Genuine(event, proven, Identity::default())),
            (Ok(proven), Some(plugin)) => self.ask(plugin, source, event, proven).await,
        }
    }

    /// What proves the event genuine; none where anybody may send, or only a plugin knows.
    async fn by_signatures(
        &self,
        source: &SourceEntry,
        event: &Event,
        now: UnixMillis,
    ) -> Result<Option<Proven>, Refused> {
        let certificate = self.certificate(source, event, now).await?;
        source.verify(event, certificate.as_deref(), now).map_err(|refusal| Refused::forged(&refusal))
    }

    async fn ask(
        &self,
        plugin: &Arc<PluginEntry>,
        source: &SourceEntry,
        event: Event,
        further: Option<Proven>,
    ) -> Result<Found, Unproven> {
        let request = Arc::new(event);
        let found = self.found(plugin, request.clone()).await;
        // The sandbox has let go of it, unless it still waits for its turn.
        let event = Arc::into_inner(request);
        match (found, event) {
            (Ok(Finding::Genuine(identity)), Some(event)) => {
                Ok(Found::Genuine(event, Some(proven_by(plugin, further)), identity))
            }
            (Ok(Finding::Challenge(reply)), _) => {
                Ok(Found::Answered(plugin.name.clone(), answer::reply(reply)))
            }
            (Ok(Finding::Rejected(reason)), Some(event)) => {
                let refusal = Refusal::RejectedByPlugin(format!("plugin {}: {reason}", plugin.name));
                source.count_refused(refusal.code());
                Err(Unproven { refused: Refused::forged(&refusal), event: Some(Box::new(event)) })
            }
            (Ok(_), None) => Err(unverified(source, plugin, "its sandbox still has the request", None)),
            (Err(why), event) => Err(unverified(source, plugin, &why, event)),
        }
    }

    /// What the plugin finds, or why it finds nothing.
    async fn found(&self, plugin: &Arc<PluginEntry>, request: Arc<Event>) -> Result<Finding, String> {
        let answered = self
            .dispatcher
            .verify(plugin.clone(), request)
            .map_err(|Overloaded| "no guest thread is free for it".to_owned())?;
        let patience = plugin.verification_time + PATIENCE;
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(found)) => found.map_err(|fault: Fault| fault.to_string()),
            Ok(Err(_)) => Err("the gateway is being shut down".to_owned()),
            Err(_) => Err(format!("it has said nothing within {patience:?}")),
        }
    }
}

/// It may be genuine, so its sender is to come again.
fn unverified(source: &SourceEntry, plugin: &PluginEntry, why: &str, event: Option<Event>) -> Unproven {
    source.counters.unverified.inc();
    let operator = format!("plugin {} could not verify it: {}", plugin.name, why.escape_debug());
    let refused = Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not verified, try again", operator);
    let refused = Refused { not_genuine: Some("unverified"), ..refused };
    Unproven { refused, event: event.map(Box::new) }
}

fn proven_by(plugin: &PluginEntry, further: Option<Proven>) -> Proven {
    let by = match &further {
        None => format!("plugin {}", plugin.name),
        Some(further) => format!("plugin {}; {}", plugin.name, further.by),
    };
    Proven { by: by.into(), secret: further.map_or(0, |further| further.secret) }
}
