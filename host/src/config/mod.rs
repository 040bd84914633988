//! From TOML text to the values that run. Parsing turns text into types that cannot be wrong; every error knows its
//! file, line and column, and all of them are found in one pass. Nothing here opens a socket, compiles a plugin or
//! creates a file, except a generated secret when one is asked for.

mod load;
mod root;

// One element of the configuration each: its values, its declaration, its parser.
mod account;
mod admission;
mod answer;
mod authorization;
mod breaker;
mod component;
mod condition;
mod dedupe;
mod destination;
mod destination_tls;
mod ephemeral;
mod grants;
mod group;
mod handshake;
mod http_destination;
mod json;
mod jwt;
mod limits;
mod ordering;
mod plugin;
mod quarantine;
mod rate;
mod reach;
mod reload;
mod requirement;
mod retention;
mod retry;
mod reuse;
mod route;
mod scheme;
mod secret;
mod secret_read;
mod server;
mod server_tls;
mod settings;
mod sign;
mod source;
mod source_secret;
mod store;
mod telemetry;
mod when;

// What they are made of.
mod context;
mod depth;
mod diagnostic;
mod field;
mod include;
mod inside;
mod links;
mod loops;
mod network;
mod quantity;
mod reference;
mod schema;
mod subject;
mod suggest;
mod table;
mod text;
mod url;
mod value;
mod verify;
mod written;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;

pub use admission::{Admission, Limited, SourceRate};
pub use answer::Batch;
pub use authorization::Authorization;
pub use component::{ComponentDestination, ComponentLimits};
pub use destination::{Destination, DestinationKind, HttpDestination};
pub use destination_tls::{ClientCertificate, DestinationTls};
pub use diagnostic::{ConfigErrors, Diagnostic};
pub use ephemeral::is_ephemeral;
pub use grants::{Grants, KvAccess};
pub use group::Group;
pub use handshake::Handshakes;
pub use json::SettingsPlaces;
pub use limits::{ChainLimits, PluginLimits};
pub use load::{load, parse};
pub use plugin::{Instances, OnError, Plugin};
pub(crate) use quantity::{duration, size};
pub use quarantine::Quarantine;
pub use reach::Network;
pub use reference::reference;
pub use reload::Reload;
pub use requirement::Requirement;
pub use retention::{Keep, Retention};
pub use reuse::ReuseCaps;
pub use root::Config;
pub use route::{Respond, Route};
pub use schema::schema;
pub use secret::SecretRef;
pub(crate) use secret_read::keep_secret;
pub use secret_read::{Create, SecretError, SecretRead};
pub use server::Server;
pub use server_tls::ServerTls;
pub use settings::{SettingsSchema, Unfit};
pub use source::{Source, Verification};
pub use source_secret::SourceSecret;
pub use store::{Store, StoreKind, SyncMode};
#[cfg(feature = "cli")]
pub(crate) use suggest::did_you_mean;
pub use telemetry::{LogFormat, Telemetry};
pub use text::Location;
pub use written::{Written, WrittenRule};
