//! What a process does with its share.

use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use hookyard::plugin::wasm::LoadError;

use crate::workbench::{Terms, Workbench};

use super::super::process;
use super::mutate::Mutator;

/// What each may use.
const TERMS: Terms = Terms { cpu: Duration::from_millis(20), granted: false };

/// Loads these and, where that works, calls them once, saying on standard output what came of each.
pub fn try_mutants(seed: u64, part: Range<usize>) {
    let mutator = Mutator::new();
    let bench = Workbench::open();
    let mut out = std::io::stdout().lock();
    for number in part {
        let mutant = mutator.mutant(seed, number);
        let begun = Instant::now();
        let outcome = tried(&bench, mutant);
        let memory = (process::memory() >> 20, process::peak() >> 20);
        // A reader that is gone wants no more.
        let line = writeln!(out, "{} {} {} {outcome}", begun.elapsed().as_millis(), memory.0, memory.1);
        if line.and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn tried(bench: &Workbench, mutant: Vec<u8>) -> String {
    match bench.load(mutant, TERMS) {
        Err(LoadError::NotAComponent(_)) => "not loaded: no component".to_owned(),
        // Libraries that read declarations do so for some; the thread that loads ends, and nothing else does.
        Err(LoadError::Invalid(detail)) if detail.contains("panicked") => {
            "not loaded: a panic, contained".to_owned()
        }
        Err(LoadError::Invalid(_)) => "not loaded: invalid".to_owned(),
        Err(LoadError::World(_)) => "not loaded: of another world".to_owned(),
        Err(LoadError::Import(_)) => "not loaded: an import or export that does not fit".to_owned(),
        Err(LoadError::Schema(_)) => "not loaded: its settings' schema".to_owned(),
        Err(LoadError::Lifecycle(_)) => "not loaded: it failed meanwhile".to_owned(),
        Err(LoadError::Limit(_)) => "not loaded: too much".to_owned(),
        Err(error @ (LoadError::Read(_) | LoadError::Digest { .. })) => format!("not loaded: {error}"),
        Ok(plugin) => match bench.call(&plugin) {
            Ok(_) => "loaded, called: ok".to_owned(),
            Err(fault) => format!("loaded, called: {}", fault.kind.as_str()),
        },
    }
}
