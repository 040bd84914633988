//! Where events go from source to source: ways that lead back, and sources that nothing leads to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::{Gathered, Kind};
use super::{Config, DestinationKind, Verification};

/// A way from one source to another.
struct Hop<'c> {
    route: &'c str,
    destination: Arc<str>,
    to: &'c str,
}

pub(super) fn check(config: &Config, gathered: &Gathered) {
    let mut done = BTreeSet::new();
    for source in config.sources.keys() {
        visit(config, source, &mut Vec::new(), &mut done, gathered);
    }
    let fed: BTreeSet<&str> =
        config.sources.keys().flat_map(|source| hops(config, source)).map(|hop| hop.to).collect();
    for (name, source) in &config.sources {
        if matches!(source.verification, Verification::Internal) && !fed.contains(&**name) {
            warn(
                gathered,
                Kind::Source,
                name,
                format!("source `{name}`: nothing is taken from outside, and no route leads to it"),
            );
        }
    }
}

/// The sources to which the routes of a source lead.
fn hops<'c>(config: &'c Config, source: &str) -> Vec<Hop<'c>> {
    let routes = config.routes.iter().filter(|route| route.rule.sources.iter().any(|name| name == source));
    let hop =
        |route: &'c super::Route, destination: Arc<str>| match &config.destinations.get(&destination)?.kind {
            DestinationKind::Source { source, .. } => {
                Some(Hop { route: &route.name, destination, to: source })
            }
            _ => None,
        };
    routes
        .flat_map(|route| config.members(&route.to).into_iter().filter_map(move |name| hop(route, name)))
        .collect()
}

/// Warns of each way that leads back to where it has been. It may be meant, with a condition on the way.
fn visit<'c>(
    config: &'c Config,
    source: &'c str,
    path: &mut Vec<(&'c str, String)>,
    done: &mut BTreeSet<&'c str>,
    gathered: &Gathered,
) {
    if !done.insert(source) {
        return;
    }
    for hop in hops(config, source) {
        path.push((source, format!("{source} (route {})", hop.route)));
        match path.iter().position(|(name, _)| *name == hop.to) {
            Some(at) => {
                let way: Vec<&str> = path[at..].iter().map(|(_, step)| step.as_str()).collect();
                let message = format!(
                    "destination `{}`: events may go round in circles until `max_hops` ends it: {} → {}",
                    hop.destination,
                    way.join(" → "),
                    hop.to
                );
                warn(gathered, Kind::Destination, &hop.destination, message);
            }
            None => visit(config, hop.to, path, done, gathered),
        }
        path.pop();
    }
}

fn warn(gathered: &Gathered, kind: Kind, name: &str, message: String) {
    if let Some(spot) = gathered.declared.borrow().get(&(kind, name.to_owned())) {
        gathered.warn(spot, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;

    /// Sources, routes (from, to) and destinations of type source (name, source).
    fn warnings(
        sources: &[(&str, &str)],
        routes: &[(&str, &str)],
        destinations: &[(&str, &str)],
    ) -> Vec<String> {
        let mut text =
            "[destinations.out]\ntype = \"console\"\n[routes.out]\nsource = \"a\"\nto = \"out\"\n".to_owned();
        for (name, verify) in sources {
            text.push_str(&format!("[sources.{name}]\nverify = \"{verify}\"\n"));
        }
        for (at, (from, to)) in routes.iter().enumerate() {
            text.push_str(&format!("[routes.r{at}]\nsource = \"{from}\"\nto = \"{to}\"\n"));
        }
        for (name, source) in destinations {
            text.push_str(&format!("[destinations.{name}]\ntype = \"source\"\nsource = \"{source}\"\n"));
        }
        let config = check::read(&text).unwrap();
        let texts = config.warnings.into_iter().map(|(_, text)| text);
        texts.filter(|text| !text.starts_with("anyone can send")).collect()
    }

    #[test]
    fn a_way_that_leads_back_is_warned_about() {
        for (sources, routes, destinations, expected) in [
            (
                &[("a", "none"), ("b", "internal")][..],
                &[("a", "to-b"), ("b", "out")][..],
                &[("to-b", "b")][..],
                None,
            ),
            (
                &[("a", "none")],
                &[("a", "to-a")],
                &[("to-a", "a")],
                Some(
                    "destination `to-a`: events may go round in circles until `max_hops` ends it: a (route r0) → a",
                ),
            ),
            (
                &[("a", "none"), ("b", "internal"), ("c", "internal")],
                &[("a", "to-b"), ("b", "to-c"), ("c", "to-b")],
                &[("to-b", "b"), ("to-c", "c")],
                Some(
                    "destination `to-b`: events may go round in circles until `max_hops` ends it: b (route r1) → c \
                     (route r2) → b",
                ),
            ),
            (
                &[("a", "none"), ("b", "internal")],
                &[("b", "out")],
                &[],
                Some("source `b`: nothing is taken from outside, and no route leads to it"),
            ),
            (
                &[("a", "none"), ("b", "none")],
                &[("a", "to-b")],
                &[("to-b", "b")],
                Some("source `b`: no route takes its events; they are stored and go nowhere"),
            ),
        ] {
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(warnings(sources, routes, destinations), expected);
        }
    }

    #[test]
    fn a_destination_that_is_a_source() {
        let read = |lines: &str| {
            let text = format!(
                "[destinations.d]\ntype = \"source\"\nsource = \"a\"\n{lines}\n[sources.a]\nverify = \"none\""
            );
            format!("{:?}", check::read(&text).unwrap().destinations["d"].kind)
        };
        assert_eq!(read(""), r#"Source { source: "a", max_hops: 8 }"#);
        assert_eq!(read("max_hops = 3\nconcurrency = 1"), r#"Source { source: "a", max_hops: 3 }"#);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("source = \"aa\"", "there is no source `aa`: did you mean `a`?"),
            ("", "[destinations.d] lacks `source`"),
            ("source = \"a\"\nmax_hops = 0", "`max_hops` is out of range"),
            ("source = \"a\"\nmax_hop = 3", "did you mean `max_hops`?"),
            ("source = \"a\"\ntimeout = \"3s\"", "`timeout` belongs to a destination of type \"http\""),
        ] {
            let text =
                format!("[destinations.d]\ntype = \"source\"\n{lines}\n[sources.a]\nverify = \"none\"");
            check::fails(&text, expected);
        }
        check::fails(
            "[destinations.d]\ntype = \"console\"\nmax_hops = 3",
            "belongs to a destination of type \"source\"",
        );
    }
}
