//! `[sources.x]`: who may send, and how they prove it.

use std::sync::Arc;

use crate::provider::{Answer, Preset, SecretPlace, preset, presets};
use crate::routing::{DedupeBy, DedupeRule, Field as EventField, Fields};
use crate::signature::{Scheme, Token};

use super::account::{TOPIC, set_account, set_tolerance};
use super::admission::Admission;
use super::answer::{self, ANSWER, Batch, SPLIT};
use super::dedupe::{self, DEDUPE_OR_TABLE};
use super::field::{Choice, Element, Field, Format, Shape};
use super::handshake::{self, ALLOWED_ORIGINS, ALLOWED_RATE, HANDSHAKES, Handshakes, VERIFY_TOKEN};
use super::network::NETWORK;
use super::rate::SOURCE_RATE_OR_TABLE;
use super::requirement::{self, REQUIREMENT, Requirement};
use super::scheme;
use super::source_secret::{self, SOURCE_SECRET, SourceSecret};
use super::suggest::did_you_mean;
use super::table::Table;
use super::url;
use super::value::Value;
use super::verify::{self, VERIFY};
use super::{Location, SecretRef};

/// One sender.
#[derive(Clone, Debug)]
pub struct Source {
    /// The table's name; also the last part of its URL.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// How a request proves its origin.
    pub verification: Verification,
    /// What is known about the sender, if it is a known one.
    pub provider: Option<&'static Preset>,
    /// The parts of the event type, joined with `.`.
    pub kind: Fields,
    /// The parts of the provider's id of a delivery, joined with `:`.
    pub delivery_id: Fields,
    /// How repetitions are recognised; none are without.
    pub dedupe: Option<DedupeRule>,
    /// The largest body accepted, in bytes.
    pub max_body: usize,
    /// What the sender is told.
    pub answer: Answer,
    /// How a body that holds several events is taken apart.
    pub batch: Option<Batch>,
    /// How a sender is answered that makes sure that somebody listens.
    pub handshakes: Handshakes,
    /// The address that the sender calls, where that is not what the server's says.
    pub public_url: Option<String>,
    /// Who may knock, and how often.
    pub admission: Admission,
}

/// How a request proves its origin.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a few dozen, and they are never moved about")]
pub enum Verification {
    /// Anyone may send. Only by an explicit `verify = "none"`, and warned about.
    None,
    /// Nobody may send: events come from destinations of type `source` only.
    Internal,
    /// What the request carries.
    Proof {
        /// The provider whose way it is; none where the operator describes it.
        provider: Option<&'static str>,
        /// How the sender proves itself.
        scheme: Scheme,
        /// The active secrets; none where requests name a certificate that is fetched.
        secrets: Vec<SourceSecret>,
        /// Further proofs, all of which are needed.
        require: Vec<Requirement>,
        /// Where the sender's settings take the secret; empty if not known.
        place: Option<SecretPlace>,
    },
    /// What a plugin finds.
    Plugin {
        /// Its name.
        plugin: Arc<str>,
        /// Where that stands.
        at: Location,
        /// Further proofs, all of which are needed.
        require: Vec<Requirement>,
    },
}

/// Where neither the operator nor a preset says more.
const MAX_BODY: usize = 1 << 20;

static SECRET: Shape = Shape::Table(&SOURCE_SECRET);

static REQUIRED: Shape = Shape::Table(&REQUIREMENT);

static EVENT_FIELD: Shape = Shape::Text(Format {
    what: "a place such as \"header:X-Event\" or \"body:/type\"",
    pattern: "^(header:.+|query:.+|body:/.*|member:\\*.+|text:.+)$",
});

pub(super) static SOURCE: Element = Element {
    name: "source",
    doc: "A sender. Its name is the last part of its URL: `[sources.github]` receives at `/in/github`.",
    fields: &[
        Field::new(
            "provider",
            Shape::Text(Format::free("the name of a provider")),
            "A known provider, which settles how requests are signed and where the event type stands.",
        )
        .otherwise("the table's name, if a provider is called that")
        .example(r#""github""#),
        Field::new("secret", Shape::Table(&SOURCE_SECRET), "The secret that the sender signs with.")
            .example(r#"{ env = "GITHUB_WEBHOOK_SECRET" }"#),
        Field::new(
            "secrets",
            Shape::List(&SECRET),
            "Several secrets, all of them valid, while one replaces another.",
        )
        .example(r#"[{ file = "new" }, { file = "old", expires = 2026-12-01T00:00:00Z }]"#),
        Field::new(
            "verify",
            Shape::Either(&[
                Shape::Choice(&[
                    Choice {
                        word: "none",
                        doc: "anyone may send",
                    },
                    Choice {
                        word: "internal",
                        doc: "nobody may send; events come from destinations of type \"source\" only, and to others \
                              the source is not there (404)",
                    },
                ]),
                Shape::Table(&VERIFY),
            ]),
            "How requests are signed, for a sender that is not a known provider, or which plugin finds it out, or who may send \
             without.",
        )
        .otherwise("the provider's way")
        .example(r#"{ type = "hmac", signature = { header = "X-Signature" } }"#),
        Field::new(
            "scheme",
            Shape::Text(Format::free("the name of a scheme")),
            "Which of the provider's ways of signing it is, where it has several.",
        )
        .otherwise("the usual one")
        .example(r#""hubspot-v3""#),
        Field::new(
            "webhook_id",
            Shape::Text(Format::free("the id of a webhook")),
            "The id of the webhook, which PayPal shows in its settings and signs. Required for PayPal.",
        )
        .example(r#""0NH55953DH663215D""#),
        Field::new(
            "topics",
            Shape::OneOrMore(&TOPIC),
            "The topics of Amazon SNS whose messages are taken. Anybody with an AWS account can have a topic, so without \
             this anybody can send.",
        )
        .otherwise("every topic of everybody")
        .example(r#"["arn:aws:sns:us-east-1:123456789012:orders"]"#),
        Field::new(
            "require",
            Shape::List(&REQUIRED),
            "Further proofs that every request has to carry besides, each with a secret of its own.",
        )
        .example(r#"[{ type = "basic", secret = { env = "USER_AND_PASSWORD" } }]"#),
        Field::new(
            "public_url",
            Shape::Text(Format {
                what: "an address such as \"https://hooks.example.com/in/square\"",
                pattern: "^https?://",
            }),
            "The whole address that this sender calls, as it was told, for senders that sign it.",
        )
        .otherwise("`[server] public_url`, its base path and the source's name")
        .example(r#""https://hooks.example.com/in/square""#),
        Field::new(
            "tolerance",
            Shape::millis(0, 86_400_000),
            "How far the signed time may be from now, where the sender signs one. \"0s\" does not check.",
        )
        .otherwise("the provider's habit")
        .example(r#""5m""#),
        Field::new("max_body", Shape::Size { min: 0, max: 1 << 30 }, "The largest body accepted from outside.")
            .otherwise("the largest that the provider sends, 10MiB where it does not say, 1MiB without a provider")
            .example(r#""5MiB""#),
        Field::new(
            "ip_allow",
            Shape::OneOrMore(&NETWORK),
            "Networks and addresses that requests may come from, in addition to all else that is asked of them; others \
             get 403. Behind a proxy, `[server] trusted_proxies` says whose word counts.",
        )
        .example(r#"["192.0.2.0/24", "2001:db8::1"]"#),
        Field::new(
            "rate",
            SOURCE_RATE_OR_TABLE,
            "How many requests are taken; beyond, senders get 429 with Retry-After, or 503 \
             where the provider drops events at 4xx. Strangers use it up as well, where \
             they may knock.",
        )
        .example(r#"{ limit = "50/s", burst = 200 }"#),
        Field::new(
            "event_type",
            Shape::OneOrMore(&EVENT_FIELD),
            "Where the event type stands; several parts are joined with `.`, absent ones are left out. `text:…` is a text of \
             your own.",
        )
        .otherwise("the provider's place")
        .example(r#"["header:X-Event", "body:/action"]"#),
        Field::new(
            "delivery_id",
            Shape::OneOrMore(&EVENT_FIELD),
            "Where the sender's own id of a delivery stands, by which a repeated delivery is recognised; several parts are \
             joined with `:`, and without the first there is none.",
        )
        .otherwise("the provider's place")
        .example(r#""header:X-Delivery""#),
        Field::new(
            "dedupe",
            DEDUPE_OR_TABLE,
            "How a repeated event is recognised; `false` takes every request for a new event.",
        )
        .otherwise("by the sender's own id of a delivery for 7 days, where it has one")
        .example(r#"{ key = "body:/id", window = "24h" }"#),
        ANSWER,
        SPLIT,
        HANDSHAKES,
        VERIFY_TOKEN,
        ALLOWED_ORIGINS,
        ALLOWED_RATE,
    ],
    instead: &[
        ("type", "it is called `provider`"),
        ("deduplicate", "it is called `dedupe`"),
        ("idempotency", "it is called `dedupe`"),
        ("batch", "it is called `split`"),
        ("response", "it is called `answer`"),
        ("secret_env", r#"write secret = { env = "NAME" }"#),
        ("secret_file", r#"write secret = { file = "path" }"#),
        ("allow", "it is called `ip_allow`"),
        ("allow_ips", "it is called `ip_allow`"),
        ("rate_limit", "it is called `rate`"),
        ("path", "a source's path is its table's name under [server] base_path"),
    ],
};

impl Source {
    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let known = provider(name, table);
        let verification = known.and_then(|preset| verification(name, preset, table));
        let preset = known.flatten();
        let kind = table.get("event_type").and_then(fields);
        let own_id = table.get("delivery_id").and_then(fields);
        // A plugin may give an id that stands in no place.
        let by_plugin =
            matches!(verification, Some(Verification::Plugin { .. })).then_some(DedupeBy::DeliveryId);
        let usual = usual_dedupe(own_id.as_ref(), preset).or(by_plugin);
        let delivery_id = own_id.or_else(|| preset.map(Preset::delivery_id)).unwrap_or_default();
        let dedupe = dedupe::read(table, usual);
        let max_body = table.get("max_body").and_then(Value::size);
        let (answer, batch) = (answer::answer(table, preset), answer::batch(table, preset));
        let public_url = table.get("public_url").map(public_url);
        let verification = verification?;
        let handshakes = handshake::read(name, table, preset, &verification);
        Some(Source {
            name: name.into(),
            at: table.at(),
            verification,
            answer: answer?,
            batch: batch?,
            handshakes: handshakes?,
            public_url: public_url.map_or(Some(None), |read| read.map(Some))?,
            provider: preset,
            kind: kind.or_else(|| preset.map(Preset::kind)).unwrap_or_default(),
            delivery_id,
            dedupe: dedupe?,
            admission: Admission::read(table, preset),
            max_body: max_body.unwrap_or_else(|| preset.map_or(MAX_BODY, |preset| preset.max_body)),
        })
    }
}

fn public_url(value: Value<'_>) -> Option<String> {
    // As it was registered with the sender: nothing is added to it or taken from it.
    value.parse(|text| url::absolute(text).map(|_| text.to_owned()))
}

impl Source {
    /// Every secret that it refers to.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let (main, require) = match &self.verification {
            Verification::None | Verification::Internal => (&[][..], &[][..]),
            Verification::Plugin { require, .. } => (&[][..], &require[..]),
            Verification::Proof { secrets, require, .. } => (&secrets[..], &require[..]),
        };
        let of_proofs = main.iter().chain(require.iter().flat_map(|proof| &proof.secrets));
        let token = self.handshakes.verify_token.iter().map(|(_, reference)| reference);
        of_proofs.map(|secret| &secret.reference).chain(token)
    }

    /// Whether what it checks covers the address that the sender calls.
    pub(super) fn names_url(&self) -> bool {
        match &self.verification {
            Verification::None | Verification::Internal => false,
            Verification::Plugin { require, .. } => require.iter().any(|proof| proof.scheme.names_url()),
            Verification::Proof { scheme, require, .. } => {
                scheme.names_url() || require.iter().any(|proof| proof.scheme.names_url())
            }
        }
    }
}

/// The preset, if there is one; None where one is named that does not exist.
fn provider(name: &str, table: &Table<'_>) -> Option<Option<&'static Preset>> {
    let Some(value) = table.get("provider") else {
        return Some(preset(name));
    };
    let provider = value.text()?;
    let found = preset(provider);
    if found.is_none() {
        value.error(format!("there is no provider {provider:?}"), |error| {
            match did_you_mean(provider, presets().map(|preset| preset.provider)) {
                Some(near) => error.label(format!("did you mean {near:?}?")),
                None => error.help(format!(
                    "known are {}; any other sender that signs can be described by `verify`",
                    known_providers()
                )),
            };
        });
    }
    found.map(Some)
}

fn known_providers() -> String {
    let mut names: Vec<&str> = presets().map(|preset| preset.provider).collect();
    names.sort_unstable();
    names.join(", ")
}

fn verification(name: &str, preset: Option<&'static Preset>, table: &Table<'_>) -> Option<Verification> {
    let verify = table.get("verify");
    if let Some(value) = verify.filter(|value| !value.is_table()) {
        return unverified(name, value, table);
    }
    if let Some(value) = verify
        && let Some((plugin, at)) = verify::plugin(value)?
    {
        return by_plugin(plugin, at, table);
    }
    let scheme = match (verify, preset) {
        (Some(value), _) => scheme::read(value, table),
        (None, Some(preset)) => scheme_of(preset, table),
        (None, None) => unknown_scheme(table),
    };
    // Read even where the scheme is wrong, so that both are told.
    let needless = scheme.as_ref().is_some_and(Scheme::names_certificate)
        && table.get("secret").is_none()
        && table.get("secrets").is_none();
    let secrets = if needless { Some(Vec::new()) } else { source_secret::read(table) };
    let require = requirement::read(table);
    let mut scheme = scheme?;
    let made = |secret: &SourceSecret| secret.reference == SecretRef::Generated;
    if let (Scheme::Token(Token { base64: true, .. }), Some(secrets)) = (&scheme, &secrets)
        && secrets.iter().any(made)
    {
        return table.get("secret").or_else(|| table.get("secrets"))?.fail(
            "basic authentication has a secret of the form `user:password`, and one that is made here has no `:`; name a \
             file or a variable with yours",
        );
    }
    set_account(name, &mut scheme, table)?;
    if let Some(value) = table.get("tolerance") {
        set_tolerance(&mut scheme, value);
    }
    Some(Verification::Proof {
        provider: preset.filter(|_| verify.is_none()).map(|preset| preset.provider),
        scheme,
        secrets: secrets?,
        require: require?,
        place: preset.map(|preset| preset.secret),
    })
}

fn by_plugin(plugin: Arc<str>, at: Location, table: &Table<'_>) -> Option<Verification> {
    for key in ["secret", "secrets", "tolerance"] {
        if let Some(unused) = table.get(key) {
            unused.mask();
            unused.error(format!("`{key}` has no effect beside a plugin that verifies"), |error| {
                error.label("remove it").help(format!(
                    "the plugin reads what it needs from its own table: [plugins.{plugin}] config = {{ … }} and, for names \
                     under [secrets], allow = {{ secrets = [\"NAME\"] }}"
                ));
            });
            return None;
        }
    }
    Some(Verification::Plugin { plugin, at, require: requirement::read(table)? })
}

fn unknown_scheme<T>(table: &Table<'_>) -> Option<T> {
    let message = format!("nothing says how the requests of {} are signed", table.shown());
    table.error(message, |error| {
        error.label("`provider` or `verify` is missing").help(format!(
            "known providers are {}; any other scheme is described by a `verify` table",
            known_providers()
        ));
    });
    None
}

fn unverified(name: &str, value: Value<'_>, table: &Table<'_>) -> Option<Verification> {
    let word = value.text();
    let internal = value.choice(&[("none", false), ("internal", true)])?;
    for key in ["secret", "secrets", "require", "tolerance"] {
        if let Some(unused) = table.get(key) {
            unused.mask();
            let word = word.unwrap_or_default();
            return unused
                .fail(format!("`{key}` has no effect beside verify = \"{word}\"; remove one of them"));
        }
    }
    if internal {
        return Some(Verification::Internal);
    }
    let who = match table.get("ip_allow") {
        Some(_) => "anyone in the networks of `ip_allow`",
        None => "anyone",
    };
    let warning = format!("{who} can send to source `{name}`, because its requests are not verified");
    value.context.gathered.warn(&value.spot(), warning);
    Some(Verification::None)
}

fn fields(value: Value<'_>) -> Option<Fields> {
    let field = |item: Value<'_>| {
        item.parse(|text| text.parse::<EventField>().map_err(|problem| problem.to_string()))
    };
    let fields: Vec<EventField> = value.items()?.into_iter().map(field).collect::<Option<_>>()?;
    if fields.is_empty() { value.fail("an empty list names no place") } else { Some(Fields::joined(fields)) }
}

/// How a sender's repetitions are recognised unless the operator says it.
fn usual_dedupe(own_id: Option<&Fields>, preset: Option<&Preset>) -> Option<DedupeBy> {
    own_id.map(|_| DedupeBy::DeliveryId).or_else(|| preset.and_then(Preset::repetition))
}

/// The way that `scheme` names, or the provider's usual one.
fn scheme_of(preset: &'static Preset, table: &Table<'_>) -> Option<Scheme> {
    let Some(value) = table.get("scheme") else {
        return preset.scheme(None).map(|named| (named.scheme)());
    };
    let name = value.text()?;
    match preset.scheme(Some(name)) {
        Some(named) => Some((named.scheme)()),
        None => {
            let known: Vec<&str> = preset.schemes.iter().map(|named| named.name).collect();
            value.error(format!("{} has no scheme {name:?}", preset.title), |error| {
                match did_you_mean(name, known.iter().copied()) {
                    Some(near) => error.label(format!("did you mean {near:?}?")),
                    None => error.label(format!("there is {}", known.join(", "))),
                };
            });
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn source(lines: &str) -> Source {
        let text = format!("[sources.github]\n{lines}\n{}", check::ROUTE);
        check::read(&text).unwrap().sources.remove("github").unwrap()
    }

    fn joined(text: &str) -> Fields {
        Fields::joined(vec![text.parse().unwrap()])
    }

    #[test]
    fn a_known_provider_needs_a_secret_only() {
        let source = source("secret = { generated = true }");
        assert_eq!(source.at.to_string(), "config.toml:1:10");
        assert_eq!(source.max_body, 25 << 20);
        assert_eq!(source.delivery_id, joined("header:X-GitHub-Delivery"));
        let Verification::Proof { secrets, .. } = source.verification else {
            panic!("verified");
        };
        assert_eq!(secrets.len(), 1);
    }

    #[test]
    fn the_operator_knows_better_than_the_preset() {
        let source = source(
            r#"
            secrets = [{ env = "A" }, { generated = true }]
            max_body = 10
            event_type = "body:/type"
            delivery_id = "header:X-Id""#,
        );
        assert_eq!(source.max_body, 10);
        assert_eq!(source.kind, joined("body:/type"));
        assert_eq!(source.delivery_id, joined("header:X-Id"));
    }

    #[test]
    fn a_signed_address_has_to_be_known() {
        let trello = |lines: &str, more: &str| {
            let route = check::ROUTE.replace("github", "trello");
            check::read(&format!("{more}\n[sources.trello]\nsecret = {{ env = \"A\" }}\n{lines}\n{route}"))
        };
        let told = trello("", "").unwrap_err().join("\n");
        assert!(told.contains("config.toml:2:10: this sender signs the address that it calls"), "{told}");
        let server = "[server]\npublic_url = \"https://hooks.example.com\"";
        assert_eq!(trello("", server).unwrap().sources["trello"].public_url, None);
        let own = "https://hooks.example.com/elsewhere/?a=1";
        let source = trello(&format!("public_url = \"{own}\""), "").unwrap();
        assert_eq!(source.sources["trello"].public_url.as_deref(), Some(own));
        let told = trello("public_url = \"hooks.example.com\"", "").unwrap_err().join("\n");
        assert!(told.contains("begins with `https://`"), "{told}");
    }

    #[test]
    fn a_plugin_answers_for_one_event() {
        let route = |source: &str| {
            check::ROUTE
                .replace("github", source)
                .replace("source", "respond = \"plugin\"\nplugins = [\"p\"]\nsource")
        };
        let text = |lines: &str| {
            let plugin = "[plugins.p]\npath = \"p.wasm\"";
            format!("[sources.asana]\nsecret = {{ handshake = true }}\n{lines}\n{plugin}\n{}", route("asana"))
        };
        check::fails(&text(""), "leave bodies whole: [sources.asana] split = false");
        assert!(check::read(&text("split = false")).is_ok());
    }

    #[test]
    fn an_unverified_source_is_warned_about() {
        let config = check::read(&format!("[sources.github]\nverify = \"none\"\n{}", check::ROUTE)).unwrap();
        let warnings: Vec<String> = config.warnings.iter().map(|(at, text)| format!("{at} {text}")).collect();
        assert_eq!(
            warnings,
            ["config.toml:2:10 anyone can send to source `github`, because its requests are not verified"]
        );
        let lines = "verify = \"none\"\nip_allow = \"192.0.2.1\"";
        let config = check::read(&format!("[sources.github]\n{lines}\n{}", check::ROUTE)).unwrap();
        assert!(config.warnings[0].1.starts_with("anyone in the networks of `ip_allow` can send to source"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let github = |lines: &str, expected: &str| {
            check::fails(&format!("[sources.github]\n{lines}\n{}", check::ROUTE), expected);
        };
        github("", "[sources.github] lacks `secret`");
        github(r#"provider = "gihub""#, r#"there is no provider "gihub": did you mean "github"?"#);
        github(r#"verify = "non""#, r#"`verify` cannot be "non": did you mean "none"?"#);
        github(r#"verify = "intrnal""#, r#"did you mean "internal"?"#);
        github("verify = \"internal\"\nsecret = { env = \"A\" }", "beside verify = \"internal\"");
        github("verify = 1", "found an integer");
        github("secrets = []", "without a secret nothing can be verified");
        github("secrets = [{ generated = true }, { generated = true }]", "one generated secret");
        github("verify = \"none\"\nsecret = { env = \"A\" }", "`secret` has no effect beside verify");
        for (line, expected) in [
            (r#"tolerance = "5m""#, "signs no time"),
            ("secrets = []", "exclude each other"),
            (r#"event_type = "X-Event""#, r#"neither "header:NAME", "query:NAME" nor"#),
            (r#"delivery_id = "header:a b""#, "not the name of a header"),
            (r#"delivery_id = "body:id""#, "not a JSON pointer"),
            (r#"max_body = "2GiB""#, "`max_body` is out of range"),
            (r#"webhook_id = "W""#, "it belongs to PayPal"),
            (r#"topics = "arn:aws:sns:us-east-1:1:x""#, "it belongs to Amazon SNS"),
        ] {
            github(&format!("secret = {{ env = \"A\" }}\n{line}"), expected);
        }
        check::fails(
            "[sources.acme]\nverify = { type = \"basic\" }\nsecret = { generated = true }",
            "has no `:`",
        );
        check::fails("[sources.acme]\nsecret = { env = \"A\" }", "the requests of [sources.acme] are signed");
        check::fails("[sources.Acme]\nverify = \"none\"", "`Acme` cannot be a name");
        check::fails("[sources.paypal]", "[sources.paypal] lacks `webhook_id`");
        check::fails("[sources.sns]\ntopics = []", "names no topic");
        check::fails("[sources.sns]\ntopics = \"x\"", "is not the name of a topic");
    }
}
