//! Why an event takes the routes that it takes: every predicate of every route, with what it found. The router itself
//! decides, watched.

use std::sync::Arc;

use crate::event::Event;

use super::router::{Routed, Rule, Watch};
use super::{Condition, Subject, Undecided};

/// Characters of a value that are kept.
const SHOWN: usize = 200;

/// One part of what makes a route fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The event's source is among those listed.
    Source,
    /// Its type is among those listed.
    Events,
    /// One of the conditions, counted from 0.
    Match(usize),
    /// The expression.
    When,
    /// No other route fired.
    Fallback,
}

/// What became of one part. All are looked at, also those after one that is false already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Which one.
    pub part: Part,
    /// Whether it is true, or why that cannot be told; then the route does not fire.
    pub holds: Result<bool, Undecided>,
    /// What there was.
    pub found: Vec<Found>,
}

/// A value that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it is called, as in the configuration.
    pub name: String,
    /// What must be known to keep credentials from being shown.
    pub looked: Looked,
    /// The beginning of the value, as JSON where it is from a body; none where there is nothing.
    pub value: Option<String>,
}

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// A header of this name.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// The body, or what is known of the event otherwise.
    Open,
}

/// A route and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteExplanation {
    /// The route's number in the configuration's order.
    pub number: usize,
    /// Its name.
    pub route: Arc<str>,
    /// Whether it fires.
    pub fires: bool,
    /// In the order in which they are looked at.
    pub predicates: Vec<Predicate>,
}

/// Every route of an event's source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which they are looked at: fallbacks last.
    pub routes: Vec<RouteExplanation>,
    /// Numbers of the routes that listen to other sources.
    pub elsewhere: Vec<usize>,
    /// What follows.
    pub routed: Routed,
}

/// Writes down what the router sees.
#[derive(Default)]
pub(super) struct Record {
    routes: Vec<RouteExplanation>,
}

impl Record {
    pub(super) fn explanation(mut self, rules: &[Rule], routed: Routed) -> Explanation {
        for explained in &mut self.routes {
            explained.fires = routed.routes.contains(&explained.number);
        }
        let own = |number: &usize| self.routes.iter().any(|explained| explained.number == *number);
        let elsewhere = (0..rules.len()).filter(|number| !own(number)).collect();
        Explanation { routes: self.routes, elsewhere, routed }
    }
}

impl Watch for Record {
    const LOOKS_ON: bool = true;

    fn begin(&mut self, number: usize, rule: &Rule) {
        let route = rule.route.clone();
        self.routes.push(RouteExplanation { number, route, fires: false, predicates: Vec::new() });
    }

    fn saw(&mut self, rule: &Rule, part: Part, holds: &Result<bool, Undecided>, event: &Event) {
        let mut found = match part {
            Part::Source => vec![open("source", Some(&event.source))],
            Part::Events => vec![open("type", Some(&event.kind))],
            Part::Match(at) => {
                rule.conditions.get(at).map(|condition| matched(condition, event)).into_iter().collect()
            }
            Part::When => rule.when.as_ref().map(|when| when.found(event)).unwrap_or_default(),
            Part::Fallback => Vec::new(),
        };
        for value in found.iter_mut().filter_map(|found| found.value.as_mut()) {
            cut(value);
        }
        if let Some(explained) = self.routes.last_mut() {
            explained.predicates.push(Predicate { part, holds: holds.clone(), found });
        }
    }
}

fn open(name: &str, value: Option<&str>) -> Found {
    Found { name: name.to_owned(), looked: Looked::Open, value: value.map(str::to_owned) }
}

fn matched(condition: &Condition, event: &Event) -> Found {
    let (name, looked) = match &condition.subject {
        Subject::Header(name) => (format!("header:{name}"), Looked::Header(name.clone())),
        Subject::Query(name) => (format!("query:{name}"), Looked::Query(name.clone())),
        Subject::Body(pointer) => (pointer.as_str().to_owned(), Looked::Open),
    };
    Found { name, looked, value: condition.subject.shown(event) }
}

fn cut(value: &mut String) {
    if let Some((end, _)) = value.char_indices().nth(SHOWN) {
        value.truncate(end);
        value.push('…');
    }
}
