//! Why an event takes its routes, with the places in the configuration, for operators.

use serde::{Deserialize, Serialize};

use crate::config::{Config, Respond, Route, Written};
use crate::event::Event;
use crate::routing::{Found, Looked, Part, Predicate, RouteExplanation, Router};

use super::redact::Credentials;

/// Every route for one event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExplainView {
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Names of the routes that it takes.
    pub(crate) taken: Vec<String>,
    /// Why it takes none, if so.
    pub(crate) unrouted: Option<String>,
    /// The routes of its source.
    pub(crate) routes: Vec<RouteView>,
    /// Names of the routes that listen to other sources.
    pub(crate) elsewhere: Vec<String>,
}

/// One route.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RouteView {
    pub(crate) route: String,
    /// Where it is written, such as `config.toml:12:9`.
    pub(crate) at: String,
    pub(crate) fires: bool,
    pub(crate) parts: Vec<PartView>,
    /// Plugins that an event runs through which takes it.
    pub(crate) plugins: Vec<String>,
    /// Destinations and groups.
    pub(crate) to: Vec<String>,
    /// Whether its plugins answer the sender.
    pub(crate) replies: bool,
}

/// One part of what makes a route fire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartView {
    /// `source`, `events`, `match`, `when` or `fallback`.
    pub(crate) part: String,
    pub(crate) holds: bool,
    /// Why it cannot be told; then it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undecided: Option<String>,
    pub(crate) at: String,
    /// As it is written.
    pub(crate) text: String,
    /// What the event has there.
    pub(crate) found: Vec<FoundView>,
}

/// A value of the event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FoundView {
    pub(crate) name: String,
    /// None where there is nothing, or where it is withheld.
    pub(crate) value: Option<String>,
    /// Whether it is a credential, which nobody asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withheld: bool,
}

/// Asks the router and says where everything is written. Credentials are withheld unless `reveal`.
pub(crate) fn explain(config: &Config, router: &Router, event: &Event, reveal: bool) -> ExplainView {
    let explanation = router.explain(event);
    let names = |numbers: &[usize]| {
        let routes = numbers.iter().filter_map(|&number| config.routes.get(number));
        routes.map(|route| route.name.to_string()).collect::<Vec<_>>()
    };
    let credentials = Credentials::of(config, event);
    let found = |found: Found| {
        let credential = match &found.looked {
            Looked::Header(name) => credentials.has_header(name),
            Looked::Query(name) => credentials.has_parameter(name),
            Looked::Open => false,
        };
        let withheld = credential && !reveal && found.value.is_some();
        FoundView { name: found.name, value: found.value.filter(|_| !withheld), withheld }
    };
    let route = |explained: RouteExplanation| {
        let route = config.routes.get(explained.number)?;
        let part = |predicate: Predicate| part_view(route, predicate, &found);
        Some(RouteView {
            route: route.name.to_string(),
            at: route.at.to_string(),
            fires: explained.fires,
            parts: explained.predicates.into_iter().map(part).collect(),
            plugins: route.plugins.iter().map(|name| name.to_string()).collect(),
            to: route.to.iter().map(|name| name.to_string()).collect(),
            replies: matches!(route.respond, Respond::Plugin { .. }),
        })
    };
    ExplainView {
        source: event.source.to_string(),
        kind: event.kind.clone(),
        taken: names(&explanation.routed.routes),
        unrouted: explanation.routed.routes.is_empty().then(|| router.unrouted(&explanation.routed)),
        elsewhere: names(&explanation.elsewhere),
        routes: explanation.routes.into_iter().filter_map(route).collect(),
    }
}

fn part_view(route: &Route, predicate: Predicate, found: &impl Fn(Found) -> FoundView) -> PartView {
    let rule = &route.written;
    let (name, written) = match predicate.part {
        Part::Source => ("source", rule.source.as_ref()),
        Part::Events => ("events", rule.events.as_ref()),
        Part::Match(at) => ("match", rule.conditions.get(at)),
        Part::When => ("when", rule.when.as_ref()),
        Part::Fallback => ("fallback", rule.fallback.as_ref()),
    };
    let elsewhere = Written { at: route.at.clone(), text: String::new() };
    let written = written.unwrap_or(&elsewhere);
    PartView {
        part: name.to_owned(),
        holds: predicate.holds == Ok(true),
        undecided: predicate.holds.err().map(|why| why.to_string()),
        at: written.at.to_string(),
        text: written.text.clone(),
        found: predicate.found.into_iter().map(found).collect(),
    }
}
