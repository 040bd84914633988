//! What a row of the table says.

use std::time::Duration;

use crate::routing::{DedupeBy, Fields};
use crate::signature::Scheme;

use super::table;

/// What is known about a provider.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name in `provider = "…"`.
    pub provider: &'static str,
    /// The name as the provider writes it.
    pub title: &'static str,
    /// The ways in which it proves itself, by name; the first is the usual one.
    pub schemes: &'static [NamedScheme],
    /// Where it says what happened: the parts of the event type, joined with `.`.
    pub(super) kind: &'static [&'static [&'static str]],
    /// Where its own id of a delivery or of an event stands.
    pub(super) delivery_id: &'static [&'static [&'static str]],
    /// What a repetition has in common with the first.
    pub(super) repetition: Repetition,
    /// The largest body that it sends, in bytes: refusing one may lose the event for good.
    pub max_body: usize,
    /// Questions with which it makes sure that somebody listens.
    pub handshakes: &'static [Handshake],
    /// The answer that it takes for "received".
    pub answer: Answer,
    /// How a body that holds several events is taken apart.
    pub split: Option<Split>,
    /// Whether events may come by GET as well, all in the query.
    pub by_get: bool,
    /// How long it waits for an answer, where that is known.
    pub deadline: Option<Duration>,
    /// What becomes of an event that is refused or not answered in time; empty if not known.
    pub failure: &'static str,
    /// Whether it drops an event at most of 4xx, so that it is told 503 where others are told 429.
    pub final_4xx: bool,
    /// Who chooses the secret, and where.
    pub secret: SecretPlace,
}

/// Who chooses a secret, with the place in the sender's settings where it is entered or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// Whoever sets up the webhook chooses it and enters it there.
    Chosen(&'static str),
    /// The sender makes it and shows it there; nobody else can.
    Issued(&'static str),
    /// It is the sender's public key, which is shown there.
    PublicKey(&'static str),
    /// Depends on who sends; the text says what has to be the same on both sides.
    Agreed(&'static str),
    /// The sender brings it in its handshake.
    Brought(&'static str),
    /// There is none; the text says what proves its requests.
    Needless(&'static str),
}

impl SecretPlace {
    /// The place, or the text that stands for it.
    pub fn text(self) -> &'static str {
        match self {
            SecretPlace::Chosen(text)
            | SecretPlace::Issued(text)
            | SecretPlace::PublicKey(text)
            | SecretPlace::Agreed(text)
            | SecretPlace::Brought(text)
            | SecretPlace::Needless(text) => text,
        }
    }

    /// Whether the sender alone can make one, so that one that was made here is for trying out.
    pub fn is_the_senders(self) -> bool {
        matches!(self, SecretPlace::Issued(_) | SecretPlace::PublicKey(_))
    }
}

/// A scheme with the name that chooses it.
#[derive(Clone, Copy, Debug)]
pub struct NamedScheme {
    /// The name, in lower case with hyphens.
    pub name: &'static str,
    /// The scheme.
    pub scheme: fn() -> Scheme,
}

/// A question with which a sender makes sure that somebody listens, and what it wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// A signed POST of type `url_verification`, whose `challenge` is to be answered as text.
    SlackUrlVerification,
    /// GET with `hub.mode=subscribe`, whose `hub.challenge` is to be answered if `hub.verify_token` is the agreed one.
    HubChallenge,
    /// GET with `crc_token`, to be answered with its HMAC under the secret.
    CrcToken,
    /// A signed POST `endpoint.url_validation`, whose `plainToken` is to be answered with its HMAC under the secret.
    ZoomUrlValidation,
    /// POST with `validationToken`, to be answered decoded, as text.
    ValidationToken,
    /// POST with `aeg-event-type: SubscriptionValidation`, whose `validationCode` is to be answered as JSON with 200.
    EventGridValidation,
    /// OPTIONS with `WebHook-Request-Origin`, to be answered with `WebHook-Allowed-Origin` if the origin is allowed.
    WebHookOptions,
    /// GET with `X-Okta-Verification-Challenge`, to be answered as JSON.
    OktaChallenge,
    /// GET with `challenge`, to be answered as text that no browser takes for more.
    QueryChallenge,
    /// POST with `X-Hook-Secret`, to be answered with the same header and remembered as the secret.
    HookSecret,
    /// A signed POST of message type `webhook_callback_verification`, whose `challenge` is to be answered as text; one
    /// of type `revocation` is acknowledged.
    TwitchCallback,
    /// A signed `SubscriptionConfirmation`, whose `SubscribeURL` is to be visited.
    SnsConfirmation,
    /// HEAD, to be answered with 200.
    Head,
    /// A signed POST of type 1 (interactions), to be answered with the same, or of type 0 (events), with 204.
    DiscordPing,
    /// Every answer carries the agreed `x-vercel-verify`.
    VercelVerify,
}

impl Handshake {
    /// Every handshake.
    pub const ALL: [Handshake; 15] = [
        Handshake::SlackUrlVerification,
        Handshake::HubChallenge,
        Handshake::CrcToken,
        Handshake::ZoomUrlValidation,
        Handshake::ValidationToken,
        Handshake::EventGridValidation,
        Handshake::WebHookOptions,
        Handshake::OktaChallenge,
        Handshake::QueryChallenge,
        Handshake::HookSecret,
        Handshake::TwitchCallback,
        Handshake::SnsConfirmation,
        Handshake::Head,
        Handshake::DiscordPing,
        Handshake::VercelVerify,
    ];

    /// Its name, in the configuration and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Handshake::SlackUrlVerification => "slack-url-verification",
            Handshake::HubChallenge => "hub-challenge",
            Handshake::CrcToken => "crc-token",
            Handshake::ZoomUrlValidation => "zoom-url-validation",
            Handshake::ValidationToken => "validation-token",
            Handshake::EventGridValidation => "event-grid-validation",
            Handshake::WebHookOptions => "webhook-options",
            Handshake::OktaChallenge => "okta-challenge",
            Handshake::QueryChallenge => "query-challenge",
            Handshake::HookSecret => "hook-secret",
            Handshake::TwitchCallback => "twitch-callback",
            Handshake::SnsConfirmation => "sns-confirmation",
            Handshake::Head => "head",
            Handshake::DiscordPing => "discord-ping",
            Handshake::VercelVerify => "vercel-verify",
        }
    }

    /// The method with which the sender asks, in upper case.
    pub fn method(self) -> &'static str {
        match self {
            Handshake::HubChallenge
            | Handshake::CrcToken
            | Handshake::OktaChallenge
            | Handshake::QueryChallenge
            | Handshake::VercelVerify => "GET",
            Handshake::WebHookOptions => "OPTIONS",
            Handshake::Head => "HEAD",
            Handshake::SlackUrlVerification
            | Handshake::ZoomUrlValidation
            | Handshake::ValidationToken
            | Handshake::EventGridValidation
            | Handshake::HookSecret
            | Handshake::TwitchCallback
            | Handshake::SnsConfirmation
            | Handshake::DiscordPing => "POST",
        }
    }

    /// Whether the answer holds an HMAC-SHA256 under the source's secret.
    pub fn answers_with_hmac(self) -> bool {
        matches!(self, Handshake::CrcToken | Handshake::ZoomUrlValidation)
    }
}

/// The answer that a sender takes for "received".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// 202 with the event's id.
    #[default]
    Accepted,
    /// 200 with the event's id.
    Ok,
    /// 204 without a body.
    NoContent,
    /// 200 with an empty TwiML document.
    EmptyTwiml,
    /// 200 with the text `[accepted]`.
    BracketedAccepted,
}

/// How a body that holds several events is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Each item of the list at this pointer is an event.
    List(&'static str),
    /// Each item of a CloudEvents batch is an event; only a batch is taken apart.
    CloudEventsBatch,
}

/// What a repetition has in common with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    /// The sender's own id, where there is one.
    Id,
    /// What stands at these places: several events share an id, or the id is not signed.
    Fields(&'static [&'static [&'static str]]),
    /// The whole body, where no part of it stands for the rest.
    Body,
}

/// Where a provider publishes no bound.
pub(super) const MAX_BODY: usize = 10 << 20;

impl Preset {
    /// A row of which everything that is not named is as usual.
    pub(super) const fn new(
        provider: &'static str,
        title: &'static str,
        schemes: &'static [NamedScheme],
        kind: &'static [&'static [&'static str]],
        delivery_id: &'static [&'static [&'static str]],
    ) -> Self {
        Preset {
            provider,
            title,
            schemes,
            kind,
            delivery_id,
            repetition: Repetition::Id,
            max_body: MAX_BODY,
            handshakes: &[],
            answer: Answer::Accepted,
            split: None,
            by_get: false,
            deadline: None,
            failure: "",
            final_4xx: false,
            secret: SecretPlace::Agreed(""),
        }
    }

    /// Where it says what happened.
    pub fn kind(&self) -> Fields {
        Fields::table(self.kind)
    }

    /// Where its own id of a delivery or of an event stands.
    pub fn delivery_id(&self) -> Fields {
        Fields::table(self.delivery_id)
    }

    /// What a repetition has in common with the first; None where nothing is known by which to tell.
    pub fn repetition(&self) -> Option<DedupeBy> {
        match self.repetition {
            Repetition::Id => (!self.delivery_id().is_empty()).then_some(DedupeBy::DeliveryId),
            Repetition::Fields(rows) => Some(DedupeBy::Fields(Fields::table(rows))),
            Repetition::Body => Some(DedupeBy::Hash),
        }
    }

    /// The way of that name; the usual one without a name. Names may be written with `_` for `-`.
    pub fn scheme(&self, name: Option<&str>) -> Option<&'static NamedScheme> {
        match name {
            None => self.schemes.first(),
            Some(name) => self.schemes.iter().find(|scheme| same_name(scheme.name, name)),
        }
    }
}

/// The preset of that name, which may be written with `_` for `-`.
pub fn preset(provider: &str) -> Option<&'static Preset> {
    presets().find(|preset| same_name(preset.provider, provider))
}

/// Every known provider.
pub fn presets() -> impl Iterator<Item = &'static Preset> {
    table::ALL.iter().copied().flatten()
}

fn same_name(known: &str, given: &str) -> bool {
    known.len() == given.len()
        && known
            .bytes()
            .zip(given.bytes())
            .all(|(known, given)| known == given || (known == b'-' && given == b'_'))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::{Event, sample};
    use crate::routing::DedupeRule;
    use crate::signature::{Draft, Refusal, Secret, Verifier, sign};

    #[test]
    fn what_is_a_repetition() {
        let key = |provider: &str, body: &str| {
            let by = preset(provider).and_then(Preset::repetition).unwrap();
            let body = Bytes::copy_from_slice(body.as_bytes()).into();
            DedupeRule { by, window: Duration::from_secs(1) }.key(&Event { body, ..sample::event(0) })
        };
        let check = |provider: &str, one: &str, other: &str, repeated: bool| {
            assert_eq!(key(provider, one), key(provider, one), "{provider}: {one}");
            assert_eq!(key(provider, one) == key(provider, other), repeated, "{provider}: {one} {other}");
        };
        let batch =
            |ids: &str| format!(r#"{{"entry":[{{"changes":[{{"value":{{"messages":[{ids}]}}}}]}}]}}"#);
        check("meta", &batch(r#"{"id":"1"}"#), &batch(r#"{"id":"1"},{"id":"2"}"#), false);
        let joined = |who: &str| {
            format!(r#"{{"event":"meeting.participant_joined","event_ts":7,"payload":{{"who":"{who}"}}}}"#)
        };
        check("zoom", &joined("ada"), &joined("bob"), false);
        let mailgun = |token: &str, id: &str| {
            format!(r#"{{"signature":{{"token":"{token}"}},"event-data":{{"id":"{id}"}}}}"#)
        };
        check("mailgun", &mailgun("t", "1"), &mailgun("t", "2"), true);
        check("mailgun", &mailgun("t", "1"), &mailgun("u", "1"), false);
        check("mailgun", r#"{"token":"t","event":"opened"}"#, r#"{"token":"t","event":"bounced"}"#, true);
    }

    #[test]
    fn what_mailgun_signs_does_not_count_for_ever() {
        let bodies = [
            r#"{"signature":{"timestamp":"0","token":"t","signature":"s"}}"#,
            r#"{"timestamp":"0","token":"t","signature":"s"}"#,
        ];
        let named = preset("mailgun").unwrap().schemes;
        assert_eq!(named.len(), bodies.len());
        let now = 1_700_000_000_000;
        for (named, body) in named.iter().zip(bodies) {
            let (scheme, secret) = ((named.scheme)(), Secret::new("key"));
            let mut draft = Draft::post(Bytes::from_static(body.as_bytes()).into());
            sign(&scheme, &secret, &mut draft, "id-1", now).unwrap();
            let verifier = Verifier::new(scheme, [secret.into()]).unwrap();
            let after = |hours: i64| verifier.verify(draft.request(), now + hours * 3_600_000).map(|_| ());
            assert_eq!(after(9), Ok(()), "{}", named.name);
            assert_eq!(after(13), Err(Refusal::StaleTimestamp(13 * 3600)), "{}", named.name);
        }
    }
}
