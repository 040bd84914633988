//! `hookyard plugin bench`: what calls cost, on this machine, on one thread.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::plugin::Chain;
use crate::plugin::wasm::{Component, Instances, Origin, PluginSettings, Runtime, thread_cpu};

use super::super::operate::failed::Failed;
use super::super::operate::output::{self, Output};
use super::super::say;
use super::component::{component_file, content, load, runtime, warn_if_stale};
use super::trial::call::{Callable, chain, export, of_case, web};
use super::trial::case::Export;
use super::trial::event::{Given, given};
use super::trial::options::Options;
use super::trial::outcome::word;

/// Calls before those that count: code and data come into the caches.
const WARM_UP: usize = 50;

/// Times that are kept for the percentiles.
const MAX_TIMES: usize = 1_000_000;

/// What is measured unless an event is named.
const EVENT: &str = "github.pull_request.opened";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A plugin's file, or its folder once it is built
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    plugin: PathBuf,
    #[command(flatten)]
    options: Options,
    /// So many calls of each kind
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    calls: Option<usize>,
    /// For so long, for each kind
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    seconds: f64,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct View {
    event: String,
    /// Bytes of its body.
    body: usize,
    compile_ms: u64,
    fresh: Measured,
    reused: Measured,
    /// Processor time that a fresh instance takes beyond a reused one.
    instance_us: f64,
    /// Whether this program was built without optimization, so that the numbers say little.
    unoptimized: bool,
}

/// Of one kind of calls; times in microseconds.
#[derive(Debug, Serialize)]
struct Measured {
    calls: usize,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    /// Bytes at most.
    peak_memory: usize,
    /// How the calls ended.
    outcomes: BTreeMap<&'static str, usize>,
}

pub(super) fn run(config: &Path, arguments: &Arguments) -> ExitCode {
    match bench(config, arguments) {
        Ok(view) => {
            match arguments.output {
                Output::Json => output::document(&view),
                Output::Table => say(&text(&view)),
            }
            ExitCode::SUCCESS
        }
        Err(failed) => failed.exit(),
    }
}

fn bench(config: &Path, arguments: &Arguments) -> Result<View, Failed> {
    let file = component_file(&arguments.plugin)?;
    warn_if_stale(&file, &arguments.plugin);
    let event = arguments.options.event.as_deref().unwrap_or(EVENT);
    let case = arguments.options.case_of(event, config)?;
    let limits = case.limits().map_err(Failed::usage)?;
    let runtime = runtime(limits.memory)?;
    let component = load(&runtime, &file, content(&file)?)?;
    let given = given(&case).map_err(Failed::usage)?;
    let export = export(&component, &case).map_err(Failed::usage)?;
    let settings = of_case("bench", &case).map_err(Failed::usage)?;
    let web = Arc::new(web(&case).map_err(Failed::usage)?.forgetful());
    let settings = PluginSettings { outbound: Some(web), ..settings };
    let measure = |instances| {
        let settings = PluginSettings { instances, ..settings.clone() };
        let callable = callable(&runtime, &component, settings, export)?;
        Ok::<_, Failed>(measured(&callable, &given, || chain(&case), arguments))
    };
    let (fresh, reused) = (measure(Instances::Fresh)?, measure(Instances::Reuse)?);
    let (Origin::Compiled(took) | Origin::Cached(took)) = component.origin;
    Ok(View {
        event: event.to_owned(),
        body: given.event.bytes().len(),
        compile_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        instance_us: rounded(fresh.cpu_us - reused.cpu_us),
        fresh,
        reused,
        unoptimized: cfg!(debug_assertions),
    })
}

fn callable(
    runtime: &Runtime,
    component: &Component,
    settings: PluginSettings,
    export: Export,
) -> Result<Callable, Failed> {
    Callable::new(runtime, component, settings, export).map_err(|error| Failed::config(format!("it {error}")))
}

fn measured(
    callable: &Callable,
    given: &Given,
    chain: impl Fn() -> Chain,
    arguments: &Arguments,
) -> Measured {
    for _ in 0..WARM_UP.min(arguments.calls.unwrap_or(WARM_UP)) {
        callable.call(given, &mut chain());
    }
    let (mut times, mut outcomes, mut peak_memory) = (Vec::new(), BTreeMap::new(), 0);
    let mut cpu = Duration::ZERO;
    let started = Instant::now();
    let goes_on = |calls: usize| match arguments.calls {
        Some(most) => calls < most.min(MAX_TIMES),
        None => calls < MAX_TIMES && started.elapsed().as_secs_f64() < arguments.seconds,
    };
    while goes_on(times.len()) {
        let mut chain = chain();
        let (began, cpu_began) = (Instant::now(), thread_cpu());
        let said = callable.call(given, &mut chain);
        cpu += thread_cpu().saturating_sub(cpu_began);
        times.push(began.elapsed());
        *outcomes.entry(word(&said)).or_default() += 1;
        peak_memory = peak_memory.max(chain.peak_memory);
    }
    times.sort_unstable();
    let micros = |time: Duration| rounded(time.as_secs_f64() * 1e6);
    let part = |share: f64| {
        let at = (times.len() as f64 * share) as usize;
        micros(times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default())
    };
    Measured {
        calls: times.len(),
        cpu_us: rounded(cpu.as_secs_f64() * 1e6 / times.len().max(1) as f64),
        p50_us: part(0.5),
        p99_us: part(0.99),
        peak_memory,
        outcomes,
    }
}

/// To a hundredth.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn text(view: &View) -> String {
    let mut shown =
        format!("{}, a body of {} bytes; compiled in {} ms\n\n", view.event, view.body, view.compile_ms);
    let _ = writeln!(
        shown,
        "{:<16} {:>10} {:>10} {:>10} {:>10} {:>12}",
        "µs for a call", "CPU", "p50", "p99", "calls", "memory"
    );
    for (kind, measured) in [("fresh instance", &view.fresh), ("reused instance", &view.reused)] {
        let Measured { cpu_us, p50_us, p99_us, calls, peak_memory, .. } = measured;
        let memory = format!("{} KiB", peak_memory / 1024);
        let _ = writeln!(
            shown,
            "{kind:<16} {cpu_us:>10.2} {p50_us:>10.2} {p99_us:>10.2} {calls:>10} {memory:>12}"
        );
    }
    let _ = writeln!(shown, "\nof which making an instance takes about {:.2} µs", view.instance_us);
    for (kind, measured) in [("fresh", &view.fresh), ("reused", &view.reused)] {
        let ends: Vec<String> =
            measured.outcomes.iter().map(|(word, count)| format!("{word} {count}")).collect();
        let _ = writeln!(shown, "{kind}: {}", ends.join(", "));
    }
    if view.unoptimized {
        shown
            .push_str("\nthis hookyard was built without optimization: compare nothing with these numbers\n");
    }
    shown
}
