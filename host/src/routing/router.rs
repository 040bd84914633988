//! All routes of a configuration, grouped by source.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::Event;

use super::explain::{Explanation, Part, Record};
use super::{Condition, Glob, Undecided, When};

/// What makes a route fire. Every part must hold; an absent part holds.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The route's name.
    pub route: Arc<str>,
    /// The sources it listens to.
    pub sources: Vec<String>,
    /// Event types, any of them; none means all.
    pub events: Vec<Glob>,
    /// All of these.
    pub conditions: Vec<Condition>,
    /// And this expression.
    pub when: Option<When>,
    /// Fires only where no other route of the source did.
    pub fallback: bool,
}

/// The routes of one configuration.
#[derive(Debug, Default)]
pub struct Router {
    rules: Vec<Rule>,
    by_source: HashMap<String, Vec<usize>>,
}

/// Where an event goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    /// Numbers of the routes that fire, in the configuration's order.
    pub routes: Vec<usize>,
    /// Routes of which it cannot be told whether they would fire, so that they do not, and why.
    pub undecided: Vec<(usize, Undecided)>,
}

/// Looks on while the router decides.
pub(super) trait Watch {
    /// Whether it wants to see the parts after one that is false, and fallbacks that are not needed.
    const LOOKS_ON: bool;

    fn begin(&mut self, number: usize, rule: &Rule);

    fn saw(&mut self, rule: &Rule, part: Part, holds: &Result<bool, Undecided>, event: &Event);
}

/// Nobody looks on.
struct Unwatched;

impl Watch for Unwatched {
    const LOOKS_ON: bool = false;

    fn begin(&mut self, _: usize, _: &Rule) {}

    fn saw(&mut self, _: &Rule, _: Part, _: &Result<bool, Undecided>, _: &Event) {}
}

impl Router {
    /// Groups the rules; a route's number is its place in `rules`.
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut by_source: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, rule) in rules.iter().enumerate() {
            for source in &rule.sources {
                by_source.entry(source.clone()).or_default().push(at);
            }
        }
        Router { rules, by_source }
    }

    /// The routes that fire for an event: all that hold, or else the fallbacks that hold, or else none.
    pub fn route(&self, event: &Event) -> Routed {
        self.decide(event, &mut Unwatched)
    }

    /// The same, and what was looked at on the way.
    pub fn explain(&self, event: &Event) -> Explanation {
        let mut record = Record::default();
        let routed = self.decide(event, &mut record);
        record.explanation(&self.rules, routed)
    }

    /// Why an event has no route; for one that has none.
    pub fn unrouted(&self, routed: &Routed) -> String {
        match routed.undecided.first() {
            Some((at, why)) => {
                format!("route {}: {why}", self.rules.get(*at).map_or("", |rule| &*rule.route))
            }
            None => "no route matches".to_owned(),
        }
    }

    fn decide<W: Watch>(&self, event: &Event, watch: &mut W) -> Routed {
        let mut routed = Routed::default();
        let candidates = self.by_source.get(&*event.source).map(Vec::as_slice).unwrap_or_default();
        for fallback in [false, true] {
            let wanted = routed.routes.is_empty();
            if !wanted && !W::LOOKS_ON {
                break;
            }
            for &at in candidates.iter().filter(|&&at| self.rules[at].fallback == fallback) {
                let rule = &self.rules[at];
                // Most routes are told apart by the event type, and most requests go past all routes of their source.
                if !W::LOOKS_ON && !rule.takes_kind(&event.kind) {
                    continue;
                }
                watch.begin(at, rule);
                match rule.holds(event, wanted, watch) {
                    Ok(true) => routed.routes.push(at),
                    Ok(false) => {}
                    Err(why) => routed.undecided.push((at, why)),
                }
            }
        }
        routed
    }
}

impl Rule {
    /// Whether every part holds; `wanted` is whether a fallback is.
    fn holds<W: Watch>(&self, event: &Event, wanted: bool, watch: &mut W) -> Result<bool, Undecided> {
        let mut outcome = Ok(true);
        for part in self.parts() {
            let decided = self.part_holds(part, event, wanted);
            watch.saw(self, part, &decided, event);
            if outcome == Ok(true) {
                outcome = decided;
            }
            if outcome != Ok(true) && !W::LOOKS_ON {
                break;
            }
        }
        outcome
    }

    /// Whether events of this type are listened to.
    fn takes_kind(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|glob| glob.matches(kind))
    }

    /// The parts that are there, the cheapest first.
    fn parts(&self) -> impl Iterator<Item = Part> {
        let events = (!self.events.is_empty()).then_some(Part::Events);
        let when = self.when.is_some().then_some(Part::When);
        let fallback = self.fallback.then_some(Part::Fallback);
        let conditions = (0..self.conditions.len()).map(Part::Match);
        std::iter::once(Part::Source).chain(fallback).chain(events).chain(conditions).chain(when)
    }

    fn part_holds(&self, part: Part, event: &Event, wanted: bool) -> Result<bool, Undecided> {
        match part {
            // The rules were grouped by it.
            Part::Source => Ok(true),
            Part::Fallback => Ok(wanted),
            Part::Events => Ok(self.takes_kind(&event.kind)),
            Part::Match(at) => {
                self.conditions[at].holds(event).map_err(|not_json| Undecided::NotJson(not_json.clone()))
            }
            Part::When => self.when.as_ref().map_or(Ok(true), |when| when.holds(event)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Scalar, Subject, Test};
    use super::*;
    use crate::event::{Headers, Pointer, sample};

    fn event(kind: &str, body: &'static str) -> Event {
        let mut headers = Headers::new();
        headers.set("X-Env", "prod").expect("a header");
        Event {
            source: "github".into(),
            kind: kind.to_owned(),
            query: "team=a%20b&n=7&flag".to_owned(),
            headers,
            body: Bytes::from_static(body.as_bytes()).into(),
            ..sample::event(0)
        }
    }

    fn rule(name: &str, events: &[&str], conditions: Vec<Condition>, fallback: bool) -> Rule {
        Rule {
            route: name.into(),
            sources: vec!["github".to_owned()],
            events: events.iter().map(|glob| Glob::new(*glob)).collect(),
            conditions,
            when: None,
            fallback,
        }
    }

    fn body(pointer: &str, test: Test) -> Condition {
        Condition { subject: Subject::Body(Pointer::new(pointer).expect("a pointer")), test }
    }

    #[test]
    fn every_route_that_holds_fires_and_fallbacks_only_without_one() {
        let router = Router::new(vec![
            rule("all", &[], vec![], false),
            rule("prs", &["pull_request.*", "push"], vec![], false),
            rule("rest", &[], vec![], true),
        ]);
        assert_eq!(router.route(&event("push", "{}")).routes, [0, 1]);
        assert_eq!(router.route(&event("fork", "{}")).routes, [0]);
        let router =
            Router::new(vec![rule("prs", &["push"], vec![], false), rule("rest", &[], vec![], true)]);
        assert_eq!(router.route(&event("fork", "{}")).routes, [1]);
        assert_eq!(router.route(&event("push", "{}")).routes, [0]);
        let mut other = event("push", "{}");
        other.source = "stripe".into();
        assert_eq!(router.route(&other), Routed::default());
    }

    #[test]
    fn conditions_look_at_header_query_and_body() {
        let text = |text: &str| Test::Equals(Scalar::Text(text.to_owned()));
        let event = event("push", r#"{"n":5,"t":true,"s":"main","z":null}"#);
        let check = |condition: Condition, expected: bool| {
            let shown = format!("{condition:?}");
            assert_eq!(condition.holds(&event), Ok(expected), "{shown}");
        };
        check(Condition { subject: Subject::Header("x-env".into()), test: text("prod") }, true);
        check(Condition { subject: Subject::Header("x-none".into()), test: Test::Exists(false) }, true);
        check(Condition { subject: Subject::Query("team".into()), test: text("a b") }, true);
        check(Condition { subject: Subject::Query("n".into()), test: Test::GreaterThan(6.0) }, true);
        check(Condition { subject: Subject::Query("flag".into()), test: Test::Exists(true) }, true);
        check(body("/n", Test::Equals(Scalar::Number(5.0))), true);
        check(body("/n", text("5")), false);
        check(body("/t", Test::Equals(Scalar::Boolean(true))), true);
        check(body("/s", Test::Glob(Glob::new("m*"))), true);
        check(body("/s", Test::Regex(regex::Regex::new("^ma?in$").expect("a regex"))), true);
        check(body("/s", Test::Any(vec![text("dev"), text("main")])), true);
        check(body("/s", Test::Not(Box::new(text("main")))), false);
        check(body("/z", Test::Exists(true)), true);
        check(body("/none", text("")), false);
        check(body("/n", Test::All(vec![Test::GreaterThan(4.0), Test::LessThan(5.0)])), false);
    }

    #[test]
    fn a_body_that_is_not_json_is_on_record_and_falls_back() {
        let router = Router::new(vec![
            rule("main", &[], vec![body("/s", Test::Exists(true))], false),
            rule("rest", &[], vec![], true),
        ]);
        let routed = router.route(&event("push", "not json"));
        assert_eq!(routed.routes, [1]);
        assert!(router.unrouted(&routed).starts_with("route main: the body is not JSON"));
    }
}
