//! Power loss: a store works on a disk that records, and is opened again on what the disk would hold after a loss of
//! power at any moment, in any state that POSIX allows.

use std::sync::Arc;
use std::time::Duration;

use hookyard::store::SyncMode;
use tempfile::TempDir;

use crate::disk::{Disk, Habits, Image, Moment, Operation, Recording, Replay, Survival};
use crate::load::{Audit, Journal, Size, audit, drive};
use crate::random::Random;

use super::{Report, open};

/// How much, and how.
#[derive(Clone, Copy, Debug)]
pub struct PowerLoss {
    /// Losses of power, at least.
    pub losses: usize,
    /// Losses of one run of the load.
    pub of_one_run: usize,
    /// The load, twice in each run: the store is closed and opened in between.
    pub size: Size,
    /// The disk says that it has synced and has not: the proof has to fail.
    pub disk_lies: bool,
    /// Makes the choices.
    pub seed: u64,
}

/// What was counted.
#[derive(Default)]
struct Figures {
    operations: usize,
    syncs: usize,
    checkpoints: usize,
    removed: u64,
    losses: usize,
    at_recovery: usize,
    acknowledged: usize,
    lost: usize,
    repeated: usize,
    problems: Vec<String>,
}

/// Runs the load and loses power until it has done so often enough.
pub async fn power_loss(plan: PowerLoss) -> Report {
    let mut random = Random::new(plan.seed);
    let mut figures = Figures::default();
    let mut runs = 0;
    while figures.losses < plan.losses {
        let sync = if runs % 2 == 0 { SyncMode::Accepted } else { SyncMode::All };
        run(&plan, sync, &mut random, &mut figures).await;
        runs += 1;
    }
    let mut report = Report::new(format!("power loss (seed {})", plan.seed));
    report.row("runs of the load", runs);
    report.row(
        "operations on the disk, syncs among them",
        format!("{}, {}", figures.operations, figures.syncs),
    );
    report.row("checkpoints, counted by syncs of the file", figures.checkpoints);
    report.row("events or their bodies removed by retention", figures.removed);
    report.row("losses of power", figures.losses);
    report.row("of these, followed by another while recovering", figures.at_recovery);
    report.row("acknowledged events looked for", figures.acknowledged);
    report.row("acknowledged events lost", figures.lost);
    report.row("deliveries made once more, of settlements not yet synced", figures.repeated);
    report.problems = figures.problems;
    report
}

async fn run(plan: &PowerLoss, sync: SyncMode, random: &mut Random, figures: &mut Figures) {
    let directory = TempDir::new().unwrap();
    let habits = Habits { sync_takes: Duration::from_micros(200), lies: plan.disk_lies };
    let disk = Arc::new(Disk::new(directory.path(), habits));
    let moments = disk.clone();
    let journal = Arc::new(Journal::new(move || moments.moment()));
    for _ in 0..2 {
        let store = open(directory.path(), sync, Some(&disk)).unwrap();
        drive(Arc::new(store), journal.clone(), plan.size, random.bits()).await.unwrap();
    }
    let recording = disk.recording();
    let (entries, now) = (journal.entries(), journal.now());
    figures.operations += recording.operations.len();
    figures.syncs += syncs(&recording).count();
    figures.checkpoints += checkpoints(&recording);
    figures.removed += entries.removed;

    let mut replay = Replay::new(&recording);
    for crash in moments_of_loss(&recording, plan.of_one_run, random) {
        replay.advance(crash);
        let survival = survival(random);
        let mut image = replay.image(survival);
        let again = random.percent(15);
        if again && let Ok(second) = lose_while_recovering(&image, random) {
            image = second;
            figures.at_recovery += 1;
        }
        let directory = scratch();
        image.write_to(directory.path());
        let audited = match open(directory.path(), SyncMode::Accepted, None) {
            Ok(store) => {
                let safe = sync == SyncMode::All;
                audit(&store, &entries, crash, now, safe).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        figures
            .add(audited, &format!("{sync:?}, at {crash:?} of {}, {survival:?}", recording.operations.len()));
    }
}

impl Figures {
    fn add(&mut self, audited: Result<Audit, String>, place: &str) {
        self.losses += 1;
        match audited {
            Ok(audit) => {
                self.acknowledged += audit.acknowledged;
                self.lost += audit.lost;
                self.repeated += audit.repeated;
                self.problems.extend(audit.problems.into_iter().map(|problem| format!("{place}: {problem}")));
            }
            Err(error) => self.problems.push(format!("{place}: {error}")),
        }
    }
}

/// Where syncs ended.
fn syncs(recording: &Recording) -> impl Iterator<Item = usize> {
    let operations = recording.operations.iter().enumerate();
    operations.filter(|(_, operation)| matches!(operation, Operation::Sync { .. })).map(|(at, _)| at)
}

/// How often the file itself was synced, which only a checkpoint does.
fn checkpoints(recording: &Recording) -> usize {
    let operations = || recording.operations.iter();
    let the_file = |operation: &Operation| match operation {
        Operation::Link { name, file } if name.ends_with(".db") => Some(*file),
        _ => None,
    };
    let the_file = operations().find_map(the_file);
    operations()
        .filter(|operation| matches!(operation, Operation::Sync { file, .. } if Some(*file) == the_file))
        .count()
}

/// Moments in order: just before and just after syncs, and any others.
fn moments_of_loss(recording: &Recording, count: usize, random: &mut Random) -> Vec<Moment> {
    let syncs: Vec<usize> = syncs(recording).collect();
    let moment = |_| match random.below(3) {
        _ if syncs.is_empty() => random.below(recording.operations.len() as u64 + 1) as usize,
        0 => syncs[random.below(syncs.len() as u64) as usize],
        1 => syncs[random.below(syncs.len() as u64) as usize] + 1,
        _ => random.below(recording.operations.len() as u64 + 1) as usize,
    };
    let mut moments: Vec<Moment> = (0..count).map(moment).map(Moment).collect();
    moments.sort_unstable();
    moments
}

fn survival(random: &mut Random) -> Survival {
    let seed = random.bits();
    match random.below(6) {
        0 => Survival::Nothing,
        1 => Survival::Everything,
        2 | 3 => Survival::Operations { seed },
        4 => Survival::Sectors { seed, size: 512 },
        _ => Survival::Sectors { seed, size: 4096 },
    }
}

/// Opens a store on an image, and loses power at any moment of that.
fn lose_while_recovering(image: &Image, random: &mut Random) -> Result<Image, hookyard::store::OpenError> {
    let directory = scratch();
    image.write_to(directory.path());
    let disk = Disk::new(directory.path(), Habits::default());
    drop(open(directory.path(), SyncMode::Accepted, Some(&disk))?);
    let recording = disk.recording();
    let mut replay = Replay::new(&recording);
    replay.advance(Moment(random.below(recording.operations.len() as u64 + 1) as usize));
    Ok(replay.image(survival(random)))
}

/// A directory in memory where there is one: nothing here has to survive.
pub(super) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}
