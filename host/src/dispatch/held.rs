//! Deliveries that wait for somebody to do something: their destination is disabled, or is not in the configuration, or
//! fails. They are not leased and not lost. Those that have waited for too long become dead letters, so that what
//! nobody can deliver does not fill the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::delivery::{self, DeliveryEnd, between, gave_up, later};
use crate::event::UnixMillis;
use crate::generation::{DestinationEntry, Generation};
use crate::store::{
    Backlog, Intervention, LeasedDelivery, Page, Queue, SettledDelivery, StoreError, WorkFilter,
};

use super::Shared;

/// How often the store is asked.
const LOOK: Duration = Duration::from_secs(10);

/// Deliveries given up in one go.
const STEP: usize = 256;

/// How long it takes at most to give some up.
const STEP_TIME: Duration = Duration::from_secs(60);

/// Destinations whose deliveries wait for an operator, by name.
#[derive(Debug, Default)]
pub(crate) struct Held {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Changes made here, so that what was read from the store before one does not undo it.
    changes: u64,
    disabled: BTreeMap<Arc<str>, String>,
    orphaned: BTreeMap<Arc<str>, u64>,
}

/// A destination that gets nothing at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The destination's name.
    pub destination: Arc<str>,
    /// Why.
    pub reason: Reason,
}

/// Why a destination gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It fails; it is tried again by itself.
    Failing {
        /// What went wrong last.
        cause: String,
    },
    /// It gets nothing until an operator enables it.
    Disabled {
        /// Why.
        cause: String,
    },
    /// It is not in the configuration.
    NotConfigured {
        /// How many deliveries wait for it.
        pending: u64,
    },
}

impl Reason {
    /// For people and their tools, in few words.
    pub fn name(&self) -> &'static str {
        match self {
            Reason::Failing { .. } => "failing",
            Reason::Disabled { .. } => "disabled",
            Reason::NotConfigured { .. } => "not configured",
        }
    }
}

impl Held {
    pub(super) fn is_disabled(&self, destination: &str) -> bool {
        self.state().disabled.contains_key(destination)
    }

    /// Why a destination gets nothing until an operator enables it, if it does not.
    fn disabled_because(&self, destination: &str) -> Option<String> {
        self.state().disabled.get(destination).cloned()
    }

    /// Enters a destination; whether it was not there.
    fn disable(&self, destination: &Arc<str>, cause: &str) -> bool {
        let mut state = self.state();
        state.changes += 1;
        state.disabled.insert(destination.clone(), cause.to_owned()).is_none()
    }

    /// Every destination that gets nothing at the moment.
    pub(super) fn report(&self, generation: &Generation) -> Vec<HeldBack> {
        let state = self.state();
        let of = |(name, reason)| HeldBack { destination: Arc::clone(name), reason };
        let disabled =
            state.disabled.iter().map(|(name, cause)| (name, Reason::Disabled { cause: cause.clone() }));
        let orphaned =
            state.orphaned.iter().map(|(name, &pending)| (name, Reason::NotConfigured { pending }));
        let failing = generation.destinations.iter().filter(|(name, _)| !state.disabled.contains_key(*name));
        let failing = failing
            .filter_map(|(name, entry)| Some((name, Reason::Failing { cause: entry.gate.open_because()? })));
        disabled.chain(orphaned).chain(failing).map(of).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves it half changed, so that a panic elsewhere does not matter.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks again every few seconds, and when there is a new generation.
pub(super) async fn look_loop(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shared.look_again.notified() => {}
            _ = stopped.changed() => return,
        }
        look(&shared).await;
    }
}

/// Learns from the store what is held, and gives up what has been held for too long.
async fn look(shared: &Shared) {
    let Some(backlog) = learn(shared).await else { return };
    if let Err(error) = give_up_old(shared, backlog).await {
        tracing::error!(%error, "failed to give up deliveries that are held");
    }
}

/// Learns from the store what is held. None if it cannot tell.
pub(super) async fn learn(shared: &Shared) -> Option<Vec<Backlog>> {
    let changes = shared.held.state().changes;
    let stats = match shared.store.stats().await {
        Ok(stats) => stats,
        // A store that cannot tell has nothing disabled.
        Err(StoreError::Unsupported(_)) => return None,
        Err(error) => {
            tracing::error!(%error, "failed to look for deliveries that are held");
            return None;
        }
    };
    shared.clock.not_before(stats.latest);
    let disabled =
        stats.disabled.into_iter().map(|disabled| (disabled.destination, disabled.reason)).collect();
    learn_disabled(shared, disabled, changes);
    learn_orphaned(shared, &shared.current.load(), &stats.backlog);
    Some(stats.backlog)
}

async fn give_up_old(shared: &Shared, backlog: Vec<Backlog>) -> Result<(), StoreError> {
    let generation = shared.current.load_full();
    let orphaned = generation.config.store.retention.orphaned;
    for Backlog { destination, oldest, .. } in backlog {
        let age = between(oldest, shared.clock.due_now());
        let entry = generation.destinations.get(&destination);
        let waits_for = match (entry, shared.held.disabled_because(&destination)) {
            (None, _) => Some(format!("destination {destination} is not in the configuration")),
            (Some(_), Some(why)) => Some(format!("destination {destination} is disabled: {why}")),
            (Some(_), None) => None,
        };
        match (entry, waits_for) {
            (_, Some(cause)) if age > orphaned => {
                give_up(shared, &destination, orphaned, |_, _| cause.clone()).await?;
            }
            (Some(entry), None) if age > entry.retry.max_age => {
                let Some(cause) = entry.gate.open_because() else { continue };
                let cause =
                    |delivery: &LeasedDelivery, age| gave_up(delivery.attempt.saturating_sub(1), age, &cause);
                give_up(shared, &destination, entry.retry.max_age, cause).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn learn_disabled(shared: &Shared, disabled: BTreeMap<Arc<str>, String>, changes: u64) {
    let before = {
        let mut state = shared.held.state();
        if state.changes != changes {
            return;
        }
        std::mem::replace(&mut state.disabled, disabled.clone())
    };
    for (name, cause) in &disabled {
        shared.metrics.disabled(name).set(1);
        if !before.contains_key(name) {
            tracing::warn!(
                destination = &**name,
                cause,
                "destination is disabled; its messages are held until it is enabled"
            );
        }
    }
    for name in before.keys().filter(|name| !disabled.contains_key(*name)) {
        shared.metrics.disabled(name).set(0);
        tracing::info!(destination = &**name, "destination is enabled; its messages go on");
        shared.deliveries_again.notify_one();
    }
}

fn learn_orphaned(shared: &Shared, generation: &Generation, backlog: &[Backlog]) {
    let orphaned =
        backlog.iter().filter(|backlog| !generation.destinations.contains_key(&backlog.destination));
    let orphaned: BTreeMap<_, _> =
        orphaned.map(|backlog| (backlog.destination.clone(), backlog.pending)).collect();
    let all = orphaned.values().sum::<u64>();
    shared.metrics.orphaned.set(i64::try_from(all).unwrap_or(i64::MAX));
    let before = std::mem::replace(&mut shared.held.state().orphaned, orphaned.clone());
    for (name, pending) in orphaned.iter().filter(|(name, _)| !before.contains_key(*name)) {
        tracing::warn!(
            destination = &**name,
            pending,
            "deliveries are held because their destination is not in the configuration"
        );
    }
}

/// Lets a destination get nothing any more, as its receiver says that it is gone.
pub(super) async fn disable(shared: &Shared, entry: &DestinationEntry, cause: &str) {
    let generation = shared.current.load_full();
    let today = generation.destinations.get(&entry.name);
    if today.is_none_or(|today| !today.receiver.is(&entry.receiver)) {
        // It has been given another address meanwhile, or was removed.
        return;
    }
    // At once, so that nothing more is sent while this is stored.
    if !shared.held.disable(&entry.name, cause) {
        return;
    }
    let destination = &*entry.name;
    tracing::error!(
        destination,
        cause,
        "destination is gone and is disabled; its messages are held until it is enabled"
    );
    shared.metrics.disabled(destination).set(1);
    let disable = Intervention::Disable { destination: entry.name.clone(), reason: cause.to_owned() };
    if let Err(error) = shared.store.intervene(vec![disable], shared.clock.due_now()).await {
        tracing::error!(destination, %error, "failed to store that the destination is disabled");
    }
    shared.held.state().changes += 1;
}

/// Whether something is due that is not sent yet only because so much is sent at a time: asked where nothing is to be
/// lost with the process.
pub(super) async fn waits_for_a_rate(shared: &Shared) -> bool {
    let generation = shared.current.load_full();
    let destinations = generation.destinations.values();
    for entry in destinations.filter(|entry| entry.gate.goes_at_a_rate()) {
        if shared.held.is_disabled(&entry.name) {
            continue;
        }
        match is_due(shared, &entry.name).await {
            Ok(false) => {}
            Ok(true) => return true,
            Err(error) => tracing::error!(%error, "failed to look for deliveries that are due"),
        }
    }
    false
}

/// Whether a delivery to a destination is due.
async fn is_due(shared: &Shared, destination: &str) -> Result<bool, StoreError> {
    let now = shared.clock.due_now();
    let (destination, state) = (Some(destination.to_owned()), Some(delivery::State::Pending));
    let filter = WorkFilter { destination, state, ..WorkFilter::default() };
    let mut page = Page { after: None, limit: STEP };
    loop {
        let pending = shared.store.work(Queue::Deliveries, filter.clone(), page).await?;
        if pending.iter().any(|delivery| delivery.due.is_some_and(|due| due <= now)) {
            return Ok(true);
        }
        let Some(last) = pending.last().filter(|_| pending.len() >= STEP) else { return Ok(false) };
        page.after = Some(last.cursor);
    }
}

/// Makes dead letters of a destination's deliveries that are older than `max_age`.
async fn give_up(
    shared: &Shared,
    destination: &Arc<str>,
    max_age: Duration,
    cause: impl Fn(&LeasedDelivery, Duration) -> String,
) -> Result<(), StoreError> {
    let mut given_up = 0_u64;
    loop {
        let now = shared.clock.due_now();
        let wanted = vec![(destination.clone(), STEP)];
        let leased = shared.store.lease_deliveries(wanted, now, later(now, STEP_TIME)).await?.work;
        let settled: Vec<_> = leased.iter().map(|delivery| too_old(delivery, max_age, now, &cause)).collect();
        let count = settled.iter().filter(|settled| settled.end != DeliveryEnd::Released).count();
        if !settled.is_empty() {
            shared.store.settle_deliveries(settled, now).await?;
        }
        given_up += count as u64;
        // Nothing is due before it is stored: behind one that is young enough, all will have to wait no longer than
        // these did until they are looked at.
        if count < STEP {
            break;
        }
    }
    if given_up > 0 {
        tracing::error!(
            destination = &**destination,
            given_up,
            "deliveries were held for too long and are dead"
        );
    }
    Ok(())
}

fn too_old(
    delivery: &LeasedDelivery,
    max_age: Duration,
    now: UnixMillis,
    cause: impl Fn(&LeasedDelivery, Duration) -> String,
) -> SettledDelivery {
    let age = between(delivery.since, now);
    let end =
        if age > max_age { DeliveryEnd::Dead { cause: cause(delivery, age) } } else { DeliveryEnd::Released };
    SettledDelivery { id: delivery.id, lease: delivery.lease, attempt: None, end }
}
