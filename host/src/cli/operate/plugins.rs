//! `hookyard plugins`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::admin::{CapabilityView, List, PluginView, Today, UseView, plugins};
use crate::clock::{Clock as _, SystemClock};
use crate::event::UnixMillis;

use super::super::say;
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::{Found, Reach};
use super::table::Table;
use super::{kept, text};

/// Which of them.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(in crate::cli) struct Arguments {
    /// One plugin, with all that is known of it
    name: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// What a plugin keeps between events: its keys, or the value of one
    Kv(kept::Arguments),
}

pub(super) async fn run(
    config: &Path,
    socket: Option<PathBuf>,
    output: Output,
    arguments: Arguments,
) -> Result<(), Failed> {
    match (&arguments.name, arguments.command) {
        (None, Some(Command::Kv(arguments))) => {
            return kept::run(&Reach::find(config, socket).await?, output, arguments).await;
        }
        (Some(_), Some(Command::Kv(_))) => {
            return Err(Failed::usage("the plugin's name comes last: hookyard plugins kv NAME"));
        }
        (_, None) => {}
    }
    let now = SystemClock.now();
    let list: List<PluginView> = match Reach::gateway(config, socket).await? {
        Found::Gateway(gateway) => gateway.get("/v1/plugins").await?,
        Found::Nobody(config) => {
            output::note("no gateway is running: this is what the configuration and the files say");
            plugins(&Today::written(*config), now)
        }
    };
    let Some(name) = arguments.name else {
        match output {
            Output::Json => list.items.iter().for_each(output::item),
            Output::Table if list.items.is_empty() => output::note("no plugins"),
            Output::Table => say(&table(&list.items).text()),
        }
        return Ok(());
    };
    let found = list.items.iter().find(|plugin| plugin.name == name);
    let plugin = found.ok_or_else(|| {
        let names: Vec<&str> = list.items.iter().map(|plugin| plugin.name.as_str()).collect();
        Failed::not_all(format!("there is no plugin `{name}`; there are: {}", names.join(", ")))
    })?;
    match output {
        Output::Json => output::document(plugin),
        Output::Table => say(&all_of(plugin, now)),
    }
    Ok(())
}

fn table(plugins: &[PluginView]) -> Table {
    let mut table = Table::new(&[
        "PLUGIN",
        "EXPORTS",
        "SIZE",
        "INSTANCE",
        "USED BY",
        "CALLS",
        "FAILED",
        "MAY",
        "TO NARROW",
    ]);
    for plugin in plugins {
        let counted = |count: fn(&crate::admin::CallsView) -> u64| {
            plugin.calls.as_ref().map(|calls| count(calls).to_string()).unwrap_or_default()
        };
        let granted = plugin.capabilities.iter().filter(|capability| capability.granted);
        let advice = plugin.capabilities.iter().flat_map(|capability| &capability.advice);
        table.row([
            plugin.name.clone(),
            plugin.exports.clone().unwrap_or_default(),
            plugin.size.map(text::size).unwrap_or_default(),
            plugin.instance.clone(),
            plugin.used_by.join(", "),
            counted(|calls| calls.made),
            counted(|calls| calls.failed),
            granted.map(|capability| capability.capability.as_str()).collect::<Vec<_>>().join(", "),
            advice.map(String::as_str).collect::<Vec<_>>().join("; "),
        ]);
    }
    table
}

/// Everything about one.
fn all_of(plugin: &PluginView, now: UnixMillis) -> String {
    let mut shown = text::line(&plugin.name);
    if let Some(description) = &plugin.description {
        let _ = write!(shown, ": {}", text::line(description));
    }
    shown.push_str("\n\n");
    let calls = plugin.calls.as_ref().map(|calls| {
        let since = text::span(now - calls.since.0);
        format!("{}, of which {} failed, in {since}", text::count(calls.made, "call", "calls"), calls.failed)
    });
    let facts = [
        ("file", plugin.path.clone()),
        ("digest", plugin.sha256.as_ref().map(|digest| format!("sha256:{digest}")).unwrap_or_default()),
        ("size", plugin.size.map(text::size).unwrap_or_default()),
        ("exports", plugin.exports.clone().unwrap_or_else(|| "its file cannot be read".to_owned())),
        ("instance", plugin.instance.clone()),
        ("on error", plugin.on_error.clone()),
        ("used by", if plugin.used_by.is_empty() { "nothing".to_owned() } else { plugin.used_by.join(", ") }),
        ("calls", calls.unwrap_or_default()),
    ];
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        let _ = writeln!(shown, "{name:<9} {}", text::line(fact));
    }
    for capability in &plugin.capabilities {
        shown.push_str(&capability_text(capability, now));
    }
    if plugin.capabilities.is_empty() {
        shown.push_str("\nit asks for nothing beyond the event, and is granted nothing\n");
    }
    shown
}

fn capability_text(view: &CapabilityView, now: UnixMillis) -> String {
    let asked = match view.imported {
        Some(true) => "imported",
        Some(false) => "not imported",
        None => "perhaps imported",
    };
    let granted = match (view.granted, view.names.as_slice()) {
        (false, _) => "not granted".to_owned(),
        (true, []) => "granted".to_owned(),
        (true, names) => format!("granted {}", names.join(", ")),
    };
    let mut shown = format!("\n{}: {asked}, {}\n", view.capability, text::line(&granted));
    for UseView { name, count, refused, bytes, last } in &view.used {
        let bytes = if *bytes > 0 { format!(", {}", text::size(*bytes)) } else { String::new() };
        let refused = if *refused > 0 { format!(", refused {refused}") } else { String::new() };
        let ago = text::span(now - last.0);
        let _ = writeln!(shown, "  {}  {count} times{refused}{bytes}, last {ago} ago", text::line(name));
    }
    for advice in &view.advice {
        let _ = writeln!(shown, "  → {}", text::line(advice));
    }
    shown
}
