//! What event number so-and-so is, and what has to become of it. All of it follows from the number, so that no record
//! has to be kept of what was sent.

use std::sync::Arc;

use bytes::Bytes;
use hookyard::delivery::{DeliveryId, RunId};
use hookyard::event::{Body, Event, EventId, Headers, UnixMillis};
use hookyard::store::{Dedupe, NewEvent, NewRun};
use uuid::Uuid;

use crate::random::Random;

/// More than any fan-out that is stored in one go.
const WIDE: usize = 300;

/// What a route does with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One message, as received.
    Plain,
    /// Three messages with a body of their own, to three destinations, of which one refuses for good.
    Fan,
    /// Many messages.
    Wide,
    /// Dropped by a rule.
    Dropped,
    /// Given up.
    Dead,
    /// Fails first, and so does its delivery.
    Flaky,
    /// Counts itself in a value that its plugin keeps, and sends one message.
    Counted,
}

impl Kind {
    /// The route's name.
    pub(super) fn route(self) -> &'static str {
        match self {
            Kind::Plain => "plain",
            Kind::Fan => "fan",
            Kind::Wide => "wide",
            Kind::Dropped => "dropped",
            Kind::Dead => "dead",
            Kind::Flaky => "flaky",
            Kind::Counted => "counted",
        }
    }

    /// The kind whose route has this name.
    pub(super) fn of_route(name: &str) -> Kind {
        let all = [Kind::Plain, Kind::Fan, Kind::Wide, Kind::Dropped, Kind::Dead, Kind::Flaky, Kind::Counted];
        all.into_iter().find(|kind| kind.route() == name).expect("a route of ours")
    }

    /// The destinations of its messages.
    pub(super) fn destinations(self) -> Vec<&'static str> {
        match self {
            Kind::Plain => vec!["near"],
            Kind::Fan => vec!["near", "far", "gone"],
            Kind::Wide => vec!["far"; WIDE],
            Kind::Dropped | Kind::Dead => vec![],
            Kind::Flaky => vec!["flaky"],
            Kind::Counted => vec!["near"],
        }
    }
}

/// All destinations that there are.
pub(super) const DESTINATIONS: [&str; 4] = ["near", "far", "gone", "flaky"];

/// The routes that take an event; none if it stays unrouted.
pub(super) fn kinds(number: u64) -> Vec<Kind> {
    match Random::new(number).below(20) {
        0..8 => vec![Kind::Plain],
        8..11 => vec![Kind::Fan],
        11..13 => vec![Kind::Plain, Kind::Fan],
        13 => vec![Kind::Dropped],
        14 => vec![Kind::Dead],
        15..17 => vec![Kind::Flaky],
        17 => vec![Kind::Counted],
        18 => vec![],
        _ if number.is_multiple_of(3) => vec![Kind::Wide],
        _ => vec![Kind::Counted, Kind::Flaky],
    }
}

/// The id of event number so-and-so.
pub(super) fn id(number: u64) -> EventId {
    EventId(Uuid::from_u128(u128::from(number) << 64))
}

/// Its number.
pub(super) fn number(id: EventId) -> u64 {
    (id.0.as_u128() >> 64) as u64
}

/// The id of its run on its route number `index`.
pub(super) fn run_id(number: u64, index: usize) -> RunId {
    RunId(Uuid::from_u128(u128::from(number) << 64 | (index as u128 + 1)))
}

/// What ends for a run of it: its deliveries, or the run itself where there are none.
pub(super) fn ends(number: u64) -> impl Iterator<Item = Uuid> {
    kinds(number).into_iter().enumerate().flat_map(move |(index, kind)| {
        let run = run_id(number, index);
        match kind.destinations().len() {
            0 => vec![run.0],
            count => (0..count).map(|index| DeliveryId::derive(run, index).0).collect(),
        }
    })
}

/// Its body: mostly small, sometimes of several pages.
pub(super) fn body(number: u64) -> Bytes {
    let mut random = Random::new(!number);
    let size = match random.below(10) {
        0 => 4000 + random.below(16_000),
        _ => 20 + random.below(400),
    };
    let letter = b'a' + (number % 26) as u8;
    Bytes::from(vec![letter; size as usize])
}

/// The key by which it is recognised, if it has one.
pub(super) fn key(number: u64) -> Option<String> {
    (!number.is_multiple_of(3)).then(|| format!("key-{number}"))
}

/// The event as it is stored. `again` repeats another one as its sender would.
pub(super) fn new(number: u64, again: Option<u64>, now: UnixMillis) -> NewEvent {
    let key = key(again.unwrap_or(number));
    let event = Event {
        id: id(number),
        source: "load".into(),
        kind: "tick".to_owned(),
        delivery_id: key.clone(),
        proof: None,
        hops: 0,
        received_at: now,
        method: "POST".to_owned(),
        path: "/in/load".to_owned(),
        query: String::new(),
        headers: Headers::new(),
        body: Body::new(body(again.unwrap_or(number)), &Headers::new()),
    };
    let kinds = kinds(number);
    let unrouted = kinds.is_empty().then(|| "no route".to_owned());
    let run = |(index, kind): (usize, Kind)| NewRun {
        id: run_id(number, index),
        route: kind.route().into(),
        order: None,
        leased_until: None,
    };
    NewEvent {
        event: Arc::new(event),
        dedupe: key.map(|key| Dedupe { key, until: UnixMillis::MAX }),
        runs: kinds.into_iter().enumerate().map(run).collect(),
        unrouted,
    }
}
