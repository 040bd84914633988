//! What operators and their tools ask of a gateway: the probes, on the port where webhooks come in, and the admin API,
//! on a socket in the state directory that only the gateway's own user can open.

mod api;
mod body;
mod control;
mod dead_letters;
mod destinations;
mod explain;
mod kept;
mod plugins;
mod probes;
mod quarantine;
mod query;
mod redact;
mod refusal;
mod replay;
mod socket;
mod sources;
mod view;

#[cfg(test)]
mod tests;

/// Ids in one request.
pub(crate) const MAX_BATCH: usize = 500;

pub(crate) use control::{Control, Today};
pub(crate) use probes::{ask, health, metrics, not_found, ready};
pub use socket::AdminSocket;

#[cfg(feature = "cli")]
pub(crate) use {
    api::answer,
    explain::{ExplainView, FoundView, PartView, RouteView, explain},
    kept::{KeptView, KeyView},
    plugins::{CallsView, CapabilityView, PluginView, UseView, plugins},
    query::{MAX_LIMIT, time},
    socket::{SOCKET, is_served},
    sources::sources,
    view::{
        AttemptView, BackupRequest, BackupView, Batch, BodyView, ContentView, DestinationView,
        DisableRequest, Done, ErrorView, EventDetail, EventView, List, Moment, Outcome, Outcomes,
        RefusedDetail, RefusedView, RequestsView, RunRef, SecretView, SourceView, StatsView, VerifyView,
        WorkView,
    },
};
