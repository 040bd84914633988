//! Questions with which a sender makes sure that somebody listens. They are answered without becoming events: some by
//! what every sender may ask, some only once the request is known to be genuine.

mod echo;
mod hook_secret;
mod keyed;
mod origin;
mod ping;
mod sns;
#[cfg(test)]
mod vectors;

use crate::event::{Event, UnixMillis};
use crate::generation::{Agreed, Proven, SourceEntry};
use crate::provider::Handshake;

use super::answer::Response;
use super::refused::Refused;

pub(super) use hook_secret::take_secret;
pub(super) use ping::sign_answer;
pub(super) use sns::confirm;

/// What a question is answered; none where it is no such question.
type Answered = Option<Result<Response, Refused>>;

/// A request that may be such a question.
pub(super) struct Asked<'a> {
    pub(super) event: &'a Event,
    pub(super) agreed: &'a Agreed,
    /// The HMAC of a challenge under the source's secret, if it has such a one.
    pub(super) hmac: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
}

impl<'a> Asked<'a> {
    /// What is answered before it is known who asks.
    pub(super) fn of_anybody(&self) -> Option<(Handshake, Result<Response, Refused>)> {
        self.first(|handshake| match handshake {
            Handshake::HubChallenge => echo::hub_challenge(self),
            Handshake::CrcToken => keyed::crc_token(self),
            Handshake::ValidationToken => echo::validation_token(self),
            Handshake::WebHookOptions => origin::options(self),
            Handshake::OktaChallenge => echo::okta_challenge(self),
            Handshake::QueryChallenge => echo::query_challenge(self),
            Handshake::Head => ping::head(self),
            Handshake::VercelVerify => ping::vercel(self),
            Handshake::SlackUrlVerification
            | Handshake::ZoomUrlValidation
            | Handshake::EventGridValidation
            | Handshake::HookSecret
            | Handshake::TwitchCallback
            | Handshake::SnsConfirmation
            | Handshake::DiscordPing => None,
        })
    }

    /// What is answered once the request is known to be genuine.
    pub(super) fn of_the_sender(&self) -> Option<(Handshake, Result<Response, Refused>)> {
        self.first(|handshake| match handshake {
            Handshake::SlackUrlVerification => echo::slack_url_verification(self),
            Handshake::ZoomUrlValidation => keyed::zoom_url_validation(self),
            Handshake::EventGridValidation => echo::event_grid_validation(self),
            Handshake::TwitchCallback => echo::twitch_callback(self),
            Handshake::DiscordPing => ping::discord(self),
            Handshake::CrcToken => keyed::word_as_event(self),
            Handshake::HubChallenge
            | Handshake::ValidationToken
            | Handshake::WebHookOptions
            | Handshake::OktaChallenge
            | Handshake::QueryChallenge
            | Handshake::HookSecret
            | Handshake::SnsConfirmation
            | Handshake::Head
            | Handshake::VercelVerify => None,
        })
    }

    fn first(
        &self,
        answer: impl Fn(Handshake) -> Answered,
    ) -> Option<(Handshake, Result<Response, Refused>)> {
        self.agreed.kinds.iter().find_map(|&kind| answer(kind).map(|answered| (kind, answered)))
    }

    fn is(&self, method: &str) -> bool {
        self.event.method == method
    }

    fn query(&self, name: &str) -> Option<String> {
        crate::routing::query(&self.event.query, name)
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.event.headers.text(name)
    }

    /// A scalar of the body, as text.
    fn node(&self, pointer: &str) -> Option<String> {
        self.event.body.json().ok()?.scalar(pointer).map(std::borrow::Cow::into_owned)
    }
}

/// What a source answers to anybody.
pub(super) fn of_anybody(
    source: &SourceEntry,
    event: &Event,
    now: UnixMillis,
) -> Option<(Handshake, Result<Response, Refused>)> {
    if source.handshakes.kinds.is_empty() {
        return None;
    }
    let hmac = |challenge: &[u8]| source.answer_challenge(challenge, None, now);
    Asked { event, agreed: &source.handshakes, hmac: &hmac }.of_anybody()
}

/// What a source answers to its sender.
pub(super) fn of_the_sender(
    source: &SourceEntry,
    event: &Event,
    proven: Option<&Proven>,
    now: UnixMillis,
) -> Option<(Handshake, Result<Response, Refused>)> {
    if source.handshakes.kinds.is_empty() {
        return None;
    }
    let secret = proven.map(|proven| proven.secret);
    let hmac = |challenge: &[u8]| source.answer_challenge(challenge, secret, now);
    Asked { event, agreed: &source.handshakes, hmac: &hmac }.of_the_sender()
}
