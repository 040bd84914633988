//! What a stock component finds around it: WASI with nothing behind it, and requests to the origins that it is granted.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::plugin::wasm::limits::{Deadline, Memory};
use crate::plugin::{HttpError, HttpRequest, HttpResponse, Outbound};

use super::respond::StockLimits;

/// Headers of a request that only the client knows, and that libraries set all the same.
const OF_THE_CLIENT: [&str; 5] = ["content-length", "expect", "host", "te", "trailer"];

/// Things that a component may hold at once, of which each takes some memory of the host.
const MAX_RESOURCES: usize = 1_000;

/// Random bytes that it may ask for in one go; while they are made it cannot be interrupted.
const MAX_RANDOM: u64 = 1024 * 1024;

/// Bytes of the header fields that it writes for one request or answer, as they lie in the host's memory.
const MAX_FIELDS: usize = 64 * 1024;

/// What belongs to one store.
pub(super) struct StockHost {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    pub(super) hooks: Hooks,
    pub(super) memory: Memory,
    pub(super) deadline: Deadline,
}

/// Its requests.
pub(super) struct Hooks {
    outbound: Arc<dyn Outbound>,
    sent: u32,
    calls: u32,
    /// Bytes of one request.
    size: usize,
    time: Duration,
    /// Why a request was denied, for the account of a failure that comes of it.
    pub(super) denial: Arc<std::sync::Mutex<Option<String>>>,
}

impl StockHost {
    pub(super) fn new(limits: &StockLimits, outbound: Arc<dyn Outbound>) -> Self {
        let mut nothing = WasiCtxBuilder::new();
        nothing.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        nothing.max_random_size(MAX_RANDOM);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        StockHost {
            wasi: nothing.build(),
            http,
            table,
            hooks: Hooks {
                outbound,
                sent: 0,
                calls: limits.http.calls,
                size: limits.output,
                time: limits.wall,
                denial: Arc::default(),
            },
            memory: Memory::new(limits.memory),
            deadline: Deadline::new(limits.cpu, limits.wall),
        }
    }
}

impl WasiView for StockHost {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for StockHost {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    /// The client writes it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    /// The only way out: there is no sender but this one, which checks the origin and each address.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _written: Worker,
    ) -> Sending {
        self.sent = self.sent.saturating_add(1);
        if self.sent > self.calls {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        let time = options.and_then(|options| options.first_byte_timeout).unwrap_or(self.time).min(self.time);
        let (outbound, size, denial) = (self.outbound.clone(), self.size, self.denial.clone());
        Box::new(async move {
            let request = whole(request, size).await?;
            match outbound.exchange(request, time).await {
                Ok(answer) => Ok((response(answer)?, Box::new(async { Ok(()) }) as Worker)),
                Err(error) => {
                    if let HttpError::Denied(why) = &error {
                        let mut denial = denial.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        denial.get_or_insert_with(|| why.clone());
                    }
                    Err(refused(error))
                }
            }
        })
    }
}

/// The request once the guest has written all of it.
async fn whole(request: Request<WasiBody>, size: usize) -> Result<HttpRequest, Error> {
    let (head, body) = request.into_parts();
    let is_ours = |name: &HeaderName| OF_THE_CLIENT.contains(&name.as_str());
    let headers = head.headers.iter().filter(|(name, _)| !is_ours(name));
    let headers = headers.map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())));
    let body = Limited::new(body, size).collect().await.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(_) => Error::HttpRequestBodySize(Some(size as u64)),
    })?;
    Ok(HttpRequest {
        method: head.method.to_string(),
        url: head.uri.to_string(),
        headers: headers.collect(),
        body: body.to_bytes(),
    })
}

fn response(answer: HttpResponse) -> Result<Response<WasiBody>, Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, &*value);
    }
    let body = Full::new(answer.body).map_err(Error::from).boxed_unsync();
    response.body(body).map_err(|_| Error::HttpProtocolError)
}

fn refused(error: HttpError) -> Error {
    match error {
        HttpError::Denied(_) => Error::HttpRequestDenied,
        HttpError::Timeout => Error::HttpResponseTimeout,
        HttpError::TooLarge => Error::HttpResponseBodySize(None),
        HttpError::Failed(why) => Error::InternalError(Some(why)),
    }
}
