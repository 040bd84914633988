//! What a source's requests are proven by: one way, or several that are all needed.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::config::{Location, Requirement, SecretRead, SecretRef, Source, SourceSecret, Verification};
use crate::event::UnixMillis;
use crate::provider::SecretPlace;
use crate::signature::{ActiveSecret, Refusal, Scheme, SignedRequest, Verifier};

use super::hook_secret::HookVerifier;
use super::source::{Origin, SourceEntry};
use super::tally::{SecretUse, carried_over};
use super::{Problem, Workshop};

/// One way in which a request is proven, with its secrets.
#[derive(Debug)]
pub struct Proof {
    keys: Keys,
    /// The secrets, in the order of their numbers.
    pub secrets: Vec<ProofSecret>,
    scheme: Scheme,
    /// How it proves, where there is no secret of ours to name: `hmac-sha256, github`.
    way: Arc<str>,
}

/// A secret of a proof.
#[derive(Debug)]
pub struct ProofSecret {
    /// From then on it proves nothing any more.
    pub expires: Option<UnixMillis>,
    /// How often it was used.
    pub uses: Arc<SecretUse>,
    counter: Counter,
    /// How an event is proven that it proves: `hmac-sha256, github, secret 2 of 2`.
    text: Arc<str>,
}

#[derive(Debug)]
enum Keys {
    Fixed(Box<Verifier>),
    Brought(Arc<HookVerifier>),
}

/// What has been found out about a request.
#[derive(Clone, Debug)]
pub struct Proven {
    /// How, for people, and never with a secret; all ways where several were needed.
    pub by: Arc<str>,
    /// With which of the first proof's secrets, counted from 0.
    pub secret: usize,
}

/// What is noticed while proofs are built.
#[derive(Default)]
pub(super) struct Noticed {
    pub(super) origins: Vec<Origin>,
    pub(super) warnings: Vec<Problem>,
}

/// What a proof is built of.
struct Plan<'a> {
    source: &'a str,
    scheme: &'a Scheme,
    secrets: &'a [SourceSecret],
    provider: Option<&'a str>,
    place: Option<SecretPlace>,
    /// Which proof it is, counted from 0.
    number: usize,
    before: Option<&'a SourceEntry>,
}

/// Builds every proof that a source asks for; none where anyone may send.
pub(super) fn proofs(
    source: &Source,
    before: Option<&SourceEntry>,
    workshop: &Workshop,
) -> Result<(Vec<Proof>, Noticed), Vec<Problem>> {
    let mut noticed = Noticed::default();
    let (main, require) = match &source.verification {
        Verification::None | Verification::Internal => return Ok((Vec::new(), noticed)),
        Verification::Plugin { require, .. } => (None, require),
        Verification::Proof { provider, scheme, secrets, require, place } => {
            (Some((scheme, &secrets[..], *provider, *place)), require)
        }
    };
    let further = require.iter().map(|Requirement { scheme, secrets }| (scheme, &secrets[..], None, None));
    let all = main.into_iter().chain(further);
    let (mut proofs, mut problems) = (Vec::new(), Vec::new());
    for (number, (scheme, secrets, provider, place)) in all.enumerate() {
        let plan = Plan { source: &source.name, scheme, secrets, provider, place, number, before };
        match plan.build(workshop, &mut noticed) {
            Ok(proof) => proofs.push(proof),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok((proofs, noticed)) } else { Err(problems) }
}

impl Plan<'_> {
    fn build(&self, workshop: &Workshop, noticed: &mut Noticed) -> Result<Proof, Vec<Problem>> {
        let keys = match self.secrets {
            [one] if one.reference == SecretRef::Handshake => self.brought(one, workshop, noticed)?,
            _ => self.fixed(workshop, noticed)?,
        };
        self.warn_of_the_past(workshop, noticed);
        let way = [Some(self.scheme.name()), self.provider].into_iter().flatten().collect::<Vec<_>>();
        let way: Arc<str> = way.join(", ").into();
        let secret = |(at, secret)| self.secret(at, secret, &way, workshop);
        let secrets = self.secrets.iter().enumerate().map(secret).collect();
        Ok(Proof { keys, secrets, scheme: self.scheme.clone(), way })
    }

    fn fixed(&self, workshop: &Workshop, noticed: &mut Noticed) -> Result<Keys, Vec<Problem>> {
        let (mut keys, mut problems) = (Vec::new(), Vec::new());
        for SourceSecret { at, reference, expires } in self.secrets {
            match reference.read_proof(self.scheme, self.source, &workshop.state_dir, workshop.create) {
                Ok(read) => {
                    self.note(at, &read, self.place, noticed);
                    if *reference == SecretRef::Generated {
                        self.warn_of_a_made_secret(at, noticed);
                    }
                    // A check makes no secret, and looks at those that there are.
                    if let Some(secret) = read.secret().cloned() {
                        keys.push((at, ActiveSecret { secret, expires: *expires }));
                    }
                }
                Err(error) => problems.push(self.problem(at, &error.to_string())),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (places, keys): (Vec<&Location>, Vec<ActiveSecret>) = keys.into_iter().unzip();
        let verifier = Verifier::new(self.scheme.clone(), keys).map_err(|(at, problem)| {
            let message = format!("source `{}`: the secret cannot be used: {problem}", self.source);
            vec![Problem { at: places.get(at).map(|at| (*at).clone()), message }]
        })?;
        Ok(Keys::Fixed(Box::new(verifier)))
    }

    fn brought(
        &self,
        secret: &SourceSecret,
        workshop: &Workshop,
        noticed: &mut Noticed,
    ) -> Result<Keys, Vec<Problem>> {
        let before = self.before.and_then(SourceEntry::hook);
        let (dir, create) = (&workshop.state_dir, workshop.create);
        let (hook, read) =
            HookVerifier::build(self.scheme, self.source, dir, create, before.map(|hook| &**hook))
                .map_err(|error| vec![self.problem(&secret.at, &error.to_string())])?;
        // The sender knows it, so there is nowhere to paste it.
        self.note(&secret.at, &read, None, noticed);
        Ok(Keys::Brought(Arc::new(hook)))
    }

    fn note(&self, at: &Location, read: &SecretRead, place: Option<SecretPlace>, noticed: &mut Noticed) {
        if let SecretRead::Found { warning: Some(message), .. } = read {
            noticed.warnings.push(Problem { at: Some(at.clone()), message: message.clone() });
        }
        noticed.origins.push(Origin {
            file: read.path().map(ToOwned::to_owned),
            created: matches!(read, SecretRead::Created { .. }),
            awaited: matches!(read, SecretRead::Awaited { .. }),
            place,
        });
    }

    /// A secret that its sender cannot be given proves nothing that this sender sends.
    fn warn_of_a_made_secret(&self, at: &Location, noticed: &mut Noticed) {
        let (what, place) = match self.place {
            Some(SecretPlace::Issued(place)) => ("makes the secret itself", place),
            Some(SecretPlace::PublicKey(place)) => ("has a key pair of its own", place),
            _ => return,
        };
        let message = format!(
            "source `{}`: this sender {what}, so that a generated one is only for trying out with `hookyard send`; copy \
             the real one from: {place}",
            self.source
        );
        noticed.warnings.push(Problem { at: Some(at.clone()), message });
    }

    fn warn_of_the_past(&self, workshop: &Workshop, noticed: &mut Noticed) {
        let now = workshop.clock.now();
        let expired = |secret: &&SourceSecret| secret.expires.is_some_and(|expires| expires <= now);
        let none_left = self.secrets.iter().all(|secret| expired(&secret));
        let advice = match none_left {
            true => "no other is left, so that every request is refused; name the sender's present one",
            false => "remove it",
        };
        for secret in self.secrets.iter().filter(expired) {
            let message =
                format!("source `{}`: this secret has expired and proves nothing; {advice}", self.source);
            noticed.warnings.push(Problem { at: Some(secret.at.clone()), message });
        }
    }

    fn secret(&self, at: usize, secret: &SourceSecret, way: &Arc<str>, workshop: &Workshop) -> ProofSecret {
        let before = self.before.into_iter().flat_map(SourceEntry::secrets).map(|secret| &secret.uses);
        let text = match self.secrets.len() {
            1 => way.clone(),
            count => format!("{way}, secret {} of {count}", at + 1).into(),
        };
        ProofSecret {
            expires: secret.expires,
            uses: carried_over(before, &secret.reference, self.number),
            counter: workshop.metrics.secret_uses(self.source, &secret.reference.to_string()),
            text,
        }
    }

    fn problem(&self, at: &Location, what: &str) -> Problem {
        Problem { at: Some(at.clone()), message: format!("source `{}`: {what}", self.source) }
    }
}

impl Proof {
    /// How requests are proven.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    pub(super) fn hook(&self) -> Option<&Arc<HookVerifier>> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Brought(hook) => Some(hook),
        }
    }

    /// Counts a use of the secret of that number, counted from 0, and says how the request is proven.
    fn used(&self, secret: usize, now: UnixMillis) -> &Arc<str> {
        let Some(secret) = self.secrets.get(secret) else { return &self.way };
        secret.uses.used(now);
        secret.counter.inc();
        &secret.text
    }

    /// Looks with the verifier, which may change between two looks where the sender brings the secret.
    pub(crate) fn with_verifier<T>(&self, look: impl FnOnce(&Verifier) -> T) -> T {
        match &self.keys {
            Keys::Fixed(verifier) => look(verifier),
            Keys::Brought(hook) => look(&hook.verifier().1),
        }
    }
}

/// Checks a request against every proof, all of which have to hold; none where anyone may send.
pub(super) fn verify(
    proofs: &[Proof],
    request: SignedRequest<'_>,
    now: UnixMillis,
) -> Result<Option<Proven>, Refusal> {
    let mut held = Vec::with_capacity(proofs.len());
    for proof in proofs {
        let verified = proof.with_verifier(|verifier| verifier.verify(request, now))?;
        held.push((proof, verified.secret));
    }
    let texts: Vec<&Arc<str>> = held.iter().map(|(proof, secret)| proof.used(*secret, now)).collect();
    let by = match texts.as_slice() {
        [] => return Ok(None),
        [only] => (*only).clone(),
        several => several.iter().map(|text| &***text).collect::<Vec<_>>().join("; ").into(),
    };
    Ok(held.first().map(|(_, secret)| Proven { by, secret: *secret }))
}
