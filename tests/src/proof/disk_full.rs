//! A full disk: a store on a small file system of its own is filled until it refuses, again and again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hookyard::store::{Limits, OpenError, SqliteSettings, SqliteStore, Store, StoreError, SyncMode};

use crate::load::Filling;

use super::Report;

/// Where, and how often.
#[derive(Clone, Debug)]
pub struct DiskFull {
    /// A file system of its own, which is empty.
    pub directory: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How often it is filled, in each of two ways.
    pub cycles: usize,
}

/// How long a store may take to see that there is room again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fills a disk and frees it, first with no reserve, until writing fails, then with one, which the store itself keeps
/// and gets back without help.
pub async fn disk_full(plan: DiskFull) -> Report {
    let mut report = Report::new("full disk");
    let filler = plan.directory.join("filler");
    let without = Way { reserve: 0, filler: Some((filler, plan.size / 2)) };
    let with = Way { reserve: plan.size / 3, filler: None };
    cycles(&plan, "until writing fails", &without, &mut report).await;
    cycles(&plan, "until the reserve is reached", &with, &mut report).await;
    report
}

/// How it is filled.
struct Way {
    reserve: u64,
    /// A file of this size is removed when the disk is full: the store cannot make room when it cannot write.
    filler: Option<(PathBuf, u64)>,
}

async fn cycles(plan: &DiskFull, name: &'static str, way: &Way, report: &mut Report) {
    let directory = plan.directory.join(format!("reserve-{}", way.reserve));
    std::fs::create_dir(&directory).unwrap();
    let mut filling = Filling::default();
    let (mut refusals, mut problems) = (0, Vec::new());
    for cycle in 0..plan.cycles {
        // Opened anew each time.
        let found = match open(&directory, way.reserve) {
            Ok(store) => {
                refusals += 1;
                let found = fill_and_free(&store, way, &mut filling).await;
                found.unwrap_or_else(|error| vec![error])
            }
            Err(error) => vec![error.to_string()],
        };
        problems.extend(found.into_iter().map(|found| format!("{name}, cycle {cycle}: {found}")));
    }
    std::fs::remove_dir_all(&directory).unwrap();
    report.row(name, format!("{refusals} times, {} events acknowledged in all", filling.acknowledged()));
    report.row("  of these lost", filling.lost());
    report.problems.extend(problems);
}

async fn fill_and_free(store: &SqliteStore, way: &Way, filling: &mut Filling) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    if let Some((path, size)) = &way.filler {
        std::fs::write(path, vec![0; *size as usize]).unwrap();
    }
    let refusal = filling.until_refused(store).await;
    if !matches!(refusal, StoreError::Full(_)) {
        problems.push(format!("the refusal is {refusal:?}"));
    }
    // What has been accepted can be read while the disk is full.
    problems
        .extend(all_there(store, filling).await.unwrap_or_else(|error| vec![format!("while full: {error}")]));
    match &way.filler {
        Some((path, _)) => std::fs::remove_file(path).unwrap(),
        // Work goes on while nothing more is taken.
        None => match filling.append_one(store).await {
            Err(StoreError::Full(_)) => {}
            answer => problems.push(format!("below the reserve an append was answered {answer:?}")),
        },
    }
    let during = |what: &'static str| move |error: StoreError| format!("while {what}: {error}");
    filling.work_off(store).await.map_err(during("working it off"))?;
    filling.remove_all(store).await.map_err(during("removing it"))?;
    problems.extend(takes_again(store, filling).await);
    filling.work_off(store).await.map_err(during("working off what came later"))?;
    let ledger = store.ledger().await.map_err(during("adding up"))?;
    if !ledger.adds_up() || ledger.pending > 0 || ledger.accepted != filling.acknowledged() as u64 {
        problems.push(format!(
            "{} events were acknowledged, and the ledger is {ledger:?}",
            filling.acknowledged()
        ));
    }
    problems.extend(all_there(store, filling).await.map_err(during("reading"))?);
    Ok(problems)
}

/// Whether what waits is listed, and nothing is damaged.
async fn all_there(store: &SqliteStore, filling: &Filling) -> Result<Vec<String>, StoreError> {
    let listed = filling.listed(store).await?;
    let mut problems = store.verify().await?;
    let missing = filling.waiting().difference(&listed).count();
    if missing > 0 {
        problems.push(format!("{missing} acknowledged events are not there"));
    }
    Ok(problems)
}

/// Whether the store takes events once more, soon.
async fn takes_again(store: &SqliteStore, filling: &mut Filling) -> Option<String> {
    let started = Instant::now();
    loop {
        match filling.append_one(store).await {
            Ok(()) => return None,
            Err(StoreError::Full(_)) if started.elapsed() < PATIENCE => {
                filling.remove_all(store).await.ok()?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Some(format!("with everything worked off and removed: {error}")),
        }
    }
}

fn open(directory: &Path, reserve: u64) -> Result<SqliteStore, OpenError> {
    let limits = Limits { events: 10_000_000, bytes: 1 << 40 };
    let settings = SqliteSettings { limits, sync: SyncMode::Accepted, reserve, vfs: None };
    SqliteStore::open(directory, settings)
}
