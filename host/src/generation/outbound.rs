//! Requests of guests: the guest's side of `plugin` upon the client of `destination`, with counters.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use prometheus_client::metrics::counter::Counter;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::destination::{self, ExchangeLimits, OutgoingRequest, Unanswered};
use crate::plugin::{Exchange, HttpError, HttpRequest, HttpResponse, Outbound};
use crate::waiting::block_on;

use super::Workshop;

/// What one guest may send requests to.
pub(super) struct Requests {
    outbound: Arc<destination::Outbound>,
    /// Bytes of an answer.
    answer: usize,
    counters: Arc<Counters>,
    network: Option<Handle>,
}

struct Counters {
    answered: Counter,
    denied: Counter,
    timeout: Counter,
    too_large: Counter,
    failed: Counter,
}

impl Requests {
    pub(super) fn new(
        outbound: destination::Outbound,
        answer: usize,
        counter: impl Fn(&str) -> Counter,
        workshop: &Workshop,
    ) -> Self {
        let counters = Counters {
            answered: counter("answered"),
            denied: counter("denied"),
            timeout: counter("timeout"),
            too_large: counter("too-large"),
            failed: counter("failed"),
        };
        Requests {
            outbound: Arc::new(outbound),
            answer,
            counters: Arc::new(counters),
            network: workshop.network.clone(),
        }
    }
}

impl Outbound for Requests {
    fn send(&self, request: HttpRequest, time: Duration) -> Result<HttpResponse, HttpError> {
        block_on(self.exchange(request, time))
    }

    /// On the threads that serve sockets, whoever waits for it.
    fn exchange(&self, request: HttpRequest, time: Duration) -> Exchange {
        let (outbound, counters, answer) = (self.outbound.clone(), self.counters.clone(), self.answer);
        let Some(network) = &self.network else {
            return Box::pin(async {
                Err(HttpError::Failed("this process opens no connections".to_owned()))
            });
        };
        let mut exchange = Abort(network.spawn(async move {
            let HttpRequest { method, url, headers, body } = request;
            let headers = headers.into_iter().map(|(name, value)| (name, value.to_vec())).collect();
            let request = OutgoingRequest { method, url, headers, body };
            outbound.exchange(request, ExchangeLimits { time, answer }).await
        }));
        Box::pin(async move {
            let ended = (&mut exchange.0).await;
            let shutting_down = |_| Err(Unanswered::Failed("the gateway is shutting down".to_owned()));
            counters.told(ended.unwrap_or_else(shutting_down))
        })
    }
}

/// Ends the exchange when nobody waits for it any more.
struct Abort(JoinHandle<Result<Response<Bytes>, Unanswered>>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Counters {
    fn told(&self, ended: Result<Response<Bytes>, Unanswered>) -> Result<HttpResponse, HttpError> {
        let (counter, told) = match ended {
            Ok(answer) => (&self.answered, Ok(response(answer))),
            Err(Unanswered::Denied(why)) => (&self.denied, Err(HttpError::Denied(why))),
            Err(Unanswered::Timeout) => (&self.timeout, Err(HttpError::Timeout)),
            Err(Unanswered::TooLarge) => (&self.too_large, Err(HttpError::TooLarge)),
            Err(Unanswered::Failed(why)) => (&self.failed, Err(HttpError::Failed(why))),
        };
        counter.inc();
        told
    }
}

fn response(answer: Response<Bytes>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), Bytes::copy_from_slice(value.as_bytes()))
    };
    HttpResponse { status: head.status.as_u16(), headers: head.headers.iter().map(header).collect(), body }
}
