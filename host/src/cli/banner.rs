//! What a start shows: everything that is live, and what to type next.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::{DestinationKind, Respond, StoreKind};
use crate::generation::{Generation, Origin, RouteEntry, SourceEntry, shown};
use crate::provider::SecretPlace;

/// The start's account.
pub(super) fn text(generation: &Generation, addresses: &[SocketAddr], config: &Path) -> String {
    let mut text = format!("\nHookyard {} · {}\n\n", env!("CARGO_PKG_VERSION"), config.display());
    let server = &generation.config.server;
    for address in addresses {
        line(&mut text, "listening", "", &format!("{}://{address}", server.scheme()));
    }
    for (name, source) in &sorted(generation) {
        line(&mut text, "source", name, &of_source(generation, source, addresses));
    }
    for (name, plugin) in &generation.plugins {
        line(&mut text, "plugin", name, &plugin.account);
    }
    for (route, entry) in generation.config.routes.iter().zip(&generation.routes) {
        let events: Vec<String> = route.rule.events.iter().map(ToString::to_string).collect();
        let events = match (events.as_slice(), route.rule.fallback) {
            (_, true) => "what no other route takes".to_owned(),
            ([], _) => "every event".to_owned(),
            (events, _) => events.join(", "),
        };
        let conditions = if route.rule.conditions.is_empty() { "" } else { " if it matches" };
        let from = route.rule.sources.join(", ");
        line(&mut text, "route", &route.name, &format!("{from}: {events}{conditions} {}", way(entry)));
    }
    for (name, destination) in &generation.config.destinations {
        let mut place = match &destination.kind {
            DestinationKind::Console => "this terminal".to_owned(),
            DestinationKind::File { path } => shown(path),
            DestinationKind::Source { source, .. } => format!("source {source}"),
            DestinationKind::Plugin { plugin, .. } => format!("plugin {plugin}"),
            DestinationKind::Component(component) => shown(&component.path),
            DestinationKind::Http(http) => {
                http.url.host().map(|host| format!("{} at {host}", http.method)).unwrap_or_default()
            }
        };
        if let Some(origin) = generation.destinations.get(name).and_then(|entry| entry.origin.as_ref()) {
            origin_of(&mut place, origin, "the secret it is signed with");
        }
        line(&mut text, "destination", name, &place);
    }
    for (name, group) in &generation.config.groups {
        line(&mut text, "group", name, &group.to.join(", "));
    }
    let store = &generation.config.store;
    let kept = match store.kind {
        StoreKind::Sqlite => {
            format!("{}, synced before a sender is answered", shown(&store.path.join("events.db")))
        }
        StoreKind::Memory => "in memory: what is not delivered when the process dies is lost".to_owned(),
    };
    line(&mut text, "store", "", &kept);
    let _ = writeln!(text, "\n{}\n", next(generation, addresses, config));
    text
}

fn sorted(generation: &Generation) -> Vec<(String, &SourceEntry)> {
    generation
        .config
        .sources
        .keys()
        .filter_map(|name| Some((name.to_string(), generation.sources.get(name)?)))
        .collect()
}

fn line(text: &mut String, what: &str, name: &str, account: &str) {
    let name = if name.is_empty() { String::new() } else { format!("{name:<10} ") };
    let _ = writeln!(text, "  {what:<12} {name}{account}");
}

/// Where it is listened: what is configured may leave the port to the system.
fn heard_at(generation: &Generation, addresses: &[SocketAddr]) -> String {
    let address = addresses.first().map(ToString::to_string).unwrap_or_default();
    format!("{}://{address}", generation.config.server.scheme())
}

fn of_source(generation: &Generation, source: &SourceEntry, addresses: &[SocketAddr]) -> String {
    if source.internal {
        return "from destinations of this gateway only".to_owned();
    }
    let server = &generation.config.server;
    let origin = server.public_url.clone().unwrap_or_else(|| heard_at(generation, addresses));
    let mut account = format!("POST {origin}{}/{}", server.base_path, source.name);
    if source.proofs.is_empty() {
        account.push_str(" · anyone may send");
    }
    for (at, origin) in source.origins.iter().enumerate() {
        match source.origins.len() {
            1 => origin_of(&mut account, origin, "its secret"),
            count => origin_of(&mut account, origin, &format!("its secret {} of {count}", at + 1)),
        }
    }
    account
}

/// Where a secret is kept, and for one that was made just now, what is to become of it.
fn origin_of(account: &mut String, origin: &Origin, what: &str) {
    if let Some(file) = &origin.file {
        let made = match origin {
            Origin { created: true, .. } => "made just now",
            Origin { awaited: true, .. } => "the sender brings its secret, to be kept in",
            Origin { .. } => what,
        };
        let _ = write!(account, "\n{:27}{made}: {}", "", shown(file));
        if let Some(place) = origin.place.filter(|_| origin.created) {
            let what = match place {
                SecretPlace::Chosen(_) => "paste it into: ",
                SecretPlace::Issued(_) => "only to try it out; copy the sender's own from: ",
                SecretPlace::PublicKey(_) => "only to try it out; copy the sender's public key from: ",
                SecretPlace::Agreed(_) => "the sender has to have the same: ",
                SecretPlace::Brought(_) | SecretPlace::Needless(_) => "",
            };
            let _ = write!(account, "\n{:27}{what}{}", "", place.text());
        }
    }
}

fn way(route: &RouteEntry) -> String {
    let mut way = String::new();
    for plugin in &route.plugins {
        let _ = write!(way, "→ {} ", plugin.name);
    }
    if !route.to.is_empty() {
        let _ = write!(way, "→ {}", route.to.join(", "));
    }
    if matches!(route.respond, Respond::Plugin { .. }) {
        way.push_str(" · the plugin answers the sender");
    }
    way.trim_end().to_owned()
}

/// The one line to type next: a sample, where a source has one.
fn next(generation: &Generation, addresses: &[SocketAddr], config: &Path) -> String {
    let sample = generation.config.sources.values().find_map(|source| {
        let provider = source.provider?.provider;
        let entry = generation.sources.get(&*source.name);
        // Before its sender has brought the secret, nothing else than that can be sent.
        let awaited = entry.is_some_and(|entry| entry.origins.iter().any(|origin| origin.awaited));
        let sample = match awaited {
            true => super::samples::of(provider).into_iter().find(|sample| sample.handshake)?,
            false => super::samples::first(provider)?,
        };
        Some((&source.name, sample.event))
    });
    let option = if config == Path::new("config.toml") {
        String::new()
    } else {
        format!("--config {} ", config.display())
    };
    match sample {
        Some((name, event)) if std::env::var_os("CARGO").is_some() => {
            format!("In another terminal:  cargo run --release -- {option}send {name} {event}")
        }
        Some((name, event)) => format!("In another terminal:  hookyard {option}send {name} {event}"),
        None => format!("See what is going on:  curl {}/readyz", heard_at(generation, addresses)),
    }
}
