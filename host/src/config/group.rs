//! A destination that is a group: one name for several destinations.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::{Gathered, Kind};
use super::table::Table;
use super::value::names;
use super::{Config, Location};

/// One name for several destinations.
#[derive(Clone, Debug)]
pub struct Group {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// Names of destinations and of groups; at least one.
    pub to: Vec<Arc<str>>,
}

impl Group {
    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let Some(value) = table.get("to") else {
            table.error(format!("{} lacks `to`", table.shown()), |error| {
                error
                    .label("a key is missing here")
                    .help("list its members, for example: to = [\"ci\", \"archive\"]");
            });
            return None;
        };
        let to = names(value, Kind::Destination)?;
        if to.is_empty() {
            return value.fail("a group without members sends nothing");
        }
        Some(Group { name: name.into(), at: table.at(), to })
    }
}

impl Config {
    /// The destinations that names stand for, each once: groups give way to their members.
    pub fn members(&self, names: &[Arc<str>]) -> Vec<Arc<str>> {
        self.resolve(names).0
    }

    /// The groups among names, and those inside them, each once.
    pub fn groups_in(&self, names: &[Arc<str>]) -> Vec<Arc<str>> {
        self.resolve(names).1
    }

    /// Members and groups, each in the order in which they are met.
    fn resolve(&self, names: &[Arc<str>]) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let mut met = BTreeSet::new();
        let (mut members, mut groups) = (Vec::new(), Vec::new());
        let mut left: Vec<&Arc<str>> = names.iter().rev().collect();
        while let Some(name) = left.pop() {
            if !met.insert(name) {
                continue;
            }
            match self.groups.get(name) {
                Some(group) => {
                    groups.push(name.clone());
                    left.extend(group.to.iter().rev());
                }
                None => members.push(name.clone()),
            }
        }
        (members, groups)
    }
}

/// A group that holds itself has no end.
pub(super) fn check(config: &Config, gathered: &Gathered) {
    let mut done = BTreeSet::new();
    for group in config.groups.values() {
        visit(config, group, &mut Vec::new(), &mut done, gathered);
    }
}

fn visit<'c>(
    config: &'c Config,
    group: &'c Group,
    path: &mut Vec<&'c str>,
    done: &mut BTreeSet<&'c str>,
    gathered: &Gathered,
) {
    if let Some(at) = path.iter().position(|name| **name == *group.name) {
        let way = [&path[at..], &[&*group.name]].concat().join(" → ");
        let spot = gathered.declared.borrow().get(&(Kind::Destination, group.name.to_string())).cloned();
        if let Some(spot) = spot {
            gathered.error(spot, format!("group `{}` holds itself", group.name), |error| {
                error.label(way);
            });
        }
        return;
    }
    if done.contains(&*group.name) {
        return;
    }
    path.push(&group.name);
    for inner in group.to.iter().filter_map(|name| config.groups.get(name)) {
        visit(config, inner, path, done, gathered);
    }
    path.pop();
    done.insert(&group.name);
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const REST: &str = "[sources.s]\nverify = \"none\"\n[routes.r]\nsource = \"s\"\nto = \"one\"\n\
                        [destinations.a]\ntype = \"console\"\n[destinations.b]\npath = \"b\"\n";

    fn groups(groups: &[(&str, &str)]) -> String {
        let group =
            |(name, to): &(&str, &str)| format!("[destinations.{name}]\ntype = \"group\"\nto = {to}\n");
        format!("{}{REST}", groups.iter().map(group).collect::<String>())
    }

    #[test]
    fn a_group_stands_for_its_members_each_once() {
        let text = groups(&[("one", r#"["two", "a"]"#), ("two", r#"["b", "three"]"#), ("three", r#""a""#)]);
        let config = check::read(&text).unwrap();
        let check = |names: &[&str], members: &[&str], groups: &[&str]| {
            let names: Vec<Arc<str>> = names.iter().map(|name| (*name).into()).collect();
            let shown = |names: Vec<Arc<str>>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(shown(config.members(&names)), members);
            assert_eq!(shown(config.groups_in(&names)), groups);
        };
        check(&["one"], &["b", "a"], &["one", "two", "three"]);
        check(&["a", "one"], &["a", "b"], &["one", "two", "three"]);
        check(&["three", "b"], &["a", "b"], &["three"]);
        check(&["a"], &["a"], &[]);
        assert!(
            config.warnings.iter().all(|(_, text)| !text.contains("destination")),
            "{:?}",
            config.warnings
        );
    }

    #[test]
    fn a_group_that_nobody_uses_is_fine() {
        let text = format!("{}[destinations.one]\npath = \"c\"", groups(&[("spare", r#"["a", "b"]"#)]));
        let config = check::read(&text).unwrap();
        assert!(
            config.warnings.iter().all(|(_, text)| !text.contains("destination")),
            "{:?}",
            config.warnings
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let fails = |list: &[(&str, &str)], expected: &str| check::fails(&groups(list), expected);
        fails(&[("one", r#""one""#)], "config.toml:1:15: group `one` holds itself: one → one");
        fails(
            &[("one", r#"["a", "two"]"#), ("two", r#""one""#)],
            "group `one` holds itself: one → two → one",
        );
        fails(&[("one", r#""two""#), ("two", r#"["a", "two"]"#)], "group `two` holds itself: two → two");
        fails(&[("one", "[]")], "a group without members");
        fails(&[("one", r#"["a", "a"]"#)], "`a` is listed twice");
        fails(&[("one", r#"["c"]"#)], "there is no destination `c`");
        fails(
            &[("one", "\"a\"\nurl = \"https://a.example\"")],
            "`url` belongs to a destination of type \"http\"",
        );
        fails(&[("one", "\"a\"\nconcurrency = 3")], "`concurrency` belongs to the members of a group");
        check::fails(
            &format!("[destinations.one]\ntype = \"group\"\n{REST}"),
            "[destinations.one] lacks `to`",
        );
        check::fails(
            &format!("[destinations.one]\ntype = \"group\"\nmembers = \"a\"\n{REST}"),
            "it is called `to`",
        );
        check::fails(
            &format!("[destinations.one]\ntype = \"console\"\nto = \"a\"\n{REST}"),
            "`to` belongs to a destination of type \"group\"",
        );
    }
}
