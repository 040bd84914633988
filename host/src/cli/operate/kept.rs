//! `hookyard plugins kv`

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::admin::{KeptView, KeyView, Moment};
use crate::clock::{Clock as _, SystemClock};
use crate::event::UnixMillis;

use super::super::say;
use super::failed::Failed;
use super::listing::{Part, Target};
use super::output::{self, Output};
use super::reach::Reach;
use super::table::Table;
use super::{text, timeline};

/// Whose, and which.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The plugin, or a name under which something is kept
    name: String,
    /// One key, with its value
    #[arg(conflicts_with_all = ["prefix", "limit", "after"])]
    key: Option<String>,
    /// Only keys that begin with this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// The whole value, however large
    #[arg(long, requires = "key")]
    full: bool,
    #[command(flatten)]
    part: Part,
}

pub(super) async fn run(reach: &Reach, output: Output, arguments: Arguments) -> Result<(), Failed> {
    let path = format!("/v1/plugins/{}/kv", encoded(&arguments.name));
    let Some(key) = arguments.key else {
        let target = Target::new(path).with("prefix", arguments.prefix.as_deref());
        return target.show(reach, &arguments.part, output, "keys", table).await;
    };
    let target = Target::new(format!("{path}/{}", encoded(&key)));
    let target = target.with("full", arguments.full.then_some("true"));
    let kept: KeptView = reach.get(&target.text()).await?;
    match output {
        Output::Json => output::document(&kept),
        Output::Table => say(&value(&kept, SystemClock.now())),
    }
    Ok(())
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn table(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&["SIZE", "EXPIRES (UTC)", "KEY"]);
    for KeyView { key, size, expires_at } in keys {
        let expires = expires_at.map(|at| text::time(at.0)).unwrap_or_default();
        table.row([text::size(*size), expires, key.clone()]);
    }
    table
}

/// A line about it, and below it the value.
fn value(kept: &KeptView, now: UnixMillis) -> String {
    let expires = match kept.expires_at {
        Some(Moment(at)) => format!("expires in {}", text::span(at - now)),
        None => "does not expire".to_owned(),
    };
    let mut shown = format!("{}: {}, {expires}\n\n", text::line(&kept.key), text::size(kept.value.size));
    timeline::body(&mut shown, &kept.value);
    shown
}
