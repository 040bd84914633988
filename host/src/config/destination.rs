//! `[destinations.x]`: where messages go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::retry::RetryPolicy;

use super::{Location, SecretRef};

/// One destination.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// Where and how.
    pub kind: DestinationKind,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// Attempts under way at once.
    pub concurrency: usize,
}

/// Where and how a message is sent.
#[derive(Clone, Debug)]
pub enum DestinationKind {
    /// One request for each message.
    Http(HttpDestination),
    /// A readable line on standard output, then the body.
    Console,
    /// One JSON object a line at the end of a file.
    File {
        /// Resolved against the configuration file that names it.
        path: PathBuf,
    },
}

/// An HTTP or HTTPS receiver.
#[derive(Clone, Debug)]
pub struct HttpDestination {
    /// `http` or `https`, checked.
    pub url: http::Uri,
    /// POST, PUT or PATCH.
    pub method: http::Method,
    /// Headers set on each request, replacing any of the same name.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// `Authorization: Bearer …`.
    pub bearer: Option<(Location, SecretRef)>,
    /// From the first step of connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Which addresses may be connected to.
    pub network: Network,
}

/// Which addresses a destination may be connected to. Metadata services of clouds never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Addresses of the public internet.
    #[default]
    Public,
    /// Those and private, loopback and link-local ones.
    Private,
    /// These networks only.
    Only(Vec<IpNet>),
}
