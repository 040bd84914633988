//! The servers: each goes one step further with an event than the one before.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use hookyard::store::{Limits, SqliteSettings, SqliteStore, Store, SyncMode};

use crate::store::{CutOff, Until};

/// One server to measure.
pub(crate) struct Setup {
    /// For `--only` and for results.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) label: &'static str,
    /// What it is compared with.
    pub(crate) over: Option<&'static str>,
    /// How far an event comes; none for the bare log.
    until: Option<Until>,
    plugins: &'static str,
}

pub(crate) static SETUPS: &[Setup] = &[
    Setup { name: "log", label: "bare append log, group commit", over: None, until: None, plugins: "" },
    Setup {
        name: "accept",
        label: "accepted: verified, routed, stored with its run",
        over: Some("log"),
        until: Some(Until::Accepted),
        plugins: "\"redact\"",
    },
    Setup {
        name: "settled",
        label: "+ run without plugins, settled",
        over: Some("accept"),
        until: Some(Until::Run),
        plugins: "",
    },
    Setup {
        name: "run-least",
        label: "+ one fresh least guest",
        over: Some("settled"),
        until: Some(Until::Run),
        plugins: "\"least\"",
    },
    Setup {
        name: "run-redact",
        label: "+ one fresh Rust plugin (redact, 1 mask)",
        over: Some("settled"),
        until: Some(Until::Run),
        plugins: "\"redact\"",
    },
    Setup {
        name: "whole-least",
        label: "+ delivered and settled: least guest",
        over: Some("run-least"),
        until: Some(Until::Delivered),
        plugins: "\"least\"",
    },
    Setup {
        name: "whole",
        label: "+ delivered and settled: redact",
        over: Some("run-redact"),
        until: Some(Until::Delivered),
        plugins: "\"redact\"",
    },
];

/// A setup by its name.
pub(crate) fn setup(name: &str) -> Option<&'static Setup> {
    SETUPS.iter().find(|setup| setup.name == name)
}

impl Setup {
    /// Whether events end, so that it can be waited for.
    pub(crate) fn ends(&self) -> bool {
        self.until.is_some_and(|until| until != Until::Accepted)
    }

    /// The store; none for the bare log.
    pub(crate) fn store(&self, state: &Path) -> Result<Option<Arc<dyn Store>>> {
        let Some(until) = self.until else { return Ok(None) };
        let store = Arc::new(open(state)?);
        Ok(Some(Arc::new(CutOff::over(store, until))))
    }

    /// The configuration of the gateway.
    pub(crate) fn config(&self, receiver: u16) -> String {
        config(self.plugins, receiver, 0)
    }
}

/// The store of a state directory as the gateway opens it.
pub(crate) fn open(state: &Path) -> Result<SqliteStore> {
    let directory = state.join("state");
    std::fs::create_dir_all(&directory)?;
    let limits = Limits { events: 10_000_000, bytes: 16 << 30 };
    let settings = SqliteSettings { limits, sync: SyncMode::Accepted, reserve: 64 << 20, vfs: None };
    SqliteStore::open(&directory, settings).context("failed to open the store")
}

/// A configuration whose one route takes every pull request through these plugins to the receiver.
pub(crate) fn config(plugins: &str, receiver: u16, port: u16) -> String {
    let starters = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/dist");
    format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nguest_threads = 1\n[telemetry]\nlog = \"warn\"\n\
         [sources.bench]\nsecret = {{ file = \"secret\" }}\nprovider = \"github\"\n\
         [plugins.redact]\npath = \"{starters}/redact.wasm\"\nconfig = {{ mask = [\"/sender/login\"] }}\n\
         [plugins.least]\npath = \"least.wasm\"\n\
         [routes.all]\nsource = \"bench\"\nevents = \"pull_request.*\"\nplugins = [{plugins}]\nto = \"receiver\"\n\
         [destinations.receiver]\nurl = \"http://127.0.0.1:{receiver}/hooks\"\nnetwork = \"private\"\nconcurrency = 64\n"
    )
}
