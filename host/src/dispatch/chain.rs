//! One run: an event through a route's plugins, and what is to be delivered then. On the calling thread, without I/O.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::OnError;
use crate::delivery::{
    Attempt, DeliveryId, KvChanges, NewDelivery, Outgoing, Reply, RunEnd, RunId, after_failure, later,
};
use crate::event::{Event, Message, UnixMillis};
use crate::generation::{PluginEntry, RouteEntry};
use crate::plugin::{Call, Chain, Fault, Verdict};
use crate::retry::{RetryPolicy, Waits};
use crate::store::LeasedRun;

use super::{NEVER_ENDED, shown};

/// Messages that one run may come to; more is a plugin's mistake.
const MAX_MESSAGES: usize = 100_000;

/// What a run came to.
pub(super) struct Ran {
    /// None if it was not run any more.
    pub(super) attempt: Option<Attempt>,
    pub(super) end: RunEnd,
    pub(super) reply: Option<Reply>,
}

/// Runs the chain. `random` gives numbers from 0 to 1; it takes its time, and is asked only where a run failed.
pub(super) fn run(leased: &LeasedRun, route: &RouteEntry, now: UnixMillis, random: fn() -> f64) -> Ran {
    if leased.attempt > policy().max_attempts {
        return given_up(leased, route);
    }
    let started = Instant::now();
    let mut reply = None;
    let outcome = through_plugins(&leased.event, route, &mut reply);
    let took = started.elapsed();
    let event = leased.event.id;
    let end = match outcome {
        Ok(Chained::Forwarded(messages)) => {
            let deliveries = deliveries(leased.id, &leased.event, &messages, route, now);
            route.counters.forwarded.inc();
            tracing::info!(%event, route = &*route.name, plugins = names(route), deliveries = deliveries.len(), took = %shown(took), "ran");
            done(deliveries, None, &reply)
        }
        Ok(Chained::Discarded(rule)) => {
            route.counters.discarded.inc();
            tracing::info!(%event, route = &*route.name, rule, took = %shown(took), "discarded");
            done(Vec::new(), Some(rule), &reply)
        }
        Err(failed) => {
            let cause = format!("plugin {}: {}", failed.plugin.name, failed.fault);
            let retryable = failed.fault.kind.is_retryable() && failed.plugin.on_error == OnError::Retry;
            let end = after_failure(cause, retryable, leased.attempt, &policy(), now, random());
            match &end {
                RunEnd::Retry { due, cause } => {
                    route.counters.retried.inc();
                    let again_in = Duration::from_millis(u64::try_from(due - now).unwrap_or_default());
                    tracing::warn!(%event, route = &*route.name, cause, again_in = %shown(again_in), "run failed");
                }
                _ => {
                    route.counters.dead.inc();
                    let plugin = &failed.plugin.name;
                    tracing::error!(%event, route = &*route.name, plugin = &**plugin, fault = %failed.fault, "run is dead");
                }
            }
            end
        }
    };
    Ran { attempt: Some(attempt(leased, &end, now, took)), end, reply }
}

/// Attempts are counted before they begin: one that ended the process, or that took longer than its lease, has left
/// nothing but its number. An event that does so each time must not do it for ever.
fn given_up(leased: &LeasedRun, route: &RouteEntry) -> Ran {
    let attempts = leased.attempt - 1;
    let cause = format!("gave up after {attempts} attempts: {NEVER_ENDED}");
    route.counters.dead.inc();
    tracing::error!(event = %leased.event.id, route = &*route.name, cause, "run is dead");
    Ran { attempt: None, end: RunEnd::Dead { cause }, reply: None }
}

fn done(deliveries: Vec<NewDelivery>, dropped: Option<String>, reply: &Option<Reply>) -> RunEnd {
    RunEnd::Done { deliveries, dropped, reply: reply.clone(), kv: KvChanges::default() }
}

/// The attempt as it is kept for people.
fn attempt(leased: &LeasedRun, end: &RunEnd, now: UnixMillis, took: Duration) -> Attempt {
    let (succeeded, detail) = match end {
        RunEnd::Done { dropped: Some(rule), .. } => (true, format!("dropped by {rule}")),
        RunEnd::Done { deliveries, .. } if deliveries.len() == 1 => (true, "1 delivery".to_owned()),
        RunEnd::Done { deliveries, .. } => (true, format!("{} deliveries", deliveries.len())),
        RunEnd::Retry { cause, .. } | RunEnd::Dead { cause } => (false, cause.clone()),
        RunEnd::Released | RunEnd::Postponed { .. } => (false, String::new()),
    };
    Attempt { number: leased.attempt, started_at: now, took, succeeded, detail }
}

/// What follows a run that panicked.
pub(super) fn panicked(leased: &LeasedRun, route: &RouteEntry, now: UnixMillis) -> Ran {
    tracing::error!(event = %leased.event.id, route = &*route.name, "a run panicked; please report this");
    let cause = "Hookyard panicked".to_owned();
    let end = after_failure(cause, true, leased.attempt, &policy(), now, 0.5);
    Ran { attempt: Some(attempt(leased, &end, now, Duration::ZERO)), end, reply: None }
}

enum Chained {
    Forwarded(Vec<Message>),
    Discarded(String),
}

struct Failed {
    plugin: Arc<PluginEntry>,
    fault: Fault,
}

/// Each plugin sees what the one before left; where one emits several messages, the next runs for each of them.
fn through_plugins(
    event: &Arc<Event>,
    route: &RouteEntry,
    reply: &mut Option<Reply>,
) -> Result<Chained, Failed> {
    let mut chain = Chain::default();
    let mut messages = vec![event.message()];
    for plugin in &route.plugins {
        let mut forwarded = Vec::with_capacity(messages.len());
        let mut discarded = None;
        for message in messages {
            let call =
                Call { event: event.clone(), message: message.clone(), destinations: route.choices.clone() };
            match plugin.process(call, &mut chain) {
                Ok(output) => {
                    *reply = output.reply.or(reply.take());
                    match output.verdict {
                        Verdict::Forward(made) => forwarded.extend(made),
                        Verdict::Discard(rule) => discarded = Some(format!("{}: {rule}", plugin.name)),
                    }
                }
                Err(fault) => {
                    plugin.faults(fault.kind).inc();
                    match plugin.on_error {
                        OnError::Skip => {
                            tracing::warn!(event = %event.id, plugin = &*plugin.name, %fault, "plugin failed and is skipped");
                            forwarded.push(message);
                        }
                        OnError::Drop => discarded = Some(format!("{} failed: {fault}", plugin.name)),
                        OnError::Retry | OnError::DeadLetter => {
                            return Err(Failed { plugin: plugin.clone(), fault });
                        }
                    }
                }
            }
            if forwarded.len() > MAX_MESSAGES {
                let message = format!("the run came to more than {MAX_MESSAGES} messages");
                let fault = Fault { kind: crate::plugin::FaultKind::InvalidOutput, message };
                return Err(Failed { plugin: plugin.clone(), fault });
            }
        }
        if let (true, Some(rule)) = (forwarded.is_empty(), discarded) {
            return Ok(Chained::Discarded(rule));
        }
        messages = forwarded;
    }
    Ok(Chained::Forwarded(messages))
}

/// One delivery for each message and each of its destinations.
fn deliveries(
    run: RunId,
    event: &Arc<Event>,
    messages: &[Message],
    route: &RouteEntry,
    now: UnixMillis,
) -> Vec<NewDelivery> {
    let mut deliveries = Vec::new();
    for message in messages {
        let outgoing = Arc::new(outgoing(event, message));
        let due = later(now, Duration::from_secs(u64::from(message.delay_seconds)));
        for destination in route.to.iter() {
            let chosen = message.destinations.as_ref();
            if chosen.is_none_or(|chosen| route.is_chosen(destination, chosen)) {
                let id = DeliveryId::derive(run, deliveries.len());
                deliveries.push(NewDelivery {
                    id,
                    destination: destination.clone(),
                    message: outgoing.clone(),
                    due,
                });
            }
        }
    }
    deliveries
}

/// What differs from what was received.
fn outgoing(event: &Event, message: &Message) -> Outgoing {
    Outgoing {
        headers: (message.headers != event.headers).then(|| message.headers.clone()),
        body: (message.body.bytes() != event.bytes()).then(|| message.body.bytes().clone()),
    }
}

/// When a run whose plugin failed is repeated: after 1 s, 10 s, 1 min and 10 min.
fn policy() -> RetryPolicy {
    RetryPolicy {
        waits: Waits::Schedule([1, 10, 60, 600].map(Duration::from_secs).to_vec()),
        max_attempts: 5,
        ..RetryPolicy::default()
    }
}

fn names(route: &RouteEntry) -> String {
    route.plugins.iter().map(|plugin| &*plugin.name).collect::<Vec<_>>().join(",")
}
