//! `handshakes` of a source, and what both sides have agreed on for them.

use crate::provider::{Handshake, Preset};
use crate::signature::{Algorithm, Hash, Scheme, Signed};

use super::field::{Choice, Field, Format, Shape};
use super::secret::GIVEN_SECRET;
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef, Verification};

/// How a source answers a sender that makes sure that somebody listens.
#[derive(Clone, Debug, Default)]
pub struct Handshakes {
    /// The questions that are answered.
    pub kinds: Vec<Handshake>,
    /// The agreed token of `hub-challenge` and `vercel-verify`.
    pub verify_token: Option<(Location, SecretRef)>,
    /// Who may send by `webhook-options`: host names, or `*` for all.
    pub allowed_origins: Vec<String>,
    /// Requests a minute that such a sender may make; as many as it asks for without.
    pub allowed_rate: Option<u32>,
}

const fn word(handshake: Handshake, doc: &'static str) -> Choice {
    Choice { word: handshake.name(), doc }
}

static KINDS: Shape = Shape::Choice(&[
    word(Handshake::SlackUrlVerification, "POST of type `url_verification`, answered with its `challenge`"),
    word(
        Handshake::HubChallenge,
        "GET with `hub.challenge`, answered with it if `hub.verify_token` is `verify_token`",
    ),
    word(Handshake::CrcToken, "GET with `crc_token`, answered with its HMAC under the secret"),
    word(
        Handshake::ZoomUrlValidation,
        "POST of event `endpoint.url_validation`, answered with an HMAC under the secret",
    ),
    word(Handshake::ValidationToken, "POST with `validationToken` in the query, answered with it"),
    word(
        Handshake::EventGridValidation,
        "POST with `aeg-event-type: SubscriptionValidation`, answered with its code",
    ),
    word(
        Handshake::WebHookOptions,
        "OPTIONS with `WebHook-Request-Origin`, answered with leave for `allowed_origins`",
    ),
    word(Handshake::OktaChallenge, "GET with `X-Okta-Verification-Challenge`, answered with it as JSON"),
    word(Handshake::QueryChallenge, "GET with `challenge` in the query, answered with it"),
    word(Handshake::HookSecret, "POST with `X-Hook-Secret`, kept as the secret, see `secret`"),
    word(
        Handshake::TwitchCallback,
        "POST of message type `webhook_callback_verification`, answered with its `challenge`",
    ),
    word(Handshake::SnsConfirmation, "POST of type `SubscriptionConfirmation`, whose address is visited"),
    word(Handshake::Head, "HEAD, answered with 200"),
    word(Handshake::DiscordPing, "POST of type 1, answered with the same, or of type 0, answered with 204"),
    word(
        Handshake::VercelVerify,
        "GET or an empty POST, answered with 200; every answer carries `x-vercel-verify` with `verify_token`",
    ),
]);

static ORIGIN: Shape = Shape::Text(Format::free("the name of a host, or \"*\" for any"));

pub(super) const HANDSHAKES: Field = Field::new(
    "handshakes",
    Shape::List(&KINDS),
    "Questions with which a sender makes sure that somebody listens, and which are answered without becoming events. \
     Those that the sender signs are answered only if the signature is right.",
)
.otherwise("the provider's")
.example(r#"["slack-url-verification", "head"]"#);

pub(super) const VERIFY_TOKEN: Field = Field::new(
    "verify_token",
    Shape::Table(&GIVEN_SECRET),
    "The token that was agreed on with the sender for the handshakes `hub-challenge` (Meta's verify token) and \
     `vercel-verify`.",
)
.example(r#"{ env = "META_VERIFY_TOKEN" }"#);

pub(super) const ALLOWED_ORIGINS: Field = Field::new(
    "allowed_origins",
    Shape::OneOrMore(&ORIGIN),
    "Who is told that it may send, by the handshake `webhook-options`. `\"*\"` stands for everybody.",
)
.example(r#"["eventgrid.azure.net"]"#);

pub(super) const ALLOWED_RATE: Field = Field::new(
    "allowed_rate",
    Shape::Integer { min: 1, max: 1_000_000 },
    "Requests a minute that such a sender is told it may make. Nothing holds it to that.",
)
.otherwise("what it asks for");

/// Reads what belongs to handshakes. None is an error that has been told.
pub(super) fn read(
    name: &str,
    table: &Table<'_>,
    preset: Option<&Preset>,
    verification: &Verification,
) -> Option<Handshakes> {
    let kinds = match table.get("handshakes") {
        Some(value) => listed(value)?,
        None => preset.map_or(Vec::new(), |preset| preset.handshakes.to_vec()),
    };
    let token = table.get("verify_token").map(SecretRef::parse);
    let origins = table.get("allowed_origins").map_or(Some(Vec::new()), origins);
    let rate = table.get("allowed_rate").map(Value::integer);
    let handshakes = Handshakes {
        kinds,
        verify_token: token.map_or(Some(None), |read| read.map(Some))?,
        allowed_origins: origins?,
        allowed_rate: rate
            .map_or(Some(None), |read| read.map(Some))?
            .and_then(|rate| u32::try_from(rate).ok()),
    };
    handshakes.nothing_in_vain(table)?;
    handshakes.nothing_missing(name, table)?;
    handshakes.secrets_fit(table, verification)?;
    Some(handshakes)
}

fn listed(value: Value<'_>) -> Option<Vec<Handshake>> {
    let meanings = Handshake::ALL.map(|handshake| (handshake.name(), handshake));
    let read: Vec<_> = value.items()?.into_iter().map(|item| item.choice(&meanings)).collect();
    read.into_iter().collect()
}

fn origins(value: Value<'_>) -> Option<Vec<String>> {
    let origin = |item: Value<'_>| {
        item.parse(|text| match text.contains(['/', ' ', ',']) || text.is_empty() {
            true => Err(format!("{text:?} is not the name of a host")),
            false => Ok(text.to_owned()),
        })
    };
    value.items()?.into_iter().map(origin).collect()
}

impl Handshakes {
    fn has(&self, handshake: Handshake) -> bool {
        self.kinds.contains(&handshake)
    }

    fn nothing_in_vain(&self, table: &Table<'_>) -> Option<()> {
        let token = self.has(Handshake::HubChallenge) || self.has(Handshake::VercelVerify);
        let options = self.has(Handshake::WebHookOptions);
        let uses = [
            ("verify_token", token, "handshakes `hub-challenge` and `vercel-verify`"),
            ("allowed_origins", options, "handshake `webhook-options`"),
            ("allowed_rate", options, "handshake `webhook-options`"),
        ];
        for (key, used, by) in uses {
            if let (false, Some(value)) = (used, table.get(key)) {
                return value.fail(format!("`{key}` has no effect: it is for the {by}"));
            }
        }
        Some(())
    }

    fn nothing_missing(&self, name: &str, table: &Table<'_>) -> Option<()> {
        if self.has(Handshake::HubChallenge) && self.verify_token.is_none() {
            let warning = format!(
                "the subscription of source `{name}` is refused (403) until `verify_token` says which token was agreed on"
            );
            table.context.gathered.warn(&table.spot(), warning);
        }
        if self.has(Handshake::WebHookOptions) && self.allowed_origins.is_empty() {
            if let Some(value) = table.get("handshakes") {
                return value.fail("`webhook-options` allows nobody without `allowed_origins`");
            }
            let warning = format!(
                "who asks source `{name}` by OPTIONS whether it may send is told no until `allowed_origins` names it"
            );
            table.context.gathered.warn(&table.spot(), warning);
        }
        Some(())
    }

    fn secrets_fit(&self, table: &Table<'_>, verification: &Verification) -> Option<()> {
        let (hmac, brought) = match verification {
            Verification::Proof { scheme, secrets, .. } => (
                is_hmac_sha256(scheme),
                secrets.iter().any(|secret| secret.reference == SecretRef::Handshake),
            ),
            Verification::None | Verification::Internal | Verification::Plugin { .. } => (false, false),
        };
        if let Some(handshake) = self.kinds.iter().find(|handshake| handshake.answers_with_hmac() && !hmac) {
            let message = format!(
                "the handshake `{}` is answered with an HMAC-SHA256 under the secret, which this source does not have",
                handshake.name()
            );
            table.error(message, |error| {
                error.help("leave it out of `handshakes`");
            });
            return None;
        }
        if let (Verification::Proof { scheme: Scheme::Signed(signed), .. }, true) =
            (verification, self.has(Handshake::CrcToken))
            && !signed.template.covers_body()
        {
            table.error("`crc-token` would give away signatures of this source's events", |error| {
                error.help("anybody gets the HMAC of a word, so what is signed has to hold the body");
            });
            return None;
        }
        if brought && !self.has(Handshake::HookSecret) {
            return table.get("secret")?.fail(
                "no request of this sender brings a secret; add \"hook-secret\" to `handshakes`, or name the secret",
            );
        }
        Some(())
    }
}

fn is_hmac_sha256(scheme: &Scheme) -> bool {
    matches!(scheme, Scheme::Signed(Signed { algorithm: Algorithm::Hmac(Hash::Sha256), .. }))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn text(source: &str, lines: &str) -> String {
        let secret = if lines.contains("secret = ") || lines.contains("verify = ") {
            ""
        } else {
            "secret = { env = \"A\" }\n"
        };
        format!("[sources.{source}]\n{secret}{lines}\n{}", check::ROUTE.replace("github", source))
    }

    #[test]
    fn presets_and_operators_name_handshakes() {
        for (source, lines, expected) in [
            ("github", "", vec![]),
            ("slack", "", vec![Handshake::SlackUrlVerification]),
            ("slack", "handshakes = []", vec![]),
            ("github", "handshakes = [\"head\", \"crc-token\"]", vec![Handshake::Head, Handshake::CrcToken]),
            ("asana", "secret = { handshake = true }", vec![Handshake::HookSecret]),
        ] {
            let config = check::read(&text(source, lines)).unwrap();
            assert_eq!(config.sources[source].handshakes.kinds, expected, "{source} {lines}");
        }
        for handshake in Handshake::ALL {
            assert_eq!(listed_names().filter(|name| *name == handshake.name()).count(), 1, "{handshake:?}");
        }
    }

    fn listed_names() -> impl Iterator<Item = &'static str> {
        let Shape::Choice(choices) = &KINDS else { panic!("words") };
        choices.iter().map(|choice| choice.word)
    }

    #[test]
    fn a_hub_without_a_token_is_warned_about() {
        let warnings = |lines: &str| check::read(&text("meta", lines)).unwrap().warnings;
        assert!(warnings("verify_token = { env = \"T\" }").is_empty());
        let found = warnings("");
        assert!(found[0].1.contains("is refused (403) until `verify_token`"), "{found:?}");
        let found = check::read(&text("cloudevents", "")).unwrap().warnings;
        assert!(found[0].1.contains("is told no until `allowed_origins`"), "{found:?}");
        let named = check::read(&text("cloudevents", "allowed_origins = \"*\"")).unwrap();
        assert!(named.warnings.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (source, lines, expected) in [
            ("github", "handshakes = [\"haed\"]", "did you mean \"head\"?"),
            ("github", "verify_token = { env = \"T\" }", "`verify_token` has no effect"),
            ("meta", "verify_token = \"tok\"", "cannot be written in the configuration"),
            (
                "github",
                "allowed_origins = \"*\"",
                "`allowed_origins` has no effect: it is for the handshake `webhook-options`",
            ),
            ("cloudevents", "allowed_origins = \"https://a\"", "is not the name of a host"),
            ("github", "handshakes = [\"webhook-options\"]", "allows nobody without `allowed_origins`"),
            ("shop", "verify = \"none\"\nhandshakes = [\"crc-token\"]", "HMAC-SHA256 under the secret"),
            ("okta", "handshakes = [\"zoom-url-validation\"]", "HMAC-SHA256 under the secret"),
            (
                "mailgun",
                "handshakes = [\"crc-token\"]",
                "`crc-token` would give away signatures of this source's events",
            ),
            ("github", "secret = { handshake = true }", "no request of this sender brings a secret"),
        ] {
            check::fails(&text(source, lines), expected);
        }
    }
}
