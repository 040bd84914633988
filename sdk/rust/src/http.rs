//! Outbound HTTP, to the origins that the operator allows: `allow = { http = ["https://api.example.com"] }` in the plugin's table.
//!
//! ```
//! use hookyard_plugin::{Event, Failure, Verdict, http, output, plugin};
//! use std::time::Duration;
//!
//! fn process(event: Event) -> Result<Verdict, Failure> {
//!     let user = event.json_string("/user").unwrap_or_default();
//!     let answer = http::get(["https://api.example.com/users/", &http::encode(&user)].concat())
//!         .header("accept", "application/json")
//!         .timeout(Duration::from_secs(2))
//!         .send()?
//!         .success()?;
//!     output::json_set("/user", answer.text());
//!     Ok(Verdict::Forward)
//! }
//!
//! plugin!(process);
//! ```
//!
//! A request may be made more than once for an event, since the chain runs again after a failure: the event's id serves as an
//! idempotency key. Redirects are not followed.

use core::fmt;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use crate::bindings::hookyard::plugin::http::HttpError;
#[cfg(not(target_arch = "wasm32"))]
use crate::host::http::send;
use crate::{Failure, Header, Response};

/// Characters of an answer that are shown when its status is a failure.
const SHOWN: usize = 200;

/// A request that is being put together.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// In order. Host, length and connection headers are the host's to set.
    pub headers: Vec<Header>,
    /// The whole body; empty for none.
    pub body: Vec<u8>,
    /// The longest wait for the whole exchange; None for what is left of the call's own time.
    pub timeout: Option<Duration>,
}

/// Why there is no response. Any status is a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The configuration does not allow it; the text names what is missing. No connection was made.
    Denied(String),
    /// No complete response in time. The request may have been processed.
    Timeout,
    /// The request or the response is larger than the host's limit. The request may have been processed.
    TooLarge,
    /// The request is malformed, or the connection failed. The request may have been processed.
    Failed(String),
}

/// A `GET` of an absolute URL.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// A `POST` to an absolute URL.
pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

/// A request with any method.
pub fn request(method: impl Into<String>, url: impl Into<String>) -> Request {
    Request { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None }
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to JSON text, and the header that says so.
    pub fn json(self, text: impl Into<String>) -> Self {
        self.header("content-type", "application/json").body(text.into())
    }

    /// Limits the wait for the whole exchange, to the millisecond, at least one.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for the whole response.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn send(self) -> Result<Response, Error> {
        send(self)
    }
}

#[cfg(target_arch = "wasm32")]
fn send(request: Request) -> Result<Response, Error> {
    let timeout =
        request.timeout.map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).max(1));
    let Request { method, url, headers, body, .. } = request;
    // 0 is the contract's word for none.
    let timeout_ms = timeout.unwrap_or(0);
    Ok(crate::host::http::send(&crate::host::http::Request { method, url, headers, body, timeout_ms })?)
}

impl Response {
    /// A response without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Response { status, headers: Vec::new(), body: body.into() }
    }

    /// The first header of this name, ASCII case-insensitively.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name.as_ref()));
        header.map(|header| &*header.value)
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which is JSON, as a type of your own. With the feature `serde`.
    ///
    /// # Errors
    ///
    /// A permanent failure that says where it does not fit.
    #[cfg(feature = "serde")]
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        crate::serde::parse(&self.body, "the answer")
    }

    /// The response, if its status is from 200 to 299.
    ///
    /// # Errors
    ///
    /// A failure that names the status and the beginning of the body: retryable for 408, 425, 429 and from 500, where another
    /// try may go better, else permanent.
    pub fn success(self) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let mut reason = ["answered ", &self.status.to_string()].concat();
        if let Some(wait) = self.header("retry-after") {
            reason.extend([", to be tried again after ", wait]);
        }
        let shown: String = self.text().trim().chars().take(SHOWN).collect();
        if !shown.is_empty() {
            reason.extend([": ", &shown]);
        }
        Err(match self.status {
            408 | 425 | 429 | 500.. => Failure::Retryable(reason),
            _ => Failure::Permanent(reason),
        })
    }
}

/// A text as one segment of a URL's path, or one value of its query: everything but letters, digits and `-._~` percent-encoded.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                encoded
                    .extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    encoded
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(reason) => f.write_str(reason),
            Error::Timeout => f.write_str("no complete response in time"),
            Error::TooLarge => f.write_str("the request or the response is over the size limit"),
            Error::Failed(reason) => {
                f.write_str("no response: ")?;
                f.write_str(reason)
            }
        }
    }
}

impl core::error::Error for Error {}

#[cfg(target_arch = "wasm32")]
impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(reason) => Error::Denied(reason),
            HttpError::Timeout => Error::Timeout,
            HttpError::TooLarge => Error::TooLarge,
            HttpError::Failed(reason) => Error::Failed(reason),
        }
    }
}

/// What is not allowed stays so until somebody changes the configuration: permanent. Anything else is worth another try.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(reason) => Failure::Permanent(reason),
            other => Failure::Retryable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_in_a_url_stays_itself() {
        for (text, expected) in [
            ("", ""),
            ("aZ09-._~", "aZ09-._~"),
            ("a b/c?d=e&f#g%", "a%20b%2Fc%3Fd%3De%26f%23g%25"),
            ("é\u{0}", "%C3%A9%00"),
        ] {
            assert_eq!(encode(text), expected);
        }
    }

    #[test]
    fn a_status_is_a_success_or_a_failure_of_its_kind() {
        let retryable = |reason: &str| Err(Failure::retryable(reason));
        let permanent = |reason: &str| Err(Failure::permanent(reason));
        for (status, header, body, expected) in [
            (200, None, "", Ok(())),
            (299, None, "no matter", Ok(())),
            (199, None, "", permanent("answered 199")),
            (302, None, "", permanent("answered 302")),
            (404, None, " gone\n", permanent("answered 404: gone")),
            (408, None, "", retryable("answered 408")),
            (429, Some("30"), "slow", retryable("answered 429, to be tried again after 30: slow")),
            (503, None, "", retryable("answered 503")),
        ] {
            let headers =
                header.map(|value: &str| Header { name: "Retry-After".into(), value: value.into() });
            let headers = headers.into_iter().collect();
            let response = Response { status, headers, body: body.into() };
            assert_eq!(response.success().map(|_| ()), expected);
        }
    }
}
