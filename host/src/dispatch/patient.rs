//! Runs on routes whose plugins wait for somebody outside: on threads of their own, each route in a line of its own. A run
//! for which a route's line has no room goes back into the store, and comes again when there may be room: as often as the
//! route's runs have ended of late, so that what is handed back is no more than what is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::delivery::later;
use crate::event::{Event, UnixMillis};
use crate::generation::PluginEntry;
use crate::plugin::{Fault, Finding};
use crate::waiting::{Fate, Waiting};

use super::guests::{Job, Overloaded, Performer, Question};

/// Runs of a route that wait for a thread.
const LINE: usize = 128;

/// Questions about a plugin that wait for a thread.
const QUESTIONS: usize = 64;

/// What is handed back comes again after this time at the earliest, and one after another within these bounds.
const PAUSE: Duration = Duration::from_millis(250);
const MOST_OFTEN: Duration = Duration::from_micros(200);
const LEAST_OFTEN: Duration = Duration::from_secs(1);

/// Nothing is put off by much more than this, as whoever was slow may be fast again. What would be comes after this time,
/// one so long after another that a long backlog does not keep the store busy.
const FAR: Duration = Duration::from_secs(5);
const OFTEN_WHEN_FAR: Duration = Duration::from_micros(500);

/// Where such runs wait.
pub(super) struct Patient {
    waiting: Arc<Waiting>,
    performer: Arc<Performer>,
    paces: Arc<Mutex<HashMap<Arc<str>, Pace>>>,
    /// Runs that were turned away.
    away: Arc<Mutex<Vec<Job>>>,
}

/// How fast a route's runs end, and when the next one that is handed back comes again.
#[derive(Debug)]
struct Pace {
    ended: Instant,
    every: Duration,
    next: UnixMillis,
    /// What is less than a millisecond of that.
    rest: Duration,
}

impl Patient {
    pub(super) fn new(waiting: Arc<Waiting>, performer: Arc<Performer>) -> Self {
        Patient { waiting, performer, paces: Arc::default(), away: Arc::default() }
    }

    /// Hands over a run; hands it back if the route's line has no room.
    pub(super) fn submit(&self, job: Job) -> Option<Job> {
        if job.is_urgent() {
            return self.offer(job, LINE);
        }
        let (subject, perform) = (subject(&job), self.perform(&job));
        let away = self.away.clone();
        self.waiting.offer_loosely(&subject, LINE, job, move |job, fate| match fate {
            Fate::Begun => perform(job),
            Fate::TurnedAway => lock(&away).push(job),
        })
    }

    /// Hands over a run that has been made before; there are no more of these than of runs that may be under way.
    pub(super) fn submit_again(&self, job: Job) {
        self.offer(job, usize::MAX);
    }

    /// Runs for which no sender waits and which have not begun. They are not begun any more.
    pub(super) fn turn_away(&self) -> Vec<Job> {
        self.waiting.turn_away();
        std::mem::take(&mut *lock(&self.away))
    }

    fn offer(&self, job: Job, room: usize) -> Option<Job> {
        let (subject, perform) = (subject(&job), self.perform(&job));
        self.waiting.offer(&subject, room, job, perform)
    }

    /// What is to be done with this run.
    fn perform(&self, job: &Job) -> impl FnOnce(Job) + Send + use<> {
        let (urgent, route) = (job.is_urgent(), job.route_name().clone());
        let (performer, paces) = (self.performer.clone(), self.paces.clone());
        move |job| {
            performer.perform(job);
            if !urgent {
                lock(&paces).entry(route).or_insert_with(Pace::new).ended(Instant::now());
            }
        }
    }

    /// When a run comes again for which there was no room.
    pub(super) fn comes_again(&self, route: &Arc<str>, now: UnixMillis) -> UnixMillis {
        lock(&self.paces).entry(route.clone()).or_insert_with(Pace::new).comes_again(now)
    }

    /// Hands over a request that a plugin is to verify.
    pub(super) fn ask(
        &self,
        plugin: Arc<PluginEntry>,
        request: Arc<Event>,
    ) -> Result<oneshot::Receiver<Result<Finding, Fault>>, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let subject: Arc<str> = format!("plugin {}, verifications", plugin.name).into();
        let question = Question { plugin, request, answer };
        let performer = self.performer.clone();
        match self.waiting.offer(&subject, QUESTIONS, question, move |question| performer.answer(question)) {
            None => Ok(answered),
            Some(_) => Err(Overloaded),
        }
    }
}

/// The line in which a run waits.
fn subject(job: &Job) -> Arc<str> {
    let route = job.route_name();
    match job.is_urgent() {
        true => format!("route {route}, answers").into(),
        false => format!("route {route}").into(),
    }
}

fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    // No operation leaves it half changed, so that a panic elsewhere does not matter.
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pace {
    fn new() -> Self {
        Pace {
            ended: Instant::now(),
            every: Duration::from_millis(10),
            next: UnixMillis::MIN,
            rest: Duration::ZERO,
        }
    }

    fn ended(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.ended).min(LEAST_OFTEN);
        self.ended = now;
        self.every = ((self.every * 7 + since) / 8).clamp(MOST_OFTEN, LEAST_OFTEN);
    }

    fn comes_again(&mut self, now: UnixMillis) -> UnixMillis {
        let is_far = self.next > later(now, FAR);
        // A little faster than they end, so that the line does not run dry.
        self.rest += if is_far { OFTEN_WHEN_FAR.min(self.every) } else { self.every / 4 * 3 };
        let whole = Duration::from_millis(u64::try_from(self.rest.as_millis()).unwrap_or(u64::MAX));
        self.rest -= whole;
        self.next = later(self.next.max(later(now, PAUSE)), whole);
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P6: a route with a long backlog keeps neither the store nor the queue busy with it.
    #[test]
    fn what_is_handed_back_comes_again_as_fast_as_it_is_done() {
        let mut pace = Pace::new();
        let begin = Instant::now();
        for number in 1..=100 {
            pace.ended(begin + Duration::from_millis(100) * number);
        }
        let due: Vec<UnixMillis> = (0..1000).map(|_| pace.comes_again(1_000)).collect();
        assert!(due.is_sorted() && due[0] >= 1_250, "{:?}", &due[..3]);
        let took = due[50] - due[0];
        assert!((3_500..=4_000).contains(&took), "{took}");
        // However many there are, they are not put off until who was slow has long been fast again.
        let most = due[999] - 1_000;
        assert!((5_000..=6_000).contains(&most), "{most}");
        let together = due.iter().filter(|time| **time == due[999]).count();
        assert!(together <= 3, "{together} at once");
        // They are done at once, and come as fast.
        for number in 1..=100 {
            pace.ended(begin + Duration::from_secs(11) + Duration::from_micros(number));
        }
        let first = pace.comes_again(200_000);
        let last = (0..1000).map(|_| pace.comes_again(200_000)).last().unwrap();
        assert!(last - first <= 200, "{first} {last}");
    }
}
