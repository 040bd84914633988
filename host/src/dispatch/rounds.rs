//! A run is made until it counts: what its plugins read must not have been changed by others before it is stored.

use std::sync::Arc;

use crate::delivery::RunEnd;
use crate::event::UnixMillis;
use crate::generation::RouteEntry;
use crate::plugin::{Budget, Kept, Measures};
use crate::store::{LeasedRun, Settlement};

use super::chain::{self, Account, Ran};
use super::values::{Claim, Clash, Order};
use super::{Shared, random};

/// How often a run is made at once. Whoever is made again goes before others, so that this is not reached by waiting in
/// line, but by a plugin that touches something else each time.
const MAX_ROUNDS: u32 = 16;

/// A run with more deliveries takes long to be stored, and what others build on it could not be stored before.
const MANY_DELIVERIES: usize = 256;

/// A run that a guest thread is to make.
pub(super) struct Task {
    pub(super) run: LeasedRun,
    pub(super) route: Arc<RouteEntry>,
    /// How often it was made for nothing.
    rounds: u32,
    /// What others have changed meanwhile.
    clash: Option<Clash>,
}

/// What keeps a run in front of others until it is on its way to the store.
#[derive(Default)]
pub(super) struct Precedence<'a> {
    /// Let go first: the end of a claim has to be able to be heard.
    _order: Option<Order<'a>>,
    claim: Option<Claim>,
}

/// A run that counts if the store takes it, with what is to be told then.
pub(super) struct Unsettled {
    task: Task,
    now: UnixMillis,
    account: Account,
    measures: Option<Box<Measures>>,
    /// Held until it is stored where nobody sees before what it has written.
    _claim: Option<Claim>,
}

impl Task {
    pub(super) fn new(run: LeasedRun, route: Arc<RouteEntry>) -> Self {
        Task { run, route, rounds: 0, clash: None }
    }

    /// Makes it, again and again if others change what it reads, and has it count for those that come after it.
    pub(super) fn make<'a>(
        &mut self,
        shared: &'a Shared,
        kept: &Arc<dyn Kept>,
        now: UnixMillis,
    ) -> (Ran, Precedence<'a>) {
        let mut claim = self.clash.take().map(|clash| shared.values.claim(clash));
        let limits = self.route.limits;
        let mut budget = Budget::new(limits.cpu, limits.time);
        while self.rounds < MAX_ROUNDS {
            let (kept, parking) = (kept.clone(), &shared.parked);
            let mut ran = chain::run(&self.run, &self.route, now, random, kept, &mut budget, parking);
            let (Some(buffer), RunEnd::Done { deliveries, kv, .. }) = (&ran.kept, &mut ran.end) else {
                return (ran, Precedence::default());
            };
            let visible = deliveries.len() <= MANY_DELIVERIES;
            match shared.values.publish(buffer, claim.as_ref(), visible) {
                Ok((changes, order)) => {
                    *kv = changes;
                    return (ran, Precedence { _order: Some(order), claim });
                }
                Err(clash) => {
                    self.count_conflict();
                    match &claim {
                        Some(claim) => claim.extend(clash),
                        None => claim = Some(shared.values.claim(clash)),
                    }
                }
            }
        }
        (chain::gave_way(&self.run, &self.route, self.rounds, now, random), Precedence::default())
    }

    fn count_conflict(&mut self) {
        self.rounds += 1;
        self.route.counters.conflicts.inc();
    }
}

impl Unsettled {
    /// What has to be known of a run until it is settled.
    pub(super) fn new(
        task: Task,
        precedence: &mut Precedence<'_>,
        end: &RunEnd,
        account: Account,
        measures: Option<Box<Measures>>,
        now: UnixMillis,
    ) -> Box<Self> {
        let is_large = matches!(end, RunEnd::Done { deliveries, .. } if deliveries.len() > MANY_DELIVERIES);
        // What others see already needs no claim any more.
        let claim = precedence.claim.take_if(|_| is_large);
        Box::new(Unsettled { task, now, account, measures, _claim: claim })
    }

    /// Takes note of what the store says. The run, if it is to be made again.
    pub(super) fn settled(
        self,
        shared: &Shared,
        end: &RunEnd,
        settlement: Option<Settlement>,
    ) -> Option<Task> {
        let Unsettled { mut task, now, account, measures, _claim } = self;
        let clash = match end {
            RunEnd::Done { kv, .. } if !kv.is_empty() => Some(shared.values.settled(kv, settlement)),
            _ => None,
        };
        if settlement == Some(Settlement::Conflict) {
            task.count_conflict();
            task.clash = clash;
            return Some(task);
        }
        // Nobody is told what the store does not know.
        if settlement == Some(Settlement::Recorded) {
            account.tell(&task.run, &task.route, end, now);
            if let Some(measures) = &measures {
                shared.count_measures(measures);
            }
        }
        None
    }
}
