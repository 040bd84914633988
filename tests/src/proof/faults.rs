//! I/O errors: the n-th sync or write fails, or there is no room from the n-th write on, for each n.

use std::sync::Arc;
use std::time::Duration;

use hookyard::store::{Store, StoreError, SyncMode};
use tempfile::TempDir;

use crate::disk::{Disk, Fault, Habits, Moment, Replay, Survival};
use crate::load::{Entries, Journal, Outcome, Size, audit, drive};

use super::power_loss::scratch;
use super::{Report, open};

/// How much.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Syncs fail from the first to this one, one in each run.
    pub syncs: u64,
    /// And so many writes.
    pub writes: u64,
    /// The first of them, and how many writes are between two of them.
    pub stride: u64,
    /// The load.
    pub size: Size,
    /// Makes the choices.
    pub seed: u64,
}

#[derive(Default)]
struct Figures {
    runs: usize,
    refused: usize,
    unknown: usize,
    acknowledged: usize,
    lost: usize,
    problems: Vec<String>,
}

/// Runs the load once for each fault.
pub async fn faults(plan: Faults) -> Report {
    let mut figures = Figures::default();
    for nth in 1..=plan.syncs {
        fatal(&plan, Fault::Sync(nth), &mut figures).await;
    }
    for nth in 1..=plan.writes {
        fatal(&plan, Fault::Write(nth * plan.stride), &mut figures).await;
    }
    let mut report = Report::new(format!("I/O errors (seed {})", plan.seed));
    report.row("syncs and writes that failed, one in each run", figures.runs);
    let mut full = Figures::default();
    for nth in 1..=plan.writes {
        no_room(&plan, nth * plan.stride, &mut full).await;
    }
    report.row("runs in which there was no room for a while", full.runs);
    report.row("appends answered as refused, as unknown", {
        format!("{}, {}", figures.refused + full.refused, figures.unknown + full.unknown)
    });
    report.row("acknowledged events looked for", figures.acknowledged + full.acknowledged);
    report.row("acknowledged events lost", figures.lost + full.lost);
    report.problems = figures.problems;
    report.problems.extend(full.problems);
    report
}

/// A store on a disk of its own, which has worked for a while.
struct Bench {
    directory: TempDir,
    disk: Arc<Disk>,
    journal: Arc<Journal>,
    store: Arc<dyn Store>,
}

impl Bench {
    async fn new(plan: &Faults) -> Self {
        let directory = scratch();
        let habits = Habits { sync_takes: Duration::from_micros(50), lies: false };
        let disk = Arc::new(Disk::new(directory.path(), habits));
        let moments = disk.clone();
        let journal = Arc::new(Journal::new(move || moments.moment()));
        let store: Arc<dyn Store> =
            Arc::new(open(directory.path(), SyncMode::Accepted, Some(&disk)).unwrap());
        let bench = Bench { directory, disk, journal, store };
        let warm = Size { producers: 2, batches: 3 };
        drive(bench.store.clone(), bench.journal.clone(), warm, plan.seed).await.unwrap();
        bench
    }

    async fn drive(&self, plan: &Faults) -> Result<(), StoreError> {
        drive(self.store.clone(), self.journal.clone(), plan.size, plan.seed).await
    }

    /// Closes the store and audits what it has left behind: to the operating system, and to the disk if the power goes.
    async fn audit(self, place: &str, figures: &mut Figures) {
        let Bench { directory, disk, journal, store } = self;
        drop(store);
        let (entries, now) = (journal.entries(), journal.now());
        figures.count(&entries);
        let recording = disk.recording();
        let mut replay = Replay::new(&recording);
        replay.advance(recording.moment());
        for survival in [Survival::Nothing, Survival::Operations { seed: now as u64 }] {
            let image = scratch();
            replay.image(survival).write_to(image.path());
            figures
                .audit(&image, &entries, now, &format!("{place}, then a loss of power, {survival:?}"))
                .await;
        }
        figures.audit(&directory, &entries, now, place).await;
    }
}

impl Figures {
    fn count(&mut self, entries: &Entries) {
        self.runs += 1;
        for sent in entries.sent.values() {
            match &sent.answered {
                Some((_, Outcome::Refused(_))) => self.refused += 1,
                Some((_, Outcome::Unknown)) => self.unknown += 1,
                _ => {}
            }
        }
    }

    async fn audit(&mut self, directory: &TempDir, entries: &Entries, now: i64, place: &str) {
        let audited = match open(directory.path(), SyncMode::Accepted, None) {
            Ok(store) => audit(&store, entries, Moment(usize::MAX), now, false)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match audited {
            Ok(audit) => {
                self.acknowledged += audit.acknowledged;
                self.lost += audit.lost;
                self.problems.extend(audit.problems.into_iter().map(|problem| format!("{place}: {problem}")));
            }
            Err(error) => self.problems.push(format!("{place}: {error}")),
        }
    }
}

/// After an error that may mean anything the store takes nothing any more.
async fn fatal(plan: &Faults, fault: Fault, figures: &mut Figures) {
    let bench = Bench::new(plan).await;
    bench.disk.set(fault);
    let ended = bench.drive(plan).await;
    if !bench.disk.has_failed() {
        return figures.problems.push(format!("{fault:?}: the load is too small for it to happen"));
    }
    if !matches!(ended, Err(StoreError::Unknown(_) | StoreError::Failed(_))) {
        figures.problems.push(format!("{fault:?}: the load ended with {ended:?}"));
    }
    let acknowledged = bench.journal.acknowledged();
    let more = bench.drive(plan).await;
    if !matches!(more, Err(StoreError::Failed(_))) || bench.journal.acknowledged() > acknowledged {
        figures.problems.push(format!("{fault:?}: afterwards the store answers {more:?}"));
    }
    bench.audit(&format!("{fault:?}"), figures).await;
}

/// While there is no room the store takes nothing, and afterwards it goes on.
async fn no_room(plan: &Faults, nth: u64, figures: &mut Figures) {
    let bench = Bench::new(plan).await;
    let fault = Fault::Full(nth);
    bench.disk.set(fault);
    let ended = bench.drive(plan).await;
    if !matches!(ended, Err(StoreError::Full(_))) {
        figures.problems.push(format!("{fault:?}: the load ended with {ended:?}"));
    }
    bench.disk.mend();
    if let Err(error) = bench.drive(plan).await {
        figures.problems.push(format!("{fault:?}: with room again: {error}"));
    }
    bench.audit(&format!("{fault:?}"), figures).await;
}
