//! `hookyard serve`

use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{BuildError, Gateway};
use crate::config::StoreKind;
use crate::store::Ledger;

use super::{EXIT_IO, banner, complain, fail, log, say};

pub(super) fn run(config: &Path) -> ExitCode {
    let loaded = match crate::config::load(config) {
        Ok(loaded) => loaded,
        Err(errors) => return fail(&BuildError::Config(errors)),
    };
    if let Err(error) = log::start(&loaded.telemetry) {
        return fail(&BuildError::System(error));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&BuildError::System(format!("cannot start: {error}"))),
    };
    let code = runtime.block_on(serve(config));
    // What still blocks, such as a lookup of a name, is not waited for.
    runtime.shutdown_background();
    code
}

async fn serve(config: &Path) -> ExitCode {
    let gateway = match Gateway::builder().config_file(config).build().await {
        Ok(gateway) => gateway,
        Err(error) => return fail(&error),
    };
    let (listeners, signals) = match (gateway.bind().await, Signals::new()) {
        (Ok(listeners), Ok(signals)) => (listeners, signals),
        (Err(error), _) | (_, Err(error)) => return fail(&BuildError::System(error.to_string())),
    };
    let generation = gateway.generation();
    for warning in &generation.warnings {
        complain(&format!("warning: {warning}\n"));
    }
    let admin = gateway.serve_admin();
    if let Err(problem) = &admin {
        complain(&format!(
            "warning: no admin socket, so that `hookyard events` and the like cannot be used: {problem}\n"
        ));
    }
    say(&banner::text(&generation, &listeners.addresses(), config));
    let serving = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.serve_on(listeners).await }
    });
    tokio::select! {
        () = signals.wait(&gateway) => {}
        reason = gateway.failed() => return store_failed(&reason),
    }

    tracing::info!("stopping: nothing more is taken in, what is under way ends");
    let kind = gateway.generation().config.store.kind;
    let stopping = async {
        let ledger = gateway.shutdown().await;
        let _ = serving.await;
        ledger
    };
    let ledger = tokio::select! {
        // Looked at first: a store that has failed may still say what it knows.
        biased;
        reason = gateway.failed() => return store_failed(&reason),
        ledger = stopping => ledger,
    };
    drop(admin);
    match ledger {
        Ok(ledger) if ledger.pending == 0 || kind != StoreKind::Memory => {
            let Ledger { accepted, delivered, pending, .. } = ledger;
            tracing::info!(
                accepted,
                delivered,
                pending,
                "stopped; what is pending goes on at the next start"
            );
            ExitCode::SUCCESS
        }
        Ok(ledger) => {
            tracing::error!(
                pending = ledger.pending,
                "stopped; the store is in memory, and these events are lost"
            );
            ExitCode::FAILURE
        }
        Err(error) => fail(&BuildError::System(error.to_string())),
    }
}

/// What the store has is safe; what it would be told now is not. Whoever starts this process starts it again.
fn store_failed(reason: &str) -> ExitCode {
    tracing::error!(reason, "the store has failed; stopping at once");
    complain(&format!("error: the store has failed: {reason}\n"));
    ExitCode::from(EXIT_IO)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Ends when the process is to stop. Whoever asks a second time does not wait for what is under way.
    async fn wait(mut self, gateway: &Gateway) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => gateway.reload().await,
            }
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            complain("stopped at once\n");
            std::process::exit(130);
        });
    }
}
