//! Destinations that are guests: plugins of the world `sink`, and stock components. Their calls wait for somebody outside,
//! so they are made on the threads for that.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::delivery::{Blame, Sent};
use crate::destination::{Destination, Parcel, outgoing};
use crate::event::{Body, Event, Headers};
use crate::plugin::{Fault, FaultKind, Sink};
use crate::waiting::Waiting;

use super::{PluginEntry, Workshop};

type Sending<'a> = Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;

/// A plugin that delivers.
pub(super) struct PluginDestination {
    subject: Arc<str>,
    plugin: Arc<PluginEntry>,
    sink: Arc<dyn Sink>,
    waiting: Arc<Waiting>,
}

impl PluginDestination {
    /// One whose calls take no longer than that, or what stands against it.
    pub(super) fn new(
        name: &str,
        plugin: &Arc<PluginEntry>,
        time: Duration,
        workshop: &Workshop,
    ) -> Result<Self, String> {
        let sink = plugin.sink(time, workshop)?.ok_or_else(|| {
            format!(
                "plugin `{}` exports {} and no delivery, so it is no destination; {}",
                plugin.name,
                plugin.exports(),
                plugin.place()
            )
        })?;
        let subject = subject(name);
        Ok(PluginDestination { subject, plugin: plugin.clone(), sink, waiting: workshop.waiting.clone() })
    }
}

impl Destination for PluginDestination {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Sending<'a> {
        Box::pin(async move {
            let Some(message) = message(parcel) else { return too_many_headers() };
            let (sink, attempt) = (self.sink.clone(), parcel.attempt);
            let delivered =
                self.waiting.run(&self.subject, move || sink.deliver(Arc::new(message), attempt)).await;
            match delivered.unwrap_or_else(|| Err(panicked())) {
                Ok(receipt) if receipt.detail.is_empty() => {
                    Sent::Delivered { detail: receipt.status.to_string() }
                }
                Ok(receipt) => Sent::Delivered { detail: format!("{}: {}", receipt.status, receipt.detail) },
                Err(fault) => {
                    self.plugin.faults(fault.kind).inc();
                    failed(&format!("plugin {}", self.plugin.name), &fault)
                }
            }
        })
    }
}

/// For whom threads wait.
pub(super) fn subject(destination: &str) -> Arc<str> {
    format!("destination {destination}").into()
}

/// The message as an event: with the headers that a receiver gets. None if these are too many.
fn message(parcel: &Parcel) -> Option<Event> {
    let mut headers = Headers::new();
    for (name, value) in &outgoing(parcel, &[]).ok()? {
        headers.push(name.clone(), value.as_bytes().to_vec());
    }
    let body = match &parcel.message.body {
        Some(body) => Body::new(body.clone(), &headers),
        // With its JSON view, if it has been looked at.
        None => parcel.event.body.clone().under(&headers),
    };
    let event = &parcel.event;
    Some(Event {
        id: event.id,
        source: event.source.clone(),
        kind: event.kind.clone(),
        delivery_id: event.delivery_id.clone(),
        proof: event.proof.clone(),
        hops: event.hops,
        received_at: event.received_at,
        method: event.method.clone(),
        path: event.path.clone(),
        // It may hold a secret that the sender sent along.
        query: String::new(),
        headers,
        body,
    })
}

pub(super) fn too_many_headers() -> Sent {
    Sent::Permanent { cause: "the message has more header fields than can be sent".to_owned() }
}

pub(super) fn panicked() -> Fault {
    Fault { kind: FaultKind::Trap, message: "Hookyard panicked".to_owned() }
}

/// What follows from a failed call. Whoever takes too long, says that it may pass, or is not allowed to reach what it
/// needs, would do so with another message, too; a trap is this message's doing, as far as one can tell.
pub(super) fn failed(who: &str, fault: &Fault) -> Sent {
    let cause = format!("{who}: {fault}");
    let blame = match fault.kind {
        FaultKind::Permanent => return Sent::Permanent { cause },
        FaultKind::Retryable | FaultKind::Deadline | FaultKind::Denied => Blame::Receiver,
        FaultKind::Trap | FaultKind::Memory | FaultKind::InvalidOutput => Blame::Message,
    };
    Sent::Retryable { cause, retry_after: None, blame }
}
