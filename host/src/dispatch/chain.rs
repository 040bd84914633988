//! One run: an event through a route's plugins, and what is to be delivered then. On the calling thread, without I/O.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::OnError;
use crate::delivery::{
    Attempt, DeliveryId, KvChanges, NewDelivery, Outgoing, Reply, RunEnd, RunId, after_failure, later,
    plugin_cause, plugins_cause,
};
use crate::event::{Event, Message, UnixMillis};
use crate::generation::{PluginEntry, RouteEntry};
use crate::plugin::{Budget, Call, Chain, Fault, Kept, KvBuffer, Measures, Verdict};
use crate::retry::RetryPolicy;
use crate::store::LeasedRun;

use super::parked::Parked;
use super::{NEVER_ENDED, shown};

/// Messages that one run may come to; more is a plugin's mistake.
const MAX_MESSAGES: usize = 100_000;

/// Bytes that they may come to: each of a plugin's messages may be within what one call may put out, and all of them
/// together more than there is memory.
const MAX_BYTES: usize = 512 << 20;
/// Attempts of a run that never came to an end, of a route without plugins or with impatient ones.
const UNENDED_ATTEMPTS: u32 = 5;

/// What a run came to.
pub(super) struct Ran {
    /// None if it was not run any more.
    pub(super) attempt: Option<Attempt>,
    pub(super) end: RunEnd,
    pub(super) reply: Option<Reply>,
    /// What its plugins read and wrote of what they keep; none where it has failed.
    pub(super) kept: Option<Box<KvBuffer>>,
    /// What they measured; none where it has failed.
    pub(super) measures: Option<Box<Measures>>,
    pub(super) account: Account,
}

/// What operators are told of a run, once it counts.
pub(super) struct Account {
    took: Duration,
    /// The plugin that failed, and how.
    failed: Option<(Arc<str>, Fault)>,
}

/// Runs the chain within what is left of the run's budget. `random` gives numbers from 0 to 1; it takes its time, and is asked only where a run failed.
pub(super) fn run(
    leased: &LeasedRun,
    route: &RouteEntry,
    now: UnixMillis,
    random: fn() -> f64,
    kept: Arc<dyn Kept>,
    budget: &mut Budget,
    parking: &Parked,
) -> Ran {
    if leased.attempt > max_attempts(route) {
        return given_up(leased, route);
    }
    if let Some(parked) = parked(leased, route, now, parking) {
        return parked;
    }
    let started = Instant::now();
    let mut reply = None;
    let mut chain = Chain::of_run(kept).within(*budget);
    let outcome = through_plugins(&leased.event, route, &mut chain, &mut reply);
    *budget = chain.budget;
    let took = started.elapsed();
    let (end, failed) = match outcome {
        Ok(Chained::Forwarded(messages)) => {
            let deliveries = deliveries(leased.id, &leased.event, &messages, route, now);
            (done(deliveries, None, &reply), None)
        }
        Ok(Chained::Discarded(rule)) => (done(Vec::new(), Some(rule), &reply), None),
        Err(Failed { plugin, fault }) => {
            let cause = plugin_cause(&plugin.name, &fault);
            let retryable = fault.kind.is_retryable() && plugin.on_error == OnError::Retry;
            let end = after_failure(cause, retryable, leased.attempt, &plugin.retry, now, random());
            (end, Some((plugin.name.clone(), fault)))
        }
    };
    let (kept, measures) = match &end {
        RunEnd::Done { .. } => chain.into_results(),
        _ => (None, None),
    };
    let kept = kept.filter(|kept| !kept.is_empty());
    let account = Account { took, failed };
    Ran { attempt: Some(attempt(leased, &end, now, took)), end, reply, kept, measures, account }
}

impl Account {
    /// Tells what came of a run in the log, and counts it.
    pub(super) fn tell(&self, leased: &LeasedRun, route: &RouteEntry, end: &RunEnd, now: UnixMillis) {
        let (event, name) = (leased.event.id, &*route.name);
        match end {
            RunEnd::Done { dropped: None, deliveries, .. } => {
                route.counters.forwarded.inc();
                tracing::info!(%event, route = name, plugins = names(route), deliveries = deliveries.len(), took = %shown(self.took), "ran");
            }
            RunEnd::Done { dropped: Some(rule), .. } => {
                route.counters.discarded.inc();
                tracing::info!(%event, route = name, rule, took = %shown(self.took), "discarded");
            }
            RunEnd::Retry { due, cause } => {
                route.counters.retried.inc();
                let again_in = Duration::from_millis(u64::try_from(due - now).unwrap_or_default());
                tracing::warn!(%event, route = name, cause, again_in = %shown(again_in), "run failed");
            }
            RunEnd::Dead { cause } => {
                route.counters.dead.inc();
                match &self.failed {
                    Some((plugin, fault)) => {
                        tracing::error!(%event, route = name, plugin = &**plugin, %fault, "run is dead");
                    }
                    None => tracing::error!(%event, route = name, cause, "run is dead"),
                }
            }
            RunEnd::Released | RunEnd::Postponed { .. } => {}
        }
    }
}

/// Puts a run off that would only meet a plugin that fails on most events.
fn parked(leased: &LeasedRun, route: &RouteEntry, now: UnixMillis, parking: &Parked) -> Option<Ran> {
    let waits = |plugin: &&Arc<PluginEntry>| plugin.on_error != OnError::Skip;
    let closed = |plugin: &Arc<PluginEntry>| Some((plugin.name.clone(), plugin.guard.closed_for()?));
    let (plugin, (time, failure)) = route.plugins.iter().filter(waits).find_map(closed)?;
    route.counters.parked.inc();
    tracing::debug!(event = %leased.event.id, route = &*route.name, plugin = &*plugin, "run is parked");
    let (due, cause) = parking.park(&route.name, &plugin, &failure, time, now);
    Some(without_result(RunEnd::Postponed { due, cause }))
}

/// When a run is repeated that failed in none of its plugins: as the first of them says.
fn policy(route: &RouteEntry) -> RetryPolicy {
    route.plugins.first().map(|plugin| plugin.retry.clone()).unwrap_or_default()
}

/// As many as the most patient of its plugins has.
fn max_attempts(route: &RouteEntry) -> u32 {
    let attempts = route.plugins.iter().map(|plugin| plugin.retry.max_attempts);
    attempts.max().unwrap_or(UNENDED_ATTEMPTS).max(UNENDED_ATTEMPTS)
}

/// Attempts are counted before they begin: one that ended the process, or that took longer than its lease, has left
/// nothing but its number. An event that does so each time must not do it for ever. It may have been in any of the
/// route's plugins, all of which are named, so that it is found by each of them.
fn given_up(leased: &LeasedRun, route: &RouteEntry) -> Ran {
    let attempts = leased.attempt - 1;
    let mut names: Vec<&str> = Vec::new();
    for plugin in &route.plugins {
        if !names.contains(&&*plugin.name) {
            names.push(&plugin.name);
        }
    }
    let cause = plugins_cause(&names, &NEVER_ENDED);
    without_result(RunEnd::Dead { cause: format!("gave up after {attempts} attempts: {cause}") })
}

/// A run of which nothing is left but how it ended.
fn without_result(end: RunEnd) -> Ran {
    let account = Account { took: Duration::ZERO, failed: None };
    Ran { attempt: None, end, reply: None, kept: None, measures: None, account }
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
    let end = after_failure(cause, true, leased.attempt, &policy(route), now, 0.5);
    Ran { attempt: Some(attempt(leased, &end, now, Duration::ZERO)), ..without_result(end) }
}

/// What follows a run that others have got into the way of too often.
pub(super) fn gave_way(
    leased: &LeasedRun,
    route: &RouteEntry,
    rounds: u32,
    now: UnixMillis,
    random: fn() -> f64,
) -> Ran {
    let cause = format!("what its plugins keep was changed by other runs each of {rounds} times");
    let end = after_failure(cause, true, leased.attempt, &policy(route), now, random());
    Ran { attempt: Some(attempt(leased, &end, now, Duration::ZERO)), ..without_result(end) }
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
    chain: &mut Chain,
    reply: &mut Option<Reply>,
) -> Result<Chained, Failed> {
    let mut messages = vec![event.message()];
    for plugin in &route.plugins {
        if plugin.on_error == OnError::Skip && plugin.guard.closed_for().is_some() {
            continue;
        }
        let mut forwarded = Vec::with_capacity(messages.len());
        let (mut discarded, mut bytes) = (None, 0);
        let one_of_many = messages.len() > 1;
        for message in messages {
            let call =
                Call { event: event.clone(), message: message.clone(), destinations: route.choices.clone() };
            chain.mark();
            match plugin.process(call, chain) {
                Ok(output) => {
                    *reply = output.reply.or(reply.take());
                    match output.verdict {
                        Verdict::Forward(made) => {
                            bytes += made.iter().map(Message::size).sum::<usize>();
                            // The trees that plugins have looked at, of many messages at once, would take more room
                            // than the messages.
                            let lighter = |mut message: Message| {
                                if one_of_many {
                                    message.body = message.body.unread();
                                }
                                message
                            };
                            forwarded.extend(made.into_iter().map(lighter));
                        }
                        Verdict::Discard(rule) => discarded = Some(format!("{}: {rule}", plugin.name)),
                    }
                }
                Err(fault) => {
                    chain.roll_back();
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
            if forwarded.len() > MAX_MESSAGES || bytes > MAX_BYTES {
                let limits = format!("{MAX_MESSAGES} messages, or more than {} MiB", MAX_BYTES >> 20);
                let message = format!("the run came to more than {limits}");
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

fn names(route: &RouteEntry) -> String {
    route.plugins.iter().map(|plugin| &*plugin.name).collect::<Vec<_>>().join(",")
}
