//! What plugins keep, as the runs of this process see it: what is stored, and over it what runs have written that are on
//! their way to the store. A run builds on the one before without waiting for the disk; the store checks, when it
//! settles them, that each has read what was there before it. Nothing here has to be right for that check to be right: what
//! is found out to be wrong is forgotten, and the run is made again.
//!
//! Runs that get into each other's way: the one that ends first counts, the other is made again, and *claims* what it
//! touched. Whoever ends meanwhile and has touched it as well lets it go first. So each is made twice at worst, unless it
//! touches something else the second time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::clock::Time;
use crate::delivery::{KvChanges, KvUsage};
use crate::event::UnixMillis;
use crate::plugin::{Kept, KeptValue, KvBuffer, Unavailable};
use crate::store::{Answer, Settlement, Store};
use crate::waiting::{has_turn, without_turn};

/// Recent values that are kept at hand, and their bytes. Beyond, those that are stored are forgotten.
const MAX_RECENT: usize = 16_384;
const MAX_RECENT_BYTES: usize = 8 << 20;

/// How long a run gives way to others that have claimed what it touched: longer than nearly any run takes. After that it
/// takes its chance; the store still checks.
const GIVES_WAY: Duration = Duration::from_secs(10);

/// And how long on a thread that others cannot use meanwhile, of which there are few: who has claimed it may wait for
/// somebody outside, and runs that have nothing to do with either would wait as well.
const GIVES_WAY_ON_GUEST_THREAD: Duration = Duration::from_secs(1);

/// Keys, by namespace.
type Places = HashMap<Arc<str>, HashSet<String>>;

/// See the module's text.
pub(crate) struct Values {
    store: Arc<dyn Store>,
    clock: Arc<Time>,
    runtime: Handle,
    state: Mutex<State>,
    /// Rung when a claim ends.
    bell: Condvar,
}

#[derive(Default)]
struct State {
    recent: HashMap<Arc<str>, HashMap<String, Recent>>,
    count: usize,
    bytes: usize,
    /// What namespaces take at most, as they were stored some time ago with what has been written since.
    usage: HashMap<Arc<str>, KvUsage>,
    /// By their age.
    claims: BTreeMap<u64, Places>,
    tickets: u64,
    version: u64,
}

/// What a run of this process has written.
struct Recent {
    /// None: it was removed.
    value: Option<Bytes>,
    version: u64,
    expires_at: Option<UnixMillis>,
    /// Whether it is stored.
    stored: bool,
}

/// What a thread reads with. One for each, so that they do not share a reference count.
#[derive(Debug)]
struct Reader(Arc<Values>);

/// The right of a run that is made again to go first. It ends when this is dropped.
pub(super) struct Claim {
    values: Arc<Values>,
    ticket: u64,
}

/// While it is held no other run counts: until this one is on its way to the store.
pub(super) struct Order<'a> {
    _state: MutexGuard<'a, State>,
}

/// Something that a run has read was changed by another one.
#[derive(Debug)]
pub(super) struct Clash(Places);

impl Values {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<Time>, runtime: Handle) -> Self {
        // Versions are never given twice. Those of an earlier process are unlikely to be near, and harm only whoever has
        // read one in that process.
        let mut bytes = [0; 8];
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        let version = u64::from_be_bytes(bytes) >> 2 | 1;
        let state = Mutex::new(State { version, ..State::default() });
        Values { store, clock, runtime, state, bell: Condvar::new() }
    }

    /// For a thread to read with.
    pub(super) fn reader(self: &Arc<Self>) -> Arc<dyn Kept> {
        Arc::new(Reader(self.clone()))
    }

    /// Has it count what a run has read and written, unless something that it has read was changed meanwhile. From here on
    /// others build on what it has written; where it is not to be seen yet they do once it is stored. They have to come
    /// to the store in this order.
    pub(super) fn publish(
        &self,
        kept: &KvBuffer,
        claim: Option<&Claim>,
        visible: bool,
    ) -> Result<(KvChanges, Order<'_>), Clash> {
        let mut state = self.state();
        state.version += 1;
        let now = self.clock.due_now();
        let changes = kept.changes(state.version, now);
        let age = claim.map_or(u64::MAX, |claim| claim.ticket);
        let until = Instant::now() + if has_turn() { GIVES_WAY } else { GIVES_WAY_ON_GUEST_THREAD };
        while state.is_claimed(&changes, age)
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            // The state is let go before the thread waits for its turn: who has a turn may wait for the state. And the
            // one that has claimed it needs a turn to get on.
            without_turn(|| drop(self.bell.wait_timeout(state, left)));
            state = self.state();
        }
        if !state.agrees(&changes, now) {
            return Err(Clash(places(&changes)));
        }
        for (namespace, keys, bytes) in kept.growth() {
            if let Some(usage) = state.usage.get_mut(namespace) {
                *usage = usage.plus(keys.max(0), bytes.max(0));
            }
        }
        if visible {
            state.enter(&changes);
        }
        Ok((changes, Order { _state: state }))
    }

    /// Lets a run go before others that touch the same.
    pub(super) fn claim(self: &Arc<Self>, clash: Clash) -> Claim {
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        state.claims.insert(ticket, clash.0);
        Claim { values: self.clone(), ticket }
    }

    /// Takes note of what became of a run's changes. What is asked for again, if it is to be made again.
    pub(super) fn settled(&self, changes: &KvChanges, settlement: Option<Settlement>) -> Clash {
        let mut state = self.state();
        let recorded = settlement == Some(Settlement::Recorded);
        for write in &changes.written {
            match state.recent(&write.namespace, &write.key) {
                Some(recent) if recorded && recent.version == changes.version => recent.stored = true,
                // Of another one, which may have been stored before this one.
                Some(recent) if recent.version == changes.version || recent.stored => {
                    state.forget(&write.namespace, &write.key);
                }
                _ => {}
            }
        }
        if !recorded {
            for read in &changes.read {
                if state.recent(&read.namespace, &read.key).is_some_and(|recent| recent.stored) {
                    state.forget(&read.namespace, &read.key);
                }
            }
            for bound in &changes.bounds {
                state.usage.remove(&bound.namespace);
            }
        }
        drop(state);
        Clash(places(changes))
    }

    /// No operation leaves the state half changed, so that a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the store answer while the thread waits.
    fn ask<T>(&self, patience: Duration, answer: Answer<'_, T>) -> Result<T, Unavailable> {
        let waiting = async { tokio::time::timeout(patience, answer).await };
        let waited = without_turn(|| self.runtime.block_on(waiting));
        match waited {
            Ok(answer) => answer.map_err(|error| Unavailable(error.to_string())),
            Err(_) => Err(Unavailable("the store did not answer in time".to_owned())),
        }
    }
}

impl State {
    /// Whether somebody who goes first has claimed something of this.
    fn is_claimed(&self, changes: &KvChanges, age: u64) -> bool {
        self.claims.range(..age).any(|(_, places)| {
            let has = |namespace: &Arc<str>, key: &str| {
                places.get(namespace).is_some_and(|keys| keys.contains(key))
            };
            changes.read.iter().any(|read| has(&read.namespace, &read.key))
                || changes.written.iter().any(|write| has(&write.namespace, &write.key))
        })
    }

    /// Whether what was read is still what others read.
    fn agrees(&mut self, changes: &KvChanges, now: UnixMillis) -> bool {
        changes.read.iter().all(|read| {
            let recent = self.recent(&read.namespace, &read.key);
            recent.is_none_or(|recent| recent.seen(now).map_or(0, |seen| seen.version) == read.version)
        })
    }

    fn recent(&mut self, namespace: &str, key: &str) -> Option<&mut Recent> {
        self.recent.get_mut(namespace)?.get_mut(key)
    }

    fn enter(&mut self, changes: &KvChanges) {
        for write in &changes.written {
            self.forget(&write.namespace, &write.key);
            let value = write.value.clone();
            self.count += 1;
            self.bytes += write.key.len() + value.as_ref().map_or(0, Bytes::len);
            let recent =
                Recent { value, version: changes.version, expires_at: write.expires_at, stored: false };
            self.recent.entry(write.namespace.clone()).or_default().insert(write.key.clone(), recent);
        }
        if self.count > MAX_RECENT || self.bytes > MAX_RECENT_BYTES {
            self.forget_stored();
        }
    }

    fn forget(&mut self, namespace: &str, key: &str) {
        let Some(keys) = self.recent.get_mut(namespace) else { return };
        let Some(recent) = keys.remove(key) else { return };
        self.count -= 1;
        self.bytes -= key.len() + recent.value.as_ref().map_or(0, Bytes::len);
        if keys.is_empty() {
            self.recent.remove(namespace);
        }
    }

    fn forget_stored(&mut self) {
        let (mut count, mut bytes) = (0, 0);
        self.recent.retain(|_, keys| {
            keys.retain(|_, recent| !recent.stored);
            count += keys.len();
            bytes += keys
                .iter()
                .map(|(key, recent)| key.len() + recent.value.as_ref().map_or(0, Bytes::len))
                .sum::<usize>();
            !keys.is_empty()
        });
        (self.count, self.bytes) = (count, bytes);
        self.usage.clear();
    }
}

impl Recent {
    /// What is read of it now.
    fn seen(&self, now: UnixMillis) -> Option<KeptValue> {
        let value = self.value.as_ref().filter(|_| self.expires_at.is_none_or(|at| now < at))?;
        Some(KeptValue { value: value.clone(), version: self.version })
    }
}

impl Kept for Reader {
    fn value(
        &self,
        namespace: &Arc<str>,
        key: &str,
        patience: Duration,
    ) -> Result<Option<KeptValue>, Unavailable> {
        let Reader(values) = self;
        let now = values.clock.due_now();
        if let Some(recent) = values.state().recent(namespace, key) {
            return Ok(recent.seen(now));
        }
        let kept = values.ask(patience, values.store.kv(namespace.clone(), key.to_owned(), now))?;
        Ok(kept.map(|kept| KeptValue { value: kept.value, version: kept.version }))
    }

    fn usage(&self, namespace: &Arc<str>, exact: bool, patience: Duration) -> Result<KvUsage, Unavailable> {
        let Reader(values) = self;
        if let (false, Some(usage)) = (exact, values.state().usage.get(namespace)) {
            return Ok(*usage);
        }
        let now = values.clock.due_now();
        let usage = values.ask(patience, values.store.kv_usage(namespace.clone(), now))?;
        values.state().usage.insert(namespace.clone(), usage);
        Ok(usage)
    }
}

impl Claim {
    /// Claims more.
    pub(super) fn extend(&self, Clash(places): Clash) {
        let mut state = self.values.state();
        let claimed = state.claims.entry(self.ticket).or_default();
        for (namespace, keys) in places {
            claimed.entry(namespace).or_default().extend(keys);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.values.state().claims.remove(&self.ticket);
        self.values.bell.notify_all();
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("recent", &self.state().count).finish_non_exhaustive()
    }
}

/// What was touched.
fn places(changes: &KvChanges) -> Places {
    let mut places = Places::new();
    let read = changes.read.iter().map(|read| (&read.namespace, &read.key));
    for (namespace, key) in read.chain(changes.written.iter().map(|write| (&write.namespace, &write.key))) {
        places.entry(namespace.clone()).or_default().insert(key.clone());
    }
    places
}

#[cfg(test)]
mod tests;
