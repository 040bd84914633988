//! Takes one webhook in: who is it from, is it genuine, where does it go; stores it and answers.

mod admission;
mod answer;
mod batch;
mod body;
mod certificates;
mod handshake;
mod journal;
mod prove;
mod readmit;
mod refused;
mod rest;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use prometheus_client::metrics::counter::Counter;
use uuid::Uuid;

use crate::clock::Time;
use crate::config::Respond;
use crate::delivery::{Reply, RunEnd, later};
use crate::dispatch::Dispatcher;
use crate::event::{Body, Event, EventId, Headers, UnixMillis};
use crate::generation::{Generation, Proven, RouteEntry, SourceEntry};
use crate::intake::Intake;
use crate::plugin::Identity;
use crate::provider::Handshake;
use crate::quarantine::{self, Quarantine};
use crate::store::{Appended, Dedupe, LeasedRun, SettledRun, Store, StoreError};
use crate::throttle::Throttle;
use crate::upkeep::bounds;

pub use answer::Response;
pub(crate) use body::InFlight;
pub(crate) use certificates::Certificates;
pub(crate) use readmit::Readmitted;

use body::Share;
use prove::{Found, Unproven};
use refused::Refused;
use rest::Watched;

/// Characters of a stranger's path that are logged.
const MAX_SHOWN: usize = 120;

/// How much longer than the sender waits an inline run stays leased, so that nobody else begins it meanwhile.
const INLINE_GRACE: Duration = Duration::from_secs(60);

/// Takes webhooks in.
pub(crate) struct Ingest {
    pub(crate) current: Arc<ArcSwap<Generation>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<Time>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) in_flight: InFlight,
    pub(crate) certificates: Certificates,
    pub(crate) quarantine: Arc<Quarantine>,
    /// Refused requests that are not kept.
    pub(crate) let_go: Counter,
    /// Of requests that name no source, and of refused ones: separate, so that the one do not hide the other.
    pub(crate) strangers: Throttle,
    pub(crate) refusals: Throttle,
}

impl Ingest {
    /// Answers one request to a source.
    pub(crate) async fn receive<B>(&self, request: Request<B>) -> Response
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let asks = request.headers().contains_key(EXPECT);
        let (head, body) = request.into_parts();
        let body = pin!(body);
        let mut body = Watched::new(body);
        let response = self.respond(Request::from_parts(head, &mut body)).await;
        body.drop_rest(response.status(), asks).await;
        response
    }

    async fn respond<B>(&self, request: Request<B>) -> Response
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let generation = self.current.load_full();
        let Some(source) = source(&generation, request.uri().path()) else {
            if let Some(left_out) = self.strangers.admit(self.clock.due_now()) {
                let path: String = request.uri().path().chars().take(MAX_SHOWN).collect();
                tracing::info!(path = %path.escape_debug(), left_out, "unknown source");
            }
            return answer::refusal(StatusCode::NOT_FOUND, "unknown source", None);
        };
        if let Err(refused) = admission::admit(source, &generation.config.server, &request) {
            return self.refuse(source, refused);
        }
        if request.method() != Method::POST && !source.methods.contains(&request.method().as_str()) {
            if let Some(left_out) = self.strangers.admit(self.clock.due_now()) {
                let taken = source.methods.join(", ");
                tracing::info!(source = &*source.name, method = %request.method(), taken, left_out, "wrong method");
            }
            return answer::wrong_method(&source.methods);
        }
        let mut response = match self.take(&generation, source, request).await {
            Ok(response) => response,
            Err(refused) => self.refuse(source, refused),
        };
        handshake::sign_answer(source, &mut response);
        response
    }

    fn refuse(&self, source: &SourceEntry, refused: Refused) -> Response {
        if let Some(left_out) = self.refusals.admit(self.clock.due_now()) {
            let (status, reason) = (refused.status.as_u16(), refused.operator);
            tracing::warn!(source = &*source.name, status, reason, left_out, "refused");
        }
        answer::refusal(refused.status, refused.sender, refused.retry_after)
    }

    async fn take<B>(
        &self,
        generation: &Generation,
        source: &SourceEntry,
        request: Request<B>,
    ) -> Result<Response, Refused>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let (bytes, share) =
            body::receive(body, &head.headers, source, &generation.config.server, &self.in_flight).await?;
        let now = self.clock.now();
        let event = event(source, &head, bytes, now);
        if let Some(answered) = self.anybody_asks(source, &event, now).await {
            return answered;
        }
        let (event, proven, identity) = match self.prove(source, event, now).await {
            Ok(Found::Genuine(event, proven, identity)) => (event, proven, identity),
            Ok(Found::Answered(by, answer)) => return self.asked(source, &by, Ok(answer)),
            Err(Unproven { refused, event }) => {
                if let (Some(reason), Some(event)) = (refused.not_genuine, event) {
                    self.keep(generation, *event, reason);
                }
                return Err(refused);
            }
        };
        if let Some(answered) = self.sender_asks(source, &event, proven.as_ref(), now).await {
            return answered;
        }
        let event = Event { proof: proven.map(|proven| proven.by), ..event };
        let due_now = self.clock.due_now();
        let mut intakes = prepare(generation, source, event, &identity, due_now);
        if intakes.is_empty() {
            source.counters.empty.inc();
            return Ok(answer::stored(source.answer, &[]));
        }
        let waiting = intakes.iter_mut().find_map(|intake| inline(intake, due_now));
        self.store(source, intakes, waiting, due_now, share).await
    }

    /// Answers what anybody may ask. Whatever else comes by another method than events do is nothing.
    async fn anybody_asks(
        &self,
        source: &SourceEntry,
        event: &Event,
        now: UnixMillis,
    ) -> Option<Result<Response, Refused>> {
        if let Some(answered) = handshake::take_secret(source, event).await {
            return Some(self.asked(source, Handshake::HookSecret.name(), answered));
        }
        if let Some((kind, answered)) = handshake::of_anybody(source, event, now) {
            return Some(self.asked(source, kind.name(), answered));
        }
        let may_be_event = event.method == "POST" || (event.method == "GET" && source.takes_get());
        (!may_be_event).then(|| {
            let operator = format!("a {} that asks nothing that is answered here", event.method);
            Err(Refused::new(StatusCode::BAD_REQUEST, "there is nothing to answer", operator))
        })
    }

    /// Answers what a sender may ask who has proven itself.
    async fn sender_asks(
        &self,
        source: &SourceEntry,
        event: &Event,
        proven: Option<&Proven>,
        now: UnixMillis,
    ) -> Option<Result<Response, Refused>> {
        if proven.is_some()
            && let Some(answered) = handshake::confirm(self.certificates.fetcher(), source, event).await
        {
            return Some(self.asked(source, Handshake::SnsConfirmation.name(), answered));
        }
        let (kind, answered) = handshake::of_the_sender(source, event, proven, now)?;
        Some(self.asked(source, kind.name(), answered))
    }

    /// Counts and logs a handshake.
    fn asked(
        &self,
        source: &SourceEntry,
        handshake: &str,
        answered: Result<Response, Refused>,
    ) -> Result<Response, Refused> {
        if answered.is_err() {
            source.count_refused("handshake");
            return answered;
        }
        source.counters.handshake.inc();
        if let Some(left_out) = self.strangers.admit(self.clock.due_now()) {
            tracing::info!(source = &*source.name, handshake, left_out, "handshake answered");
        }
        answered
    }

    /// Keeps what was refused, for an operator who knows better.
    fn keep(&self, generation: &Generation, event: Event, reason: &str) {
        let refused = quarantine::Refused { event, reason: reason.to_owned() };
        if !self.quarantine.keep(refused, bounds(&generation.config)) {
            self.let_go.inc();
        }
    }

    /// Stores them and answers.
    async fn store(
        &self,
        source: &SourceEntry,
        intakes: Vec<Intake<'_>>,
        mut inline: Option<(Arc<RouteEntry>, Duration)>,
        due_now: UnixMillis,
        share: Share<'_>,
    ) -> Result<Response, Refused> {
        let count = intakes.len();
        let appended = self.append(source, intakes, due_now).await;
        // From here on the store has it, and accounts for it.
        drop(share);
        let appended = appended.map_err(|error| not_stored(source, &error))?;
        let (mut ids, mut reply) = (Vec::with_capacity(count), None);
        for (event, appended) in appended {
            match appended {
                Appended::Stored { leased } => {
                    ids.push(event);
                    if let Some((route, deadline)) = inline.take() {
                        reply = self.reply(leased, route, deadline, due_now).await;
                    }
                }
                Appended::Duplicate { of, reply: known } => {
                    ids.push(of);
                    reply = known.filter(|_| count == 1);
                }
            }
        }
        if ids.len() < count {
            let operator = "the store did not say of every event what became of it";
            return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, "not stored, try again", operator));
        }
        Ok(reply.map_or_else(|| answer::stored(source.answer, &ids), answer::reply))
    }

    /// Stores all of them or none; counts and logs what became of each.
    async fn append(
        &self,
        source: &SourceEntry,
        intakes: Vec<Intake<'_>>,
        due_now: UnixMillis,
    ) -> Result<Vec<(EventId, Appended)>, StoreError> {
        let (new, taken_in): (Vec<_>, Vec<_>) = intakes.into_iter().map(Intake::parts).unzip();
        let appended = self.store.append(new, due_now).await?;
        let events: Vec<_> = taken_in.into_iter().zip(appended).collect();
        journal::log(source, &events);
        for (_, appended) in &events {
            match appended {
                Appended::Stored { .. } => source.counters.accepted.inc(),
                Appended::Duplicate { .. } => source.counters.duplicate.inc(),
            };
        }
        Ok(events.into_iter().map(|(taken_in, appended)| (taken_in.event.id, appended)).collect())
    }

    /// What a plugin answers, if it does so in time. The run goes on in any case.
    async fn reply(
        &self,
        mut leased: Vec<LeasedRun>,
        route: Arc<RouteEntry>,
        deadline: Duration,
        due_now: UnixMillis,
    ) -> Option<Reply> {
        let run = leased.pop()?;
        let (event, id, lease) = (run.event.id, run.id, run.lease);
        match self.dispatcher.run_inline(run, leased_until(due_now, deadline), route) {
            Ok(answered) => match tokio::time::timeout(deadline, answered).await {
                Ok(answered) => answered.ok().flatten(),
                Err(_) => {
                    tracing::warn!(%event, ?deadline, "no reply within the deadline; the sender is told that it is stored");
                    None
                }
            },
            Err(_) => {
                tracing::warn!(%event, "no guest thread is free for a reply; the sender is told that it is stored, the run follows");
                let released = SettledRun { id, lease, attempt: None, end: RunEnd::Released };
                if let Err(error) = self.store.settle_runs(vec![released], self.clock.due_now()).await {
                    tracing::error!(%event, %error, "failed to give back a run; it follows when its lease ends");
                }
                None
            }
        }
    }
}

/// The route whose plugins answer the sender, with the time that they have. Its run is leased at once.
fn inline(intake: &mut Intake<'_>, due_now: UnixMillis) -> Option<(Arc<RouteEntry>, Duration)> {
    intake.routes.iter().zip(&mut intake.new.runs).find_map(|(route, run)| match route.respond {
        Respond::Plugin { deadline } => {
            run.leased_until = Some(leased_until(due_now, deadline));
            Some(((*route).clone(), deadline))
        }
        Respond::Accepted => None,
    })
}

/// Until when a run is leased for which a sender waits.
fn leased_until(due_now: UnixMillis, deadline: Duration) -> UnixMillis {
    later(due_now, deadline + INLINE_GRACE)
}

/// The source whose URL this is: the base path and one more segment. One that takes nothing from outside has none.
fn source<'a>(generation: &'a Generation, path: &str) -> Option<&'a SourceEntry> {
    let name = path.strip_prefix(&*generation.config.server.base_path)?.strip_prefix('/')?;
    generation.sources.get(name).filter(|source| !source.internal)
}

/// The events of a request that is genuine, ready to be stored.
fn prepare<'g>(
    generation: &'g Generation,
    source: &SourceEntry,
    event: Event,
    identity: &Identity,
    due_now: UnixMillis,
) -> Vec<Intake<'g>> {
    let prepare = |(number, event): (usize, Event)| {
        let event = describe(source, event, &identity.of(number));
        let dedupe = dedupe(source, &event, due_now);
        Intake::decide(generation, event, dedupe)
    };
    batch::events(source, event).into_iter().enumerate().map(prepare).collect()
}

/// By what an event is known if its sender repeats it.
fn dedupe(source: &SourceEntry, event: &Event, due_now: UnixMillis) -> Option<Dedupe> {
    let rule = source.dedupe.as_ref()?;
    rule.key(event).map(|key| Dedupe { key, until: later(due_now, rule.window) })
}

fn not_stored(source: &SourceEntry, error: &StoreError) -> Refused {
    source.counters.overloaded.inc();
    let sender = match error {
        StoreError::Full(_) => "no room, try again",
        StoreError::Unknown(_) | StoreError::Failed(_) | StoreError::Unsupported(_) => {
            "not stored, try again"
        }
    };
    Refused::later(StatusCode::SERVICE_UNAVAILABLE, sender, error.to_string())
}

fn event(source: &SourceEntry, head: &http::request::Parts, body: Bytes, now: UnixMillis) -> Event {
    let headers = headers(&head.headers);
    Event {
        id: EventId(Uuid::now_v7()),
        source: source.name.clone(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: now,
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: Body::new(body, &headers),
        headers,
    }
}

fn headers(map: &HeaderMap) -> Headers {
    // One allocation for all values instead of one for each.
    let mut values = BytesMut::with_capacity(map.values().map(HeaderValue::len).sum());
    map.values().for_each(|value| values.extend_from_slice(value.as_bytes()));
    let mut values = values.freeze();
    map.iter().map(|(name, value)| (name.clone(), values.split_to(value.len()))).collect()
}

/// Reads what happened, once it is known that the sender may say so.
fn describe(source: &SourceEntry, event: Event, identity: &Identity) -> Event {
    let kind = source.kind(&event, identity);
    let delivery_id = source.delivery_id(&event, identity);
    Event { kind, delivery_id, ..event }
}

/// What a handler answers when it cannot fail.
pub(crate) type Answered = Result<Response, Infallible>;
