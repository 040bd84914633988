//! TLS handshakes: within a time, with the pair of the configuration in use, and counted when they fail.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::clock::Time;
use crate::generation::Generation;
use crate::metrics::Metrics;
use crate::throttle::Throttle;

/// Shakes hands with those who connect.
pub(crate) struct Handshakes {
    current: Arc<ArcSwap<Generation>>,
    time: Duration,
    clock: Arc<Time>,
    /// Handshakes that took too long, that the other side broke off, and that could not be agreed on.
    timed_out: Counter,
    closed: Counter,
    failed: Counter,
    failures: Throttle,
}

impl Handshakes {
    /// Each within `time`.
    pub(crate) fn new(
        current: Arc<ArcSwap<Generation>>,
        time: Duration,
        clock: Arc<Time>,
        metrics: &Metrics,
    ) -> Self {
        Handshakes {
            current,
            time,
            clock,
            timed_out: metrics.failed_handshakes("timed-out"),
            closed: metrics.failed_handshakes("closed"),
            failed: metrics.failed_handshakes("failed"),
            failures: Throttle::default(),
        }
    }

    /// The secured connection, if there is to be one.
    pub(super) async fn shake(&self, stream: TcpStream, from: SocketAddr) -> Option<TlsStream<TcpStream>> {
        // A generation without a pair takes over that of the one before for as long as it is listened with.
        let config = self.current.load().pair.as_ref()?.config();
        let shaking = TlsAcceptor::from(config).accept(stream);
        let (counter, problem) = match tokio::time::timeout(self.time, shaking).await {
            Ok(Ok(stream)) => return Some(stream),
            // What the protocol does not allow, by either side's judgement.
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => (&self.failed, error.to_string()),
            Ok(Err(error)) => (&self.closed, error.to_string()),
            Err(_) => (&self.timed_out, format!("not done within {:?}", self.time)),
        };
        counter.inc();
        if let Some(left_out) = self.failures.admit(self.clock.due_now()) {
            tracing::debug!(%from, problem, left_out, "TLS handshake failed");
        }
        None
    }
}
