//! Runs and deliveries that were given up, as one list.
//!
//! The store keeps two lists. Here they are merged by age; a place in the merged list is a place in each of the two, so
//! that a reader who comes back misses nothing and sees nothing twice, however much has changed meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::delivery::{RunId, State, failed_in};
use crate::store::{Cursor, Page, Queue, Store, StoreError, WorkFilter, WorkId, WorkRecord};

use super::control::Control;
use super::refusal::Refusal;
use super::view::{List, RunRef, WorkView};

/// Dead letters looked at for one answer, when a filter on the cause passes most of them over.
const MAX_LOOKED_AT: usize = 10_000;

/// Dead letters taken from the store at once.
const STEP: usize = 500;

/// Up to where a list has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Start,
    After(Cursor),
    End,
}

/// A place in the merged list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    runs: Mark,
    deliveries: Mark,
}

impl Place {
    pub(super) const START: Place = Place { runs: Mark::Start, deliveries: Mark::Start };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |mark| match mark {
            Mark::Start => "start".to_owned(),
            Mark::After(cursor) => cursor.0.to_string(),
            Mark::End => "end".to_owned(),
        };
        write!(f, "{}.{}", text(self.runs), text(self.deliveries))
    }
}

impl FromStr for Place {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mark = |text: &str| match text {
            "start" => Some(Mark::Start),
            "end" => Some(Mark::End),
            number => number.parse().ok().map(|number| Mark::After(Cursor(number))),
        };
        let place = text
            .split_once('.')
            .and_then(|(runs, deliveries)| Some(Place { runs: mark(runs)?, deliveries: mark(deliveries)? }));
        place.ok_or_else(|| {
            Refusal::bad(format!("`after` cannot be {text:?}: give what `next` said, as it was"))
        })
    }
}

/// One of the two lists while it is read.
struct Reading<'a> {
    store: &'a dyn Store,
    queue: Queue,
    filter: WorkFilter,
    ahead: VecDeque<WorkRecord>,
    /// After what has been taken.
    taken: Mark,
    /// After what has been read ahead.
    read: Mark,
}

impl<'a> Reading<'a> {
    fn new(store: &'a dyn Store, queue: Queue, filter: &WorkFilter, from: Mark) -> Self {
        let filter = WorkFilter { state: Some(State::Dead), ..filter.clone() };
        // No run has a destination.
        let from = if queue == Queue::Runs && filter.destination.is_some() { Mark::End } else { from };
        Reading { store, queue, filter, ahead: VecDeque::new(), taken: from, read: from }
    }

    /// When the next one was stored.
    async fn peek(&mut self) -> Result<Option<i64>, StoreError> {
        if self.ahead.is_empty() && self.read != Mark::End {
            let after = match self.read {
                Mark::After(cursor) => Some(cursor),
                Mark::Start | Mark::End => None,
            };
            let page = Page { after, limit: STEP };
            self.ahead = self.store.work(self.queue, self.filter.clone(), page).await?.into();
            self.read = match self.ahead.back() {
                Some(last) if self.ahead.len() >= STEP => Mark::After(last.cursor),
                _ => Mark::End,
            };
            if self.ahead.is_empty() {
                self.taken = Mark::End;
            }
        }
        Ok(self.ahead.front().map(|work| work.since))
    }

    fn take(&mut self) -> Option<WorkRecord> {
        let work = self.ahead.pop_front()?;
        let last = self.ahead.is_empty() && self.read == Mark::End;
        self.taken = if last { Mark::End } else { Mark::After(work.cursor) };
        Some(work)
    }
}

/// Both lists while they are read.
struct Merging<'a> {
    runs: Reading<'a>,
    deliveries: Reading<'a>,
}

impl<'a> Merging<'a> {
    fn new(store: &'a dyn Store, filter: &WorkFilter, from: Place) -> Self {
        Merging {
            runs: Reading::new(store, Queue::Runs, filter, from.runs),
            deliveries: Reading::new(store, Queue::Deliveries, filter, from.deliveries),
        }
    }

    async fn next(&mut self) -> Result<Option<WorkRecord>, StoreError> {
        let (run, delivery) = (self.runs.peek().await?, self.deliveries.peek().await?);
        Ok(if run > delivery { self.runs.take() } else { self.deliveries.take() })
    }

    fn place(&self) -> Place {
        Place { runs: self.runs.taken, deliveries: self.deliveries.taken }
    }

    fn has_ended(&self) -> bool {
        self.runs.taken == Mark::End && self.deliveries.taken == Mark::End
    }
}

impl Control {
    /// Dead letters, newest first; `cause` is a part of why they were given up, in any case of letters, and `plugin` the
    /// one in which it failed last, or one of those in which it may have.
    pub(super) async fn dead_letters(
        &self,
        filter: &WorkFilter,
        cause: Option<&str>,
        plugin: Option<&str>,
        from: Place,
        limit: usize,
    ) -> Result<List<WorkView>, Refusal> {
        let cause = cause.map(str::to_lowercase);
        let says = |work: &WorkRecord, cause: &str| {
            work.detail.as_ref().is_some_and(|detail| detail.to_lowercase().contains(cause))
        };
        let failed_there = |work: &WorkRecord, plugin: &str| {
            work.detail.as_deref().is_some_and(|detail| failed_in(detail).any(|name| name == plugin))
        };
        let wanted = |work: &WorkRecord| {
            cause.as_deref().is_none_or(|cause| says(work, cause))
                && plugin.is_none_or(|plugin| failed_there(work, plugin))
        };
        let mut merging = Merging::new(&*self.store, filter, from);
        let mut items = Vec::new();
        for _ in 0..MAX_LOOKED_AT {
            match merging.next().await? {
                Some(work) if wanted(&work) => items.push(WorkView::from(work)),
                Some(_) => {}
                None => break,
            }
            if items.len() >= limit {
                break;
            }
        }
        let next = (!merging.has_ended()).then(|| merging.place().to_string());
        Ok(List { items, next })
    }

    /// Which of these are dead runs, with their routes.
    pub(super) async fn dead_runs(&self, wanted: Vec<Uuid>) -> Result<Vec<RunRef>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let page = Page { after: None, limit: wanted.len() };
        let ids = Some(wanted.into_iter().map(|id| WorkId::Run(RunId(id))).collect());
        let filter = WorkFilter { ids, state: Some(State::Dead), ..WorkFilter::default() };
        let found = self.store.work(Queue::Runs, filter, page).await?.into_iter().map(WorkView::from);
        Ok(found.map(|run| RunRef { id: run.id, route: run.route }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written() {
        for text in ["start.start", "12.end", "end.-3", "7.start"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["", "12", "a.b", "12.", "1.2.3"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
