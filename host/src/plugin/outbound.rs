//! Requests that plugins make. Who sends them is behind [`Outbound`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

/// A request as a plugin wrote it; nothing about it has been checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header fields in order.
    pub headers: Vec<(String, Bytes)>,
    /// The whole body.
    pub body: Bytes,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status, 100 to 999.
    pub status: u16,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, Bytes)>,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// It is not allowed; the text says what is missing. Nothing was connected to.
    Denied(String),
    /// Not in time.
    Timeout,
    /// The request or the answer is larger than allowed.
    TooLarge,
    /// It cannot be sent, or the exchange failed.
    Failed(String),
}

/// What a plugin's requests may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Requests in one call.
    pub calls: u32,
    /// Bytes of an answer's body.
    pub response: usize,
}

/// Something that sends a plugin's requests where the operator allows it.
pub trait Outbound: Send + Sync + 'static {
    /// Sends a request and waits for the whole answer, on the calling thread, for no longer than `time`.
    fn send(&self, request: HttpRequest, time: Duration) -> Result<HttpResponse, HttpError>;

    /// The same for somebody who waits for several things at once. Dropping the future ends the exchange.
    fn exchange(&self, request: HttpRequest, time: Duration) -> Exchange;
}

/// An answer that is yet to come.
pub type Exchange = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

impl HttpRequest {
    /// Bytes of everything.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.method.len() + self.url.len() + headers + self.body.len()
    }
}

impl fmt::Debug for dyn Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}
