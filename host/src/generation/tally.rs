//! What is remembered of a source while generations come and go: how often each secret was used, and why requests were
//! refused. The operator decides by it when an old secret can go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;

use crate::config::SecretRef;
use crate::event::UnixMillis;
use crate::metrics::Metrics;

/// How often a secret was used. It goes by the reference: what a file or a variable holds may change.
#[derive(Debug)]
pub struct SecretUse {
    /// Where the secret is found.
    pub reference: SecretRef,
    /// Which of the source's proofs it is for, counted from 0.
    pub(super) proof: usize,
    count: AtomicU64,
    last: AtomicI64,
}

impl SecretUse {
    /// One that was never used.
    pub(super) fn new(reference: SecretRef, proof: usize) -> Self {
        SecretUse { reference, proof, count: AtomicU64::new(0), last: AtomicI64::new(0) }
    }

    /// Counts a request that it proved.
    pub(super) fn used(&self, now: UnixMillis) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    /// How many requests it has proved since the process started.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When it proved one last.
    pub fn last(&self) -> Option<UnixMillis> {
        (self.count() > 0).then(|| self.last.load(Ordering::Relaxed))
    }
}

/// Requests that were not taken for genuine, by the reason.
#[derive(Debug, Default)]
pub struct Refusals {
    by_reason: Mutex<BTreeMap<&'static str, Counter>>,
}

impl Refusals {
    /// Counts one. Reasons are fixed words, so there are few.
    pub(super) fn count(&self, reason: &'static str, source: &str, metrics: &Metrics) {
        let mut by_reason = self.by_reason.lock().unwrap_or_else(PoisonError::into_inner);
        by_reason.entry(reason).or_insert_with(|| metrics.refusals(source, reason)).inc();
    }

    /// How many there were of each.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let by_reason = self.by_reason.lock().unwrap_or_else(PoisonError::into_inner);
        by_reason.iter().map(|(reason, counter)| (*reason, counter.get())).collect()
    }
}

/// What is known of a secret from the generation before, or nothing yet.
pub(super) fn carried_over<'a>(
    before: impl IntoIterator<Item = &'a Arc<SecretUse>>,
    reference: &SecretRef,
    proof: usize,
) -> Arc<SecretUse> {
    let same = |known: &&Arc<SecretUse>| known.reference == *reference && known.proof == proof;
    let known = before.into_iter().find(same);
    known.cloned().unwrap_or_else(|| Arc::new(SecretUse::new(reference.clone(), proof)))
}
