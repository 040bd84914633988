//! Takes one webhook in: who is it from, is it genuine, where does it go; stores it and answers.

mod answer;
mod body;
mod certificates;
mod handshake_sns;
mod throttle;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use uuid::Uuid;

use crate::clock::Time;
use crate::config::Respond;
use crate::delivery::{Reply, RunEnd, later};
use crate::dispatch::Dispatcher;
use crate::event::{Body, Event, EventId, Headers, UnixMillis};
use crate::generation::{Generation, RouteEntry, SourceEntry};
use crate::intake::Intake;
use crate::signature::{Refusal, SignedRequest, SigningCertificate};
use crate::store::{Appended, Dedupe, LeasedRun, NewEvent, SettledRun, Store, StoreError};

pub use answer::Response;
pub(crate) use body::InFlight;
pub(crate) use certificates::Certificates;
pub(crate) use throttle::Throttle;

use body::Receipt;

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
    /// Of requests that name no source, and of refused ones: separate, so that the one do not hide the other.
    pub(crate) strangers: Throttle,
    pub(crate) refusals: Throttle,
}

/// Why a request is not taken, with what the sender is told and what the operator reads.
struct Refused {
    status: StatusCode,
    sender: &'static str,
    operator: String,
    retry_after: Option<u32>,
}

impl Refused {
    fn new(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { status, sender, operator: operator.into(), retry_after: None }
    }

    /// For what may go better in a moment.
    fn later(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { status, sender, operator: operator.into(), retry_after: Some(1) }
    }

    /// For what is not genuine, which is counted.
    fn forged(source: &SourceEntry, refusal: &Refusal) -> Self {
        source.counters.refused.inc();
        let operator = format!("{}: {refusal}", refusal.code());
        Refused::new(StatusCode::UNAUTHORIZED, "signature refused", operator)
    }
}

impl Ingest {
    /// Answers one request to a source.
    pub(crate) async fn receive<B>(&self, request: Request<B>) -> Response
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
        if request.method() != Method::POST {
            if let Some(left_out) = self.strangers.admit(self.clock.due_now()) {
                tracing::info!(source = &*source.name, method = %request.method(), left_out, "only POST is taken");
            }
            return answer::wrong_method();
        }
        match self.take(&generation, source, request).await {
            Ok(response) => response,
            Err(refused) => {
                if let Some(left_out) = self.refusals.admit(self.clock.due_now()) {
                    let (status, reason) = (refused.status.as_u16(), refused.operator);
                    tracing::warn!(source = &*source.name, status, reason, left_out, "refused");
                }
                answer::refusal(refused.status, refused.sender, refused.retry_after)
            }
        }
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
        let receipt =
            body::receive(body, &head.headers, source, &generation.config.server, &self.in_flight).await?;
        let now = self.clock.now();
        let event = event(source, &head, receipt.bytes.clone(), now);
        let certificate = self.certificate(source, &event, now).await?;
        let proof = self.verify(generation, source, &event, certificate.as_deref(), now)?;
        if let Some(answer) = handshake_sns::confirm(self.certificates.fetcher(), source, &event).await? {
            return Ok(answer);
        }
        let event = Event { proof, ..describe(source, event) };
        let due_now = self.clock.due_now();
        let dedupe = source
            .dedupe
            .as_ref()
            .and_then(|rule| rule.key(&event).map(|key| Dedupe { key, until: later(due_now, rule.window) }));
        let mut intake = Intake::decide(generation, event, dedupe);
        let inline = inline(&mut intake, due_now);
        intake.log();
        self.store(source, intake.new, inline, due_now, receipt).await
    }

    /// What proves the event genuine; none where anybody may send.
    fn verify(
        &self,
        generation: &Generation,
        source: &SourceEntry,
        event: &Event,
        certificate: Option<&SigningCertificate>,
        now: UnixMillis,
    ) -> Result<Option<Arc<str>>, Refused> {
        let Some(verifier) = &source.verifier else { return Ok(None) };
        let url = verifier.scheme().names_url().then(|| called(generation, event)).flatten();
        let request = SignedRequest {
            method: &event.method,
            url: url.as_deref(),
            query: &event.query,
            headers: &event.headers,
            body: &event.body,
            certificate,
        };
        let verified = verifier.verify(request, now).map_err(|refusal| Refused::forged(source, &refusal))?;
        Ok(source.proof(verified))
    }

    async fn store(
        &self,
        source: &SourceEntry,
        new: NewEvent,
        inline: Option<(Arc<RouteEntry>, Duration)>,
        due_now: UnixMillis,
        receipt: Receipt<'_>,
    ) -> Result<Response, Refused> {
        let event = new.event.clone();
        let appended = self.store.append(vec![new], due_now).await;
        // From here on the store has it, and accounts for it.
        drop(receipt);
        let appended = appended.map(|mut appended| appended.pop()).map_err(|error| {
            source.counters.overloaded.inc();
            let sender = match error {
                StoreError::Full(_) => "no room, try again",
                StoreError::Unknown(_) | StoreError::Failed(_) | StoreError::Unsupported(_) => {
                    "not stored, try again"
                }
            };
            Refused::later(StatusCode::SERVICE_UNAVAILABLE, sender, error.to_string())
        })?;
        match appended {
            Some(Appended::Stored { leased }) => {
                source.counters.accepted.inc();
                let reply = match inline {
                    Some((route, deadline)) => self.reply(leased, route, deadline).await,
                    None => None,
                };
                Ok(reply.map_or_else(|| answer::accepted(event.id), answer::reply))
            }
            Some(Appended::Duplicate { of, reply }) => {
                source.counters.duplicate.inc();
                let hint = format!("`hookyard replay {of}` takes it through its routes once more");
                tracing::info!(event = %of, source = &*source.name, delivery = event.delivery_id, hint, "received before");
                Ok(reply.map_or_else(|| answer::accepted(of), answer::reply))
            }
            None => Err(Refused::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "not stored, try again",
                "the store said nothing",
            )),
        }
    }

    /// What a plugin answers, if it does so in time. The run goes on in any case.
    async fn reply(
        &self,
        mut leased: Vec<LeasedRun>,
        route: Arc<RouteEntry>,
        deadline: Duration,
    ) -> Option<Reply> {
        let run = leased.pop()?;
        let (event, id, lease) = (run.event.id, run.id, run.lease);
        match self.dispatcher.run_inline(run, route) {
            Ok(answered) => match tokio::time::timeout(deadline, answered).await {
                Ok(answered) => answered.ok().flatten(),
                Err(_) => {
                    tracing::warn!(%event, ?deadline, "no reply within the deadline; the sender gets 202");
                    None
                }
            },
            Err(_) => {
                tracing::warn!(%event, "no guest thread is free for a reply; the sender gets 202, the run follows");
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
            run.leased_until = Some(later(due_now, deadline + INLINE_GRACE));
            Some(((*route).clone(), deadline))
        }
        Respond::Accepted => None,
    })
}

/// The source whose URL this is: the base path and one more segment. One that takes nothing from outside has none.
fn source<'a>(generation: &'a Generation, path: &str) -> Option<&'a SourceEntry> {
    let name = path.strip_prefix(&*generation.config.server.base_path)?.strip_prefix('/')?;
    generation.sources.get(name).filter(|source| !source.internal)
}

/// The address that the sender called, as it knows it; None where the operator has not said.
fn called(generation: &Generation, event: &Event) -> Option<String> {
    let mut url = generation.config.server.public_url.clone()?;
    url.push_str(&event.path);
    if !event.query.is_empty() {
        url.push('?');
        url.push_str(&event.query);
    }
    Some(url)
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
fn describe(source: &SourceEntry, event: Event) -> Event {
    let kind = source.kind(&event);
    let delivery_id = source.delivery_id(&event);
    Event { kind, delivery_id, ..event }
}

/// What a handler answers when it cannot fail.
pub(crate) type Answered = Result<Response, Infallible>;
