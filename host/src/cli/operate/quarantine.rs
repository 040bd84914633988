//! `hookyard quarantine`

use clap::Subcommand;
use uuid::Uuid;

use crate::admin::{RefusedDetail, RefusedView};

use super::super::say;
use super::failed::Failed;
use super::listing::{Part, Target};
use super::many::Action;
use super::output::{self, Output};
use super::reach::Reach;
use super::replay::{Pace, go_on};
use super::selection::{Item, Selection};
use super::table::Table;
use super::{text, timeline};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// List refused requests, newest first, with the reason
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        part: Part,
    },
    /// Show one: what was received, and why it was refused
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
    /// Look at them again by the configuration of today: what is genuine is taken in as if it came now
    Reverify {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pace: Pace,
    },
    /// Forget them
    Discard {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pace: Pace,
    },
}

/// Which refused requests.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Filter {
    /// By this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// For this reason, such as bad_signature
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
}

/// Named ones, or all that the filters let through.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// Refused requests
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    /// All of them, or all that the filters let through
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Filter {
    fn target(&self) -> Target {
        Target::new("/v1/quarantine")
            .with("source", self.source.as_deref())
            .with("reason", self.reason.as_deref())
    }

    fn is_empty(&self) -> bool {
        self.source.is_none() && self.reason.is_none()
    }
}

pub(super) async fn run(reach: &Reach, output: Output, command: Command) -> Result<(), Failed> {
    let (which, pace, action) = match command {
        Command::List { filter, part } => {
            return filter.target().show(reach, &part, output, "refused requests", table).await;
        }
        Command::Show { id, full, reveal } => return show(reach, output, id, full, reveal).await,
        Command::Reverify { which, pace } => (which, pace, Action::Reverify),
        Command::Discard { which, pace } => (which, pace, Action::Forget),
    };
    // A filter says enough: there is nothing to lose by looking again.
    let by_filter = which.all || !which.filter.is_empty();
    let selection = match (by_filter, which.ids.is_empty()) {
        (true, true) => Selection::refused(reach, &which.filter.target()).await?,
        (false, false) => Selection::named(&which.ids, Item::Any),
        (true, false) => return Err(Failed::usage("give ids or filters, not both")),
        (false, true) => return Err(Failed::usage("name refused requests, or say --all or --source NAME")),
    };
    go_on(reach, output, selection, &action, &pace, table).await
}

async fn show(reach: &Reach, output: Output, id: Uuid, full: bool, reveal: bool) -> Result<(), Failed> {
    let target = Target::new("").with("full", full.then_some("true"));
    let target = target.with("reveal", reveal.then_some("true"));
    let detail: RefusedDetail = reach.get(&format!("/v1/quarantine/{id}{}", target.text())).await?;
    match output {
        Output::Json => output::document(&detail),
        Output::Table => {
            let RefusedView { source, reason, received_at, .. } = &detail.request;
            let mut shown = format!(
                "refused {id}\n  source        {source}\n  reason        {reason}\n  received      {} UTC\n",
                text::time(received_at.0)
            );
            timeline::content(&mut shown, &detail.content);
            say(&shown);
        }
    }
    Ok(())
}

fn table(refused: &[RefusedView]) -> Table {
    let mut table = Table::new(&["ID", "RECEIVED (UTC)", "SOURCE", "METHOD", "SIZE", "REASON"]);
    for request in refused {
        table.row([
            request.id.to_string(),
            text::time(request.received_at.0),
            request.source.clone(),
            request.method.clone(),
            text::size(request.size),
            request.reason.clone(),
        ]);
    }
    table
}
