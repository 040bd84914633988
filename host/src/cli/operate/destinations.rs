//! `hookyard destinations`

use clap::Subcommand;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::admin::{DestinationView, DisableRequest, Done, List};
use crate::clock::{Clock as _, SystemClock};
use crate::event::UnixMillis;

use super::super::say;
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::Reach;
use super::table::Table;
use super::text;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// List all that are configured, and all that something waits for
    List,
    /// Let a destination get its deliveries again
    Enable {
        /// Its name
        name: String,
    },
    /// Let a destination get nothing until it is enabled; what is for it waits
    Disable {
        /// Its name
        name: String,
        /// Why, for whoever looks next
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

pub(super) async fn run(reach: &Reach, output: Output, command: Command) -> Result<(), Failed> {
    match command {
        Command::List => {
            let list: List<DestinationView> = reach.get("/v1/destinations").await?;
            match output {
                Output::Json => list.items.iter().for_each(output::item),
                Output::Table => say(&table(&list.items, SystemClock.now()).text()),
            }
            Ok(())
        }
        Command::Enable { name } => {
            let done: Done = reach.post(&path(&name, "enable"), &DisableRequest::default()).await?;
            told(output, &done, &format!("{name} gets its deliveries again"));
            Ok(())
        }
        Command::Disable { name, reason } => {
            let done: Done = reach.post(&path(&name, "disable"), &DisableRequest { reason }).await?;
            told(output, &done, &format!("{name} gets nothing until `hookyard destinations enable {name}`"));
            Ok(())
        }
    }
}

fn path(name: &str, what: &str) -> String {
    format!("/v1/destinations/{}/{what}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn told(output: Output, done: &Done, sentence: &str) {
    match output {
        Output::Json => output::document(done),
        Output::Table => say(&format!("{sentence}\n")),
    }
}

fn table(destinations: &[DestinationView], now: UnixMillis) -> Table {
    let mut table = Table::new(&["NAME", "KIND", "STATE", "WAITING", "OLDEST", "PLACE"]);
    for destination in destinations {
        let state = match (&destination.state[..], &destination.reason) {
            ("unconfigured", _) => "not in the configuration".to_owned(),
            (state, Some(reason)) => format!("{state}: {reason}"),
            (state, None) => state.to_owned(),
        };
        table.row([
            destination.name.clone(),
            destination.kind.clone().unwrap_or_default(),
            state,
            destination.pending.to_string(),
            destination.oldest.map(|oldest| text::span(now - oldest.0)).unwrap_or_default(),
            destination.place.clone().unwrap_or_default(),
        ]);
    }
    table
}
