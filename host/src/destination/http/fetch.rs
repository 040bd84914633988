//! Small documents that are fetched for what a request from outside needs: a certificate, a confirmation. Through the
//! same connector as deliveries, so that addresses are checked; no redirect is followed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::USER_AGENT;
use ::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls_pki_types::TrustAnchor;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address::Network;
use super::connector::{ConnectError, Connector, Owner};
use super::lookup::Lookups;
use super::request::AGENT;
use super::send::{HttpClient, MAX_HEAD, in_words};

/// Bytes of a document.
const MAX_DOCUMENT: usize = 64 * 1024;

/// For everything: looking up, connecting, asking and reading.
const LIMIT: Duration = Duration::from_secs(5);

/// Fetches small documents.
#[derive(Clone)]
pub struct Fetcher {
    client: HttpClient,
    network: Network,
}

impl Fetcher {
    /// Trusts whom the client trusts, and connects to addresses of this network.
    pub fn new(client: HttpClient, network: Network) -> Self {
        Fetcher { client, network }
    }

    /// Who may vouch for certificates.
    pub fn authorities(&self) -> &[TrustAnchor<'static>] {
        &self.client.system.roots
    }

    /// What is at an address, whole: an answer with another status than 200 is an error, as is one of more than 64 KiB or
    /// after more than five seconds. Each document has a connection of its own.
    pub async fn get(&self, url: &str) -> Result<Bytes, String> {
        let url: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let host = url.authority().ok_or_else(|| format!("{url} has no host"))?.to_string();
        let request = Request::get(url).header(USER_AGENT, AGENT).body(Full::default());
        let request = request.map_err(|error| error.to_string())?;
        match timeout(LIMIT, self.exchange(request)).await {
            Ok(Ok(document)) => Ok(document),
            Ok(Err(problem)) => Err(format!("{host}: {problem}")),
            Err(_) => Err(format!("{host} does not answer within {} s", LIMIT.as_secs())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Bytes, String> {
        let connector = Connector {
            owner: Owner::Fetcher,
            network: self.network.clone(),
            tls: Arc::clone(&self.client.tls),
            lookups: Arc::new(Lookups::new(self.client.resolver.clone())),
            room: Arc::new(Semaphore::new(1)),
            limit: LIMIT,
            answer: 0,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .timer(TokioTimer::new())
            .http1_max_buf_size(MAX_HEAD)
            .http2_max_header_list_size(MAX_HEAD as u32)
            .build::<_, Full<Bytes>>(connector);
        let answer = client.request(request).await.map_err(|error| cause(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_DOCUMENT).collect().await;
        Ok(body.map_err(|error| format!("the answer cannot be read: {error}"))?.to_bytes())
    }
}

/// The network of what is fetched is not in the configuration, so that nobody is told to change it there.
fn cause(error: &hyper_util::client::legacy::Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(ConnectError::Refused { address, why, .. }) = inner.downcast_ref() {
            return format!("{address} is not connected to, since it is {why}");
        }
        source = inner.source();
    }
    in_words(error)
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("network", &self.network).finish_non_exhaustive()
    }
}
