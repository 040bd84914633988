//! All samples, and how one is found.

use super::sample::Sample;
use super::{chat, code, complete, generic, office, payment};

static ALL: &[&[Sample]] =
    &[complete::SAMPLES, payment::SAMPLES, chat::SAMPLES, code::SAMPLES, office::SAMPLES, generic::SAMPLES];

/// Every sample of a provider, by its name in the configuration. Requests that only ask whether somebody listens are at
/// the end.
pub(in crate::cli) fn of(provider: &str) -> Vec<&'static Sample> {
    let all = ALL.iter().copied().flatten().filter(|sample| sample.provider == provider);
    let (handshakes, mut events): (Vec<_>, Vec<_>) = all.partition(|sample| sample.handshake);
    events.extend(handshakes);
    events
}

/// The sample of this name, such as `pull_request.opened` of `github`.
pub(in crate::cli) fn find(provider: &str, event: &str) -> Option<&'static Sample> {
    of(provider).into_iter().find(|sample| sample.event == event)
}

/// One of a provider's samples to begin with.
pub(in crate::cli) fn first(provider: &str) -> Option<&'static Sample> {
    of(provider).into_iter().next()
}
