//! Runs that came to very many deliveries. These are stored step by step, in transactions between those of others, and
//! are staged meanwhile: nobody sees them. With the last step the run ends; then they are made due step by step.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::delivery::{RunEnd, RunId, State};
use crate::event::UnixMillis;
use crate::store::{Lease, SettledRun, Settlement, StoreError};

use super::books::{Books, RunWork};
use super::codec::state_number;
use super::deliveries::{LastMessage, Stored};
use super::fault::Result;
use super::jobs::{AnswerTo, Job, Task};
use super::leases::Held;
use super::writer::{Safety, Writer};

/// Deliveries in one transaction. A run with more goes step by step.
pub(super) const STEP: usize = 500;

/// How long to wait when the disk is full.
const PAUSE: Duration = Duration::from_secs(1);

/// Goes from the few runs to their deliveries; the other way round it would look at everything.
pub(super) const REMOVE_STAGED: &str = "BEGIN IMMEDIATE;
     DELETE FROM messages WHERE seq IN (SELECT d.message FROM fanouts f
       CROSS JOIN deliveries d ON d.seq BETWEEN f.next AND f.last WHERE f.ended = 0);
     DELETE FROM deliveries WHERE seq IN (SELECT d.seq FROM fanouts f
       CROSS JOIN deliveries d ON d.seq BETWEEN f.next AND f.last WHERE f.ended = 0);
     DELETE FROM fanouts WHERE ended = 0;
     COMMIT";

/// What goes on step by step.
#[derive(Default)]
pub(super) struct Fanouts {
    staging: VecDeque<Staging>,
    /// Runs that have ended and whose deliveries are made due.
    due: VecDeque<i64>,
    paused: Option<Instant>,
}

/// A run whose deliveries are being stored, or removed again. Its lease is pinned.
struct Staging {
    settled: SettledRun,
    now: UnixMillis,
    held: Held<RunWork>,
    /// The first delivery's number, once there is one.
    first: Option<i64>,
    /// How many are stored; while they are removed, how many are left to look for.
    stored: usize,
    size: u64,
    last: LastMessage,
    undoing: bool,
    answer: Option<AnswerTo<Settlement>>,
}

/// What came of a step.
enum Step {
    More,
    Ended,
    Conflict,
}

impl Fanouts {
    /// Takes up what an earlier process has left: removes what was staged for runs that have not ended.
    pub(super) fn recover(db: &Connection) -> Result<Self> {
        db.execute_batch(REMOVE_STAGED)?;
        let mut statement = db.prepare("SELECT run FROM fanouts ORDER BY run")?;
        let due = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Fanouts { due, ..Fanouts::default() })
    }

    /// Whether there is something to do now.
    pub(super) fn may_go_on(&self) -> bool {
        self.pause().is_zero()
    }

    /// How long nothing is to be done.
    pub(super) fn pause(&self) -> Duration {
        match self.paused {
            _ if self.staging.is_empty() && self.due.is_empty() => Duration::MAX,
            Some(since) => PAUSE.saturating_sub(since.elapsed()),
            None => Duration::ZERO,
        }
    }

    /// Has the leases of runs last that are dealt with here, for when they are as they were.
    pub(super) fn renew(&mut self, runs: &[(RunId, Lease)], until: UnixMillis) {
        for staging in &mut self.staging {
            if runs.iter().any(|(_, lease)| *lease == staging.settled.lease) {
                staging.held.until = until;
            }
        }
    }

    /// The store has failed: nothing goes on any more.
    pub(super) fn refuse(&mut self, error: &StoreError) {
        for answer in self.staging.drain(..).filter_map(|staging| staging.answer) {
            answer(Err(error.clone()));
        }
        self.due.clear();
    }
}

impl Writer {
    /// See [`Store::renew_runs`](crate::store::Store::renew_runs). Leases are not stored, and so nothing is.
    pub(super) fn renew_runs(
        &mut self,
        runs: &[(RunId, Lease)],
        until: UnixMillis,
    ) -> std::result::Result<(), StoreError> {
        if let Some(error) = self.common.failure() {
            return Err(error);
        }
        runs.iter().for_each(|(_, lease)| self.books.runs.renew(*lease, until));
        self.fanouts.renew(runs, until);
        Ok(())
    }

    /// Takes the runs that came to very many deliveries out of a batch; what is left of it is a job as usual. The batch
    /// is answered once all of it is done.
    pub(super) fn take_large(&mut self, mut task: Task<Vec<SettledRun>, Vec<Settlement>>) -> Option<Job> {
        if !task.input.iter().any(is_large) {
            return Some(Job::SettleRuns(task));
        }
        let group = Arc::new(Mutex::new(Group::new(task.input.len(), task.answer)));
        let (mut rest, mut places) = (Vec::new(), Vec::new());
        for (place, settled) in task.input.drain(..).enumerate() {
            let fits = self.books.runs.held(settled.lease).is_some_and(|held| held.what.id == settled.id);
            let pinned = if fits && is_large(&settled) { self.books.runs.pin(settled.lease) } else { None };
            let Some(held) = pinned else {
                rest.push(settled);
                places.push(place);
                continue;
            };
            let group = Arc::clone(&group);
            let answer: AnswerTo<Settlement> =
                Box::new(move |settlement| Group::put(&group, &[place], settlement.map(|one| vec![one])));
            self.fanouts.staging.push_back(Staging {
                settled,
                now: task.now,
                held,
                first: None,
                stored: 0,
                size: 0,
                last: LastMessage::default(),
                undoing: false,
                answer: Some(answer),
            });
        }
        let answer = Box::new(move |settlements| Group::put(&group, &places, settlements));
        (!rest.is_empty()).then(|| Job::SettleRuns(Task::new(rest, task.now, task.until, answer)))
    }

    /// One step of what goes on step by step, of each kind.
    pub(super) fn fan_out(&mut self) {
        if !self.fanouts.may_go_on() {
            return;
        }
        self.fanouts.paused = None;
        if let Some(staging) = self.fanouts.staging.pop_front() {
            match staging.undoing {
                false => self.stage(staging),
                true => self.undo(staging),
            }
        }
        if let Some(run) = self.fanouts.due.pop_front() {
            match self.transaction(Safety::Soon, |books, db| books.make_due(db, run)) {
                Ok(true) => {}
                Ok(false) => self.fanouts.due.push_back(run),
                Err(_) => {
                    self.fanouts.due.push_back(run);
                    self.fanouts.paused = Some(Instant::now());
                }
            }
        }
    }

    fn stage(&mut self, mut staging: Staging) {
        // What a step changes is taken over once it is committed.
        let (mut first, mut size, mut last) = (staging.first, staging.size, staging.last.clone());
        let done = self.transaction(Safety::Soon, |books, db| {
            books.stage(db, &staging, &mut first, &mut size, &mut last)
        });
        match done {
            Ok(step) => {
                (staging.first, staging.size, staging.last) = (first, size, last);
                staging.stored = (staging.stored + STEP).min(deliveries(&staging.settled).len());
                match step {
                    Step::More => self.fanouts.staging.push_back(staging),
                    Step::Conflict => {
                        staging.undoing = true;
                        self.fanouts.staging.push_front(staging);
                    }
                    Step::Ended => {
                        self.books.runs.unpin(staging.held.place.1);
                        self.fanouts.due.push_back(staging.held.place.1);
                        answer(&mut staging, Ok(Settlement::Recorded));
                    }
                }
            }
            Err(failure) => {
                answer(&mut staging, Err(failure.other));
                staging.undoing = true;
                self.fanouts.paused = Some(Instant::now());
                self.fanouts.staging.push_back(staging);
            }
        }
    }

    fn undo(&mut self, mut staging: Staging) {
        let left = match staging.first {
            None => Ok(0),
            Some(first) => self.transaction(Safety::Soon, |books, db| books.unstage(db, &staging, first)),
        };
        match left {
            Ok(0) => {
                self.books.runs.restore(staging.settled.lease, staging.held);
                answer(&mut staging, Ok(Settlement::Conflict));
            }
            Ok(left) => {
                staging.stored = left;
                self.fanouts.staging.push_back(staging);
            }
            Err(_) => {
                self.fanouts.paused = Some(Instant::now());
                self.fanouts.staging.push_back(staging);
            }
        }
    }
}

impl Books {
    fn stage(
        &mut self,
        db: &Connection,
        staging: &Staging,
        first: &mut Option<i64>,
        size: &mut u64,
        last: &mut LastMessage,
    ) -> Result<Step> {
        let Staging { settled, now, held, stored, .. } = staging;
        let all = deliveries(settled);
        let start = match *first {
            Some(start) => start,
            None => {
                let start = self.next.delivery;
                self.next.delivery += all.len() as i64;
                db.prepare_cached("INSERT INTO fanouts (run, next, last, ended) VALUES (?1, ?2, ?3, 0)")?
                    .execute((held.place.1, start, self.next.delivery - 1))?;
                *first = Some(start);
                start
            }
        };
        let step = &all[*stored..all.len().min(stored + STEP)];
        for (seq, new) in (start + *stored as i64..).zip(step) {
            *size += self.store_delivery(db, held, seq, new, last, true, *now)?.1;
        }
        let (RunEnd::Done { dropped, reply, kv, .. }, true) =
            (&settled.end, stored + step.len() == all.len())
        else {
            return Ok(Step::More);
        };
        if !self.keep_values(db, kv, *now)? {
            return Ok(Step::Conflict);
        }
        let range = Some((start, start + all.len() as i64 - 1));
        let stored = Stored { count: all.len(), range, size: *size };
        let attempt = settled.attempt.as_ref();
        self.finish_run(db, held, attempt, dropped.as_deref(), reply.as_ref(), &stored, *now)?;
        db.prepare_cached("UPDATE fanouts SET ended = 1 WHERE run = ?1")?.execute([held.place.1])?;
        Ok(Step::Ended)
    }

    /// Removes some of what was staged, the last first; says how many are left.
    fn unstage(&mut self, db: &Connection, staging: &Staging, first: i64) -> Result<usize> {
        let left = staging.stored.saturating_sub(STEP);
        let range = (first + left as i64, first + staging.stored as i64);
        db.prepare_cached(
            "DELETE FROM messages WHERE seq IN (SELECT message FROM deliveries WHERE seq >= ?1 AND seq < ?2)",
        )?
        .execute(range)?;
        db.prepare_cached("DELETE FROM deliveries WHERE seq >= ?1 AND seq < ?2")?.execute(range)?;
        if left == 0 {
            db.prepare_cached("DELETE FROM fanouts WHERE run = ?1")?.execute([staging.held.place.1])?;
        }
        Ok(left)
    }

    /// Makes some of a run's staged deliveries due; says whether these were the last.
    fn make_due(&mut self, db: &Connection, run: i64) -> Result<bool> {
        let (next, last) = db
            .prepare_cached("SELECT next, last FROM fanouts WHERE run = ?1")?
            .query_row([run], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let end = last.min(next + STEP as i64 - 1);
        let mut statement =
            db.prepare_cached("SELECT seq, destination, due FROM deliveries WHERE seq BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query((next, end))?;
        while let Some(row) = rows.next()? {
            let (seq, destination, due) = (row.get(0)?, row.get(1)?, row.get(2)?);
            self.deliveries.count(destination, 1);
            self.deliveries.enter(destination, (due, seq));
        }
        self.bells.deliveries = true;
        db.prepare_cached("UPDATE deliveries SET state = ?3 WHERE seq BETWEEN ?1 AND ?2")?.execute((
            next,
            end,
            state_number(State::Pending),
        ))?;
        if end == last {
            db.prepare_cached("DELETE FROM fanouts WHERE run = ?1")?.execute([run])?;
        } else {
            db.prepare_cached("UPDATE fanouts SET next = ?2 WHERE run = ?1")?.execute((run, end + 1))?;
        }
        Ok(end == last)
    }
}

/// The settlements of a batch that was taken apart.
struct Group {
    settlements: Vec<Option<Settlement>>,
    answer: Option<AnswerTo<Vec<Settlement>>>,
}

impl Group {
    fn new(count: usize, answer: AnswerTo<Vec<Settlement>>) -> Self {
        Group { settlements: vec![None; count], answer: Some(answer) }
    }

    /// Puts some of them in their places. The last ones, or the first error, are the answer to the whole.
    fn put(group: &Mutex<Self>, places: &[usize], settled: std::result::Result<Vec<Settlement>, StoreError>) {
        let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
        let all = settled.map(|settlements| {
            for (&place, settlement) in places.iter().zip(settlements) {
                group.settlements[place] = Some(settlement);
            }
            group.settlements.iter().copied().collect::<Option<Vec<_>>>()
        });
        if let Some(all) = all.transpose()
            && let Some(answer) = group.answer.take()
        {
            answer(all);
        }
    }
}

fn deliveries(settled: &SettledRun) -> &[crate::delivery::NewDelivery] {
    match &settled.end {
        RunEnd::Done { deliveries, .. } => deliveries,
        _ => &[],
    }
}

fn is_large(settled: &SettledRun) -> bool {
    deliveries(settled).len() > STEP
}

fn answer(staging: &mut Staging, settlement: std::result::Result<Settlement, StoreError>) {
    if let Some(answer) = staging.answer.take() {
        answer(settlement);
    }
}
