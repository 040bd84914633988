//! `hookyard store`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Subcommand;

use crate::admin::{BackupRequest, BackupView, StatsView, VerifyView};

use super::super::say;
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::Reach;
use super::text;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Show what has become of everything accepted, what waits, and how large the store is
    Stats,
    /// Look for faults; exit code 1 if there are any
    Verify,
    /// Write a copy of the store, as it is at one moment, to a new file
    Backup {
        /// The file
        to: PathBuf,
    },
}

pub(super) async fn run(reach: &Reach, output: Output, command: Command) -> Result<(), Failed> {
    match command {
        Command::Stats => {
            let stats: StatsView = reach.get("/v1/store/stats").await?;
            match output {
                Output::Json => output::document(&stats),
                Output::Table => say(&stats_text(&stats)),
            }
            match stats.ledger.adds_up {
                true => Ok(()),
                false => {
                    Err(Failed::not_all("the ledger does not add up; `hookyard store verify` says more"))
                }
            }
        }
        Command::Verify => {
            let found: VerifyView = reach.post_patiently("/v1/store/verify", &()).await?;
            match output {
                Output::Json => output::document(&found),
                Output::Table if found.problems.is_empty() => say("the store is sound\n"),
                Output::Table => {
                    found.problems.iter().for_each(|problem| say(&format!("{}\n", text::line(problem))));
                }
            }
            match found.problems.len() {
                0 => Ok(()),
                many => Err(Failed::not_all(text::count(many as u64, "fault", "faults"))),
            }
        }
        Command::Backup { to } => {
            let to = std::path::absolute(&to).map_err(|error| Failed::usage(error.to_string()))?;
            let made: BackupView = reach.post_patiently("/v1/store/backup", &BackupRequest { to }).await?;
            match output {
                Output::Json => output::document(&made),
                Output::Table => say(&format!("{}  {}\n", made.to.display(), text::size(made.size))),
            }
            Ok(())
        }
    }
}

fn stats_text(stats: &StatsView) -> String {
    let ledger = &stats.ledger;
    let mut text = format!(
        "{}, {}, of which {} can be used again\n\n",
        text::line(&stats.engine),
        text::size(stats.size),
        text::size(stats.reusable)
    );
    let work = |runs: u64, deliveries: u64| {
        let deliveries = text::count(deliveries, "delivery", "deliveries");
        format!("{} and {deliveries}", text::count(runs, "run", "runs"))
    };
    let waiting = work(ledger.runs_pending, ledger.deliveries_pending);
    let given_up = work(ledger.runs_dead, ledger.deliveries_dead) + ", of which:";
    let lines = [
        ("accepted", ledger.accepted, "events, of which:"),
        ("  settled", ledger.settled, "every run and delivery has ended"),
        ("  pending", ledger.pending, "something has not ended"),
        ("  unrouted", ledger.unrouted, "no route took them"),
        ("  expired", ledger.expired, "no route took them, and retention removed them"),
        ("duplicates", ledger.duplicates, "recognised, and not among the accepted"),
        ("delivered", ledger.delivered, "deliveries that arrived"),
        ("dropped", ledger.runs_dropped, "runs in which a rule dropped the event"),
        ("waiting", ledger.runs_pending + ledger.deliveries_pending, &waiting),
        ("given up", ledger.runs_dead + ledger.deliveries_dead, &given_up),
        ("  dead letters", ledger.dead_letters, "are kept"),
        ("  replayed", ledger.dead_letters_replayed, "were done once more"),
        ("  discarded", ledger.dead_letters_discarded, "were put aside"),
        ("  expired", ledger.dead_letters_expired, "retention removed"),
    ];
    for (name, number, meaning) in lines {
        let _ = writeln!(text, "{name:<14} {number:>10}  {meaning}");
    }
    let verdict = if ledger.adds_up { "the ledger adds up" } else { "the ledger does NOT add up" };
    let _ = writeln!(text, "\n{verdict}");
    if !stats.backlog.is_empty() || stats.pending_bytes > 0 {
        let _ = writeln!(text, "\n{} of bodies and headers have not ended", text::size(stats.pending_bytes));
    }
    for backlog in &stats.backlog {
        let (name, since) = (text::line(&backlog.destination), text::time(backlog.oldest.0));
        let _ = writeln!(text, "{} wait for {name}, the oldest since {since} UTC", backlog.pending);
    }
    for kept in &stats.kept {
        let (name, values) = (text::line(&kept.namespace), text::count(kept.keys, "value", "values"));
        let _ = writeln!(text, "{values} of {} are kept by {name}", text::size(kept.bytes));
    }
    for disabled in &stats.disabled {
        let (name, reason) = (text::line(&disabled.destination), text::line(&disabled.reason));
        let _ = writeln!(text, "{name} is disabled since {} UTC: {reason}", text::time(disabled.since.0));
    }
    text
}
