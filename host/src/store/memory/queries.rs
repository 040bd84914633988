//! What operators ask. All of this looks at as much as it has to.

use std::sync::Arc;

use crate::delivery::State;
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Backlog, Cursor, EventFilter, EventRecord, EventSummary, Page, Queue, Readiness, Stats, WorkFilter,
    WorkId, WorkRecord,
};

use super::books::Books;
use super::shelves::Class;
use super::tables::{Delivery, Number, Run, Task};

impl Books {
    /// See [`Store::events`](crate::store::Store::events).
    pub(super) fn list_events(&self, filter: &EventFilter, page: Page<EventId>) -> Vec<EventSummary> {
        let newest = match page.after {
            Some(after) => self.events.range(..after),
            None => self.events.range(..),
        };
        let summaries = newest.rev().map(|(_, record)| &record.summary);
        summaries.filter(|summary| fits(filter, summary)).take(page.limit).cloned().collect()
    }

    /// See [`Store::event`](crate::store::Store::event).
    pub(super) fn show_event(&self, id: EventId, limit: usize) -> Option<EventRecord> {
        let record = self.events.get(&id)?;
        let runs = record.runs.iter().take(limit).filter_map(|&number| {
            let run = self.runs.get(number)?;
            Some(with_history(self.show_run(number, run)?, &run.task))
        });
        let deliveries = record.deliveries.iter().take(limit).filter_map(|&number| {
            let delivery = self.deliveries.get(number)?;
            Some(with_history(self.show_delivery(number, delivery)?, &delivery.task))
        });
        Some(EventRecord {
            summary: record.summary.clone(),
            event: record.event.clone(),
            runs: runs.collect(),
            deliveries: deliveries.collect(),
            run_count: record.runs.len() as u64,
            delivery_count: record.deliveries.len() as u64,
        })
    }

    /// See [`Store::work`](crate::store::Store::work).
    pub(super) fn list_work(&self, queue: Queue, filter: &WorkFilter, page: Page<Cursor>) -> Vec<WorkRecord> {
        let before = page.after.map_or(Number::MAX, |Cursor(number)| number as Number);
        let fits = |work: &WorkRecord| work_fits(filter, work);
        match queue {
            Queue::Runs => {
                let newest = self.runs.newest(before);
                let shown = newest.filter_map(|(number, run)| self.show_run(number, run));
                shown.filter(fits).take(page.limit).collect()
            }
            Queue::Deliveries => {
                let newest = self.deliveries.newest(before);
                let shown = newest.filter_map(|(number, delivery)| self.show_delivery(number, delivery));
                shown.filter(fits).take(page.limit).collect()
            }
        }
    }

    /// See [`Store::stats`](crate::store::Store::stats).
    pub(super) fn stats(&self) -> Stats {
        let kept: usize = Class::ALL.iter().map(|class| self.shelves.of(*class).weight()).sum();
        Stats {
            engine: "memory".to_owned(),
            ledger: self.ledger,
            backlog: self.backlog(),
            disabled: self.disabled.values().cloned().collect(),
            kept: self.kv.all_usage(),
            pending_bytes: self.pending_bytes as u64,
            size: (self.pending_bytes + kept) as u64,
            reusable: 0,
            latest: self.latest,
        }
    }

    /// See [`Store::readiness`](crate::store::Store::readiness).
    pub(super) fn readiness(&self) -> Readiness {
        let waiting =
            self.due_deliveries.iter().map(|(name, agenda)| (Arc::clone(name), agenda.len() as u64));
        let mut waiting: Vec<_> = waiting.filter(|(_, pending)| *pending > 0).collect();
        waiting.sort_unstable();
        Readiness { ledger: self.ledger, waiting, refuses: self.no_room_for(1, 1) }
    }

    fn backlog(&self) -> Vec<Backlog> {
        let mut backlog = Vec::new();
        for (destination, agenda) in &self.due_deliveries {
            let since = |number| Some(self.deliveries.get(number)?.task.since);
            let waiting: Vec<UnixMillis> = agenda.iter().filter_map(|(_, number)| since(number)).collect();
            if let Some(&oldest) = waiting.iter().min() {
                let destination = Arc::clone(destination);
                backlog.push(Backlog { destination, pending: waiting.len() as u64, oldest });
            }
        }
        backlog.sort_unstable_by(|one, other| one.destination.cmp(&other.destination));
        backlog
    }

    fn show_run(&self, number: Number, run: &Run) -> Option<WorkRecord> {
        self.show(number, WorkId::Run(run.id), &run.task)
    }

    fn show_delivery(&self, number: Number, delivery: &Delivery) -> Option<WorkRecord> {
        let shown = self.show(number, WorkId::Delivery(delivery.id), &delivery.task)?;
        let destination = Some(Arc::clone(&delivery.destination));
        Some(WorkRecord { run: Some(delivery.run_id), destination, ..shown })
    }

    fn show(&self, number: Number, id: WorkId, task: &Task) -> Option<WorkRecord> {
        Some(WorkRecord {
            id,
            cursor: Cursor(number as i64),
            event: task.event,
            source: Arc::clone(&self.events.get(&task.event)?.summary.source),
            run: None,
            route: Arc::clone(&task.route),
            destination: None,
            state: task.state,
            attempts: task.attempts,
            since: task.since,
            due: matches!(task.state, State::Pending | State::Leased).then_some(task.due),
            ended_at: task.ended_at,
            detail: task.detail.clone(),
            history: Vec::new(),
        })
    }
}

fn with_history(shown: WorkRecord, task: &Task) -> WorkRecord {
    WorkRecord { history: task.history.iter().cloned().collect(), ..shown }
}

fn fits(filter: &EventFilter, event: &EventSummary) -> bool {
    let EventFilter { source, kind, state, since, until } = filter;
    source.as_ref().is_none_or(|source| **source == *event.source)
        && kind.as_ref().is_none_or(|kind| kind.matches(&event.kind))
        && state.is_none_or(|state| state == event.state)
        && since.is_none_or(|since| since <= event.received_at)
        && until.is_none_or(|until| event.received_at < until)
}

fn work_fits(filter: &WorkFilter, work: &WorkRecord) -> bool {
    let WorkFilter { ids, source, route, destination, state, since, until } = filter;
    ids.as_ref().is_none_or(|ids| ids.contains(&work.id))
        && source.as_ref().is_none_or(|source| **source == *work.source)
        && route.as_ref().is_none_or(|route| **route == *work.route)
        && destination.as_ref().is_none_or(|name| work.destination.as_deref() == Some(name))
        && state.is_none_or(|state| state == work.state)
        && since.is_none_or(|since| since <= work.since)
        && until.is_none_or(|until| work.since < until)
}
