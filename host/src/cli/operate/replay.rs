//! `hookyard replay` and `hookyard dead-letters`

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::say;
use super::events;
use super::failed::Failed;
use super::listing::{Part, Target};
use super::many::{Action, Rate, each};
use super::output::{self, Output};
use super::reach::Reach;
use super::selection::{Item, Selection};
use super::table::Table;
use super::work::{self, dead_letters_table};

/// Either ids, or a stretch of time from which all events are taken that have ended.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Deliveries that have ended, or dead runs
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    /// An event, to be taken through its routes and their plugins again, by today's configuration
    #[arg(long = "event", value_name = "ID")]
    events: Vec<Uuid>,
    /// Of the routes that take an event, only this one
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    #[command(flatten)]
    filter: events::EventFilter,
    /// Where the events stand: settled or unrouted
    #[arg(long)]
    state: Option<String>,
    /// Dead runs that failed last in this plugin, or came to no end on a route with it, to be done again now that it is
    /// mended
    #[arg(long, value_name = "PLUGIN")]
    failed_in: Option<String>,
    #[command(flatten)]
    pace: Pace,
}

/// Whether to do it, and how fast.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Pace {
    /// Say how many it would be, show a few, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Not faster than this, such as 50/s, 100/m or 10/h
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    rate: Option<Rate>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DeadLettersCommand {
    /// List them, newest first, with why they were given up
    List {
        #[command(flatten)]
        filter: DeadFilter,
        #[command(flatten)]
        part: Part,
    },
    /// Do them once more: a delivery as the same delivery, a run as a new run
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pace: Pace,
    },
    /// Put them aside: they stay visible until retention removes them
    Discard {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        pace: Pace,
    },
}

/// Named ones, or all that the filters let through.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// Runs or deliveries
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    /// All of them, or all that the filters let through
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    filter: DeadFilter,
}

/// Which dead letters.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct DeadFilter {
    #[command(flatten)]
    work: work::WorkFilter,
    /// To this destination: deliveries only
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// With this in the cause
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// What failed last in this plugin, or came to no end on a route with it
    #[arg(long, value_name = "PLUGIN")]
    failed_in: Option<String>,
}

impl DeadFilter {
    fn target(&self) -> Result<Target, Failed> {
        let target = self.work.target("/v1/dead-letters")?;
        let target = target.with("destination", self.destination.as_deref());
        let target = target.with("cause", self.cause.as_deref());
        Ok(target.with("failed_in", self.failed_in.as_deref()))
    }

    fn is_empty(&self) -> bool {
        let DeadFilter { work, destination, cause, failed_in } = self;
        let filters =
            [&work.source, &work.route, &work.span.since, &work.span.until, destination, cause, failed_in];
        filters.iter().all(|filter| filter.is_none())
    }
}

pub(super) async fn run(reach: &Reach, output: Output, arguments: Arguments) -> Result<(), Failed> {
    let Arguments { ids, events, route, filter, state, failed_in, pace } = arguments;
    if let Some(plugin) = failed_in {
        if !ids.is_empty() || !events.is_empty() || filter.kind.is_some() || state.is_some() {
            return Err(Failed::usage(
                "--failed-in goes with --source, --route, --since and --until, and without ids",
            ));
        }
        let target = Target::new("/v1/dead-letters")
            .with("source", filter.source.as_deref())
            .with("route", route.as_deref())
            .with("failed_in", Some(&plugin))
            .within(&filter.span)?;
        let selection = Selection::dead_letters(reach, &target).await?;
        return go_on(reach, output, selection, &Action::ReplayDead, &pace, dead_letters_table).await;
    }
    let by_time = filter.span.since.is_some();
    let filtered = by_time
        || state.is_some()
        || [&filter.source, &filter.kind, &filter.span.until].iter().any(|filter| filter.is_some());
    let named = !ids.is_empty() || !events.is_empty();
    let selection = match (named, by_time) {
        (true, _) if filtered => {
            return Err(Failed::usage("give ids or filters, not both"));
        }
        (true, _) if route.is_some() && !ids.is_empty() => {
            return Err(Failed::usage("--route is about events; a delivery or a run stays on its route"));
        }
        (true, _) => {
            let mut selection = Selection::named(&ids, Item::Any);
            selection.items.extend(Selection::<()>::named(&events, Item::Event).items);
            selection
        }
        (false, true) => {
            if state.as_deref() == Some("pending") {
                return Err(Failed::usage("what is pending is under way; --state is settled or unrouted"));
            }
            Selection::ended_events(reach, &filter.target(state.as_deref())?).await?
        }
        (false, false) => {
            return Err(Failed::usage(
                "name a delivery or a dead run, or --event ID, or from when on to replay events: --since 2h, or --failed-in PLUGIN",
            ));
        }
    };
    go_on(reach, output, selection, &Action::Replay(route), &pace, events::table).await
}

pub(super) async fn dead_letters(
    reach: &Reach,
    output: Output,
    command: DeadLettersCommand,
) -> Result<(), Failed> {
    let (which, pace, action) = match command {
        DeadLettersCommand::List { filter, part } => {
            return filter.target()?.show(reach, &part, output, "dead letters", dead_letters_table).await;
        }
        DeadLettersCommand::Replay { which, pace } => (which, pace, Action::ReplayDead),
        DeadLettersCommand::Discard { which, pace } => (which, pace, Action::Discard),
    };
    if !which.all && which.ids.is_empty() {
        return Err(Failed::usage("name dead letters, or say --all, with filters or without"));
    }
    if !which.all && !which.filter.is_empty() {
        return Err(Failed::usage("filters choose among all: give them with --all and without ids"));
    }
    let selection = match which.all {
        true => Selection::dead_letters(reach, &which.filter.target()?).await?,
        false => Selection::named(&which.ids, Item::Any),
    };
    go_on(reach, output, selection, &action, &pace, dead_letters_table).await
}

/// Does it, or says what would be done.
pub(super) async fn go_on<T: Serialize>(
    reach: &Reach,
    output: Output,
    selection: Selection<T>,
    action: &Action,
    pace: &Pace,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<(), Failed> {
    let Selection { items, sample } = selection;
    if pace.dry_run {
        let (would, (_, word)) = (items.len(), action.words());
        match output {
            Output::Json => output::document(&json!({ "dry_run": true, "would": would, "sample": sample })),
            Output::Table => {
                say(&format!("would {word} {would}\n"));
                if !sample.is_empty() {
                    let some = if sample.len() < would { "of these the newest:\n" } else { "" };
                    say(&format!("\n{some}{}", table(&sample).text()));
                }
            }
        }
        return Ok(());
    }
    if items.is_empty() {
        return Err(Failed::not_all(format!("there is nothing to {}", action.words().1)));
    }
    each(reach, output, items, action, pace.rate).await
}
