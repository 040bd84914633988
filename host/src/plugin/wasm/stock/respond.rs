//! Calling a stock component: one request in, one answer out, in a sandbox of its own.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::Linker;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::plugin::wasm::sandbox::{cut, fault};
use crate::plugin::wasm::{LoadError, Runtime};
use crate::plugin::{Fault, FaultKind, HttpLimits, Outbound};

use super::StockComponent;
use super::host::StockHost;

/// What one call may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLimits {
    /// Processor time.
    pub cpu: Duration,
    /// Time by the clock on the wall.
    pub wall: Duration,
    /// Bytes of linear memory.
    pub memory: usize,
    /// Bytes of its answer, and of each request that it sends.
    pub output: usize,
    /// What its requests may cost.
    pub http: HttpLimits,
}

/// What makes a receiver of a stock component.
#[derive(Clone, Debug)]
pub struct StockSettings {
    /// What one call may use.
    pub limits: StockLimits,
    /// Sends its requests.
    pub outbound: Arc<dyn Outbound>,
}

/// A stock component with its settings, ready to be called from several threads.
pub struct Stock {
    runtime: Runtime,
    prepared: ProxyPre<StockHost>,
    settings: StockSettings,
}

type Said = Result<Response<HyperOutgoingBody>, ErrorCode>;

impl Stock {
    /// Links the imports, and prepares everything that need not be done in each call.
    pub fn new(
        runtime: &Runtime,
        component: &StockComponent,
        settings: StockSettings,
    ) -> Result<Self, LoadError> {
        let limit = settings.limits.memory;
        if limit > runtime.max_memory {
            let room = runtime.max_memory / (1024 * 1024);
            return Err(LoadError::Limit(format!(
                "is to have `limits.memory` above the {room} MiB that were made room for at start; start again to raise it"
            )));
        }
        let prepared = link(component)?;
        Ok(Stock { runtime: runtime.clone(), prepared, settings })
    }

    /// Answers one request within the limits. To be polled on one thread, which the guest computes on, inside tokio.
    pub async fn respond(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let _running = self.runtime.calls.enter();
        let limits = &self.settings.limits;
        let mut store =
            Store::new(self.prepared.engine(), StockHost::new(limits, self.settings.outbound.clone()));
        store.limiter(|host| &mut host.memory);
        // Everything that a guest passes in one host call is copied; no more than it may put out.
        store.set_hostcall_fuel(limits.output.saturating_add(1024 * 1024));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().deadline.tick());
        let denial = store.data().hooks.denial.clone();
        // What runs while an instance is made may wait as well, for as long as it likes: its time is the call's.
        let began = Instant::now();
        let made = timeout(limits.wall, self.prepared.instantiate_async(&mut store)).await;
        let left = limits.wall.saturating_sub(began.elapsed());
        let answered = match made {
            Ok(Ok(proxy)) => answer(&proxy, store, request, limits.output, left).await,
            Ok(Err(error)) => Err(fault(&error, &store.data().memory)),
            Err(_) => Err(store.data().deadline.over()),
        };
        let denial = denial.lock().unwrap_or_else(PoisonError::into_inner).take();
        answered.map_err(|fault| fault.after_denial(denial))
    }
}

/// Links the imports; an error where one is not there.
pub(super) fn link(component: &StockComponent) -> Result<ProxyPre<StockHost>, LoadError> {
    let mut linker = Linker::new(component.compiled.engine());
    let linked = wasmtime_wasi::p2::add_to_linker_async(&mut linker)
        .and_then(|()| wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker))
        .and_then(|()| linker.instantiate_pre(&component.compiled));
    linked.and_then(ProxyPre::new).map_err(|error| LoadError::Import(format!("{error:#}")))
}

/// Calls the guest and reads its answer meanwhile, in the time that is left. An answer that is complete stands, whatever the
/// guest does afterwards.
async fn answer(
    proxy: &Proxy,
    mut store: Store<StockHost>,
    request: Request<Bytes>,
    size: usize,
    left: Duration,
) -> Result<Response<Bytes>, Fault> {
    let (say, said) = oneshot::channel::<Said>();
    let mut view = store.data_mut().http();
    let made = view.new_incoming_request(Scheme::Http, request.map(Full::new));
    let made = made.and_then(|request| Ok((request, view.new_response_outparam(say)?)));
    let (request, outparam) = made.map_err(|error| fault(&error, &store.data().memory))?;
    let mut reading = pin!(read_answer(said, size));
    let mut read = None;
    let called = {
        let calling = proxy.wasi_http_incoming_handler().call_handle(&mut store, request, outparam);
        let mut calling = pin!(calling);
        let both = async {
            loop {
                tokio::select! {
                    biased;
                    whole = &mut reading, if read.is_none() => {
                        let failed = whole.is_err();
                        read = Some(whole);
                        // It would go on writing what nobody reads.
                        if failed {
                            return Ok(());
                        }
                    }
                    called = &mut calling => return called,
                }
            }
        };
        timeout(left, both).await
    };
    let ended = match called {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(fault(&error, &store.data().memory)),
        Err(_) => Err(store.data().deadline.over()),
    };
    // What the guest has left open ends here, so that reading does.
    drop(store);
    match (read, ended) {
        (Some(Ok(response)), _) => Ok(response),
        (_, Err(fault)) => Err(fault),
        (Some(failed), Ok(())) => failed,
        (None, Ok(())) => reading.await,
    }
}

/// The answer with its whole body.
async fn read_answer(said: oneshot::Receiver<Said>, limit: usize) -> Result<Response<Bytes>, Fault> {
    let invalid = |message: String| Fault { kind: FaultKind::InvalidOutput, message };
    let response = match said.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            let message = cut(format!("it answered with an error: {code:?}"));
            return Err(Fault { kind: FaultKind::Retryable, message });
        }
        Err(_) => return Err(invalid("it gave no answer".to_owned())),
    };
    let (head, body) = response.into_parts();
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(invalid(format!("its answer has more than {limit} bytes")))
        }
        Err(error) => Err(invalid(format!("its answer broke off: {error}"))),
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stock").field("settings", &self.settings).finish_non_exhaustive()
    }
}
