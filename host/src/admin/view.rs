//! What the admin API answers and takes, as JSON. The command line reads the same values, so that both ways of asking
//! show the same thing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::delivery::Attempt;
use crate::event::UnixMillis;
use crate::store::{EventSummary, Ledger, Stats, WorkId, WorkRecord};

/// A time of day; RFC 3339 in UTC, with milliseconds, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) UnixMillis);

impl Moment {
    pub(crate) fn text(self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Moment(time.as_millisecond()))
    }
}

/// A source.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SourceView {
    pub(crate) name: String,
    pub(crate) provider: Option<String>,
    /// `none` or `internal`, where its requests prove nothing, or how they are proven without a secret.
    pub(crate) verify: Option<String>,
    pub(crate) secrets: Vec<SecretView>,
    /// None while no gateway runs.
    pub(crate) requests: Option<RequestsView>,
}

/// A secret of a source, without the secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretView {
    /// Counted from 1, as in the metrics.
    pub(crate) number: usize,
    pub(crate) scheme: String,
    /// Where it is found.
    pub(crate) secret: String,
    /// Since the process started; None while none runs.
    pub(crate) uses: Option<u64>,
    pub(crate) last_used: Option<Moment>,
    pub(crate) expires: Option<Moment>,
}

/// Requests to a source since the process started, by what became of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RequestsView {
    pub(crate) accepted: u64,
    pub(crate) duplicate: u64,
    pub(crate) handshake: u64,
    pub(crate) empty: u64,
    pub(crate) limited: u64,
    pub(crate) too_large: u64,
    pub(crate) incomplete: u64,
    pub(crate) overloaded: u64,
    #[serde(default)]
    pub(crate) unverified: u64,
    /// By the reason.
    pub(crate) refused: BTreeMap<String, u64>,
}

/// A part of a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// What to give as `after` for the next part; none at the list's end. There may be a next part after an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// An event in a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventView {
    pub(crate) id: Uuid,
    pub(crate) received_at: Moment,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) delivery_id: Option<String>,
    pub(crate) proof: Option<String>,
    pub(crate) state: String,
    pub(crate) unrouted: Option<String>,
    pub(crate) size: u64,
}

/// Everything about an event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventDetail {
    pub(crate) event: EventView,
    /// None once retention has removed the content.
    pub(crate) content: Option<ContentView>,
    pub(crate) runs: Vec<WorkView>,
    pub(crate) run_count: u64,
    pub(crate) deliveries: Vec<WorkView>,
    pub(crate) delivery_count: u64,
}

/// What was received.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ContentView {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<HeaderView>,
    pub(crate) body: BodyView,
}

/// A request that was refused.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefusedView {
    pub(crate) id: Uuid,
    pub(crate) received_at: Moment,
    pub(crate) source: String,
    /// A stable name such as `bad_signature`.
    pub(crate) reason: String,
    pub(crate) method: String,
    /// Bytes of head and body.
    pub(crate) size: u64,
}

/// A request that was refused, with what was received.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RefusedDetail {
    #[serde(flatten)]
    pub(crate) request: RefusedView,
    pub(crate) content: ContentView,
}

/// A header field.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeaderView {
    pub(crate) name: String,
    /// None where it is a credential and nobody asked for those.
    pub(crate) value: Option<String>,
}

/// A body, in one of three ways.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct BodyView {
    /// Bytes as received.
    pub(crate) size: u64,
    /// Whether only the beginning is shown.
    pub(crate) truncated: bool,
    /// JSON as it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base64: Option<String>,
}

/// A run or a delivery.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkView {
    /// `run` or `delivery`.
    pub(crate) kind: String,
    pub(crate) id: Uuid,
    pub(crate) event: Uuid,
    pub(crate) source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<Uuid>,
    pub(crate) route: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) since: Moment,
    pub(crate) due: Option<Moment>,
    pub(crate) ended_at: Option<Moment>,
    pub(crate) detail: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) history: Vec<AttemptView>,
}

/// One attempt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AttemptView {
    pub(crate) number: u32,
    pub(crate) started_at: Moment,
    pub(crate) took_us: u64,
    pub(crate) succeeded: bool,
    pub(crate) detail: String,
}

/// A destination as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationView {
    pub(crate) name: String,
    /// None where the configuration has no such destination.
    pub(crate) kind: Option<String>,
    /// A host or a file.
    pub(crate) place: Option<String>,
    /// `ok`, `failing` (it is tried again by itself), `disabled` or `unconfigured`.
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) since: Option<Moment>,
    /// Deliveries that have not ended.
    pub(crate) pending: u64,
    pub(crate) oldest: Option<Moment>,
}

/// How a store stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatsView {
    pub(crate) engine: String,
    pub(crate) size: u64,
    pub(crate) reusable: u64,
    pub(crate) pending_bytes: u64,
    pub(crate) latest: Moment,
    pub(crate) ledger: LedgerView,
    pub(crate) backlog: Vec<BacklogView>,
    pub(crate) disabled: Vec<DisabledView>,
    pub(crate) kept: Vec<KeptView>,
}

/// The store's ledger; see [`Ledger`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LedgerView {
    pub(crate) adds_up: bool,
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) settled: u64,
    pub(crate) unrouted: u64,
    pub(crate) pending: u64,
    pub(crate) expired: u64,
    pub(crate) runs_pending: u64,
    pub(crate) runs_dropped: u64,
    pub(crate) runs_dead: u64,
    pub(crate) deliveries_pending: u64,
    pub(crate) delivered: u64,
    pub(crate) deliveries_dead: u64,
    pub(crate) dead_letters: u64,
    pub(crate) dead_letters_expired: u64,
    pub(crate) dead_letters_replayed: u64,
    pub(crate) dead_letters_discarded: u64,
}

/// Deliveries that wait for a destination.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BacklogView {
    pub(crate) destination: String,
    pub(crate) pending: u64,
    pub(crate) oldest: Moment,
}

/// What plugins keep in one namespace.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptView {
    pub(crate) namespace: String,
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

/// A destination that gets nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DisabledView {
    pub(crate) destination: String,
    pub(crate) reason: String,
    pub(crate) since: Moment,
}

/// Which work to do once more, or to put aside. At most [`MAX_BATCH`](super::MAX_BATCH) ids in all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Batch {
    pub(crate) deliveries: Vec<Uuid>,
    /// Dead runs with their routes.
    pub(crate) runs: Vec<RunRef>,
    /// Deliveries or dead runs; to find out which takes time where there are many dead letters.
    pub(crate) ids: Vec<Uuid>,
    /// Events to be taken through their routes; only for a replay.
    pub(crate) events: Vec<Uuid>,
    /// Of the routes that fire for the events, only this one.
    pub(crate) route: Option<String>,
    /// Only dead letters: deliveries that have arrived are not made once more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dead: bool,
}

/// A run, and the route of which it is a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRef {
    pub(crate) id: Uuid,
    pub(crate) route: String,
}

/// What came of a [`Batch`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcomes {
    /// In the order deliveries, runs, ids, events.
    #[serde(default)]
    pub(crate) results: Vec<Outcome>,
    /// What went wrong first, where the store did not do everything that it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// What came of one id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) id: Uuid,
    /// `done`, `missing`, `unfit`, `expired` or, of an event, `unrouted`. Where the store fails, `failed`, which is as if
    /// nothing had been asked, or `unknown`: it may be done.
    pub(crate) outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// The new runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) runs: Vec<Uuid>,
}

/// Why a destination is to get nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DisableRequest {
    pub(crate) reason: Option<String>,
}

/// Where a copy of the store goes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupRequest {
    /// An absolute path of a file that is not there yet.
    pub(crate) to: std::path::PathBuf,
}

/// A copy that was made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BackupView {
    pub(crate) to: std::path::PathBuf,
    pub(crate) size: u64,
}

/// What a search for faults found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerifyView {
    pub(crate) problems: Vec<String>,
}

/// Something was changed, and there is nothing more to say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) done: bool,
}

/// Why a request was not done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorView {
    pub(crate) error: String,
}

impl From<EventSummary> for EventView {
    fn from(event: EventSummary) -> Self {
        EventView {
            id: event.id.0,
            received_at: Moment(event.received_at),
            source: event.source.to_string(),
            kind: event.kind,
            delivery_id: event.delivery_id,
            proof: event.proof.map(|proof| proof.to_string()),
            state: event.state.name().to_owned(),
            unrouted: event.unrouted,
            size: event.size,
        }
    }
}

impl From<WorkRecord> for WorkView {
    fn from(work: WorkRecord) -> Self {
        let (kind, id) = match work.id {
            WorkId::Run(run) => ("run", run.0),
            WorkId::Delivery(delivery) => ("delivery", delivery.0),
        };
        WorkView {
            kind: kind.to_owned(),
            id,
            event: work.event.0,
            source: work.source.to_string(),
            run: work.run.map(|run| run.0),
            route: work.route.to_string(),
            destination: work.destination.map(|name| name.to_string()),
            state: work.state.name().to_owned(),
            attempts: work.attempts,
            since: Moment(work.since),
            due: work.due.map(Moment),
            ended_at: work.ended_at.map(Moment),
            detail: work.detail,
            history: work.history.into_iter().map(AttemptView::from).collect(),
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        AttemptView {
            number: attempt.number,
            started_at: Moment(attempt.started_at),
            took_us: u64::try_from(attempt.took.as_micros()).unwrap_or(u64::MAX),
            succeeded: attempt.succeeded,
            detail: attempt.detail,
        }
    }
}

impl From<Ledger> for LedgerView {
    fn from(ledger: Ledger) -> Self {
        let Ledger { accepted, duplicates, settled, unrouted, pending, expired, .. } = ledger;
        LedgerView {
            adds_up: ledger.adds_up(),
            accepted,
            duplicates,
            settled,
            unrouted,
            pending,
            expired,
            runs_pending: ledger.runs_pending,
            runs_dropped: ledger.runs_dropped,
            runs_dead: ledger.runs_dead,
            deliveries_pending: ledger.deliveries_pending,
            delivered: ledger.delivered,
            deliveries_dead: ledger.deliveries_dead,
            dead_letters: ledger.dead_letters,
            dead_letters_expired: ledger.dead_letters_expired,
            dead_letters_replayed: ledger.dead_letters_replayed,
            dead_letters_discarded: ledger.dead_letters_discarded,
        }
    }
}

impl From<Stats> for StatsView {
    fn from(stats: Stats) -> Self {
        let backlog = stats.backlog.into_iter().map(|backlog| BacklogView {
            destination: backlog.destination.to_string(),
            pending: backlog.pending,
            oldest: Moment(backlog.oldest),
        });
        let disabled = stats.disabled.into_iter().map(|disabled| DisabledView {
            destination: disabled.destination.to_string(),
            reason: disabled.reason,
            since: Moment(disabled.since),
        });
        let kept = stats.kept.into_iter().map(|(namespace, used)| KeptView {
            namespace: namespace.to_string(),
            keys: used.keys,
            bytes: used.bytes,
        });
        StatsView {
            engine: stats.engine,
            size: stats.size,
            reusable: stats.reusable,
            pending_bytes: stats.pending_bytes,
            latest: Moment(stats.latest),
            ledger: LedgerView::from(stats.ledger),
            backlog: backlog.collect(),
            disabled: disabled.collect(),
            kept: kept.collect(),
        }
    }
}
