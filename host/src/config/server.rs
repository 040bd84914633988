//! `[server]`: where webhooks come in and what one may cost.

use std::net::SocketAddr;
use std::time::Duration;

/// Listening and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The path under which sources are found, without a trailing slash: source `github` is at `/in/github`.
    pub base_path: String,
    /// The address that senders use, without a trailing slash, where it is not the one that is listened on.
    pub public_url: Option<String>,
    /// Bytes of a request's head.
    pub max_head: usize,
    /// Time to send a request's head.
    pub head_timeout: Duration,
    /// Time to send a request's body.
    pub body_timeout: Duration,
    /// Connections at once; further ones wait in the operating system's queue.
    pub max_connections: usize,
    /// Bytes of all bodies being received or waiting to be stored; beyond, senders get 503 with Retry-After.
    pub max_in_flight: usize,
    /// Time that a shutdown waits for requests, runs and deliveries under way.
    pub drain_timeout: Duration,
    /// Threads that run plugins; one for each processor unless set.
    pub guest_threads: usize,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            base_path: "/in".to_owned(),
            public_url: None,
            max_head: 64 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_in_flight: 256 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
            guest_threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }
}
