//! Checks a request against a scheme and the secrets that are active.
//!
//! Every signature in the request is tried with every secret, each comparison in constant time, so that a sender may
//! rotate its secret. What is refused for its age is known to be genuine: the signature is checked first.

use crate::event::UnixMillis;

use super::certificate::{CertificateUrl, SigningCertificate};
use super::key::Key;
use super::refusal::Refusal;
use super::request::SignedRequest;
use super::scheme::Scheme;
use super::secret::Secret;
use super::trace::Trace;
use super::{adyen, jwt, paypal, signed, sns, token, twilio};

/// A secret that a sender may use, for as long as it does.
#[derive(Clone, Debug)]
pub struct ActiveSecret {
    /// The secret.
    pub secret: Secret,
    /// From then on it proves nothing any more.
    pub expires: Option<UnixMillis>,
}

impl From<Secret> for ActiveSecret {
    fn from(secret: Secret) -> Self {
        ActiveSecret { secret, expires: None }
    }
}

/// A genuine request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which of the secrets it was signed with, counted from 0.
    pub secret: usize,
}

/// A scheme with its keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    scheme: Scheme,
    keys: Vec<(Key, Option<UnixMillis>)>,
}

impl Verifier {
    /// Makes the keys. Fails with the number of the unusable secret, counted from 0, and what is wrong with it.
    pub fn new(
        scheme: Scheme,
        secrets: impl IntoIterator<Item = ActiveSecret>,
    ) -> Result<Self, (usize, &'static str)> {
        let mut keys = Vec::new();
        for (at, active) in secrets.into_iter().enumerate() {
            let key = Key::new(&scheme, &active.secret).map_err(|problem| (at, problem))?;
            keys.push((key, active.expires));
        }
        Ok(Verifier { scheme, keys })
    }

    /// A scheme without keys, which takes nothing for genuine.
    pub fn without_secrets(scheme: Scheme) -> Self {
        Verifier { scheme, keys: Vec::new() }
    }

    /// How it proves requests.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Checks a request against the wall clock `now`.
    pub fn verify(&self, request: SignedRequest<'_>, now: UnixMillis) -> Result<Verified, Refusal> {
        self.verify_watched(request, now, &mut ())
    }

    /// The same, watched.
    pub fn verify_watched<T: Trace>(
        &self,
        request: SignedRequest<'_>,
        now: UnixMillis,
        trace: &mut T,
    ) -> Result<Verified, Refusal> {
        match &self.scheme {
            Scheme::Signed(scheme) => signed::verify(scheme, self, request, now, trace),
            Scheme::Token(scheme) => token::verify(scheme, self, request, now, trace),
            Scheme::Jwt(scheme) => jwt::verify(scheme, self, request, now, trace),
            Scheme::Twilio => twilio::verify(self, request, now, trace),
            Scheme::AdyenItems => adyen::verify(self, request, now, trace),
            Scheme::PayPal(scheme) => paypal::verify(scheme, self, request, now, trace),
            Scheme::Sns(scheme) => sns::verify(scheme, self, request, now, trace),
        }
    }

    /// The certificate that the request has to come with before it can be checked; None where none is needed. Requests
    /// that could not be genuine in any case are refused, so that nothing is fetched for them.
    pub fn certificate_url(&self, request: SignedRequest<'_>) -> Result<Option<CertificateUrl>, Refusal> {
        match &self.scheme {
            Scheme::PayPal(_) if self.keys.is_empty() => paypal::certificate_url(request).map(Some),
            Scheme::Sns(_) if self.keys.is_empty() => sns::certificate_url(request).map(Some),
            _ => Ok(None),
        }
    }

    /// The first known certificate that fits, or that of the request where none is known.
    pub(super) fn certified<T: Trace>(
        &self,
        request: SignedRequest<'_>,
        now: UnixMillis,
        trace: &mut T,
        fits: impl Fn(&SigningCertificate) -> bool,
    ) -> Result<Verified, Refusal> {
        if !self.keys.is_empty() {
            return self.first(now, trace, |key| key.certificate().is_some_and(&fits));
        }
        let fits = fits(request.certificate.ok_or(Refusal::NoCertificate)?);
        trace.tried(0, Some(fits));
        if fits { Ok(Verified { secret: 0 }) } else { Err(Refusal::BadSignature) }
    }

    /// The first key that fits among those that have not expired.
    pub(super) fn first<T: Trace>(
        &self,
        now: UnixMillis,
        trace: &mut T,
        mut fits: impl FnMut(&Key) -> bool,
    ) -> Result<Verified, Refusal> {
        let mut expired = 0;
        for (secret, (key, expires)) in self.keys.iter().enumerate() {
            if expires.is_some_and(|expires| now >= expires) {
                expired += 1;
                trace.tried(secret, None);
                continue;
            }
            let fits = fits(key);
            trace.tried(secret, Some(fits));
            if fits {
                return Ok(Verified { secret });
            }
        }
        Err(match self.keys.len() {
            0 => Refusal::NoSecretYet,
            all if expired == all => Refusal::NoActiveSecret,
            _ => Refusal::BadSignature,
        })
    }

    /// The HMAC of a sender's challenge, with which this side proves that it knows the secret: the one of that number,
    /// counted from 0, or the first that has not expired. None where there is no such secret or nothing is keyed.
    pub fn answer(&self, challenge: &[u8], secret: Option<usize>, now: UnixMillis) -> Option<Vec<u8>> {
        let active = |(_, expires): &&(Key, Option<UnixMillis>)| expires.is_none_or(|expires| now < expires);
        let (key, _) = match secret {
            Some(number) => self.keys.get(number)?,
            None => self.keys.iter().find(active)?,
        };
        key.hmac(challenge)
    }
}
