//! From a URL to a connection: name, allowed addresses, TCP, TLS. Each step has its share of the time and its own words
//! when it fails.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Uri;
use ::http::uri::Scheme;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::{Network, Refused};
use super::lookup::Lookups;
use super::stream::Stream;

/// In whose name connections are opened, and where the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Destination(Arc<str>),
    Plugin(Arc<str>),
    /// Hookyard itself.
    Fetcher,
}

/// Opens connections for one destination, or to one origin for a plugin.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) owner: Owner,
    pub(super) network: Network,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) lookups: Arc<Lookups>,
    /// Connections that may be opened or be open at once. The client opens one on behalf of an attempt and goes on with it
    /// when the attempt has got another, so that attempts alone bound nothing.
    pub(super) room: Arc<Semaphore>,
    /// For all steps together.
    pub(super) limit: Duration,
    /// Bytes of an answer's body that are read, where that is more than a receiver's.
    pub(super) answer: usize,
}

/// Why there is no connection. The text says what the operator can do.
#[derive(Debug)]
pub(super) enum ConnectError {
    Lookup { host: String, error: io::Error },
    NoAddress { host: String },
    NoRoom { host: String },
    Refused { owner: Owner, host: String, address: IpAddr, why: Refused },
    Connect { host: String, address: SocketAddr, error: io::Error },
    Tls { host: String, address: SocketAddr, error: io::Error },
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open(&url).await.map(TokioIo::new) })
    }
}

impl Connector {
    async fn open(&self, url: &Uri) -> Result<Stream, ConnectError> {
        let deadline = Instant::now() + self.limit;
        let secure = url.scheme() == Some(&Scheme::HTTPS);
        // A URL writes an IPv6 address in brackets, nobody else does.
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let no_room = || ConnectError::NoRoom { host: host.to_owned() };
        let place = timeout_at(deadline, Arc::clone(&self.room).acquire_owned()).await;
        let place = place.map_err(|_| no_room())?.map_err(|_| no_room())?;
        let addresses = self.resolve(host, port, deadline).await?;
        let (tcp, address) = connect(host, &addresses, deadline).await?;
        if !secure {
            return Ok(Stream::plain(tcp, place, self.answer));
        }
        let tls_error = |error| ConnectError::Tls { host: host.to_owned(), address, error };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| tls_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connecting = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        let stream =
            timeout_at(deadline, connecting).await.map_err(timed_out).flatten().map_err(tls_error)?;
        Ok(Stream::tls(stream, place, self.answer))
    }

    /// The allowed ones among a name's addresses. A name may come to stand for something else at any time, which is why
    /// the very addresses that were checked are connected to.
    async fn resolve(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => timeout_at(deadline, self.lookups.addresses(host, port))
                .await
                .map_err(timed_out)
                .flatten()
                .map_err(|error| ConnectError::Lookup { host: host.to_owned(), error })?,
        };
        let mut refused = None;
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            match self.network.check(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(why) => {
                    refused.get_or_insert((address.ip(), why));
                }
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, None) => Err(ConnectError::NoAddress { host: host.to_owned() }),
            (true, Some((address, why))) => {
                Err(ConnectError::Refused { owner: self.owner.clone(), host: host.to_owned(), address, why })
            }
        }
    }
}

/// The first address that takes the connection, each with its share of the time that is left, so that one that is
/// silent leaves time for the next.
async fn connect(
    host: &str,
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut failed = None;
    for (index, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let connecting = timeout_at(Instant::now() + share, TcpStream::connect(address)).await;
        match connecting.map_err(timed_out).flatten() {
            Ok(stream) => {
                // Without it the end of a small request may wait for an acknowledgement; it works all the same.
                let _unsupported = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Err(error) => failed = Some(ConnectError::Connect { host: host.to_owned(), address, error }),
        }
    }
    Err(failed.unwrap_or_else(|| ConnectError::NoAddress { host: host.to_owned() }))
}

fn timed_out(_: tokio::time::error::Elapsed) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "took too long")
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Lookup { host, error } => write!(f, "looking up {host} failed: {error}"),
            ConnectError::NoAddress { host } => write!(f, "{host} has no address"),
            ConnectError::NoRoom { host } => {
                write!(f, "all connections to {host} that may be open at once are taken up")
            }
            ConnectError::Connect { host, address, error } => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    write!(f, "{host} refused the connection ({address}): does it run, and on that port?")
                }
                _ => write!(f, "connecting to {host} failed ({address}): {error}"),
            },
            ConnectError::Tls { host, address, error } => {
                write!(f, "the TLS handshake with {host} failed ({address}): {error}")
            }
            ConnectError::Refused { owner, host, address, why } => {
                write!(f, "{owner} may not connect to {host}: {address} is {why}")?;
                match (why, owner.table()) {
                    (Refused::Metadata, _) => write!(f, ", which nothing may connect to"),
                    (_, None) => Ok(()),
                    (Refused::NotPublic(_), Some(table)) => {
                        write!(f, "; if it is meant, add network = \"private\" to [{table}]")
                    }
                    (Refused::NotListed | Refused::Special(_), Some(table)) => {
                        let prefix = if address.is_ipv4() { 32 } else { 128 };
                        write!(
                            f,
                            "; if it is meant, list it: network = [\"{address}/{prefix}\"] in [{table}]"
                        )
                    }
                }
            }
        }
    }
}

impl Owner {
    /// Its table in the configuration.
    fn table(&self) -> Option<String> {
        match self {
            Owner::Destination(name) => Some(format!("destinations.{name}")),
            Owner::Plugin(name) => Some(format!("plugins.{name}")),
            Owner::Fetcher => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Destination(name) => write!(f, "destination {name}"),
            Owner::Plugin(name) => write!(f, "plugin {name}"),
            Owner::Fetcher => f.write_str("Hookyard"),
        }
    }
}

impl std::error::Error for ConnectError {}
