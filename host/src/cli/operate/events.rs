//! `hookyard events`

use std::path::Path;

use clap::Subcommand;
use uuid::Uuid;

use crate::admin::{EventDetail, EventView};

use super::super::say;
use super::failed::Failed;
use super::listing::{Part, Span, Target};
use super::output::{self, Output};
use super::reach::Reach;
use super::table::Table;
use super::{text, timeline};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// List them, newest first
    List {
        #[command(flatten)]
        filter: EventFilter,
        /// Where they stand: pending, settled or unrouted
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show what happened to one, and what was received
    Show {
        /// Its id
        id: Uuid,
        /// The whole body, however large
        #[arg(long)]
        full: bool,
        /// Headers and parameters that hold credentials as well
        #[arg(long)]
        reveal: bool,
    },
}

/// Which events, except where they stand.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct EventFilter {
    /// From this source
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// Of this type; `*` stands for anything
    #[arg(long = "type", value_name = "PATTERN")]
    pub(super) kind: Option<String>,
    #[command(flatten)]
    pub(super) span: Span,
}

impl EventFilter {
    pub(super) fn target(&self, state: Option<&str>) -> Result<Target, Failed> {
        Target::new("/v1/events")
            .with("source", self.source.as_deref())
            .with("type", self.kind.as_deref())
            .with("state", state)
            .within(&self.span)
    }
}

pub(super) async fn run(reach: &Reach, output: Output, command: Command) -> Result<(), Failed> {
    match command {
        Command::List { filter, state, part } => {
            filter.target(state.as_deref())?.show(reach, &part, output, "events", table).await
        }
        Command::Show { id, full, reveal } => {
            let target = Target::new("").with("full", full.then_some("true"));
            let target = target.with("reveal", reveal.then_some("true"));
            let detail: EventDetail = reach.get(&format!("/v1/events/{id}{}", target.text())).await?;
            match output {
                Output::Json => output::document(&detail),
                Output::Table => say(&timeline::text(&detail)),
            }
            Ok(())
        }
    }
}

/// An event with all that was received, for a command that is no operator's.
pub(in crate::cli) fn fetch(config: &Path, id: Uuid) -> Result<EventDetail, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::unreachable(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let reach = Reach::find(config, None).await?;
        reach.get(&format!("/v1/events/{id}?full=true&reveal=true")).await
    })
}

pub(super) fn table(events: &[EventView]) -> Table {
    let mut table = Table::new(&["ID", "RECEIVED (UTC)", "SOURCE", "STATE", "SIZE", "TYPE"]);
    for event in events {
        table.row([
            event.id.to_string(),
            text::time(event.received_at.0),
            event.source.clone(),
            event.state.clone(),
            text::size(event.size),
            event.kind.clone(),
        ]);
    }
    table
}
