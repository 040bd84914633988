//! Calls of plugins without sockets, store and routes, on one thread or on several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hookyard::event::{Event, EventId, Headers};
use hookyard::plugin::wasm::{Grants, Instances, Limits, Plugin, PluginSettings};
use hookyard::plugin::{Call, Chain, OutputLimits, Processor as _, Verdict};
use uuid::Uuid;

use crate::machine;
use crate::request::Incoming;

/// Bytes of memory that a guest may have.
pub(crate) const MAX_MEMORY: usize = 256 << 20;

pub(crate) fn settings(config: &str, instances: Instances) -> PluginSettings {
    PluginSettings {
        name: "bench".into(),
        config: config.to_owned(),
        limits: Limits {
            cpu: Duration::from_millis(500),
            wall: Duration::from_secs(5),
            memory: MAX_MEMORY,
            output: OutputLimits { bytes: 1 << 20, messages: 1000 },
            ..Limits::default()
        },
        grants: Grants::default(),
        secrets: Default::default(),
        kv: None,
        outbound: None,
        instances,
        reuse: Default::default(),
        uses: Default::default(),
    }
}

/// Sends messages with bodies of `body` bytes through a chain of plugins, on each of the threads, for so long: calls a second
/// and processor time for each, in microseconds.
pub(crate) fn slice(chain: &[&Plugin], threads: usize, body: usize, time: Duration) -> Result<(f64, f64)> {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let ended = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|number| {
                let stop = &stop;
                scope.spawn(move || {
                    machine::pin(number)?;
                    call_until(stop, chain, body)
                })
            })
            .collect();
        std::thread::sleep(time);
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
fn call_until(stop: &AtomicBool, chain: &[&Plugin], body: usize) -> Result<(usize, Duration)> {
    // The threads share the plugins and nothing else.
    let incoming = Incoming::new(body)?;
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
        for plugin in chain {
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
