//! Plugin calls without sockets, store and routes: on one thread, and on two at once.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use hookyard::plugin::wasm::{Component, Instances, Plugin, Runtime, read};

use crate::calling::{MAX_MEMORY, settings, slice};
use crate::request::BODY;

/// How long each variant runs before the next has its turn.
const SLICE: Duration = Duration::from_millis(300);

/// What one variant came to, a number for each round.
pub(crate) struct Calls {
    pub(crate) label: String,
    /// Calls a second, of all threads together. A chain counts as one call for each plugin in it.
    pub(crate) rate: Vec<f64>,
    /// Processor time for each call, in microseconds.
    pub(crate) cpu: Vec<f64>,
    /// Calls a second against those of the same guest on one thread in the same round.
    pub(crate) ratio: Vec<f64>,
}

struct Variant {
    guest: usize,
    threads: usize,
    chain: usize,
}

/// Measures every variant in turn, `rounds` times.
pub(crate) fn measure(state: &Path, rounds: usize) -> Result<Vec<Calls>> {
    let runtime = Runtime::new(2, MAX_MEMORY)?;
    let redact = r#"{"mask":["/sender/login"]}"#;
    let reshape = r#"{"fields":{"text":"{/repository/full_name} #{/number} {/pull_request/title}"}}"#;
    let starters = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/dist");
    let least = state.join("least.wasm");
    let (redacts, reshapes) = (format!("{starters}/redact.wasm"), format!("{starters}/reshape.wasm"));
    let mut guests = Vec::new();
    for (name, path, config) in [
        ("least guest", least.as_path(), "{}"),
        ("redact, 1 mask", redacts.as_ref(), redact),
        ("reshape, 3 holes", reshapes.as_ref(), reshape),
    ] {
        let component = Component::load(&runtime, read(path)?, None)?;
        for (instances, how) in [(Instances::Fresh, "fresh"), (Instances::Reuse, "reused")] {
            guests.push((
                format!("{name}, {how}"),
                Plugin::new(&runtime, &component, settings(config, instances))?,
            ));
        }
    }
    let variants: Vec<Variant> = (0..guests.len())
        .flat_map(|guest| [(1, 1), (2, 1), (1, 5)].map(|(threads, chain)| Variant { guest, threads, chain }))
        .filter(|variant| guests[variant.guest].0.ends_with("fresh") || variant.chain == 1)
        .collect();
    let label = |variant: &Variant| {
        let name = &guests[variant.guest].0;
        match (variant.threads, variant.chain) {
            (1, 1) => name.clone(),
            (1, chain) => format!("{name}, chain of {chain}"),
            (threads, _) => format!("{name}, {threads} threads"),
        }
    };
    let mut results: Vec<Calls> = variants
        .iter()
        .map(|variant| Calls { label: label(variant), rate: Vec::new(), cpu: Vec::new(), ratio: Vec::new() })
        .collect();
    for _ in 0..rounds {
        let mut alone = 0.0;
        for (variant, result) in variants.iter().zip(&mut results) {
            let plugin = &guests[variant.guest].1;
            let (rate, cpu) = slice(&vec![plugin; variant.chain], variant.threads, BODY, SLICE)?;
            if variant.threads == 1 && variant.chain == 1 {
                alone = rate;
            }
            result.rate.push(rate);
            result.cpu.push(cpu);
            result.ratio.push(rate / alone);
        }
    }
    Ok(results)
}
