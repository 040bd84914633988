//! Keys that an operator takes from events: what is in sequence with what, what is a repetition of what.
//!
//! A key is as long as its sender makes it and is kept for days, so a long one is replaced by its hash. It is never cut:
//! two different keys must not become one, or an event would be taken for a repetition of another.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::digest;

use crate::event::Event;

use super::{Fields, Subject};

/// Longer keys are replaced by their hash, in bytes.
const MAX_KEY: usize = 256;

/// What a hash begins with. A key that begins like this is hashed as well, so that no sender can write another's hash.
const HASHED: &str = "sha256:";

/// A text as a key.
pub fn bounded_key(text: Cow<'_, str>) -> String {
    if text.len() <= MAX_KEY && !text.starts_with(HASHED) {
        text.into_owned()
    } else {
        hash([text.as_bytes()])
    }
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        // With its length, so that no byte can move from one part to the next.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    format!("{HASHED}{}", hex::encode(context.finish()))
}

/// Which events of a route go one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordering {
    /// Events with the same key.
    pub by: OrderBy,
    /// Whether those behind a dead letter wait until it is made once more or put aside.
    pub waits_for_dead_letters: bool,
}

/// What an event's place in a sequence is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// A part of the event. Where there is none, the event is in no sequence.
    Subject(Subject),
    /// Its source: all its events are in one sequence.
    Source,
}

impl Ordering {
    /// The sequence that an event belongs to, if it belongs to one.
    pub fn key(&self, event: &Event) -> Option<String> {
        match &self.by {
            OrderBy::Subject(subject) => subject.key(event).map(bounded_key),
            OrderBy::Source => Some(event.source.to_string()),
        }
    }
}

/// How a source's repetitions are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupeRule {
    /// What is the same in a repetition.
    pub by: DedupeBy,
    /// For how long after the first one.
    pub window: Duration,
}

/// What is the same in a repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DedupeBy {
    /// The sender's own id of the delivery.
    DeliveryId,
    /// Parts of the event.
    Fields(Fields),
    /// The event type, the query and the body, byte by byte.
    Hash,
}

impl DedupeRule {
    /// What another event of the same source has to have in common with this one to be a repetition of it. None where
    /// there is nothing to go by: such an event is no repetition of anything.
    pub fn key(&self, event: &Event) -> Option<String> {
        match &self.by {
            DedupeBy::DeliveryId => event.delivery_id.clone(),
            DedupeBy::Fields(fields) => fields.read(event, ":").map(|key| bounded_key(key.into())),
            DedupeBy::Hash => Some(hash([event.kind.as_bytes(), event.query.as_bytes(), event.bytes()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::{Headers, Pointer, sample};

    fn event(kind: &str, query: &str, body: &str) -> Event {
        let mut headers = Headers::new();
        headers.set("X-Customer", "c-7").expect("a header");
        headers.set("X-Empty", "").expect("a header");
        Event {
            source: "shop".into(),
            kind: kind.to_owned(),
            delivery_id: Some("d-1".to_owned()),
            query: query.to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()).into(),
            ..sample::event(0)
        }
    }

    #[test]
    fn a_key_is_a_text_a_number_or_a_boolean() {
        let json = r#"{"t":"\u00e9","n":1.50,"b":true,"z":null,"e":"","l":[1],"o":{"i":1}}"#;
        let event = event("", "team=a%20b&n", json);
        let body = |pointer: &str| Subject::Body(Pointer::new(pointer).expect("a pointer"));
        for (subject, expected) in [
            (body("/t"), Some("é")),
            (body("/n"), Some("1.50")),
            (body("/b"), Some("true")),
            (body("/l/0"), Some("1")),
            (body("/z"), None),
            (body("/e"), None),
            (body("/l"), None),
            (body("/o"), None),
            (body("/none"), None),
            (Subject::Header("x-customer".into()), Some("c-7")),
            (Subject::Header("x-empty".into()), None),
            (Subject::Header("x-none".into()), None),
            (Subject::Query("team".into()), Some("a b")),
            (Subject::Query("n".into()), None),
        ] {
            assert_eq!(subject.key(&event).as_deref(), expected, "{subject:?}");
            let ordering = Ordering { by: OrderBy::Subject(subject), waits_for_dead_letters: false };
            assert_eq!(ordering.key(&event).as_deref(), expected);
        }
        let whole = Ordering { by: OrderBy::Source, waits_for_dead_letters: false };
        assert_eq!(whole.key(&event).as_deref(), Some("shop"));
    }

    #[test]
    fn a_body_that_is_not_json_has_no_key() {
        let subject = Subject::Body(Pointer::new("/a").expect("a pointer"));
        assert_eq!(subject.key(&event("", "", "certainly not JSON")), None);
    }

    #[test]
    fn long_keys_are_hashed_and_stay_different() {
        let short = "k".repeat(MAX_KEY);
        assert_eq!(bounded_key(Cow::Borrowed(&short)), short);
        let (one, other) = (format!("{short}1"), format!("{short}2"));
        let hashed = bounded_key(Cow::Borrowed(&one));
        assert_eq!(hashed.len(), HASHED.len() + 64);
        assert_ne!(hashed, bounded_key(Cow::Borrowed(&other)));
        // Who knows the long key cannot pass its hash off as a short one.
        assert_ne!(bounded_key(Cow::Borrowed(&hashed)), hashed);
    }

    #[test]
    fn what_makes_a_repetition() {
        let rule = |by: DedupeBy| DedupeRule { by, window: Duration::from_secs(1) };
        let same =
            |by: DedupeBy, one: &Event, other: &Event| rule(by.clone()).key(one) == rule(by).key(other);
        let (first, again) = (event("paid", "", "{\"n\":1}"), event("paid", "", "{\"n\":1}"));
        assert!(same(DedupeBy::Hash, &first, &again));
        assert!(!same(DedupeBy::Hash, &first, &event("paid", "", "{\"n\":2}")));
        assert!(!same(DedupeBy::Hash, &first, &event("refunded", "", "{\"n\":1}")));
        assert!(!same(DedupeBy::Hash, &event("", "ab", "c"), &event("", "a", "bc")));
        assert!(same(DedupeBy::DeliveryId, &first, &event("other", "", "")));
        let number = DedupeBy::Fields(Fields::joined(vec!["body:/n".parse().expect("a place")]));
        assert!(same(number.clone(), &first, &event("", "", "{ \"n\": 1, \"m\": 2 }")));
        assert!(!same(number, &first, &event("", "", "{\"n\":2}")));
    }
}
