//! `[destinations.x]`: where messages go.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::BreakerPolicy;
use crate::rate::Rate;
use crate::retry::RetryPolicy;

use super::authorization::BASIC;
use super::breaker::{self, BREAKER_OR_TABLE};
use super::component::{self, COMPONENT_ALLOW, COMPONENT_LIMITS};
use super::context::Kind;
use super::destination_tls::DESTINATION_TLS;
use super::field::{Choice, Element, Field, Format, Shape, alternatives};
use super::group::Group;
use super::http_destination;
use super::plugin::DIGEST;
use super::rate::{self, RATE_OR_TABLE};
use super::reach::NETWORK;
use super::retry::{self, RETRY};
use super::secret::GIVEN_SECRET;
use super::sign::SIGN;
use super::table::Table;
use super::value::Value;
use super::{Authorization, ComponentDestination, DestinationTls, Location, Network, SecretRef};

/// One destination.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// Where and how.
    pub kind: DestinationKind,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// Attempts under way at once.
    pub concurrency: usize,
    /// How often attempts begin; as often as there is something to send where there is none.
    pub rate: Option<Rate>,
    /// When it is left alone; never where there is none.
    pub breaker: Option<BreakerPolicy>,
}

/// Where and how a message is sent.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a few dozen, and they are never moved about")]
pub enum DestinationKind {
    /// One request for each message.
    Http(HttpDestination),
    /// A readable line on standard output, then the body.
    Console,
    /// One JSON object a line at the end of a file.
    File {
        /// Resolved against the configuration file that names it.
        path: PathBuf,
    },
    /// Another source of the same gateway, whose event the message becomes.
    Source {
        /// Its name.
        source: Arc<str>,
        /// How often an event goes from source to source at most.
        max_hops: u8,
    },
    /// A plugin that delivers.
    Plugin {
        /// Its name.
        plugin: Arc<str>,
        /// Where that stands.
        plugin_at: Location,
        /// Time by the clock on the wall for one message.
        timeout: Duration,
    },
    /// A stock component that answers HTTP requests.
    Component(ComponentDestination),
}

/// What a table of destinations holds.
#[expect(clippy::large_enum_variant, reason = "it is taken apart as soon as it is read")]
pub(super) enum Entry {
    One(Destination),
    Several(Group),
}

/// An HTTP or HTTPS receiver.
#[derive(Clone, Debug)]
pub struct HttpDestination {
    /// `http` or `https`, checked.
    pub url: http::Uri,
    /// POST, PUT or PATCH.
    pub method: http::Method,
    /// Headers set on each request, replacing any of the same name.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Headers whose value is a secret, set on each request likewise.
    pub secret_headers: Vec<(http::HeaderName, Location, SecretRef)>,
    /// What the header `Authorization` says.
    pub authorization: Option<Authorization>,
    /// The secrets that each request is signed with.
    pub sign: Vec<(Location, SecretRef)>,
    /// From the first step of connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Which addresses may be connected to.
    pub network: Network,
    /// Certificates of its own.
    pub tls: DestinationTls,
    /// Statuses from 400 on after which a message is not tried again.
    pub permanent: Vec<u16>,
}

const CONCURRENCY: usize = 64;
const MAX_HOPS: u64 = 8;

static DESTINATION_NAME: Shape = Shape::Text(Format::free("the name of a destination"));

static HEADER_VALUE: Shape =
    Shape::Either(&[Shape::Text(Format::free("a text")), Shape::Table(&GIVEN_SECRET)]);

pub(super) static DESTINATION: Element = Element {
    name: "destination",
    doc: "Where messages go.",
    fields: &[
        Field::new(
            "type",
            Shape::Choice(&[
                Choice {
                    word: "http",
                    doc: "one request for each message",
                },
                Choice {
                    word: "console",
                    doc: "a readable line on standard output, then the body",
                },
                Choice {
                    word: "file",
                    doc: "one JSON object a line at the end of a file",
                },
                Choice {
                    word: "source",
                    doc: "another source, whose event the message becomes",
                },
                Choice {
                    word: "plugin",
                    doc: "a plugin of world `sink`, which delivers the message",
                },
                Choice {
                    word: "component",
                    doc: "a stock component that exports `wasi:http/incoming-handler`, built for any server of such \
                          components; the message is the request that it gets, and its answer is read as an HTTP receiver's, \
                          except that a status of 400 to 499 other than 429 is not tried again",
                },
                Choice {
                    word: "group",
                    doc: "the destinations that are listed in `to`",
                },
            ]),
            "The kind of destination.",
        )
        .otherwise("`http` where there is a `url`, `file` where there is a `path`"),
        Field::new(
            "url",
            Shape::Text(Format {
                what: "an address such as \"https://ci.example.com/hooks\"",
                pattern: "^https?://",
            }),
            "http: the address that requests are sent to.",
        )
        .example(r#""https://ci.example.com/hooks""#),
        Field::new(
            "method",
            Shape::Choice(&[
                Choice { word: "POST", doc: "" },
                Choice { word: "PUT", doc: "" },
                Choice { word: "PATCH", doc: "" },
            ]),
            "http: the method of a request.",
        )
        .default(r#""POST""#),
        Field::new(
            "headers",
            Shape::Map {
                keys: Format::free("the name of a header"),
                values: &HEADER_VALUE,
            },
            "http: headers set on each request, replacing any of the same name. A secret value is a reference.",
        )
        .example(r#"{ X-Team = "platform", X-Api-Key = { env = "CI_KEY" } }"#),
        Field::new("bearer", Shape::Table(&GIVEN_SECRET), "http: a token sent as `Authorization: Bearer …`.")
            .example(r#"{ env = "CI_TOKEN" }"#),
        Field::new(
            "basic",
            Shape::Table(&BASIC),
            "http: a user and a password sent as `Authorization: Basic …`.",
        )
        .example(r#"{ user = "hookyard", password = { env = "CI_PASSWORD" } }"#),
        Field::new("sign", Shape::Table(&SIGN), "http: how a receiver can tell that a request is ours.")
            .example(r#"{ standard-webhooks = { env = "CI_SIGNING_SECRET" } }"#),
        Field::new(
            "timeout",
            Shape::millis(10, 600_000),
            "http: time from the first step of connecting to the last byte of the answer. plugin, component: time for one message.",
        )
        .default(r#""30s""#),
        Field::new(
            "network",
            NETWORK,
            "http, component: which addresses may be connected to, checked after the name is resolved. A list allows these networks only.",
        )
        .default(r#""public""#)
        .example(r#"["10.0.0.0/8"]"#),
        Field::new("tls", Shape::Table(&DESTINATION_TLS), "http: certificates of its own.")
            .example(r#"{ ca = "internal-ca.pem" }"#),
        Field::new("path", Shape::Text(Format::free("a path")), "file: the file to append to. component: the component file. Relative to this file.")
            .example(r#""state/events.jsonl""#),
        Field::new(
            "plugin",
            Shape::Text(Format::free("the name of a plugin")),
            "plugin: the plugin of world `sink` that delivers the messages. What it may reach is its own table's matter.",
        )
        .example(r#""chat""#),
        Field::new("digest", DIGEST, "component: the hash that the file must have; any other content is refused.")
            .example(r#""sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08""#),
        Field::new(
            "target",
            Shape::Text(Format { what: "the path of a request such as \"/hooks\"", pattern: "^/" }),
            "component: path and query of the request that it gets for each message.",
        )
        .otherwise("`/`")
        .example(r#""/hooks""#),
        Field::new("allow", Shape::Table(&COMPONENT_ALLOW), "component: what it may reach beyond the message."),
        Field::new("limits", Shape::Table(&COMPONENT_LIMITS), "component: what one message may cost."),
        Field::new(
            "source",
            Shape::Text(Format::free("the name of a source")),
            "source: the source whose event the message becomes. It is routed from there as if its sender had sent it, \
             but is not verified; its headers and body are the message's, and its event type is found as that source \
             says, or else stays what it was. It is delivered once it is stored, and a repeated attempt makes no second \
             event.",
        )
        .example(r#""billing""#),
        Field::new(
            "max_hops",
            Shape::Integer { min: 1, max: 100 },
            "source: how often an event goes from source to source at most. Beyond, the delivery is a dead letter.",
        )
        .otherwise("8"),
        Field::new(
            "to",
            Shape::OneOrMore(&DESTINATION_NAME),
            "group: the destinations that its name stands for, in a route's `to` and where a plugin chooses among them. \
             Groups may hold groups. Who gets a message by several of them gets it once.",
        )
        .example(r#"["ci", "archive"]"#),
        Field::new("retry", Shape::Table(&RETRY), "When a failed attempt is repeated."),
        Field::new("concurrency", Shape::Integer { min: 1, max: 10_000 }, "Attempts under way at once. All destinations together have 2048, of which no one takes more than half.").default("64"),
        Field::new("rate", RATE_OR_TABLE, "How many attempts may begin in a time, repeated ones included.")
            .otherwise("no limit")
            .example(r#""50/s""#),
        Field::new("breaker", BREAKER_OR_TABLE, "When a receiver that fails is left alone; `false` for never.")
            .default("true")
            .example(r#"{ failures = 10, open = "30s" }"#),
    ],
    instead: &[
        ("kind", "it is called `type`"),
        ("uri", "it is called `url`"),
        ("token", r#"write bearer = { env = "NAME" }"#),
        ("authorization", r#"write bearer = { env = "NAME" }, or basic = { user = "…", password = { env = "NAME" } }"#),
        ("user", r#"write basic = { user = "…", password = { env = "NAME" } }"#),
        ("password", r#"write basic = { user = "…", password = { env = "NAME" } }"#),
        ("secret", r#"write sign = { standard-webhooks = { env = "NAME" } }"#),
        ("ca", "write tls = { ca = … }"),
        ("retries", "write retry = { max_attempts = … }"),
        ("file", "it is called `path`"),
        ("members", "it is called `to`"),
        ("destinations", "it is called `to`"),
        ("rate_limit", "it is called `rate`"),
        ("circuit_breaker", "it is called `breaker`"),
    ],
};

/// Keys that mean something to some kinds of destinations only.
const KEYS_OF: [(&[&str], &[Word]); 9] = [
    (&["url", "method", "headers", "bearer", "basic", "sign", "tls"], &[Word::Http]),
    (&["network"], &[Word::Http, Word::Component]),
    (&["timeout"], &[Word::Http, Word::Plugin, Word::Component]),
    (&["path"], &[Word::File, Word::Component]),
    (&["source", "max_hops"], &[Word::Source]),
    (&["plugin"], &[Word::Plugin]),
    (&["digest", "target"], &[Word::Component]),
    (&["allow", "limits"], &[Word::Component]),
    (&["to"], &[Word::Group]),
];

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Http,
    Console,
    File,
    Source,
    Plugin,
    Component,
    Group,
}

const WORDS: [(&str, Word); 7] = [
    ("http", Word::Http),
    ("console", Word::Console),
    ("file", Word::File),
    ("source", Word::Source),
    ("plugin", Word::Plugin),
    ("component", Word::Component),
    ("group", Word::Group),
];

impl Entry {
    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let word = word(table);
        if let Some(word) = word {
            refuse_keys_of_others(table, word);
        }
        match word {
            Some(Word::Group) => Group::read(name, table).map(Entry::Several),
            word => Destination::read(name, table, word).map(Entry::One),
        }
    }
}

impl HttpDestination {
    /// Where its secrets are found.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let of_headers = self.secret_headers.iter().map(|(_, _, reference)| reference);
        let authorization = self.authorization.iter().map(Authorization::secret);
        let key = self.tls.identity.iter().map(|identity| &identity.key);
        authorization.chain(&self.sign).chain(key).map(|(_, reference)| reference).chain(of_headers)
    }

    /// Its files of certificates.
    pub(super) fn certificates(&self) -> impl Iterator<Item = &Path> {
        let cert = self.tls.identity.iter().map(|identity| &identity.cert);
        self.tls.ca.iter().chain(cert).map(|(_, path)| path.as_path())
    }
}

impl Destination {
    fn read(name: &str, table: &Table<'_>, word: Option<Word>) -> Option<Self> {
        let retry = table.table("retry");
        let kind = word.and_then(|word| {
            if word != Word::Http {
                refuse_statuses(retry.as_ref());
            }
            match word {
                Word::Http => http_destination::read(table, retry.as_ref()).map(DestinationKind::Http),
                Word::Console => Some(DestinationKind::Console),
                Word::File => path(table).map(|path| DestinationKind::File { path }),
                Word::Source => source(table),
                Word::Plugin => component::read_plugin(table),
                Word::Component => component::read_component(table),
                Word::Group => None,
            }
        });
        let retry = retry.map(|table| retry::read(&table)).unwrap_or_default();
        let concurrency = table.get("concurrency").and_then(Value::count).unwrap_or(CONCURRENCY);
        let rate = table.get("rate").and_then(|value| rate::read(value, table));
        let breaker = breaker::read(table);
        Some(Destination {
            name: name.into(),
            at: table.at(),
            kind: kind?,
            retry,
            concurrency,
            rate,
            breaker,
        })
    }
}

fn word(table: &Table<'_>) -> Option<Word> {
    if let Some(value) = table.get("type") {
        return value.choice(&WORDS);
    }
    match (table.get("url"), table.get("path")) {
        (Some(_), None) => Some(Word::Http),
        (None, Some(_)) => Some(Word::File),
        (Some(_), Some(path)) => path.fail("a destination has a `url` or a `path`, not both"),
        (None, None) => {
            table.error(format!("nothing says what {} is", table.shown()), |error| {
                error.label("a key is missing here").help(
                    "add `url` for an HTTP receiver, `path` for a file, or a `type`: \"console\", \"source\", \"plugin\", \
                     \"component\" or \"group\"",
                );
            });
            None
        }
    }
}

fn refuse_keys_of_others(table: &Table<'_>, word: Word) {
    for key in table.present() {
        let owners = KEYS_OF.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, owners)| *owners);
        let message = match owners {
            Some(owners) if !owners.contains(&word) => {
                let names = WORDS.iter().filter(|(_, owner)| owners.contains(owner));
                let names = alternatives(names.map(|(name, _)| format!("\"{name}\"")));
                format!("`{key}` belongs to a destination of type {names}, {} is another", table.shown())
            }
            // A group sends nothing itself.
            None if word == Word::Group && key != "type" => {
                format!("`{key}` belongs to the members of a group")
            }
            _ => continue,
        };
        if let Some(value) = table.get(key) {
            // Nobody looks into it, and it may hold a secret.
            value.mask();
            value.context.gathered.error(value.key_spot(), message, |_| ());
        }
    }
}

fn source(table: &Table<'_>) -> Option<DestinationKind> {
    let max_hops = table.get("max_hops").map_or(Some(MAX_HOPS), Value::integer);
    let Some(value) = table.get("source") else {
        table.error(format!("{} lacks `source`", table.shown()), |error| {
            error.label("a key is missing here").help("for example: source = \"billing\"");
        });
        return None;
    };
    let source = value.reference(Kind::Source)?;
    Some(DestinationKind::Source { source, max_hops: u8::try_from(max_hops?).unwrap_or(u8::MAX) })
}

fn refuse_statuses(retry: Option<&Table<'_>>) {
    if let Some(value) = retry.and_then(|retry| retry.get("permanent")) {
        value.error("`permanent` belongs to a destination of type \"http\": only that has statuses", |_| ());
    }
}

fn path(table: &Table<'_>) -> Option<PathBuf> {
    let Some(value) = table.get("path") else {
        table.error(format!("{} lacks `path`", table.shown()), |error| {
            error.label("a key is missing here");
        });
        return None;
    };
    value.path()
}
