//! The gateway's stand-in: what is configured, what outlives a call, and the calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::document::check;
use super::edits::Edits;
use super::event::Event;
use super::incoming::Incoming;
use super::ran::{Line, Processed, Ran};
use super::store::Store;
use crate::http::{self, Request};
use crate::{Failure, Outcome, Receipt, Response, Verdict};

/// What answers a plugin's HTTP requests.
pub(super) type Answer = Box<dyn FnMut(&Request) -> Result<Response, http::Error>>;

/// What the operator configured, and what outlives a call.
#[derive(Default)]
pub struct Host {
    pub(super) config: String,
    pub(super) secrets: Vec<(String, Vec<u8>)>,
    destinations: Vec<String>,
    pub(super) answer: Option<Answer>,
    pub(super) store: Store,
    /// Why the key-value store cannot be reached, while that is so.
    pub(super) away: Option<String>,
    /// Milliseconds since the test began.
    pub(super) now: u64,
}

/// A call that is running, on its thread.
pub(super) struct Running {
    pub(super) host: Host,
    pub(super) edits: Edits,
    /// Of the key-value store.
    pub(super) operations: u32,
    pub(super) logs: Vec<Line>,
    pub(super) requests: Vec<Request>,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) observed: BTreeMap<String, Vec<f64>>,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// The call that is running. The SDK's functions have nobody to talk to outside of one.
#[track_caller]
pub(super) fn running<T>(act: impl FnOnce(&mut Running) -> T) -> T {
    RUNNING.with_borrow_mut(|running| match running {
        Some(running) => act(running),
        None => panic!(
            "a plugin's functions run in the gateway, or in a test by `hookyard_plugin::testing::Host`"
        ),
    })
}

impl Host {
    /// A gateway with nothing configured: an empty table, no secrets, no destinations but `sink`, and no HTTP.
    pub fn new() -> Self {
        Host { config: "{}".into(), destinations: vec!["sink".into()], ..Host::default() }
    }

    /// The plugin's table as JSON text.
    ///
    /// # Panics
    ///
    /// Where it is not JSON.
    #[track_caller]
    pub fn config(mut self, json: impl Into<String>) -> Self {
        self.config = json.into();
        if let Err(problem) = check(self.config.as_bytes()) {
            panic!("the configuration is not JSON: {problem}");
        }
        self
    }

    /// Grants a secret.
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.secrets.push((name.into(), value.into()));
        self
    }

    /// The destinations of the route, in place of `sink`.
    pub fn destinations<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.destinations = names.into_iter().map(Into::into).collect();
        self
    }

    /// Grants HTTP, and answers every request with what this returns. Without it, requests are denied.
    pub fn http(mut self, answer: impl FnMut(&Request) -> Result<Response, http::Error> + 'static) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Lets time pass for what expires in the key-value store.
    pub fn advance(&mut self, time: Duration) {
        self.now += u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    }

    /// The value of a key in the key-value store, as text.
    pub fn kv(&self, key: &str) -> Option<String> {
        let value = self.store.get(key, self.now).ok().flatten()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Sets a key in the key-value store, for ever.
    ///
    /// # Panics
    ///
    /// Where the key is empty.
    #[track_caller]
    pub fn set_kv(&mut self, key: &str, value: impl AsRef<[u8]>) {
        if self.store.set(key, value.as_ref(), 0, self.now).is_err() {
            panic!("a key is not empty");
        }
    }

    /// Makes the key-value store one that cannot be reached.
    pub fn kv_unavailable(mut self, reason: impl Into<String>) -> Self {
        self.away = Some(reason.into());
        self
    }

    /// Calls a plugin's `process`.
    pub fn process(
        &mut self,
        process: fn(Event) -> Result<Verdict, Failure>,
        incoming: impl Into<Incoming>,
    ) -> Ran {
        let incoming = incoming.into();
        let before = self.store.clone();
        let (said, running) = self.call(|| process(Event::new(incoming.clone())));
        let (edits, mut ran) = taken(running, ());
        let reply = edits.reply.clone();
        let (result, reply) = match (edits.misuse.clone(), said) {
            (Some(misuse), _) => (Processed::Invalid(misuse), None),
            (None, Err(failure)) => (Processed::Failed(self.masked(failure)), None),
            (None, Ok(Verdict::Discard(reason))) => (Processed::Discarded(self.mask(&reason)), reply),
            (None, Ok(Verdict::Forward)) => match edits.apply(&incoming, &self.destinations) {
                Ok(messages) => (Processed::Forwarded(messages), reply),
                Err(problem) => (Processed::Invalid(problem), None),
            },
        };
        if matches!(result, Processed::Failed(_) | Processed::Invalid(_)) {
            self.store = before;
            ran.counts.clear();
            ran.observed.clear();
        }
        Ran {
            result,
            reply,
            logs: ran.logs,
            requests: ran.requests,
            counts: ran.counts,
            observed: ran.observed,
        }
    }

    /// Calls a plugin's `verify`.
    pub fn verify(&mut self, verify: fn(Event) -> Outcome, incoming: impl Into<Incoming>) -> Ran<Outcome> {
        let incoming = incoming.into();
        let (outcome, running) = self.call_outside_of_runs(|| verify(Event::new(incoming)));
        taken(running, outcome).1
    }

    /// Calls the `deliver` of a plugin that is a destination.
    pub fn deliver(
        &mut self,
        deliver: fn(Event, u32) -> Result<Receipt, Failure>,
        incoming: impl Into<Incoming>,
        attempt: u32,
    ) -> Ran<Result<Receipt, Failure>> {
        let incoming = incoming.into();
        let (result, running) = self.call_outside_of_runs(|| deliver(Event::new(incoming), attempt));
        let result = result.map_err(|failure| self.masked(failure));
        taken(running, result).1
    }

    /// [`call`](Self::call) of a function that is no part of a run, with whose end values could be kept.
    fn call_outside_of_runs<T>(&mut self, act: impl FnOnce() -> T) -> (T, Running) {
        let away = self.away.replace("only a plugin of a route keeps values".into());
        let called = self.call(act);
        self.away = away;
        called
    }

    /// The text with granted secrets masked, the longest first: one may be a part of another.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut values: Vec<_> =
            self.secrets.iter().map(|(_, value)| String::from_utf8_lossy(value)).collect();
        values.sort_by_key(|value| core::cmp::Reverse(value.len()));
        let values = values.iter().filter(|value| !value.is_empty());
        values.fold(text.to_owned(), |text, value| text.replace(&**value, "***"))
    }

    fn masked(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Retryable(reason) => Failure::Retryable(self.mask(&reason)),
            Failure::Permanent(reason) => Failure::Permanent(self.mask(&reason)),
        }
    }

    /// Makes this the host of the functions that the plugin calls on this thread, while `act` runs.
    fn call<T>(&mut self, act: impl FnOnce() -> T) -> (T, Running) {
        let running = Running {
            host: core::mem::take(self),
            edits: Edits::default(),
            operations: 0,
            logs: Vec::new(),
            requests: Vec::new(),
            counts: BTreeMap::new(),
            observed: BTreeMap::new(),
        };
        RUNNING.with_borrow_mut(|place| *place = Some(running));
        let returned = act();
        let mut running = RUNNING.with_borrow_mut(Option::take).unwrap_or_else(|| unreachable!("set above"));
        *self = core::mem::take(&mut running.host);
        (returned, running)
    }
}

fn taken<R>(running: Running, result: R) -> (Edits, Ran<R>) {
    let Running { edits, logs, requests, counts, observed, .. } = running;
    (edits, Ran { result, reply: None, logs, requests, counts, observed })
}
