//! Requests that plugins make: to the origins that the operator lists and nowhere else, through the same connector as
//! deliveries. Everything about a request is the guest's word, so everything is checked; what cannot be sent is said
//! before anything is connected to.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::USER_AGENT;
use ::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::Client;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address::Network;
use super::connector::{ConnectError, Connector, Owner};
use super::lookup::Lookups;
use super::request::AGENT;
use super::send::{HttpClient, LONGEST_CONNECT, in_words, pooled};

/// Connections to one origin at once.
const CONNECTIONS: usize = 64;

/// Characters of a URL, as most servers take them.
const MAX_URL: usize = 16 * 1024;

/// Header fields of a request.
const MAX_FIELDS: usize = 1_000;

/// Headers that describe the connection or the length of what is sent; only the client knows them.
const OF_THE_CLIENT: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What one plugin, or one component, may send requests to.
pub struct Outbound {
    owner: Owner,
    /// By scheme, host and port in lower case, without a port that the scheme implies.
    origins: BTreeMap<String, Pool>,
}

/// Connections to one origin.
type Pool = Client<Connector, Full<Bytes>>;

/// Who sends requests and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundSettings {
    /// Origins such as `https://api.example.com`, in lower case and without a port that the scheme implies.
    pub origins: Vec<String>,
    /// Which addresses may be connected to.
    pub network: Network,
    /// Bytes of an answer's body that are read at most.
    pub answer: usize,
}

/// A request as a guest wrote it.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header fields in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
}

/// How much a request may take.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeLimits {
    /// For connecting, sending and receiving.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub answer: usize,
}

/// Why there is no answer. The texts are for the plugin and the operator, and hold nothing of the request beyond its
/// origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The origin is not listed, or the address is not allowed. Nothing was connected to.
    Denied(String),
    /// Not in time.
    Timeout,
    /// The answer is too large.
    TooLarge,
    /// It cannot be sent, or the exchange failed.
    Failed(String),
}

impl HttpClient {
    /// Requests of a plugin.
    pub fn for_plugin(&self, name: &Arc<str>, settings: &OutboundSettings) -> Outbound {
        self.outbound(Owner::Plugin(name.clone()), settings)
    }

    /// Requests of a component that is a destination.
    pub fn for_component(&self, name: &Arc<str>, settings: &OutboundSettings) -> Outbound {
        self.outbound(Owner::Destination(name.clone()), settings)
    }

    fn outbound(&self, owner: Owner, settings: &OutboundSettings) -> Outbound {
        // A pool for each: no lookup, and no connection that hangs, is anybody else's.
        let client = |origin: &String| {
            let connector = Connector {
                owner: owner.clone(),
                network: settings.network.clone(),
                tls: Arc::clone(&self.tls),
                lookups: Arc::new(Lookups::new(self.resolver.clone())),
                room: Arc::new(Semaphore::new(CONNECTIONS)),
                limit: LONGEST_CONNECT,
                answer: settings.answer,
            };
            (origin.clone(), pooled(connector, CONNECTIONS))
        };
        Outbound { origins: settings.origins.iter().map(client).collect(), owner }
    }
}

impl Outbound {
    /// Sends a request and waits for the whole answer. Redirects are answers.
    pub async fn exchange(
        &self,
        request: OutgoingRequest,
        limits: ExchangeLimits,
    ) -> Result<Response<Bytes>, Unanswered> {
        let (client, request) = self.checked(request)?;
        let exchange = async {
            let answer = client.request(request).await.map_err(|error| unreached(&error))?;
            whole(answer, limits.answer).await
        };
        timeout(limits.time, exchange).await.unwrap_or(Err(Unanswered::Timeout))
    }

    /// What is to be sent and by whom, if it may be.
    fn checked(&self, request: OutgoingRequest) -> Result<(&Pool, Request<Full<Bytes>>), Unanswered> {
        let url = url(&request.url).map_err(Unanswered::Failed)?;
        let origin = origin(&url);
        let client = self.origins.get(&origin).ok_or_else(|| self.not_listed(&origin))?;
        let request = build(request, url).map_err(Unanswered::Failed)?;
        Ok((client, request))
    }

    fn not_listed(&self, origin: &str) -> Unanswered {
        let table = match &self.owner {
            Owner::Destination(name) => format!("[destinations.{name}]"),
            Owner::Plugin(name) => format!("[plugins.{name}]"),
            Owner::Fetcher => String::new(),
        };
        Unanswered::Denied(format!(
            "{} may not send requests to {origin}; if it may, add it to `allow.http` in {table}: allow = {{ http = \
             [\"{origin}\"] }}",
            self.owner
        ))
    }
}

fn unreached(error: &hyper_util::client::legacy::Error) -> Unanswered {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refused @ ConnectError::Refused { .. }) = inner.downcast_ref() {
            return Unanswered::Denied(refused.to_string());
        }
        source = inner.source();
    }
    Unanswered::Failed(in_words(error))
}

/// The answer with its body, no longer than that.
async fn whole(answer: Response<Incoming>, limit: usize) -> Result<Response<Bytes>, Unanswered> {
    let (head, mut body) = answer.into_parts();
    if body.size_hint().lower() > limit as u64 {
        return Err(Unanswered::TooLarge);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Unanswered::Failed(format!("the answer's body broke off: {error}")))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Unanswered::TooLarge);
        }
        bytes.extend_from_slice(data);
    }
    Ok(Response::from_parts(head, bytes.freeze()))
}

fn url(text: &str) -> Result<Uri, String> {
    if text.len() > MAX_URL {
        return Err(format!("the URL is longer than {MAX_URL} bytes"));
    }
    // Nothing of the URL is repeated: it may hold a secret.
    let url: Uri = text.parse().map_err(|problem| format!("the URL is malformed: {problem}"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("the URL does not begin with `https://` or `http://`".to_owned());
    }
    let authority = url.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("the URL has a user or password; send them in a header".to_owned());
    }
    let host = url.host().unwrap_or_default();
    if host.is_empty() {
        return Err("the URL names no host".to_owned());
    }
    // The parser takes any digits for a port and reports none where they are too large.
    let port = authority.get(host.len()..).unwrap_or_default();
    if !port.is_empty() && url.port_u16().is_none_or(|port| port == 0) {
        return Err("the URL has an impossible port".to_owned());
    }
    Ok(url)
}

/// Scheme, host and port, in lower case and without a port that the scheme implies.
fn origin(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or_default();
    let host = url.host().unwrap_or_default().to_ascii_lowercase();
    match (scheme, url.port_u16()) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    }
}

fn build(request: OutgoingRequest, url: Uri) -> Result<Request<Full<Bytes>>, String> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| format!("{:?} is not a method", short(&request.method)))?;
    if method == Method::CONNECT {
        return Err("the method CONNECT asks for a connection of one's own, which there is not".to_owned());
    }
    if request.headers.len() > MAX_FIELDS {
        return Err(format!("there are more than {MAX_FIELDS} header fields"));
    }
    let mut built = Request::new(Full::new(request.body));
    *built.method_mut() = method;
    *built.uri_mut() = url;
    for (name, value) in &request.headers {
        let shown = short(name);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{shown:?} is not the name of a header"))?;
        if OF_THE_CLIENT.contains(&name.as_str()) {
            return Err(format!("header {shown:?} is the host's to set"));
        }
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| format!("the value of header {shown:?} has a control character"))?;
        built.headers_mut().append(name, value);
    }
    built.headers_mut().entry(USER_AGENT).or_insert(AGENT);
    Ok(built)
}

/// A name that somebody else wrote, as far as people want to read it.
fn short(name: &str) -> String {
    name.chars().take(64).collect()
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("origins", &self.origins.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(method: &str, url: &str, headers: &[(&str, &str)]) -> OutgoingRequest {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        OutgoingRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(header).collect(),
            body: Bytes::new(),
        }
    }

    fn outbound(origins: &[&str]) -> Outbound {
        let roots = tokio_rustls::rustls::RootCertStore::empty();
        let origins = origins.iter().map(ToString::to_string).collect();
        let settings = OutboundSettings { origins, network: Network::Public, answer: 1 << 20 };
        HttpClient::trusting(roots).unwrap().for_plugin(&"p".into(), &settings)
    }

    #[test]
    fn an_origin_is_allowed_or_not() {
        let outbound =
            outbound(&["https://api.example.com", "http://10.0.0.1:8080", "https://[2001:db8::1]:8443"]);
        for (url, allowed) in [
            ("https://api.example.com", true),
            ("https://API.Example.COM/v1?x=y#z", true),
            ("HTTPS://api.example.com:443/", true),
            ("http://10.0.0.1:8080/a", true),
            ("https://[2001:DB8::1]:8443/", true),
            ("http://api.example.com/", false),
            ("https://api.example.com:444/", false),
            ("https://api.example.com./", false),
            ("https://api.example.com.evil.example/", false),
            ("https://x.api.example.com/", false),
            ("http://10.0.0.1/", false),
            ("http://167772161:8080/", false),
        ] {
            let checked = outbound.checked(outgoing("GET", url, &[])).map(drop);
            match checked {
                Ok(()) => assert!(allowed, "{url}"),
                Err(Unanswered::Denied(why)) => {
                    assert!(
                        !allowed && why.contains("add it to `allow.http` in [plugins.p]"),
                        "{url}: {why}"
                    );
                }
                Err(other) => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let outbound = outbound(&["https://a.example"]);
        let fails = |request: OutgoingRequest, expected: &str| match outbound.checked(request) {
            Err(Unanswered::Failed(why)) => {
                assert!(why.contains(expected) && !why.contains("s3cret"), "{why}");
            }
            other => panic!("{expected}: {:?}", other.map(|(_, request)| request)),
        };
        for (url, expected) in [
            ("", "malformed"),
            ("/path", "begin with"),
            ("a.example", "begin with"),
            ("ftp://a.example/", "begin with"),
            ("https://user:s3cret@a.example/", "user or password"),
            ("https://a.example@b.example/", "user or password"),
            ("https://a.example:99999/", "impossible port"),
            ("https://a.example:0/", "impossible port"),
            ("https://a.example/a b?s3cret", "malformed"),
            ("https://a.example/\r\nx: s3cret", "malformed"),
            ("https://", "malformed"),
            (&format!("https://a.example/{}", "a".repeat(MAX_URL)), "longer than"),
        ] {
            fails(outgoing("GET", url, &[]), expected);
        }
        for (method, expected) in
            [("", "is not a method"), ("GE T", "is not a method"), ("CONNECT", "a connection of one's own")]
        {
            fails(outgoing(method, "https://a.example/", &[]), expected);
        }
        for (name, value, expected) in [
            ("", "x", "is not the name"),
            ("a b", "x", "is not the name"),
            ("x", "s3cret\r\ny: z", "control character"),
            ("x", "s3cret\0", "control character"),
            ("Host", "b.example", "the host's to set"),
            ("content-length", "5", "the host's to set"),
            ("Transfer-Encoding", "chunked", "the host's to set"),
            ("connection", "upgrade", "the host's to set"),
        ] {
            fails(outgoing("POST", "https://a.example/", &[(name, value)]), expected);
        }
        let many = vec![("x", "y"); MAX_FIELDS + 1];
        fails(outgoing("POST", "https://a.example/", &many), "more than 1000");
    }

    #[test]
    fn what_can_be_sent_is_sent_as_it_is() {
        let outbound = outbound(&["https://a.example"]);
        let headers = [("X-A", "1"), ("x-a", "2"), ("authorization", "Bearer t")];
        let (_, request) =
            outbound.checked(outgoing("PROPFIND", "https://a.example/x?y=z", &headers)).unwrap();
        assert_eq!(request.method().as_str(), "PROPFIND");
        assert_eq!(request.uri().path_and_query().unwrap().as_str(), "/x?y=z");
        assert_eq!(request.headers().get_all("x-a").iter().count(), 2);
        assert!(request.headers()[USER_AGENT].to_str().unwrap().starts_with("Hookyard/"));
        let own = outgoing("GET", "https://a.example/", &[("user-agent", "Mine/1")]);
        assert_eq!(outbound.checked(own).unwrap().1.headers()[USER_AGENT], "Mine/1");
    }
}
