//! Plugin calls without sockets, store and routes: on one thread, and on two at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hookyard::event::{Event, EventId, Headers};
use hookyard::plugin::wasm::{Component, Grants, Instances, Limits, Plugin, PluginSettings, Runtime, read};
use hookyard::plugin::{Call, Chain, OutputLimits, Processor, Verdict};
use uuid::Uuid;

use crate::machine;
use crate::request::Incoming;

/// How long each variant runs before the next has its turn.
const SLICE: Duration = Duration::from_millis(300);

const MAX_MEMORY: usize = 64 << 20;

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
            let (rate, cpu) = slice(plugin, variant)?;
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

fn settings(config: &str, instances: Instances) -> PluginSettings {
    PluginSettings {
        name: "bench".into(),
        config: config.to_owned(),
        limits: Limits {
            cpu: Duration::from_millis(500),
            wall: Duration::from_secs(5),
            memory: MAX_MEMORY,
            output: OutputLimits { bytes: 1 << 20, messages: 1000 },
        },
        grants: Grants::default(),
        secrets: Default::default(),
        instances,
    }
}

/// Calls a second and processor time for each, in microseconds.
fn slice(plugin: &Plugin, variant: &Variant) -> Result<(f64, f64)> {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let ended = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..variant.threads)
            .map(|number| {
                let stop = &stop;
                scope.spawn(move || {
                    machine::pin(number)?;
                    call_until(stop, plugin, variant.chain)
                })
            })
            .collect();
        std::thread::sleep(SLICE);
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let took = started.elapsed().as_secs_f64();
    let (mut calls, mut cpu) = (0, Duration::ZERO);
    for ended in ended {
        let (made, used) = ended.map_err(|_| anyhow::anyhow!("a thread has panicked"))??;
        calls += made;
        cpu += used;
    }
    Ok((calls as f64 / took, cpu.as_secs_f64() * 1e6 / calls as f64))
}

/// Makes calls, each with a message of its own, until it is to stop: how many, and in what processor time.
fn call_until(stop: &AtomicBool, plugin: &Plugin, chain: usize) -> Result<(usize, Duration)> {
    // The threads share the plugin and nothing else.
    let incoming = Incoming::new()?;
    let message = incoming.message();
    let event = Arc::new(Event {
        id: EventId(Uuid::now_v7()),
        source: "bench".into(),
        kind: "pull_request.opened".to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: "POST".to_owned(),
        path: "/in/bench".to_owned(),
        query: String::new(),
        headers: Headers::new(),
        body: message.body,
    });
    let destinations: Arc<[Arc<str>]> = Arc::new(["nowhere".into()]);
    let mut calls = 0;
    let before = machine::thread_time();
    while !stop.load(Ordering::Relaxed) {
        let mut message = incoming.message();
        let mut shared = Chain::default();
        for _ in 0..chain {
            let call = Call { event: event.clone(), message, destinations: destinations.clone() };
            let Verdict::Forward(made) = plugin.process(call, &mut shared)?.verdict else {
                anyhow::bail!("the plugin has discarded the event");
            };
            message = made.into_iter().next().context("the plugin has forwarded nothing")?;
            calls += 1;
        }
    }
    Ok((calls, machine::thread_time() - before))
}
