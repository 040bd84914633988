//! What can only be judged once every file is read: references between elements, and what nobody uses.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Gathered, Kind, Reference};
use super::suggest::did_you_mean;
use super::text::Spot;
use super::{Config, Respond, Source, group, loops};

/// Names listed to somebody who wrote an unknown one.
const LISTED: usize = 12;

pub(super) fn check(config: &Config, gathered: &Gathered) {
    for reference in gathered.references.borrow().iter() {
        exists(reference, gathered);
    }
    one_answer(config, gathered);
    bodies_fit(config, gathered);
    addresses_known(config, gathered);
    whole_bodies_answered(config, gathered);
    group::check(config, gathered);
    loops::check(config, gathered);
    unused(config, gathered);
}

fn exists(reference: &Reference, gathered: &Gathered) {
    let declared = gathered.declared.borrow();
    if declared.contains_key(&(reference.kind, reference.name.clone())) {
        return;
    }
    let names: Vec<&str> =
        declared.keys().filter(|(kind, _)| *kind == reference.kind).map(|(_, name)| name.as_str()).collect();
    let (word, table) = reference.kind.words();
    let message = format!("there is no {word} `{}`", reference.name);
    gathered.error(reference.spot.clone(), message, |error| {
        if let Some(near) = did_you_mean(&reference.name, names.iter().copied()) {
            error.label(format!("did you mean `{near}`?"));
        } else if names.is_empty() || names.len() > LISTED {
            error.help(format!("add a table [{table}.{}]", reference.name));
        } else {
            error.help(format!("there is {}; or add a table [{table}.{}]", names.join(", "), reference.name));
        }
    });
}

fn spot(gathered: &Gathered, kind: Kind, name: &str) -> Option<Spot> {
    gathered.declared.borrow().get(&(kind, name.to_owned())).cloned()
}

/// A sender gets one answer, so at most one route may give it.
fn one_answer(config: &Config, gathered: &Gathered) {
    let mut answers: BTreeMap<&str, &str> = BTreeMap::new();
    let answering = config.routes.iter().filter(|route| route.respond != Respond::Accepted);
    for route in answering {
        for source in &route.rule.sources {
            let Some(first) = answers.insert(source, &route.name) else {
                continue;
            };
            if let Some(spot) = spot(gathered, Kind::Route, &route.name) {
                gathered.error(spot, format!("source `{source}` is answered by two routes"), |error| {
                    error
                        .label(format!("`{first}` answers it too"))
                        .help("a sender gets one answer: leave respond = \"plugin\" to one of the routes");
                });
            }
        }
    }
}

/// A body above the budget of all bodies could never be received.
fn bodies_fit(config: &Config, gathered: &Gathered) {
    let budget = config.server.max_in_flight.min(config.store.max_bytes);
    for source in config.sources.values().filter(|source| source.max_body > budget) {
        if let Some(spot) = spot(gathered, Kind::Source, &source.name) {
            gathered.error(spot, "the largest body of this source would never fit", |error| {
                error
                    .label(format!("its `max_body` is {} bytes", source.max_body))
                    .help("lower it, or raise [server] max_in_flight and [store] max_bytes above it");
            });
        }
    }
}

/// What signs the address that it calls can be checked only where that is known.
fn addresses_known(config: &Config, gathered: &Gathered) {
    let unknown = |source: &&Source| {
        source.names_url() && source.public_url.is_none() && config.server.public_url.is_none()
    };
    for source in config.sources.values().filter(unknown) {
        if let Some(spot) = spot(gathered, Kind::Source, &source.name) {
            gathered.error(spot, "this sender signs the address that it calls, which is not known", |error| {
                error.label("set [server] public_url, or `public_url` here").help(
                    "for example: public_url = \"https://hooks.example.com\" in [server], which the base path and the \
                     source's name are added to, or the whole address as the sender was told in the source",
                );
            });
        }
    }
}

/// A plugin answers for one event, so a body that it answers for cannot be several.
fn whole_bodies_answered(config: &Config, gathered: &Gathered) {
    for route in config.routes.iter().filter(|route| route.respond != Respond::Accepted) {
        let sources = route.rule.sources.iter().filter_map(|name| config.sources.get(&**name));
        for source in sources.filter(|source| source.batch.is_some()) {
            let Some(spot) = spot(gathered, Kind::Route, &route.name) else { continue };
            let message =
                format!("a body of source `{}` may be several events, which get one answer", source.name);
            gathered.error(spot, message, |error| {
                error
                    .label("respond = \"plugin\" answers for one event")
                    .help(format!("leave bodies whole: [sources.{}] split = false", source.name));
            });
        }
    }
}

fn unused(config: &Config, gathered: &Gathered) {
    let used: BTreeSet<(Kind, String)> = {
        let references = gathered.references.borrow();
        // A destination names a source, too, but takes nothing from it.
        let named = references.iter().filter(|reference| reference.kind != Kind::Source);
        let named = named.map(|reference| (reference.kind, reference.name.clone()));
        let sources = config.routes.iter().flat_map(|route| &route.rule.sources);
        named.chain(sources.map(|source| (Kind::Source, source.clone()))).collect()
    };
    for ((kind, name), spot) in gathered.declared.borrow().iter() {
        let group = *kind == Kind::Destination && config.groups.contains_key(name.as_str());
        if *kind == Kind::Route || group || used.contains(&(*kind, name.clone())) {
            continue;
        }
        let consequence = match kind {
            Kind::Source => "no route takes its events; they are stored and go nowhere",
            Kind::Secret => "no plugin is granted it",
            Kind::Plugin => "no route runs it, no source is verified by it, and no destination is made of it",
            Kind::Destination | Kind::Route => "no route uses it",
        };
        gathered.warn(spot, format!("{} `{name}`: {consequence}", kind.words().0));
    }
    let has_sources = gathered.declared.borrow().keys().any(|(kind, _)| *kind == Kind::Source);
    if let (false, Some(file)) = (has_sources, &config.files.first()) {
        let at = super::Location { file: file.to_string_lossy().into(), line: 1, column: 1 };
        let warning = "without a source nothing can be received".to_owned();
        gathered.warnings.borrow_mut().push((at, warning));
    }
}
