//! Counting everything anew, to see whether the books are right.

use std::collections::HashSet;
use std::fmt::Debug;

use crate::delivery::State;
use crate::event::UnixMillis;
use crate::store::{EventState, Ledger};

use super::books::Books;
use super::shelves::Class;
use super::tables::{Number, Record, Task};

const MAX_FINDINGS: usize = 100;

impl Books {
    /// See [`Store::verify`](crate::store::Store::verify).
    pub(super) fn verify(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.ledger.adds_up() {
            found.push(format!("the ledger does not add up: {:?}", self.ledger));
        }
        let counted = self.recount();
        compare(&mut found, "the ledger's numbers of what is there", self.ledger, counted);
        for (id, record) in &self.events {
            self.verify_event(&mut found, record, &format!("event {id}"));
        }
        for (namespace, counted, there) in self.kv.recount() {
            compare(&mut found, &format!("bytes and ends of the values of {namespace:?}"), counted, there);
        }
        self.verify_shelves(&mut found);
        self.verify_agendas(&mut found);
        self.verify_lines(&mut found);
        found.truncate(MAX_FINDINGS);
        found
    }

    /// The ledger with what can be counted counted anew.
    fn recount(&self) -> Ledger {
        let in_state =
            |state| self.events.values().filter(|record| record.summary.state == state).count() as u64;
        let open = |task: &&Task| !task.state.has_ended();
        let dead = |task: &&Task| task.state == State::Dead;
        Ledger {
            pending: in_state(EventState::Pending),
            unrouted: in_state(EventState::Unrouted),
            runs_pending: self.run_tasks().filter(open).count() as u64,
            deliveries_pending: self.delivery_tasks().filter(open).count() as u64,
            dead_letters: self.run_tasks().chain(self.delivery_tasks()).filter(dead).count() as u64,
            ..self.ledger
        }
    }

    fn run_tasks(&self) -> impl Iterator<Item = &Task> {
        self.runs.newest(Number::MAX).map(|(_, run)| &run.task)
    }

    fn delivery_tasks(&self) -> impl Iterator<Item = &Task> {
        self.deliveries.newest(Number::MAX).map(|(_, delivery)| &delivery.task)
    }

    fn verify_event(&self, found: &mut Vec<String>, record: &Record, name: &str) {
        let runs: Vec<_> = record.runs.iter().filter_map(|number| self.runs.get(*number)).collect();
        let deliveries: Vec<_> =
            record.deliveries.iter().filter_map(|number| self.deliveries.get(*number)).collect();
        let listed = (record.runs.len(), record.deliveries.len());
        compare(found, &format!("work of {name}"), listed, (runs.len(), deliveries.len()));
        let tasks = || runs.iter().map(|run| &run.task).chain(deliveries.iter().map(|work| &work.task));
        if tasks().any(|task| task.event != record.summary.id) {
            found.push(format!("{name} has work of another one"));
        }
        let open = tasks().filter(|task| !task.state.has_ended()).count();
        let dead = tasks().filter(|task| task.state == State::Dead).count();
        compare(
            found,
            &format!("open work and dead letters of {name}"),
            (record.open, record.dead),
            (open, dead),
        );
        compare(found, &format!("whether {name} is pending"), record.is_pending(), open > 0);
        if record.event.is_none() && Class::of(record) != Class::Settled {
            found.push(format!("{name} has no content and is not settled"));
        }
    }

    fn verify_shelves(&self, found: &mut Vec<String>) {
        let ended = self.events.values().filter(|record| !record.is_pending());
        let shelved: usize = Class::ALL.iter().map(|class| self.shelves.of(*class).len()).sum();
        compare(found, "events that have ended", shelved, ended.clone().count());
        let lost = ended.filter(|record| !self.shelves.of(Class::of(record)).holds(record));
        found.extend(lost.map(|record| format!("event {} would never be removed", record.summary.id)));
        let pending = self.events.values().filter(|record| record.is_pending());
        let bytes = pending.map(|record| record.size).sum();
        compare(found, "bytes of pending events", self.pending_bytes, bytes);
    }

    fn verify_agendas(&self, found: &mut Vec<String>) {
        let entered: HashSet<(UnixMillis, Number)> = self.due_runs.iter().collect();
        let runs = self.runs.newest(Number::MAX);
        let due = runs.filter_map(|(number, run)| Some((run.task.time()?, number))).collect();
        compare(found, "runs that are due some time", entered, due);
        let entered: HashSet<_> = self.due_deliveries.values().flat_map(|agenda| agenda.iter()).collect();
        let deliveries = self.deliveries.newest(Number::MAX);
        let due = deliveries.filter_map(|(number, work)| Some((work.task.time()?, number))).collect();
        compare(found, "deliveries that are due some time", entered, due);
    }

    fn verify_lines(&self, found: &mut Vec<String>) {
        let mut held = 0;
        for (key, line) in &self.lines {
            let states = line.iter().filter_map(|number| Some(self.runs.get(*number)?.task.state));
            let held_here: Vec<bool> = states.map(|state| state == State::Held).collect();
            held += held_here.iter().filter(|held| **held).count();
            let expected: Vec<bool> = (0..line.len()).map(|place| place > 0).collect();
            compare(found, &format!("who is held in the line {key:?}"), held_here, expected);
        }
        let all = self.run_tasks().filter(|task| task.state == State::Held).count();
        compare(found, "runs that are held", all, held);
    }
}

fn compare<T: Debug + PartialEq>(found: &mut Vec<String>, what: &str, kept: T, counted: T) {
    if kept != counted {
        found.push(format!("{what}: the books say {kept:?}, and it is {counted:?}"));
    }
}
