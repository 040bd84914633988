//! When to leave a receiver alone. A breaker opens after several attempts in a row have failed through the receiver's
//! own fault; while it is open nothing is sent and nothing is lost. After a time one attempt is let through as a probe:
//! when it goes well everything goes on, when it does not the breaker stays open for longer. Pure: the time is passed
//! in, as what a monotonic clock has counted since any moment.

use std::time::Duration;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures that open it, at least 1: in a row, or among the latest.
    pub failures: u32,
    /// Among how many of the latest attempts, at most 64 and no fewer than the failures; none: in a row.
    pub of: Option<u32>,
    /// How long it stays open the first time; twice as long after each probe that fails.
    pub open: Duration,
    /// It never stays open for longer than this before the next probe.
    pub max_open: Duration,
}

impl Default for BreakerPolicy {
    /// Ten failures; half a minute, then up to five minutes.
    fn default() -> Self {
        BreakerPolicy {
            failures: 10,
            of: None,
            open: Duration::from_secs(30),
            max_open: Duration::from_secs(300),
        }
    }
}

/// What an attempt says about its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It works: it took the message, or refused this very one.
    Works,
    /// It cannot be reached, breaks down, or has too much to do.
    Fails,
}

/// How many attempts may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// As many as one likes.
    Any,
    /// One, as a probe.
    Probe,
    /// None until this time.
    NoneUntil(Duration),
    /// None until the probe that is under way has ended.
    NoneUntilProbed,
}

/// An attempt that has begun; to be given back when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The phase that it began in. What began in an earlier one says nothing about the receiver of today.
    phase: u64,
}

/// A change that people want to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has opened after so many failures, until the time of the probe.
    Opened {
        /// How many.
        failures: u32,
        /// For how long.
        time: Duration,
    },
    /// A probe has failed.
    StaysOpen {
        /// For how long.
        time: Duration,
    },
    /// A probe went well.
    Closed,
}

const PRISTINE: State = State::Closed { failures: 0, latest: 0 };

/// Watches over the attempts at one receiver.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    state: State,
    phase: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        /// In a row.
        failures: u32,
        /// The latest attempts, a bit each, the last one lowest; set if it failed.
        latest: u64,
    },
    Open {
        until: Duration,
        time: Duration,
    },
    Probing {
        /// For how long it was open before.
        time: Duration,
    },
}

impl Breaker {
    /// A closed one.
    pub fn new(policy: BreakerPolicy) -> Self {
        Breaker { policy, state: PRISTINE, phase: 0 }
    }

    /// How many attempts may begin now.
    pub fn room(&self, now: Duration) -> Room {
        match self.state {
            State::Closed { .. } => Room::Any,
            State::Open { until, .. } if now < until => Room::NoneUntil(until),
            State::Open { .. } => Room::Probe,
            State::Probing { .. } => Room::NoneUntilProbed,
        }
    }

    /// Whether nothing is known that another success would change.
    pub fn is_pristine(&self) -> bool {
        matches!(self.state, State::Closed { failures: 0, latest: 0 })
    }

    /// Whether it holds messages back.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// An attempt begins, for which there is room.
    pub fn begin(&mut self) -> Ticket {
        if let State::Open { time, .. } = self.state {
            self.enter(State::Probing { time });
        }
        Ticket { phase: self.phase }
    }

    /// An attempt has ended.
    pub fn ended(&mut self, ticket: Ticket, sign: Sign, now: Duration) -> Option<Change> {
        if ticket.phase != self.phase {
            return None;
        }
        match (self.state, sign) {
            (State::Closed { latest, .. }, Sign::Works) => {
                self.state = State::Closed { failures: 0, latest: self.among(latest << 1) };
                None
            }
            (State::Closed { failures, latest }, Sign::Fails) => {
                let failures = failures.saturating_add(1);
                let latest = self.among(latest << 1 | 1);
                self.state = State::Closed { failures, latest };
                let failures = if self.policy.of.is_some() { latest.count_ones() } else { failures };
                (failures >= self.policy.failures).then(|| {
                    let time = self.open(self.policy.open, now);
                    Change::Opened { failures, time }
                })
            }
            (State::Probing { .. }, Sign::Works) => {
                self.enter(PRISTINE);
                Some(Change::Closed)
            }
            (State::Probing { time }, Sign::Fails) => {
                let time = self.open(time.saturating_mul(2), now);
                Some(Change::StaysOpen { time })
            }
            // No attempt begins in this phase.
            (State::Open { .. }, _) => None,
        }
    }

    /// An attempt was broken off without saying anything about the receiver. A probe is to be made again.
    pub fn abandoned(&mut self, ticket: Ticket, now: Duration) {
        if let (true, State::Probing { time }) = (ticket.phase == self.phase, self.state) {
            self.enter(State::Open { until: now, time });
        }
    }

    /// As many of the latest attempts as count.
    fn among(&self, latest: u64) -> u64 {
        latest & self.policy.of.map_or(0, |of| u64::MAX >> (64 - of.clamp(1, 64)))
    }

    fn open(&mut self, time: Duration, now: Duration) -> Duration {
        let time = time.min(self.policy.max_open);
        self.enter(State::Open { until: now.saturating_add(time), time });
        time
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.phase += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(time: u64) -> Duration {
        Duration::from_secs(time)
    }

    /// What happens at a time, to the attempt of that number.
    enum Step {
        Begin,
        Works(usize),
        Fails(usize),
        Abandoned(usize),
        Room(Room),
    }

    use Step::{Abandoned, Begin, Fails, Works};

    /// Opens after 2 failures for 10 s, then 20 s, then 30 s.
    fn check(steps: &[(u64, Step)], expected: &[(u64, Change)]) {
        let policy = BreakerPolicy { failures: 2, of: None, open: seconds(10), max_open: seconds(30) };
        let mut breaker = Breaker::new(policy);
        let mut tickets = Vec::new();
        let mut changes = Vec::new();
        for (time, step) in steps {
            let now = seconds(*time);
            let change = match step {
                Begin => {
                    assert!(matches!(breaker.room(now), Room::Any | Room::Probe), "no room at {time}");
                    tickets.push(breaker.begin());
                    None
                }
                Works(attempt) => breaker.ended(tickets[*attempt], Sign::Works, now),
                Fails(attempt) => breaker.ended(tickets[*attempt], Sign::Fails, now),
                Abandoned(attempt) => {
                    breaker.abandoned(tickets[*attempt], now);
                    None
                }
                Step::Room(room) => {
                    assert_eq!(breaker.room(now), *room, "at {time}");
                    None
                }
            };
            changes.extend(change.map(|change| (*time, change)));
        }
        assert_eq!(changes, expected);
    }

    const OPENED: Change = Change::Opened { failures: 2, time: seconds(10) };

    fn none_until(time: u64) -> Step {
        Step::Room(Room::NoneUntil(seconds(time)))
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        check(&[(1, Begin), (1, Fails(0)), (1, Step::Room(Room::Any))], &[]);
        check(
            &[(1, Begin), (1, Fails(0)), (2, Begin), (2, Works(1)), (3, Begin), (3, Fails(2)), (3, Begin)],
            &[],
        );
        check(&[(1, Begin), (1, Begin), (4, Fails(0)), (5, Fails(1)), (5, none_until(15))], &[(5, OPENED)]);
    }

    #[test]
    fn or_after_failures_among_the_latest() {
        let opened_by = |outcomes: &str| {
            let policy = BreakerPolicy { failures: 3, of: Some(5), open: seconds(10), max_open: seconds(30) };
            let mut breaker = Breaker::new(policy);
            outcomes.chars().position(|outcome| {
                let ticket = breaker.begin();
                let sign = if outcome == 'x' { Sign::Fails } else { Sign::Works };
                let change = breaker.ended(ticket, sign, seconds(1));
                matches!(change, Some(Change::Opened { failures: 3, .. }))
            })
        };
        assert_eq!(opened_by("xxx"), Some(2));
        assert_eq!(opened_by("x.x.x"), Some(4));
        assert_eq!(opened_by("x.x..x.x.."), None);
        assert_eq!(opened_by("x.x..x.xx."), Some(8));
        let pristine = |outcomes: &[Sign]| {
            let policy = BreakerPolicy { of: Some(2), ..BreakerPolicy::default() };
            let mut breaker = Breaker::new(policy);
            for sign in outcomes {
                let ticket = breaker.begin();
                breaker.ended(ticket, *sign, seconds(0));
            }
            breaker.is_pristine()
        };
        assert!(pristine(&[]) && pristine(&[Sign::Works]) && !pristine(&[Sign::Fails]));
        assert!(!pristine(&[Sign::Fails, Sign::Works]) && pristine(&[Sign::Fails, Sign::Works, Sign::Works]));
    }

    #[test]
    fn a_probe_closes_it_or_keeps_it_open_for_longer() {
        let open = [(0, Begin), (0, Begin), (0, Fails(0)), (0, Fails(1)), (9, none_until(10))];
        let [a, b, c, d, e] = open;
        check(
            &[
                (a.0, a.1),
                (b.0, b.1),
                (c.0, c.1),
                (d.0, d.1),
                (e.0, e.1),
                (10, Step::Room(Room::Probe)),
                (10, Begin),
                (11, Step::Room(Room::NoneUntilProbed)),
                (12, Fails(2)),
                (31, none_until(32)),
                (32, Begin),
                (33, Fails(3)),
                (62, none_until(63)),
                (63, Begin),
                (64, Fails(4)),
                (93, none_until(94)),
                (200, Begin),
                (201, Works(5)),
                (201, Step::Room(Room::Any)),
                // From the beginning: two failures, ten seconds.
                (202, Begin),
                (202, Begin),
                (202, Fails(6)),
                (202, Fails(7)),
                (202, none_until(212)),
            ],
            &[
                (0, OPENED),
                (12, Change::StaysOpen { time: seconds(20) }),
                (33, Change::StaysOpen { time: seconds(30) }),
                (64, Change::StaysOpen { time: seconds(30) }),
                (201, Change::Closed),
                (202, OPENED),
            ],
        );
    }

    #[test]
    fn attempts_of_an_earlier_phase_change_nothing() {
        check(
            &[
                (0, Begin),
                (0, Begin),
                (0, Begin),
                (0, Begin),
                (0, Begin),
                (0, Fails(0)),
                (0, Fails(1)),
                (1, Fails(2)),
                (1, Works(3)),
                (1, none_until(10)),
                (10, Begin),
                (11, Works(4)),
                (11, Step::Room(Room::NoneUntilProbed)),
                (12, Works(5)),
            ],
            &[(0, OPENED), (12, Change::Closed)],
        );
    }

    #[test]
    fn a_probe_that_is_broken_off_is_made_again() {
        check(
            &[
                (0, Begin),
                (0, Begin),
                (0, Fails(0)),
                (0, Fails(1)),
                (10, Begin),
                (11, Abandoned(2)),
                (11, Step::Room(Room::Probe)),
                (11, Abandoned(0)),
                (12, Begin),
                (13, Fails(3)),
                (13, none_until(33)),
            ],
            &[(0, OPENED), (13, Change::StaysOpen { time: seconds(20) })],
        );
    }
}
