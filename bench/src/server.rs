//! The process that is measured. It prints its port, and then answers questions on its standard input, one letter a
//! line: `c` for the processor time that it has used, in nanoseconds; `p` for the events that have not ended. It ends with
//! its standard input.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use hookyard::Gateway;
use hookyard::store::Store;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::stages::{self, Server};
use crate::{durable, machine, plain};

/// The processor on which it runs, with all of its threads.
const PROCESSOR: usize = 0;

pub(crate) fn serve(stage: &str, state: &Path, receiver: u16) -> Result<()> {
    machine::pin(PROCESSOR)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (port, gateway) = match (stages::stage(stage), durable::setup(stage)) {
        (Some(stage), _) => match stage.server {
            Server::Hyper { builds_event } => (hyper(&runtime, builds_event)?, None),
            Server::Gateway(setup) => gateway(&runtime, setup.config(), Arc::new(setup.store()), state)?,
        },
        (None, Some(setup)) => match setup.store(state)? {
            None => (log(&runtime, state)?, None),
            Some(store) => gateway(&runtime, setup.config(receiver), store, state)?,
        },
        (None, None) => anyhow::bail!("there is no stage {stage}"),
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{port}")?;
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.as_str() {
            "p" => pending(&runtime, gateway.as_ref())?,
            _ => u64::try_from(machine::process_time().as_nanos())?,
        };
        writeln!(output, "{answer}")?;
    }
    Ok(())
}

fn hyper(runtime: &Runtime, builds_event: bool) -> Result<u16> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    runtime.spawn(plain::serve(listener, builds_event));
    Ok(port)
}

fn log(runtime: &Runtime, state: &Path) -> Result<u16> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    let state = state.to_owned();
    runtime.spawn(async move { durable::serve_log(listener, &state).await });
    Ok(port)
}

fn gateway(
    runtime: &Runtime,
    config: String,
    store: Arc<dyn Store>,
    state: &Path,
) -> Result<(u16, Option<Gateway>)> {
    runtime.block_on(async {
        let building =
            Gateway::builder().config_text(config, state).state_dir(state.join("state")).store(store).build();
        let gateway = building.await?;
        let listeners = gateway.bind().await?;
        let port = listeners.addresses().first().context("nothing is bound")?.port();
        let serving = gateway.clone();
        tokio::spawn(async move { serving.serve_on(listeners).await });
        Ok((port, Some(gateway)))
    })
}

fn pending(runtime: &Runtime, gateway: Option<&Gateway>) -> Result<u64> {
    let Some(gateway) = gateway else { return Ok(0) };
    let ledger = runtime.block_on(gateway.ledger())?;
    if ledger.dead_letters > 0 {
        anyhow::bail!("{} runs and deliveries have failed", ledger.dead_letters);
    }
    Ok(ledger.pending)
}
