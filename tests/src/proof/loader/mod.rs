//! Thousands of damaged components through the loader, and where one still loads, a call of it. In processes of their own,
//! so that the end of one is noticed; what ended it is kept.

mod child;
mod mutate;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::yard::repository;

use self::mutate::Mutator;
use super::Report;

pub use child::try_mutants;

/// How many, and which.
#[derive(Clone, Debug)]
pub struct Loader {
    /// The program that tries them, as `PROGRAM loader-mutants SEED FROM TO`.
    pub program: PathBuf,
    /// How many damaged components are made.
    pub mutants: usize,
    /// What they are made by.
    pub seed: u64,
}

/// How long one may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Processes at once.
const PROCESSES: usize = 2;

/// MiB that a process may come to have more than after its first tenth.
const GROWTH: u64 = 96;

/// MiB that a process may have at any time.
const MOST: u64 = 1536;

/// Tries every mutant.
pub fn loader(plan: &Loader) -> Report {
    let mut report = Report::new(format!("{} damaged components, seed {}", plan.mutants, plan.seed));
    let share = plan.mutants.div_ceil(PROCESSES);
    let parts = (0..PROCESSES).map(|at| at * share..plan.mutants.min((at + 1) * share));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || tried(plan, part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it panics nowhere")).collect()
    });
    let mut all = Tally::default();
    tallies.into_iter().for_each(|tally| all.add(tally));
    for (outcome, number) in &all.outcomes {
        report.row(outcome.clone(), number);
    }
    report.row("longest", format!("{} ms: number {}", all.longest.0, all.longest.1));
    report.row("most memory of a process", format!("{} MiB", all.most_memory));
    let tried: usize = all.outcomes.values().sum();
    if tried + all.ended != plan.mutants {
        all.problems.push(format!("only {tried} of {} were tried", plan.mutants));
    }
    report.problems = all.problems;
    report
}

/// What came of some of them.
#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<String, usize>,
    longest: (u64, usize),
    most_memory: u64,
    /// Those that ended the process.
    ended: usize,
    problems: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        for (outcome, number) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += number;
        }
        self.longest = self.longest.max(other.longest);
        self.most_memory = self.most_memory.max(other.most_memory);
        self.ended += other.ended;
        self.problems.extend(other.problems);
    }
}

/// Tries some, with a new process after each that ends one.
fn tried(plan: &Loader, part: Range<usize>) -> Tally {
    let mut tally = Tally::default();
    let mut from = part.start;
    while from < part.end {
        let mut trying = Trying::start(plan, from..part.end);
        let settled_at = from + (part.end - from) / 10;
        let (mut settled, mut memory) = (0, 0);
        loop {
            match trying.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let tried = Tried::read(&line);
                    *tally.outcomes.entry(tried.outcome.clone()).or_default() += 1;
                    tally.longest = tally.longest.max((tried.milliseconds, from));
                    tally.most_memory = tally.most_memory.max(tried.peak);
                    memory = tried.memory;
                    if from <= settled_at {
                        settled = memory;
                    }
                    from += 1;
                }
                Err(ended) => {
                    let what = match ended {
                        RecvTimeoutError::Timeout => format!("took longer than {PATIENCE:?}"),
                        RecvTimeoutError::Disconnected => "ended the process".to_owned(),
                    };
                    let status = trying.end();
                    if from < part.end {
                        let kept = kept(plan, from);
                        tally.problems.push(format!("number {from} {what} ({status}); it is kept: {kept}"));
                        tally.ended += 1;
                        from += 1;
                    }
                    break;
                }
            }
        }
        if memory > settled + GROWTH {
            tally.problems.push(format!("a process grew from {settled} to {memory} MiB"));
        }
    }
    if tally.most_memory > MOST {
        tally.problems.push(format!("a process had {} MiB", tally.most_memory));
    }
    tally
}

/// Writes a mutant down; where.
fn kept(plan: &Loader, number: usize) -> String {
    let directory = repository().join("target/prove/loader");
    let path = directory.join(format!("{}-{number}.wasm", plan.seed));
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(&path, Mutator::new().mutant(plan.seed, number)).expect("a file");
    path.display().to_string()
}

/// A process at work.
struct Trying {
    process: Child,
    lines: Receiver<String>,
}

impl Trying {
    fn start(plan: &Loader, part: Range<usize>) -> Self {
        let mut process = Command::new(&plan.program)
            .arg("loader-mutants")
            .args([plan.seed.to_string(), part.start.to_string(), part.end.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program is there");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Trying { process, lines }
    }

    fn end(&mut self) -> String {
        let _ = self.process.kill();
        self.process.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

/// A line of what a process says: milliseconds, memory and the most memory in MiB, and the outcome.
struct Tried {
    milliseconds: u64,
    memory: u64,
    peak: u64,
    outcome: String,
}

impl Tried {
    fn read(line: &str) -> Self {
        let mut fields = line.splitn(4, ' ');
        let mut number = || fields.next().and_then(|field| field.parse().ok()).expect("a number");
        let (milliseconds, memory, peak) = (number(), number(), number());
        Tried { milliseconds, memory, peak, outcome: fields.next().unwrap_or_default().to_owned() }
    }
}
