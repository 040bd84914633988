//! The life of a run and of a delivery: states, what may follow what, and the decision after each attempt. Pure: it is
//! given the time and a random number, and somebody else stores, waits and sends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::breaker::Sign;
use crate::event::{Event, Headers, UnixMillis};
use crate::retry::{Next, RetryPolicy};

/// Identifies one run: one event on one route. A replay through the plugins is a new run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub Uuid);

/// Identifies one delivery: one message to one destination. It goes out as `webhook-id`, and stays the same across
/// attempts, so that a receiver can tell a repetition from something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub Uuid);

impl DeliveryId {
    /// The id of a run's delivery number `index`: the same however often the run is repeated before it is settled.
    ///
    /// A UUIDv8 ([RFC 9562 §5.8](https://www.rfc-editor.org/rfc/rfc9562#section-5.8)): the first 48 bits are those of
    /// the run's id, a UUIDv7's milliseconds, so that ids sort by the time of their event and an index of them grows
    /// at its end; the rest, but for version and variant, is that of the UUIDv5 of the index in the run's namespace.
    pub fn derive(run: RunId, index: usize) -> Self {
        let mut bytes = *Uuid::new_v5(&run.0, &(index as u64).to_be_bytes()).as_bytes();
        bytes[..6].copy_from_slice(&run.0.as_bytes()[..6]);
        DeliveryId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Where a run or a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A run that waits for its turn: one of the same key came before it and has not ended.
    Held,
    /// Waits until it is due.
    Pending,
    /// Somebody works on it.
    Leased,
    /// Ended well: a run has its result, a delivery has arrived.
    Done,
    /// A run that ended well without anything to deliver: a rule dropped the event.
    Dropped,
    /// Given up; kept as a dead letter.
    Dead,
    /// A dead letter that an operator has put aside.
    Discarded,
    /// A run that was given up and that a new one has taken the place of.
    Replaced,
}

impl State {
    /// Every state.
    pub const ALL: [State; 8] = [
        State::Held,
        State::Pending,
        State::Leased,
        State::Done,
        State::Dropped,
        State::Dead,
        State::Discarded,
        State::Replaced,
    ];

    /// The transitions that exist. A delivery that is made once more is the same delivery, so that its receiver can
    /// tell; an event that goes through its plugins once more has new runs.
    pub fn may_become(self, next: State) -> bool {
        use State::{Dead, Discarded, Done, Dropped, Held, Leased, Pending, Replaced};
        matches!(
            (self, next),
            (Held, Pending)
                | (Pending, Leased)
                | (Leased, Pending | Done | Dropped | Dead)
                | (Done, Pending)
                | (Dead, Pending | Discarded | Replaced)
        )
    }

    /// Whether nothing is to be done any more.
    pub fn has_ended(self) -> bool {
        !matches!(self, State::Held | State::Pending | State::Leased)
    }

    /// For people and their tools, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Pending => "pending",
            State::Leased => "leased",
            State::Done => "done",
            State::Dropped => "dropped",
            State::Dead => "dead",
            State::Discarded => "discarded",
            State::Replaced => "replaced",
        }
    }
}

/// What a run sends to one destination. `None` stands for what was received, which is stored only once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Headers, where a plugin changed them.
    pub headers: Option<Headers>,
    /// Body, where a plugin changed it.
    pub body: Option<Bytes>,
}

impl Outgoing {
    /// The headers to send.
    pub fn headers<'a>(&'a self, event: &'a Event) -> &'a Headers {
        self.headers.as_ref().unwrap_or(&event.headers)
    }

    /// The bytes to send.
    pub fn body<'a>(&'a self, event: &'a Event) -> &'a Bytes {
        self.body.as_ref().unwrap_or(event.bytes())
    }
}

/// An answer for the sender, made by a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Checked header fields.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

/// A delivery that a run asks for.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Derived from the run.
    pub id: DeliveryId,
    /// The destination's name.
    pub destination: Arc<str>,
    /// What is sent; shared by the run's deliveries.
    pub message: Arc<Outgoing>,
    /// Not before.
    pub due: UnixMillis,
}

/// What a run's plugins read and wrote of the values that they keep. All of it is stored with the run's end, and only
/// if nothing that was read has changed meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvChanges {
    /// What was read.
    pub read: Vec<KvRead>,
    /// What is to be written, in this order.
    pub written: Vec<KvWrite>,
    /// The version of every value that is written: never given before, and not 0. Whoever writes makes it, so that others
    /// can build on a value that is still on its way to the store.
    pub version: u64,
    /// What namespaces may take once it is written.
    pub bounds: Vec<KvBound>,
}

impl KvChanges {
    /// Whether there is nothing to be checked and nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.written.is_empty()
    }
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvRead {
    /// Whose keys: those of a plugin, or of several that share them.
    pub namespace: Arc<str>,
    /// The key.
    pub key: String,
    /// The version that was read; 0 if there was no value.
    pub version: u64,
}

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvWrite {
    /// Whose keys.
    pub namespace: Arc<str>,
    /// The key.
    pub key: String,
    /// None removes it.
    pub value: Option<Bytes>,
    /// From this time on there is no value.
    pub expires_at: Option<UnixMillis>,
}

/// What a namespace may take. One that takes more already may shrink, and not grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvBound {
    /// Whose keys.
    pub namespace: Arc<str>,
    /// How many and how large at most.
    pub most: KvUsage,
}

/// How much of the store values take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvUsage {
    /// How many there are.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl KvUsage {
    /// Whether growing by so much stays within a bound. What does not grow does.
    pub fn may_grow(self, keys: i64, bytes: i64, most: KvUsage) -> bool {
        let fits = |now: u64, more: i64, most: u64| more <= 0 || now.saturating_add_signed(more) <= most;
        fits(self.keys, keys, most.keys) && fits(self.bytes, bytes, most.bytes)
    }

    /// What it comes to with so much more, or less.
    pub fn plus(self, keys: i64, bytes: i64) -> KvUsage {
        KvUsage {
            keys: self.keys.saturating_add_signed(keys),
            bytes: self.bytes.saturating_add_signed(bytes),
        }
    }
}

/// How a run ends, or goes on later.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// It has its result.
    Done {
        /// To be made; none if the event was dropped.
        deliveries: Vec<NewDelivery>,
        /// The rule by which the event was dropped, if it was.
        dropped: Option<String>,
        /// Kept for the sender and for duplicates.
        reply: Option<Reply>,
        /// What its plugins read and wrote of the values that they keep.
        kv: KvChanges,
    },
    /// It failed and is run again.
    Retry {
        /// Not before.
        due: UnixMillis,
        /// What went wrong.
        cause: String,
    },
    /// It is given up.
    Dead {
        /// What went wrong.
        cause: String,
    },
    /// It was not started; the attempt does not count.
    Released,
    /// Likewise, and it cannot be for a while.
    Postponed {
        /// Not before.
        due: UnixMillis,
        /// What stands in the way.
        cause: String,
    },
}

/// How an attempt ends a delivery, or when it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// It has arrived.
    Delivered,
    /// It is tried again.
    Retry {
        /// Not before.
        due: UnixMillis,
        /// What went wrong.
        cause: String,
    },
    /// It is given up.
    Dead {
        /// What went wrong.
        cause: String,
    },
    /// It was not started; the attempt does not count.
    Released,
}

/// How one attempt to send went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has it.
    Delivered {
        /// For people: `200 OK`, `42 bytes appended`.
        detail: String,
    },
    /// It may work later.
    Retryable {
        /// What went wrong.
        cause: String,
        /// How long the receiver asks us to wait.
        retry_after: Option<Duration>,
        /// Whose fault it is.
        blame: Blame,
    },
    /// It will never work.
    Permanent {
        /// What went wrong.
        cause: String,
    },
    /// It will never work, and nothing else will that is sent there: the receiver says that it is gone for good.
    Gone {
        /// What the receiver said.
        cause: String,
    },
}

/// Whose fault it is that an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The receiver's as a whole: it cannot be reached, breaks down, or has too much to do. Another message would have
    /// fared no better.
    Receiver,
    /// This message's, as far as one can tell.
    Message,
}

impl Sent {
    /// What it says about the receiver.
    pub fn sign(&self) -> Sign {
        match self {
            Sent::Retryable { blame: Blame::Receiver, .. } => Sign::Fails,
            // A refusal is an answer, and who answers works.
            Sent::Delivered { .. } | Sent::Retryable { .. } | Sent::Permanent { .. } | Sent::Gone { .. } => {
                Sign::Works
            }
        }
    }
}

/// One attempt at a run or a delivery, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    pub started_at: UnixMillis,
    /// How long it took.
    pub took: Duration,
    /// Whether it came to what it was for.
    pub succeeded: bool,
    /// For people: `200 OK`, or what went wrong.
    pub detail: String,
}

/// What follows attempt number `attempt` of a delivery that has been stored since `since`. `random` is from 0 to 1.
pub fn after_attempt(
    sent: &Sent,
    attempt: u32,
    since: UnixMillis,
    policy: &RetryPolicy,
    now: UnixMillis,
    random: f64,
) -> DeliveryEnd {
    match sent {
        Sent::Delivered { .. } => DeliveryEnd::Delivered,
        Sent::Permanent { cause } | Sent::Gone { cause } => DeliveryEnd::Dead { cause: cause.clone() },
        Sent::Retryable { cause, retry_after, .. } => {
            let age = between(since, now);
            match policy.next(attempt, age, *retry_after, random) {
                Next::Wait(wait) => DeliveryEnd::Retry { due: later(now, wait), cause: cause.clone() },
                Next::GiveUp => DeliveryEnd::Dead { cause: gave_up(attempt, age, cause) },
            }
        }
    }
}

/// Why a delivery is a dead letter whose attempts or time are used up.
pub fn gave_up(attempts: u32, age: Duration, cause: &str) -> String {
    let plural = if attempts == 1 { "" } else { "s" };
    format!("gave up after {attempts} attempt{plural} over {}: {cause}", roughly(age))
}

/// What follows attempt number `attempt` of a run that failed. `random` is from 0 to 1.
pub fn after_failure(
    cause: String,
    retryable: bool,
    attempt: u32,
    policy: &RetryPolicy,
    now: UnixMillis,
    random: f64,
) -> RunEnd {
    if !retryable {
        return RunEnd::Dead { cause };
    }
    match policy.next(attempt, Duration::ZERO, None, random) {
        Next::Wait(wait) => RunEnd::Retry { due: later(now, wait), cause },
        Next::GiveUp => RunEnd::Dead { cause: format!("gave up after {attempt} attempts: {cause}") },
    }
}

/// Why a run failed, if it did in a plugin.
pub fn plugin_cause(plugin: &str, fault: &dyn fmt::Display) -> String {
    format!("plugin {plugin}: {fault}")
}

/// Why a run failed, if it did in one of these plugins and nobody knows in which. Without plugins, it did by itself.
pub fn plugins_cause(plugins: &[&str], fault: &dyn fmt::Display) -> String {
    match plugins {
        [] => fault.to_string(),
        plugins => plugin_cause(&plugins.join(OR), fault),
    }
}

/// Between names of plugins, which have no spaces.
const OR: &str = " or ";

/// The plugins in one of which a run failed that was given up or is to be tried again; the reverse of [`plugin_cause`] and
/// [`plugins_cause`], with what is put before them when it is given up. Names of plugins have no colons.
pub fn failed_in(cause: &str) -> impl Iterator<Item = &str> {
    let cause = match cause.strip_prefix("gave up after ") {
        Some(given_up) => given_up.split_once(": ").map_or("", |(_, cause)| cause),
        None => cause,
    };
    let named = cause.strip_prefix("plugin ").and_then(|cause| cause.split_once(": "));
    named.into_iter().flat_map(|(names, _)| names.split(OR))
}

/// How long after `from` it is at `to`; nothing if it is before.
pub fn between(from: UnixMillis, to: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// A long time for people, in one unit.
fn roughly(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    match time.as_secs() {
        seconds if seconds < 2 * MINUTE => format!("{seconds} s"),
        seconds if seconds < 2 * HOUR => format!("{} min", seconds / MINUTE),
        seconds if seconds < 72 * HOUR => format!("{} h", seconds / HOUR),
        seconds => format!("{} days", seconds / (24 * HOUR)),
    }
}

/// A time `wait` after `now`.
pub fn later(now: UnixMillis, wait: Duration) -> UnixMillis {
    now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use crate::retry::Waits;

    use super::*;

    #[test]
    fn only_these_transitions_exist() {
        let legal: Vec<_> = State::ALL
            .iter()
            .flat_map(|from| State::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{}-{}", from.name(), to.name()))
            .collect();
        assert_eq!(
            legal.join(" "),
            "held-pending pending-leased leased-pending leased-done leased-dropped leased-dead done-pending \
             dead-pending dead-discarded dead-replaced"
        );
        let ended: Vec<_> =
            State::ALL.into_iter().filter(|state| state.has_ended()).map(State::name).collect();
        assert_eq!(ended, ["done", "dropped", "dead", "discarded", "replaced"]);
    }

    #[test]
    fn an_attempt_decides_what_follows() {
        let policy = RetryPolicy {
            waits: Waits::Schedule(vec![Duration::from_secs(10)]),
            max_attempts: 2,
            max_age: Duration::from_secs(100),
            jitter: 0.0,
            max_retry_after: Duration::from_secs(60),
        };
        let retryable = |after: Option<u64>| Sent::Retryable {
            cause: "503".into(),
            retry_after: after.map(Duration::from_secs),
            blame: Blame::Receiver,
        };
        let again = |due| DeliveryEnd::Retry { due, cause: "503".into() };
        let dead = |cause: &str| DeliveryEnd::Dead { cause: cause.into() };
        let check = |sent: Sent, attempt, since, now, expected| {
            assert_eq!(
                after_attempt(&sent, attempt, since, &policy, now, 0.5),
                expected,
                "{sent:?} at {now}"
            );
        };
        check(Sent::Delivered { detail: "200".into() }, 1, 0, 1000, DeliveryEnd::Delivered);
        check(retryable(None), 1, 0, 1000, again(11_000));
        check(retryable(Some(30)), 1, 0, 1000, again(31_000));
        check(retryable(None), 2, 0, 1000, dead("gave up after 2 attempts over 1 s: 503"));
        check(retryable(None), 1, 0, 90_000, again(100_000));
        check(retryable(None), 1, 0, 90_001, dead("gave up after 1 attempt over 90 s: 503"));
        check(retryable(Some(30)), 1, 0, 80_000, dead("gave up after 1 attempt over 80 s: 503"));
        check(retryable(None), 1, 50_000, 90_001, again(100_001));
        // A clock that was set back makes nobody older.
        check(retryable(None), 1, 50_000, 1000, again(11_000));
        check(Sent::Permanent { cause: "413".into() }, 1, 0, 1000, dead("413"));
        check(Sent::Gone { cause: "410".into() }, 1, 0, 1000, dead("410"));
    }

    #[test]
    fn a_cause_names_the_plugin() {
        let cause = plugin_cause("redact", &"trap: unreachable: plugin enrich: no");
        let given_up = after_failure(cause.clone(), true, 1000, &RetryPolicy::default(), 0, 0.5);
        let RunEnd::Dead { cause: given_up } = given_up else { panic!("{given_up:?}") };
        let never_ended =
            |plugins| format!("gave up after 5 attempts: {}", plugins_cause(plugins, &"no end"));
        assert_eq!(never_ended(&["redact", "or"]), "gave up after 5 attempts: plugin redact or or: no end");
        for (cause, expected) in [
            (cause.as_str(), &["redact"][..]),
            (&given_up, &["redact"]),
            (&never_ended(&["redact"]), &["redact"]),
            (&never_ended(&["redact", "or", "enrich"]), &["redact", "or", "enrich"]),
            (&never_ended(&[]), &[]),
            ("gave up after 5 attempts", &[]),
            ("route a is not in the configuration", &[]),
            ("503 Service Unavailable: plugin redact: no", &[]),
        ] {
            assert_eq!(failed_in(cause).collect::<Vec<_>>(), expected, "{cause}");
        }
    }

    #[test]
    fn long_times_are_told_in_one_unit() {
        for (seconds, expected) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_200, "2 h"),
            (100_800, "28 h"),
            (259_200, "3 days"),
        ] {
            assert_eq!(roughly(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn delivery_ids_are_stable_and_distinct() {
        let run = RunId(Uuid::from_u128(7));
        assert_eq!(DeliveryId::derive(run, 0), DeliveryId::derive(run, 0));
        assert_ne!(DeliveryId::derive(run, 0), DeliveryId::derive(run, 1));
        assert_ne!(DeliveryId::derive(run, 0), DeliveryId::derive(RunId(Uuid::from_u128(8)), 0));
        // What receivers have seen must not change with a new version of Hookyard.
        let run = RunId(Uuid::from_u128(0x0192_e5a5_7b1c_7000_8000_0000_0000_0001));
        assert_eq!(DeliveryId::derive(run, 1).to_string(), "0192e5a5-7b1c-81a8-8512-7e86a0117985");
    }
}
