//! Secrets that are sent along: tokens, API keys, basic authentication.

use crate::event::UnixMillis;

use super::encoding::Encoding;
use super::refusal::Refusal;
use super::request::SignedRequest;
use super::scheme::{Place, Token};
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

pub(super) fn verify<T: Trace>(
    scheme: &Token,
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let label = scheme.place.label();
    let mut tokens = Vec::new();
    for text in request.read(&scheme.place)? {
        trace.candidate(&label, "(withheld)");
        tokens.push(token(scheme, &text).ok_or_else(|| malformed(&scheme.place))?);
    }
    verifier.first(now, trace, |key| tokens.iter().all(|token| key.is(token))).map_err(
        |refusal| match refusal {
            Refusal::BadSignature => Refusal::WrongToken,
            other => other,
        },
    )
}

/// The token in a text; None where the text is not of the scheme's form.
fn token(scheme: &Token, text: &str) -> Option<Vec<u8>> {
    let rest = scheme.stripped(text)?;
    match scheme.base64 {
        true => Encoding::Base64.decode(rest.as_bytes()),
        false => Some(rest.as_bytes().to_vec()),
    }
}

impl Token {
    /// What follows the prefix.
    pub(super) fn stripped<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self.prefix.ends_with(' ') {
            // RFC 9110 §11.1: the name of an authentication scheme is matched in either case.
            true => text
                .get(..self.prefix.len())
                .filter(|start| start.eq_ignore_ascii_case(&self.prefix))
                .map(|start| text[start.len()..].trim_start()),
            false => text.strip_prefix(&self.prefix),
        }
    }
}

fn malformed(place: &Place) -> Refusal {
    match place {
        Place::Header(name) => Refusal::MalformedHeader(name.clone()),
        other => Refusal::MalformedSignature(other.label()),
    }
}
