//! `[destinations.x]`: where messages go.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::breaker::BreakerPolicy;
use crate::rate::Rate;
use crate::retry::RetryPolicy;

use super::authorization::BASIC;
use super::breaker::{self, BREAKER_OR_TABLE};
use super::destination_tls::DESTINATION_TLS;
use super::field::{Choice, Element, Field, Format, Shape};
use super::http_destination;
use super::rate::{self, RATE_OR_TABLE};
use super::retry::{self, RETRY};
use super::secret::GIVEN_SECRET;
use super::sign::SIGN;
use super::table::Table;
use super::value::Value;
use super::{Authorization, DestinationTls, Location, SecretRef};

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

/// Which addresses a destination may be connected to. Metadata services of clouds never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Addresses of the public internet.
    #[default]
    Public,
    /// Those and private, loopback and link-local ones.
    Private,
    /// These networks only.
    Only(Vec<IpNet>),
}

const CONCURRENCY: usize = 64;

static HEADER_VALUE: Shape =
    Shape::Either(&[Shape::Text(Format::free("a text")), Shape::Table(&GIVEN_SECRET)]);

static CIDR: Shape = Shape::Text(Format::free("a network such as \"10.0.0.0/8\""));

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
            "http: time from the first step of connecting to the last byte of the answer.",
        )
        .default(r#""30s""#),
        Field::new(
            "network",
            Shape::Either(&[
                Shape::Choice(&[
                    Choice {
                        word: "public",
                        doc: "addresses of the public internet",
                    },
                    Choice {
                        word: "private",
                        doc: "those and private, loopback and link-local ones",
                    },
                ]),
                Shape::List(&CIDR),
            ]),
            "http: which addresses may be connected to, checked after the name is resolved. A list allows these networks only.",
        )
        .default(r#""public""#)
        .example(r#"["10.0.0.0/8"]"#),
        Field::new("tls", Shape::Table(&DESTINATION_TLS), "http: certificates of its own.")
            .example(r#"{ ca = "internal-ca.pem" }"#),
        Field::new("path", Shape::Text(Format::free("a path")), "file: the file to append to. Relative to this file.")
            .example(r#""state/events.jsonl""#),
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
        ("rate_limit", "it is called `rate`"),
        ("circuit_breaker", "it is called `breaker`"),
    ],
};

/// Keys that mean something to one kind of destination only.
const OF_HTTP: [&str; 9] =
    ["url", "method", "headers", "bearer", "basic", "sign", "timeout", "network", "tls"];
const OF_FILE: [&str; 1] = ["path"];

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Http,
    Console,
    File,
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
    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let retry = table.table("retry");
        let kind = word(table).and_then(|word| {
            refuse_keys_of_others(table, word);
            if word != Word::Http {
                refuse_statuses(retry.as_ref());
            }
            match word {
                Word::Http => http_destination::read(table, retry.as_ref()).map(DestinationKind::Http),
                Word::Console => Some(DestinationKind::Console),
                Word::File => path(table).map(|path| DestinationKind::File { path }),
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
    let words = [("http", Word::Http), ("console", Word::Console), ("file", Word::File)];
    if let Some(value) = table.get("type") {
        return value.choice(&words);
    }
    match (table.get("url"), table.get("path")) {
        (Some(_), None) => Some(Word::Http),
        (None, Some(_)) => Some(Word::File),
        (Some(_), Some(path)) => path.fail("a destination has a `url` or a `path`, not both"),
        (None, None) => {
            table.error(format!("nothing says what {} is", table.shown()), |error| {
                error
                    .label("a key is missing here")
                    .help("add `url` for an HTTP receiver, `path` for a file, or type = \"console\"");
            });
            None
        }
    }
}

fn refuse_keys_of_others(table: &Table<'_>, word: Word) {
    let others = OF_HTTP.iter().filter(|_| word != Word::Http);
    for key in others.chain(OF_FILE.iter().filter(|_| word != Word::File)) {
        if let Some(value) = table.get(key) {
            // Nobody looks into it, and it may hold a secret.
            value.mask();
            let owner = if OF_FILE.contains(key) { "file" } else { "http" };
            value.context.gathered.error(
                value.key_spot(),
                format!("`{key}` belongs to a destination of type \"{owner}\", {} is another", table.shown()),
                |_| (),
            );
        }
    }
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
