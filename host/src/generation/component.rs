//! A destination that is a stock component: the message is the request that it answers.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Uri};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::config::{self, ComponentDestination};
use crate::delivery::Sent;
use crate::destination::{Destination, OutboundSettings, Parcel, answer_of_component, outgoing};
use crate::metrics::Metrics;
use crate::plugin::wasm::{LoadError, Stock, StockComponent, StockLimits, StockSettings, read, sha256};
use crate::plugin::{Fault, FaultKind, HttpLimits};
use crate::waiting::{Waiting, block_on};

use super::Workshop;
use super::guest_destination::{failed, panicked, subject, too_many_headers};
use super::http_destination::network;
use super::outbound::Requests;

/// The host that it is asked for, since there has to be one; nobody connects to it.
const AUTHORITY: &str = "hookyard";

/// How much later than its own time a call is given up that has not ended by itself, so that no thread is held for ever.
const GRACE: Duration = Duration::from_secs(5);

/// A stock component that takes messages.
pub(super) struct ComponentReceiver {
    name: Arc<str>,
    subject: Arc<str>,
    url: Uri,
    stock: Arc<Stock>,
    time: Duration,
    waiting: Arc<Waiting>,
    network: Option<Handle>,
    metrics: Arc<Metrics>,
}

/// The compiled component, or the one before if the file is still the same.
pub(super) fn load(
    config: &ComponentDestination,
    before: Option<&StockComponent>,
    workshop: &Workshop,
) -> Result<StockComponent, LoadError> {
    let bytes = read(&config.path)?;
    let found = sha256(&bytes);
    if let Some(expected) = config.digest.as_ref().filter(|expected| **expected != found) {
        return Err(LoadError::Digest { expected: expected.clone(), found });
    }
    if let Some(before) = before.filter(|before| *before.digest == *found) {
        return Ok(before.clone());
    }
    let cache = workshop.state_dir.join("cache");
    let writes = workshop.create == config::Create::IfMissing;
    let cache: Option<&Path> = writes.then_some(&cache);
    StockComponent::load(&workshop.runtime, bytes, cache)
}

impl ComponentReceiver {
    pub(super) fn new(
        name: &Arc<str>,
        config: &ComponentDestination,
        component: &StockComponent,
        workshop: &Workshop,
    ) -> Result<Self, LoadError> {
        let settings = OutboundSettings {
            origins: config.origins.clone(),
            network: network(&config.network),
            answer: config.limits.http_response,
        };
        let requests = workshop.http.for_component(name, &settings);
        let counter = |outcome: &str| workshop.metrics.component_requests(name, outcome);
        let limits = &config.limits;
        let settings = StockSettings {
            limits: StockLimits {
                cpu: limits.cpu,
                wall: config.timeout,
                memory: limits.memory,
                output: limits.output,
                http: HttpLimits { calls: limits.http_calls, response: limits.http_response },
            },
            outbound: Arc::new(Requests::new(requests, limits.http_response, counter, workshop)),
        };
        // Loading has made sure that the target is one.
        let url = format!("http://{AUTHORITY}{}", config.target);
        let url = url.parse().map_err(|_| LoadError::Invalid(format!("{url:?} is no address")))?;
        Ok(ComponentReceiver {
            name: name.clone(),
            subject: subject(name),
            url,
            stock: Arc::new(Stock::new(&workshop.runtime, component, settings)?),
            time: config.timeout,
            waiting: workshop.waiting.clone(),
            network: workshop.network.clone(),
            metrics: workshop.metrics.clone(),
        })
    }

    fn request(&self, parcel: &Parcel) -> Option<Request<Bytes>> {
        let body = parcel.message.body(&parcel.event).clone();
        let mut headers = outgoing(parcel, &[]).ok()?;
        headers.insert(HOST, HeaderValue::from_static(AUTHORITY));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        Some(request)
    }
}

impl Destination for ComponentReceiver {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(async move {
            let Some(request) = self.request(parcel) else { return too_many_headers() };
            let (stock, network, time) = (self.stock.clone(), self.network.clone(), self.time);
            let answered = self.waiting.run(&self.subject, move || {
                let _inside = network.as_ref().map(Handle::enter);
                block_on(async {
                    let answered = timeout(time.saturating_add(GRACE), stock.respond(request)).await;
                    answered.unwrap_or_else(|_| {
                        let message = format!("it took longer than {time:?}");
                        Err(Fault { kind: FaultKind::Deadline, message })
                    })
                })
            });
            match answered.await.unwrap_or_else(|| Err(panicked())) {
                Ok(answer) => answer_of_component(&answer, parcel.now),
                Err(fault) => {
                    self.metrics.component_faults(&self.name, fault.kind.as_str()).inc();
                    failed("component", &fault)
                }
            }
        })
    }
}

impl fmt::Debug for ComponentReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentReceiver").field("stock", &self.stock).finish_non_exhaustive()
    }
}
