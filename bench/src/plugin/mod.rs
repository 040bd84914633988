//! What a plugin costs: in every language, fresh and reused, alone and in a chain, on bodies of three sizes, on one thread
//! and on two.

mod report;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hookyard::plugin::wasm::{Instances, Plugin, Runtime};

use self::report::{Report, Row};
use self::subject::Subject;
use crate::calling::{MAX_MEMORY, slice};
use crate::{Options, guests};

/// Sizes of bodies, in bytes.
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 256 << 10];

/// Plugins in a chain.
const CHAINS: [usize; 2] = [5, 10];

/// What is measured of a subject.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Variant {
    instances: Instances,
    chain: Chain,
    threads: usize,
    body: usize,
}

/// Which plugins a message goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Chain {
    /// One.
    One,
    /// The same one several times.
    Same(usize),
    /// As many that have nothing in common but what they do: a file, code and settings each.
    Different(usize),
}

/// A subject, ready to be called.
struct Ready {
    subject: Subject,
    /// Copies of which nothing is shared, fresh; one where the subject is too large for more.
    fresh: Vec<Plugin>,
    reused: Plugin,
    variants: Vec<Variant>,
    row: Row,
}

/// Measures all subjects in turn, `rounds` times.
pub(crate) fn run(options: &Options) -> Result<()> {
    let state = tempfile::tempdir().context("failed to make a state directory")?;
    guests::write(state.path())?;
    let runtime = Runtime::new(2, MAX_MEMORY)?;
    let repository = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut ready = Vec::new();
    for subject in subject::all(&repository, state.path()) {
        if options.wants(subject.name) {
            match subject.is_built() {
                true => ready.push(Ready::new(&runtime, subject)?),
                false => eprintln!("{}: not built, so not measured: {}", subject.name, subject.how_to_build),
            }
        }
    }
    if ready.is_empty() {
        bail!("there is nothing to measure");
    }
    for round in 0..options.rounds {
        for ready in &mut ready {
            eprintln!("round {} of {}: {}", round + 1, options.rounds, ready.subject.name);
            ready.measure(options.time / 10)?;
        }
    }
    let report = Report(ready.into_iter().map(|ready| ready.row).collect());
    report.print().context("failed to print")?;
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

impl Ready {
    fn new(runtime: &Runtime, subject: Subject) -> Result<Self> {
        eprintln!("{}: compiling", subject.name);
        let copies = if subject.is_small { CHAINS[1] } else { 1 };
        let (first, loaded) = subject.load(runtime, 0)?;
        let reused = subject.plugin(runtime, &first, Instances::Reuse)?;
        let mut fresh = vec![subject.plugin(runtime, &first, Instances::Fresh)?];
        for number in 1..copies {
            let (component, _) = subject.load(runtime, number)?;
            fresh.push(subject.plugin(runtime, &component, Instances::Fresh)?);
        }
        let row = Row::new(&subject, loaded);
        let variants = variants(&subject);
        Ok(Ready { subject, fresh, reused, variants, row })
    }

    fn measure(&mut self, time: Duration) -> Result<()> {
        for variant in &self.variants {
            let one = match variant.instances {
                Instances::Fresh => &self.fresh[0],
                Instances::Reuse => &self.reused,
            };
            let chain: Vec<&Plugin> = match variant.chain {
                Chain::One => vec![one],
                Chain::Same(length) => vec![one; length],
                Chain::Different(length) => self.fresh.iter().take(length).collect(),
            };
            let name = self.subject.name;
            let (rate, cpu) = slice(&chain, variant.threads, variant.body, time)
                .with_context(|| format!("{name}, {variant:?}"))?;
            self.row.add(*variant, rate, cpu);
        }
        Ok(())
    }
}

fn variants(subject: &Subject) -> Vec<Variant> {
    let one = Variant { instances: Instances::Fresh, chain: Chain::One, threads: 1, body: SIZES[0] };
    let mut variants = Vec::new();
    for instances in [Instances::Fresh, Instances::Reuse] {
        if instances == Instances::Reuse && !subject.can_be_reused {
            continue;
        }
        variants.extend(SIZES.map(|body| Variant { instances, body, ..one }));
        variants.push(Variant { instances, threads: 2, ..one });
    }
    variants.extend(CHAINS.map(|length| Variant { chain: Chain::Same(length), ..one }));
    if subject.is_small {
        variants.extend(CHAINS.map(|length| Variant { chain: Chain::Different(length), ..one }));
    }
    variants
}
