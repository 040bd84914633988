//! The books: what was sent, acknowledged and delivered, kept where no kill reaches them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hookyard::store::Ledger;
use tokio::sync::Notify;

use crate::random::Random;

/// What an event is, by which its route is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One destination, no plugin.
    Plain,
    /// One destination, through a plugin.
    Redacted,
    /// Both routes.
    Both,
    /// Three destinations.
    Fan,
    /// One destination, in the order in which they were received, those of each sender by themselves.
    Ordered,
}

impl Kind {
    /// Follows from the event's number.
    pub(super) fn of(number: u64) -> Self {
        match Random::new(number).below(20) {
            0..12 => Kind::Plain,
            12..16 => Kind::Redacted,
            16..18 => Kind::Both,
            18 => Kind::Ordered,
            _ => Kind::Fan,
        }
    }

    /// The event type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Plain => "plain",
            Kind::Redacted => "redacted",
            Kind::Both => "both",
            Kind::Fan => "fan",
            Kind::Ordered => "ordered",
        }
    }

    /// Where it has to arrive.
    pub(super) fn destinations(self) -> &'static [u8] {
        match self {
            Kind::Plain => b"a",
            Kind::Redacted => b"b",
            Kind::Both => b"ab",
            Kind::Fan => b"acd",
            Kind::Ordered => b"d",
        }
    }

    /// Whether a plugin has changed what arrives there.
    pub(super) fn is_redacted_at(destination: u8) -> bool {
        destination == b'b'
    }
}

/// An event's number and a destination.
type Place = (u64, u8);

/// What has arrived at one place.
#[derive(Debug)]
struct Arrived {
    webhook_ids: Vec<String>,
    /// How many places were reached before.
    rank: usize,
    /// In which life of the gateway it came last.
    life: usize,
}

/// What is known of an event that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// No answer, up to now or for good.
    Unknown,
    Acknowledged,
}

/// What is known of the order of one sender's ordered events.
#[derive(Debug, Default)]
struct Lane {
    /// Acknowledged so far.
    acknowledged: Vec<u64>,
    /// Each event that was sent, with how many had been acknowledged before: these come first.
    sent: Vec<(u64, usize)>,
}

/// Shared by senders, receivers and whoever kills.
#[derive(Default)]
pub(super) struct Account {
    books: Mutex<Books>,
    /// Rings when something has arrived.
    pub(super) arrived: Notify,
}

#[derive(Default)]
struct Books {
    next: u64,
    sent: HashMap<u64, Sent>,
    acknowledged: usize,
    resent: usize,
    places: HashMap<Place, Arrived>,
    /// By sender.
    lanes: HashMap<usize, Lane>,
    /// Acknowledged and not arrived.
    outstanding: HashSet<Place>,
    /// Of these, what was acknowledged before the last kill.
    in_flight: HashSet<Place>,
    ready: Option<Instant>,
    /// From readiness until all that was in flight had arrived.
    recoveries: Vec<Duration>,
    /// From readiness until the next kill, or the end, with something in flight that had not arrived.
    unfinished: Vec<Duration>,
    /// How often it was killed: the number of its life.
    life: usize,
    repeated: Repetitions,
    problems: Vec<String>,
}

/// What came once more although it had come in an earlier life: how much of that life, by its number, and to which
/// destination. A kill ends a life, and may repeat what was under way then.
pub(super) type Repetitions = BTreeMap<(usize, u8), usize>;

/// What the books say at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    pub(super) acknowledged: usize,
    pub(super) unanswered: usize,
    pub(super) unanswered_arrived: usize,
    pub(super) resent: usize,
    pub(super) arrived: usize,
    pub(super) lost: usize,
    pub(super) repeated: Repetitions,
    pub(super) recoveries: Vec<Duration>,
    pub(super) unfinished: Vec<Duration>,
    pub(super) problems: Vec<String>,
}

impl Account {
    /// A number for another event of this sender's; it counts as sent.
    pub(super) fn sending(&self, sender: usize) -> u64 {
        let mut books = self.lock();
        books.next += 1;
        let number = books.next;
        books.sent.insert(number, Sent::Unknown);
        if Kind::of(number) == Kind::Ordered {
            let lane = books.lanes.entry(sender).or_default();
            lane.sent.push((number, lane.acknowledged.len()));
        }
        number
    }

    /// An event is sent once more.
    pub(super) fn resending(&self) {
        self.lock().resent += 1;
    }

    /// The gateway has answered with a 2xx.
    pub(super) fn acknowledged(&self, sender: usize, number: u64) {
        let mut books = self.lock();
        if books.sent.insert(number, Sent::Acknowledged) == Some(Sent::Acknowledged) {
            return;
        }
        books.acknowledged += 1;
        if Kind::of(number) == Kind::Ordered {
            books.lanes.entry(sender).or_default().acknowledged.push(number);
        }
        for destination in Kind::of(number).destinations() {
            let place = (number, *destination);
            if !books.places.contains_key(&place) {
                books.outstanding.insert(place);
            }
        }
    }

    /// A message has come, and is answered with a 2xx.
    pub(super) fn arrived(&self, number: u64, destination: u8, webhook_id: &str, intact: bool) {
        let mut books = self.lock();
        let place = (number, destination);
        if !books.sent.contains_key(&number) || !Kind::of(number).destinations().contains(&destination) {
            books.problems.push(format!(
                "event {number} came to `{}`, and was not sent there",
                char::from(destination)
            ));
        }
        if !intact {
            books.problems.push(format!("event {number} came to `{}` changed", char::from(destination)));
        }
        books.enter(place, webhook_id);
        books.outstanding.remove(&place);
        if books.in_flight.remove(&place) {
            books.note_recovery();
        }
        drop(books);
        self.arrived.notify_waiters();
    }

    /// The gateway was killed.
    pub(super) fn killed(&self) {
        let mut books = self.lock();
        books.give_up_recovery();
        books.in_flight = books.outstanding.clone();
        books.life += 1;
    }

    /// It is ready again.
    pub(super) fn ready(&self) {
        let mut books = self.lock();
        books.ready = Some(Instant::now());
        if books.life > 0 {
            books.note_recovery();
        }
    }

    /// How many events have been acknowledged.
    pub(super) fn acknowledged_so_far(&self) -> usize {
        self.lock().acknowledged
    }

    /// How many messages are due to arrive.
    pub(super) fn outstanding(&self) -> usize {
        self.lock().outstanding.len()
    }

    /// Holds the books against themselves and against the gateway's own ledger.
    pub(super) fn balance(&self, ledger: &Ledger) -> Balance {
        let mut books = self.lock();
        books.give_up_recovery();
        let mut problems = books.problems.clone();
        let mut balance = Balance {
            acknowledged: books.acknowledged,
            resent: books.resent,
            arrived: books.places.len(),
            repeated: books.repeated.clone(),
            recoveries: books.recoveries.clone(),
            unfinished: books.unfinished.clone(),
            ..Balance::default()
        };
        let mut stored = 0;
        for (number, sent) in &books.sent {
            let places = Kind::of(*number).destinations();
            let here = places.iter().filter(|at| books.places.contains_key(&(*number, **at))).count();
            stored += u64::from(here > 0);
            match sent {
                Sent::Acknowledged if here < places.len() => {
                    balance.lost += 1;
                    problems.push(format!(
                        "event {number} was acknowledged and came to {here} of {}",
                        places.len()
                    ));
                }
                Sent::Acknowledged => {}
                Sent::Unknown if here > 0 && here < places.len() => {
                    problems.push(format!("event {number} came to {here} of {}", places.len()));
                }
                Sent::Unknown => {
                    balance.unanswered += 1;
                    balance.unanswered_arrived += usize::from(here > 0);
                }
            }
        }
        for ((number, at), arrived) in &books.places {
            if arrived.webhook_ids.len() > 1 {
                let at = char::from(*at);
                problems
                    .push(format!("event {number} came to `{at}` with the ids {:?}", arrived.webhook_ids));
            }
        }
        problems.extend(books.out_of_order());
        let expected = Ledger {
            accepted: stored,
            settled: stored,
            delivered: books.places.len() as u64,
            duplicates: ledger.duplicates,
            ..Ledger::default()
        };
        if *ledger != expected {
            problems.push(format!("the ledger is {ledger:?}; it should be {expected:?}"));
        }
        balance.problems = problems;
        balance
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn enter(&mut self, place: Place, webhook_id: &str) {
        let (rank, life) = (self.places.len(), self.life);
        let before = self.places.get(&place).map(|arrived| arrived.life);
        let arrived = self.places.entry(place).or_insert(Arrived { webhook_ids: Vec::new(), rank, life });
        arrived.life = life;
        if !arrived.webhook_ids.iter().any(|known| known == webhook_id) {
            arrived.webhook_ids.push(webhook_id.to_owned());
        }
        let (number, destination) = place;
        match before {
            None => {}
            Some(before) if before < life => *self.repeated.entry((before, destination)).or_default() += 1,
            Some(_) => self
                .problems
                .push(format!("event {number} came to `{}` twice from one process", char::from(destination))),
        }
    }

    /// Ordered events that came before one that was acknowledged before they were sent.
    fn out_of_order(&self) -> Vec<String> {
        let rank = |number: u64| {
            let places = Kind::of(number).destinations().iter();
            places.filter_map(move |at| self.places.get(&(number, *at))).map(|arrived| arrived.rank).max()
        };
        let mut found = Vec::new();
        for lane in self.lanes.values() {
            let (mut latest, mut considered) = (None, 0);
            for (number, before) in &lane.sent {
                let earlier = &lane.acknowledged[considered..*before];
                latest = latest.max(earlier.iter().filter_map(|number| rank(*number)).max());
                considered = *before;
                if rank(*number).is_some_and(|rank| Some(rank) < latest) {
                    found.push(format!("event {number} overtook one of its sender's that came before it"));
                }
            }
        }
        found
    }

    /// Notes how long it has gone on, if the gateway is ready and something is in flight that had been before the kill.
    fn give_up_recovery(&mut self) {
        if let Some(ready) = self.ready.take()
            && !self.in_flight.is_empty()
        {
            self.unfinished.push(ready.elapsed());
        }
    }

    /// Notes how long it took, once the gateway is ready and nothing is in flight that had been before the kill.
    fn note_recovery(&mut self) {
        if self.in_flight.is_empty()
            && let Some(ready) = self.ready.take()
        {
            self.recoveries.push(ready.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kill_repeats_anything() {
        let account = Account::default();
        let number = (1..).find(|number| Kind::of(*number) == Kind::Plain).unwrap();
        for _ in 0..number {
            account.sending(0);
        }
        let came = || account.arrived(number, b'a', "id", true);
        let balance = || account.balance(&Ledger::default());
        came();
        account.killed();
        account.killed();
        came();
        assert_eq!(balance().repeated, Repetitions::from([((0, b'a'), 1)]), "it is the first kill's");
        let twice = format!("event {number} came to `a` twice from one process");
        assert!(!balance().problems.contains(&twice));
        came();
        assert!(balance().problems.contains(&twice));
        account.killed();
        came();
        assert_eq!(balance().repeated, Repetitions::from([((0, b'a'), 1), ((2, b'a'), 1)]));
    }

    #[test]
    fn a_recovery_counts_also_where_it_does_not_end() {
        let account = Account::default();
        let number = account.sending(0);
        account.acknowledged(0, number);
        let figures = || {
            let Balance { recoveries, unfinished, .. } = account.balance(&Ledger::default());
            (recoveries.len(), unfinished.len())
        };
        account.ready();
        assert_eq!(figures(), (0, 0), "nothing was killed yet");
        account.killed();
        account.killed();
        account.ready();
        account.killed();
        assert_eq!(figures(), (0, 1), "the second kill came before it was ready");
        account.ready();
        Kind::of(number).destinations().iter().for_each(|at| account.arrived(number, *at, "id", true));
        account.killed();
        assert_eq!(figures(), (1, 1));
        account.ready();
        assert_eq!(figures(), (2, 1), "nothing was in flight");
    }
}
