//! What was acknowledged survives: a short run of each proof. `cargo xtask prove` runs them at length.

use hookyard_tests::Random;
use hookyard_tests::crash::{self, program};
use hookyard_tests::load::Size;
use hookyard_tests::proof::{Faults, PowerLoss, faults, power_loss};

fn kills(seed: u64, store: &'static str, kills: usize) -> crash::Plan {
    let events = 100 * kills;
    crash::Plan { program: program(), store, kills, events, senders: 6, recovers_within: None, seed }
}

/// P1 P4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let seed = Random::seed();
    eprintln!("HOOKYARD_SEED={seed}");
    let report = crash::run(&kills(seed, "sqlite", 20)).await;
    eprintln!("{report}");
    report.check();
}

/// The proof can fail: what is kept in memory is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_memory_is_found_out() {
    let report = crash::run(&kills(Random::seed(), "memory", 5)).await;
    assert!(
        report.problems.iter().any(|problem| problem.contains("was acknowledged and came to")),
        "{report}"
    );
}

fn losses(seed: u64, losses: usize, disk_lies: bool) -> PowerLoss {
    let size = Size { producers: 3, batches: 20 };
    PowerLoss { losses, of_one_run: 75, size, disk_lies, seed }
}

/// P1 P3 P4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_to_a_loss_of_power() {
    let seed = Random::seed();
    eprintln!("HOOKYARD_SEED={seed}");
    let report = power_loss(losses(seed, 150, false)).await;
    eprintln!("{report}");
    report.check();
}

/// The proof can fail: on a disk that says that it has synced and has not, events are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_is_found_out() {
    let report = power_loss(losses(Random::seed(), 30, true)).await;
    assert!(report.problems.iter().any(|problem| problem.contains("lost")), "{report}");
}

/// P2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_after_an_io_error() {
    let seed = Random::seed();
    eprintln!("HOOKYARD_SEED={seed}");
    let size = Size { producers: 3, batches: 15 };
    let report = faults(Faults { syncs: 8, writes: 8, stride: 37, size, seed }).await;
    eprintln!("{report}");
    report.check();
}
