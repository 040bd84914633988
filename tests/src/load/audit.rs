//! Holds a store that was opened after a crash to the journal of what happened before it.

use std::collections::HashSet;

use hookyard::event::EventId;
use hookyard::store::{EventFilter, Ledger, Page, Store, StoreError};
use uuid::Uuid;

use crate::disk::Moment;

use super::drive::append;
use super::event::{self, Kind, kinds};
use super::journal::{Entries, Journal, Outcome};
use super::work;

/// More than there ever is.
const ALL: usize = 1_000_000;

/// What an audit found.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Events that had been acknowledged.
    pub acknowledged: usize,
    /// Of these, the ones that are neither there nor were ended before.
    pub lost: usize,
    /// Deliveries handed out once more that had been made before the crash.
    pub repeated: usize,
    /// Everything that is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// Audits a store that was opened after a crash at a moment, and works off what waits in it. With `settlements_are_safe`
/// a recorded settlement has to have survived, too.
pub async fn audit(
    store: &dyn Store,
    before: &Entries,
    crash: Moment,
    now: i64,
    settlements_are_safe: bool,
) -> Result<Audit, StoreError> {
    let mut audit = Auditor { before, crash, lost: HashSet::new(), found: Audit::default() };
    let acknowledged = audit.acknowledged();
    audit.found.acknowledged = acknowledged.len();
    audit.verify(store).await?;
    let mut survivors = audit.present(store, &acknowledged).await?;
    survivors.extend(&acknowledged);
    audit.duplicates_are_known(store, &acknowledged, now).await?;
    let after = Journal::starting_at(now);
    audit.work_off(store, &after, settlements_are_safe).await?;
    audit.nothing_is_missing(&acknowledged, &after.entries());
    audit.adds_up(store, &survivors, now).await?;
    audit.verify(store).await?;
    audit.found.lost = audit.lost.len();
    Ok(audit.found)
}

struct Auditor<'a> {
    before: &'a Entries,
    crash: Moment,
    lost: HashSet<u64>,
    found: Audit,
}

impl Auditor<'_> {
    /// Events that had been acknowledged as stored.
    fn acknowledged(&self) -> HashSet<u64> {
        let acknowledged = |(number, sent): (&u64, &super::Sent)| {
            let known = matches!(sent.answered, Some((moment, Outcome::Stored)) if moment <= self.crash);
            known.then_some(*number)
        };
        self.before.sent.iter().filter_map(acknowledged).collect()
    }

    /// Whether somebody had begun to end it.
    fn was_ended(&self, id: Uuid) -> bool {
        self.before.ended.get(&id).is_some_and(|ended| ended.asked <= self.crash)
    }

    fn problem(&mut self, problem: String) {
        self.found.problems.push(problem);
    }

    async fn verify(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.found.problems.extend(store.verify().await?);
        Ok(())
    }

    /// Events that can be listed. None may be there that nobody had sent, and only retention may have removed one.
    async fn present(
        &mut self,
        store: &dyn Store,
        acknowledged: &HashSet<u64>,
    ) -> Result<HashSet<u64>, StoreError> {
        let page = Page::<EventId> { after: None, limit: ALL };
        let listed = store.events(EventFilter::default(), page).await?;
        let listed: HashSet<u64> = listed.iter().map(|summary| event::number(summary.id)).collect();
        for number in &listed {
            let sent = self.before.sent.get(number);
            if sent.is_none_or(|sent| sent.asked > self.crash) {
                self.problem(format!("event {number} is there and was never sent"));
            }
        }
        let retained = self.before.retained.is_some_and(|retained| retained <= self.crash);
        for number in acknowledged.difference(&listed) {
            if !retained || !event::ends(*number).all(|id| self.was_ended(id)) {
                self.lost.insert(*number);
                self.problem(format!("event {number} was acknowledged and is lost"));
            }
        }
        Ok(listed)
    }

    async fn duplicates_are_known(
        &mut self,
        store: &dyn Store,
        acknowledged: &HashSet<u64>,
        now: i64,
    ) -> Result<(), StoreError> {
        let again = acknowledged.iter().filter(|number| event::key(**number).is_some());
        // Numbers that nobody else has.
        let again: Vec<_> = again.map(|number| (u64::MAX / 4 + number, Some(*number))).collect();
        let repeating = Journal::starting_at(now);
        append(store, &repeating, &again).await?;
        for (number, sent) in repeating.entries().sent {
            let of = sent.again.expect("all are repetitions");
            match sent.answered {
                Some((_, Outcome::Duplicate(known))) if known == of => {}
                answered => {
                    self.problem(format!("event {number} repeats {of}, and was answered {answered:?}"))
                }
            }
        }
        Ok(())
    }

    /// Works off everything. What was leased before the crash is due at once.
    async fn work_off(
        &mut self,
        store: &dyn Store,
        after: &Journal,
        settlements_are_safe: bool,
    ) -> Result<(), StoreError> {
        let waiting = store.ledger().await?.runs_pending;
        let mut first = true;
        // Each run and delivery here ends at its second attempt at the latest, and steps of wide runs come by themselves.
        for _ in 0..10_000 {
            let runs = work::lease_runs(store, after, ALL).await?;
            if first && runs.len() as u64 != waiting {
                self.problem(format!("{waiting} runs wait, {} are due at once", runs.len()));
            }
            first = false;
            for run in &runs {
                let number = event::number(run.event.id);
                if *run.event.bytes() != event::body(number) {
                    self.problem(format!("the body of event {number} is not what was sent"));
                }
            }
            work::settle_runs(store, after, runs).await?;
            let deliveries = work::lease_deliveries(store, after, ALL).await?;
            for delivery in &deliveries {
                let known = self.before.ended.get(&delivery.id.0);
                let known = known.filter(|ended| ended.asked <= self.crash && delivery.attempt == 1);
                self.found.repeated += usize::from(known.is_some());
                let safe = known.and_then(|ended| ended.recorded).is_some_and(|at| at <= self.crash);
                if safe && settlements_are_safe {
                    self.problem(format!("delivery {} was settled and is handed out again", delivery.id));
                }
                if !work::is_intact(delivery) {
                    self.problem(format!("delivery {} is not what was to be sent", delivery.id));
                }
            }
            work::settle_deliveries(store, after, deliveries).await?;
            if store.ledger().await?.pending == 0 {
                return Ok(());
            }
        }
        let ledger = store.ledger().await?;
        self.problem(format!("work waits that nobody is handed: {ledger:?}"));
        Ok(())
    }

    /// Everything of every acknowledged event has ended, before the crash or after.
    fn nothing_is_missing(&mut self, acknowledged: &HashSet<u64>, after: &Entries) {
        for number in acknowledged {
            let missing = event::ends(*number)
                .filter(|id| !self.was_ended(*id) && !after.ended.contains_key(id))
                .count();
            if missing > 0 {
                self.lost.insert(*number);
                self.problem(format!("event {number} was acknowledged, and {missing} of its parts are lost"));
            }
        }
    }

    async fn adds_up(
        &mut self,
        store: &dyn Store,
        survivors: &HashSet<u64>,
        now: i64,
    ) -> Result<(), StoreError> {
        let ledger: Ledger = store.ledger().await?;
        if !ledger.adds_up() || ledger.pending != 0 || ledger.accepted != survivors.len() as u64 {
            self.problem(format!("{} events were accepted, and the ledger is {ledger:?}", survivors.len()));
        }
        let counted = survivors.iter().flat_map(|number| kinds(*number));
        let counted = counted.filter(|kind| *kind == Kind::Counted).count() as u64;
        let kept = work::read_count(store, now).await?.0;
        if kept != counted {
            self.problem(format!("{counted} runs counted themselves, and the count is {kept}"));
        }
        Ok(())
    }
}
