//! `[routes.x]`: which events take which plugins to which destinations.

use std::sync::Arc;
use std::time::Duration;

use crate::routing::{Glob, Ordering, Rule};

use super::Location;
use super::condition::{self, TEST};
use super::context::Kind;
use super::field::{Choice, Element, Field, Format, Shape};
use super::limits::{CHAIN_LIMITS, ChainLimits};
use super::ordering::{self, ORDERING_OR_TABLE};
use super::table::Table;
use super::value::{Value, names};
use super::when::{self, WHEN};
use super::written::{Written, WrittenRule};

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// What makes it fire.
    pub rule: Rule,
    /// Where that is written.
    pub written: WrittenRule,
    /// Names of plugins, in the order they run.
    pub plugins: Vec<Arc<str>>,
    /// Names of destinations; may be empty where a plugin answers.
    pub to: Vec<Arc<str>>,
    /// What the sender is told.
    pub respond: Respond,
    /// Which of its events go one after the other; none do without.
    pub ordering: Option<Ordering>,
    /// What all calls of its plugins may cost in one run.
    pub limits: ChainLimits,
}

/// What the sender is told, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Respond {
    /// 202 as soon as the event is stored.
    #[default]
    Accepted,
    /// What the plugins reply, if they do so within the deadline; otherwise 202 when it passes.
    Plugin {
        /// Time from storing to the answer.
        deadline: Duration,
    },
}

static EVENT_TYPE: Shape = Shape::Text(Format::free("an event type such as \"push\" or \"pull_request.*\""));
static SOURCE_NAME: Shape = Shape::Text(Format::free("the name of a source"));
static PLUGIN_NAME: Shape = Shape::Text(Format::free("the name of a plugin"));
static DESTINATION_NAME: Shape = Shape::Text(Format::free("the name of a destination"));

pub(super) static ROUTE: Element = Element {
    name: "route",
    doc: "Which events take which plugins to which destinations. Every route that matches fires.",
    fields: &[
        Field::new("source", Shape::OneOrMore(&SOURCE_NAME), "The sources it listens to.")
            .required()
            .example(r#""github""#),
        Field::new(
            "events",
            Shape::OneOrMore(&EVENT_TYPE),
            "Event types, any of them; `*` stands for any run of characters.",
        )
        .otherwise("all")
        .example(r#"["pull_request.*", "push"]"#),
        Field::new(
            "match",
            Shape::Map {
                keys: Format {
                    what: "a JSON pointer such as \"/action\", \"header:NAME\" or \"query:NAME\"",
                    pattern: "^(/.*|header:.+|query:.+)$",
                },
                values: &TEST,
            },
            "Conditions, all of which must hold, by what they look at: `/pointer` into the body, `header:NAME`, \
             `query:NAME`. A text may hold `*`; a list means any of its items; a table means all of its operators. \
             A body that is not JSON is looked at as if it were, by its content type; what is delivered stays as it \
             was received. A form is an object of its fields, all of them texts, a repeated one a list (`/From`); \
             where a field `payload` that holds JSON is the only one, it is that JSON. Of a file in a multipart form \
             there are `filename`, `content_type` and `size`. XML is an object with the root element in it: elements \
             by their names, a list where a name is repeated, attributes with `@`, a text beside others as `#text` \
             (`/order/@id`, `/order/line/0`). JSON lines are a list. Anything else has to be JSON, whatever its \
             content type; where it is not, a condition on the body does not hold.",
        )
        .example(r#"{ "/action" = ["opened", "reopened"], "header:X-Env" = "prod", "/n" = { gt = 1, lt = 5 } }"#),
        Field::new(
            "when",
            WHEN,
            "A condition in the [Common Expression Language](https://github.com/google/cel-spec), looked at where \
             `events` and `match` hold: true or false of `event` (`id`, `source`, `kind`, `delivery_id`, `received_at` \
             in Unix milliseconds, `method`, `path`), `headers` (by lower-case name, the first value), `query` and \
             `body` (its JSON view, as `match` sees it; a form's fields are texts: \
             `int(body.n) > 5`). An event for which it cannot be decided, because a field is not there or is of another \
             type, does not take the route, which is counted; `has(body.a)` and `\"a\" in body` ask first. \
             There are the functions `size`, `contains`, `startsWith`, `endsWith`, `matches` (a regular expression), \
             `lowerAscii`, `upperAscii`, `trim`, `int`, `uint`, `double`, `string`, `bytes`, `bool`, `type` and `dyn`, \
             and for lists `all`, `exists`, `exists_one`, `map` and `filter`. At most 4 KiB; a loop over a list takes at most 10,000 steps.",
        )
        .example(r#"'body.amount > 1000 && body.items.exists(i, i.sku.startsWith("A-")) && "x-test" in headers'"#),
        Field::new("plugins", Shape::OneOrMore(&PLUGIN_NAME), "Plugins, in the order they run.")
            .example(r#"["redact"]"#),
        Field::new("to", Shape::OneOrMore(&DESTINATION_NAME), "Destinations and groups of them. Each gets every message that a plugin does not send to others only; a plugin \
             chooses by the names of destinations and of groups.")
            .example(r#"["ci", "archive"]"#),
        Field::new(
            "respond",
            Shape::Choice(&[
                Choice {
                    word: "accepted",
                    doc: "202 as soon as the event is stored",
                },
                Choice {
                    word: "plugin",
                    doc: "what the plugins reply, if they do so within `deadline`, else 202",
                },
            ]),
            "What the sender is told. At most one route of a source answers by plugin.",
        )
        .default(r#""accepted""#),
        Field::new(
            "deadline",
            Shape::millis(10, 60_000),
            "How long the sender waits, where a plugin answers.",
        )
        .default(r#""5s""#),
        Field::new(
            "limits",
            Shape::Table(&CHAIN_LIMITS),
            "What the calls of its plugins may cost together, for one event.",
        ),
        Field::new(
            "ordering",
            ORDERING_OR_TABLE,
            "Which of its events go one after the other, in the order in which they were received: those with the same \
             value at `body:/pointer`, `header:NAME` or `query:NAME`, or all of a source with `\"source\"`. Not for a \
             route that answers by plugin, nor for events that an operator replays.",
        )
        .otherwise("none, many at once")
        .example(r#""body:/data/object/customer""#),
        Field::new(
            "fallback",
            Shape::Boolean,
            "Fires only where no other route of the source did.",
        )
        .default("false"),
    ],
    instead: &[
        ("from", "it is called `source`"),
        ("event", "it is called `events`"),
        ("filter", "it is called `match`, or `when` for an expression"),
        ("if", "it is called `when`"),
        ("condition", "it is called `when`"),
        ("destination", "it is called `to`"),
        ("destinations", "it is called `to`"),
        ("default", "it is called `fallback`"),
        ("order", "it is called `ordering`"),
        ("order_by", "it is called `ordering`"),
    ],
};

const DEADLINE: Duration = Duration::from_secs(5);

impl Route {
    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let sources = table.required("source").and_then(sources);
        let plugins = table.get("plugins").map_or(Some(Vec::new()), |value| names(value, Kind::Plugin));
        let to = table.get("to").map_or(Some(Vec::new()), |value| names(value, Kind::Destination));
        let events = table.get("events").and_then(events).unwrap_or_default();
        let (conditions, written) = table.get("match").and_then(condition::read).unwrap_or_default();
        let respond = respond(table);
        let ordering = ordering::read(table);
        let route = Route {
            name: name.into(),
            at: table.at(),
            rule: Rule {
                route: name.into(),
                sources: sources?.iter().map(|source| source.to_string()).collect(),
                events,
                conditions,
                when: table.get("when").and_then(when::read),
                fallback: table.get("fallback").and_then(Value::boolean).unwrap_or_default(),
            },
            written: WrittenRule {
                source: table.get("source").map(Written::of),
                events: table.get("events").map(Written::of),
                conditions: written,
                when: table.get("when").map(Written::of),
                fallback: table.get("fallback").map(Written::of),
            },
            plugins: plugins?,
            to: to?,
            respond: respond?,
            ordering: ordering?,
            limits: table.table("limits").map(|table| ChainLimits::read(&table)).unwrap_or_default(),
        };
        route.leads_somewhere(table);
        Some(route)
    }

    fn leads_somewhere(&self, table: &Table<'_>) {
        match self.respond {
            Respond::Accepted if self.to.is_empty() => {
                table.error(format!("{} leads nowhere", table.shown()), |error| {
                    error
                        .label("`to` is missing or empty")
                        .help("name destinations in `to`, or let a plugin answer with respond = \"plugin\"");
                });
            }
            Respond::Plugin { .. } if self.plugins.is_empty() => {
                table.error(format!("{} answers by plugin but has none", table.shown()), |error| {
                    error.label("`plugins` is missing or empty");
                });
            }
            _ => {}
        }
        if let (Some(value), Respond::Plugin { .. }) = (table.get("ordering"), self.respond) {
            value.error("`ordering` and respond = \"plugin\" exclude each other", |error| {
                error.label("a sender that waits for an answer does not wait for others' events, too");
            });
        }
    }
}

fn sources(value: Value<'_>) -> Option<Vec<Arc<str>>> {
    let sources = names(value, Kind::Source)?;
    if sources.is_empty() {
        return value.fail("a route without a source never fires");
    }
    Some(sources)
}

fn events(value: Value<'_>) -> Option<Vec<Glob>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.fail("an empty list takes no event; leave `events` out to take all");
    }
    let glob = |text: &str| match text {
        "" => Err("an event type cannot be empty; \"*\" means any".to_owned()),
        text => Ok(Glob::new(text)),
    };
    items.into_iter().map(|item| item.parse(glob)).collect()
}

fn respond(table: &Table<'_>) -> Option<Respond> {
    let words = [("accepted", false), ("plugin", true)];
    let by_plugin = table.get("respond").map_or(Some(false), |value| value.choice(&words))?;
    match (by_plugin, table.get("deadline")) {
        (true, deadline) => {
            Some(Respond::Plugin { deadline: deadline.map_or(Some(DEADLINE), Value::duration)? })
        }
        (false, Some(deadline)) => deadline.fail("`deadline` has no effect without respond = \"plugin\""),
        (false, None) => Some(Respond::Accepted),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const REST: &str = r#"
        [sources.a]
        verify = "none"
        [sources.b]
        verify = "none"
        [plugins.p]
        path = "p.wasm"
        [destinations.c]
        type = "console""#;

    fn route(lines: &str) -> Route {
        let mut config = check::read(&format!("[routes.r]\n{lines}\n{REST}")).unwrap();
        config.routes.remove(0)
    }

    #[test]
    fn the_least_is_a_source_and_a_destination() {
        let route = route("source = \"a\"\nto = \"c\"");
        assert_eq!(route.at.to_string(), "config.toml:1:9");
        assert_eq!(route.rule.sources, ["a"]);
        assert_eq!(route.to, ["c".into()]);
        assert!(route.rule.events.is_empty() && !route.rule.fallback);
        assert_eq!(route.respond, Respond::Accepted);
    }

    #[test]
    fn what_is_written_is_read() {
        let route = route(
            r#"
            source = ["a", "b"]
            events = ["push", "pull_request.*"]
            match = { "/action" = "opened" }
            plugins = ["p", "p"]
            respond = "plugin"
            deadline = "2s"
            fallback = true"#,
        );
        assert_eq!(route.rule.sources, ["a", "b"]);
        assert_eq!(route.rule.events, [Glob::new("push"), Glob::new("pull_request.*")]);
        assert_eq!(route.rule.conditions.len(), 1);
        assert_eq!(route.plugins.len(), 2);
        assert!(route.rule.fallback);
        assert_eq!(route.respond, Respond::Plugin { deadline: Duration::from_secs(2) });
    }

    #[test]
    fn routes_keep_the_order_written() {
        let routes = "[routes.z]\nsource = \"a\"\nto = \"c\"\n[routes.y]\nsource = \"b\"\nto = \"c\"";
        let config = check::read(&format!("{routes}\n{REST}")).unwrap();
        let names: Vec<&str> = config.routes.iter().map(|route| &*route.name).collect();
        assert_eq!(names, ["z", "y"]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("to = \"c\"", "[routes.r] lacks `source`"),
            ("source = []\nto = \"c\"", "never fires"),
            ("source = \"aa\"\nto = \"c\"", "there is no source `aa`: did you mean `a`?"),
            ("source = [\"a\", \"a\"]\nto = \"c\"", "`a` is listed twice"),
            ("source = \"a\"", "[routes.r] leads nowhere: `to` is missing or empty"),
            ("source = \"a\"\nto = []", "[routes.r] leads nowhere"),
            ("source = \"a\"\nto = \"console\"", "there is no destination `console`"),
            ("source = \"a\"\nto = \"c\"\nplugins = [\"redact\"]", "there is no plugin `redact`"),
            ("source = \"a\"\nrespond = \"plugin\"", "answers by plugin but has none"),
            ("source = \"a\"\nto = \"c\"\ndeadline = \"1s\"", "`deadline` has no effect"),
            ("source = \"a\"\nto = \"c\"\nevents = []", "an empty list takes no event"),
            ("source = \"a\"\nto = \"c\"\nevents = \"\"", "an event type cannot be empty"),
            (
                "source = \"a\"\nto = \"c\"\nevnts = \"\"",
                "unknown key `evnts` in [routes.r]: did you mean `events`?",
            ),
            ("from = \"a\"\nto = \"c\"", "it is called `source`"),
        ] {
            check::fails(&format!("[routes.r]\n{lines}\n{REST}"), expected);
        }
        let two = "[routes.r]\nsource = \"a\"\nplugins = \"p\"\nrespond = \"plugin\"\n[routes.s]\nsource = [\"b\", \"a\"]\nplugins = \"p\"\nrespond = \"plugin\"";
        check::fails(&format!("{two}\n{REST}"), "source `a` is answered by two routes");
    }
}
