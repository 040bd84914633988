//! `hookyard runs` and `hookyard deliveries`

use clap::Subcommand;

use crate::admin::WorkView;

use super::failed::Failed;
use super::listing::{Part, Span, Target};
use super::output::Output;
use super::reach::Reach;
use super::table::Table;
use super::text;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunsCommand {
    /// List them, newest first
    List {
        #[command(flatten)]
        filter: WorkFilter,
        /// Where they stand: held, pending, leased, done, dropped, dead, discarded or replaced
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        part: Part,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DeliveriesCommand {
    /// List them, newest first
    List {
        #[command(flatten)]
        filter: WorkFilter,
        /// To this destination
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,
        /// Where they stand: pending, leased, done, dead or discarded
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        part: Part,
    },
}

/// Which runs or deliveries.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct WorkFilter {
    /// Of events from this source
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// On this route
    #[arg(long, value_name = "NAME")]
    pub(super) route: Option<String>,
    #[command(flatten)]
    pub(super) span: Span,
}

impl WorkFilter {
    pub(super) fn target(&self, path: &'static str) -> Result<Target, Failed> {
        Target::new(path)
            .with("source", self.source.as_deref())
            .with("route", self.route.as_deref())
            .within(&self.span)
    }
}

pub(super) async fn runs(reach: &Reach, output: Output, command: RunsCommand) -> Result<(), Failed> {
    let RunsCommand::List { filter, state, part } = command;
    let target = filter.target("/v1/runs")?.with("state", state.as_deref());
    target.show(reach, &part, output, "runs", runs_table).await
}

pub(super) async fn deliveries(
    reach: &Reach,
    output: Output,
    command: DeliveriesCommand,
) -> Result<(), Failed> {
    let DeliveriesCommand::List { filter, destination, state, part } = command;
    let target = filter.target("/v1/deliveries")?.with("state", state.as_deref());
    let target = target.with("destination", destination.as_deref());
    target.show(reach, &part, output, "deliveries", deliveries_table).await
}

fn runs_table(runs: &[WorkView]) -> Table {
    let mut table = Table::new(&["ID", "SINCE (UTC)", "SOURCE", "ROUTE", "STATE", "ATTEMPTS", "DETAIL"]);
    for run in runs {
        table.row([
            run.id.to_string(),
            text::time(run.since.0),
            run.source.clone(),
            run.route.clone(),
            run.state.clone(),
            run.attempts.to_string(),
            detail(run),
        ]);
    }
    table
}

fn deliveries_table(deliveries: &[WorkView]) -> Table {
    let mut table = Table::new(&["ID", "SINCE (UTC)", "ROUTE", "DESTINATION", "STATE", "ATTEMPTS", "DETAIL"]);
    for delivery in deliveries {
        table.row([
            delivery.id.to_string(),
            text::time(delivery.since.0),
            delivery.route.clone(),
            delivery.destination.clone().unwrap_or_default(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            detail(delivery),
        ]);
    }
    table
}

/// Both kinds in one table, with why they were given up.
pub(super) fn dead_letters_table(dead: &[WorkView]) -> Table {
    let mut table = Table::new(&["ID", "KIND", "SINCE (UTC)", "SOURCE", "ROUTE", "DESTINATION", "CAUSE"]);
    for work in dead {
        table.row([
            work.id.to_string(),
            work.kind.clone(),
            text::time(work.since.0),
            work.source.clone(),
            work.route.clone(),
            work.destination.clone().unwrap_or_default(),
            detail(work),
        ]);
    }
    table
}

/// What went wrong or how it ended, and when it goes on where it has failed before.
fn detail(work: &WorkView) -> String {
    let said = work.detail.clone().unwrap_or_default();
    match work.due {
        Some(due) if work.attempts > 0 && work.state == "pending" => {
            format!("next {}: {said}", text::time(due.0))
        }
        _ => said,
    }
}
