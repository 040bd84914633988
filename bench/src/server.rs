//! The process that is measured. It prints its port, and then answers questions on its standard input, one letter a
//! line: `c` for the processor time that it has used, in nanoseconds; `p` for the runs that have not ended. It ends with
//! its standard input.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use hookyard::Gateway;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::stages::{self, Server, Setup};
use crate::{machine, plain};

/// The processor on which it runs, with all of its threads.
const PROCESSOR: usize = 0;

pub(crate) fn serve(stage: &str, state: &Path) -> Result<()> {
    let stage = stages::stage(stage).with_context(|| format!("there is no stage {stage}"))?;
    machine::pin(PROCESSOR)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (port, gateway) = match stage.server {
        Server::Hyper { builds_event } => (hyper(&runtime, builds_event)?, None),
        Server::Gateway(setup) => {
            let (port, gateway) = gateway(&runtime, setup, state)?;
            (port, Some(gateway))
        }
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{port}")?;
    for line in std::io::stdin().lock().lines() {
        let answer = match line?.as_str() {
            "p" => runs_pending(&runtime, gateway.as_ref())?,
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

fn gateway(runtime: &Runtime, setup: Setup, state: &Path) -> Result<(u16, Gateway)> {
    runtime.block_on(async {
        let building = Gateway::builder()
            .config_text(setup.config(), state)
            .state_dir(state.join("state"))
            .store(std::sync::Arc::new(setup.store()))
            .build();
        let gateway = building.await?;
        let listeners = gateway.bind().await?;
        let port = listeners.addresses().first().context("nothing is bound")?.port();
        let serving = gateway.clone();
        tokio::spawn(async move { serving.serve_on(listeners).await });
        Ok((port, gateway))
    })
}

fn runs_pending(runtime: &Runtime, gateway: Option<&Gateway>) -> Result<u64> {
    let Some(gateway) = gateway else { return Ok(0) };
    let ledger = runtime.block_on(gateway.ledger())?;
    if ledger.runs_dead > 0 {
        anyhow::bail!("{} runs have failed", ledger.runs_dead);
    }
    Ok(ledger.runs_pending)
}
