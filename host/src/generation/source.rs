//! A source with its keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::config::{Batch, Source, Verification, is_ephemeral};
use crate::event::{Event, UnixMillis};
use crate::metrics::Metrics;
use crate::plugin::Identity;
use crate::provider::{Answer, Preset, SecretPlace};
use crate::routing::{DedupeRule, Fields, bounded_key};
use crate::signature::{CertificateUrl, Refusal, SignedRequest, SigningCertificate};

use super::admission::Admission;
use super::agreed::Agreed;
use super::hook_secret::HookVerifier;
use super::proof::{self, Proof, ProofSecret, Proven};
use super::tally::Refusals;
use super::{PluginEntry, Problem, Workshop, shown};

/// A sender.
#[derive(Debug)]
pub struct SourceEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Whether nothing comes from outside.
    pub internal: bool,
    /// What proves its requests, all of it needed; nothing where anyone may send.
    pub proofs: Vec<Proof>,
    /// Finds out, besides, whether a request is genuine.
    pub plugin: Option<Arc<PluginEntry>>,
    /// The largest body accepted, in bytes.
    pub max_body: usize,
    /// Where its secrets came from, for people.
    pub origins: Vec<Origin>,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    /// Who may knock, and how often.
    pub(crate) admission: Admission,
    /// Requests by what became of them.
    pub counters: RequestCounters,
    /// Those that were not taken for genuine, by the reason.
    pub refusals: Arc<Refusals>,
    metrics: Arc<Metrics>,
    /// How repetitions are recognised; none are without.
    pub dedupe: Option<DedupeRule>,
    /// What is known about the sender, if it is a known one.
    pub provider: Option<&'static Preset>,
    /// What its sender is told.
    pub answer: Answer,
    /// How a body that holds several events is taken apart.
    pub batch: Option<Batch>,
    /// How it answers a sender that makes sure that somebody listens.
    pub(crate) handshakes: Agreed,
    /// The methods that it takes, in upper case.
    pub(crate) methods: Vec<&'static str>,
    kind: Fields,
    delivery_id: Fields,
    /// The address that the sender calls, where that is known.
    public_url: Option<String>,
}

/// Where a secret came from.
#[derive(Debug)]
pub struct Origin {
    /// The file that keeps it, if there is one.
    pub file: Option<PathBuf>,
    /// Whether it was made just now.
    pub created: bool,
    /// Whether the sender is to bring it and has not yet.
    pub awaited: bool,
    /// Who chooses it, and where; none if that is not known.
    pub place: Option<SecretPlace>,
}

/// Requests of a source by what became of them.
#[derive(Debug)]
pub struct RequestCounters {
    /// Stored.
    pub accepted: Counter,
    /// Recognised as sent before.
    pub duplicate: Counter,
    /// Questions whether somebody listens.
    pub handshake: Counter,
    /// Lists of events without an event.
    pub empty: Counter,
    /// Not admitted, or not genuine.
    pub refused: Counter,
    /// More than `rate` takes.
    pub limited: Counter,
    /// The plugin that verifies failed or had no time.
    pub unverified: Counter,
    /// Larger than allowed.
    pub too_large: Counter,
    /// Not received whole.
    pub incomplete: Counter,
    /// No room to store it.
    pub overloaded: Counter,
}

impl RequestCounters {
    fn new(source: &str, metrics: &Metrics) -> Self {
        let requests = |outcome| metrics.requests(source, outcome);
        RequestCounters {
            accepted: requests("accepted"),
            duplicate: requests("duplicate"),
            handshake: requests("handshake"),
            empty: requests("empty"),
            refused: requests("refused"),
            limited: requests("limited"),
            unverified: requests("unverified"),
            too_large: requests("too-large"),
            incomplete: requests("incomplete"),
            overloaded: requests("overloaded"),
        }
    }
}

impl SourceEntry {
    pub(super) fn build(
        source: &Source,
        before: Option<&SourceEntry>,
        public_url: Option<&str>,
        plugins: &BTreeMap<Arc<str>, Arc<PluginEntry>>,
        workshop: &Workshop,
    ) -> Result<Self, Vec<Problem>> {
        let (proofs, noticed) = proof::proofs(source, before, workshop)?;
        let (handshakes, token_warning) = Agreed::read(&source.handshakes, &source.name, workshop)?;
        let mut entry = SourceEntry {
            name: source.name.clone(),
            internal: matches!(source.verification, Verification::Internal),
            proofs,
            plugin: match &source.verification {
                Verification::Plugin { plugin, .. } => plugins.get(plugin).cloned(),
                Verification::None | Verification::Internal | Verification::Proof { .. } => None,
            },
            max_body: source.max_body,
            origins: noticed.origins,
            warnings: noticed.warnings,
            admission: Admission::new(&source.admission, before.map(|before| &before.admission)),
            counters: RequestCounters::new(&source.name, &workshop.metrics),
            refusals: before.map(|before| before.refusals.clone()).unwrap_or_default(),
            provider: source.provider,
            metrics: workshop.metrics.clone(),
            kind: source.kind.clone(),
            delivery_id: source.delivery_id.clone(),
            dedupe: source.dedupe.clone(),
            answer: source.answer,
            batch: source.batch.clone(),
            methods: Vec::new(),
            handshakes,
            public_url: source
                .public_url
                .clone()
                .or_else(|| Some(format!("{}/{}", public_url?, source.name))),
        };
        entry.methods = methods(&entry.handshakes, entry.takes_get());
        entry.warnings.extend(token_warning);
        entry.warn_of_a_passing_directory(source, workshop);
        Ok(entry)
    }

    fn warn_of_a_passing_directory(&mut self, source: &Source, workshop: &Workshop) {
        if self.origins.iter().any(|origin| origin.created || origin.awaited)
            && is_ephemeral(&workshop.state_dir)
        {
            self.warnings.push(Problem {
                at: Some(source.at.clone()),
                message: format!(
                    "{} is likely to be emptied; then source `{}` gets another secret and its sender is refused. Set \
                     `[store] path` to a lasting directory",
                    shown(&workshop.state_dir),
                    source.name
                ),
            });
        }
    }

    /// Checks that a request is genuine; None where anyone may send. Counts what comes of it.
    /// `certificate` is the one that the request names, where it has to come with it.
    pub(crate) fn verify(
        &self,
        event: &Event,
        certificate: Option<&SigningCertificate>,
        now: UnixMillis,
    ) -> Result<Option<Proven>, Refusal> {
        let names_url = self.proofs.iter().any(|proof| proof.scheme().names_url());
        let url = names_url.then(|| self.called(event)).flatten();
        let request = SignedRequest { url: url.as_deref(), certificate, ..as_received(event) };
        let verified = proof::verify(&self.proofs, request, now);
        if let Err(refusal) = &verified {
            self.count_refused(refusal.code());
        }
        verified
    }

    /// The certificate that a request has to come with before it can be verified; None where none is needed. Counts
    /// requests that cannot be genuine in any case.
    pub(crate) fn certificate_url(&self, event: &Event) -> Result<Option<CertificateUrl>, Refusal> {
        let Some(proof) = self.proofs.iter().find(|proof| proof.scheme().names_certificate()) else {
            return Ok(None);
        };
        let wanted = proof.with_verifier(|verifier| verifier.certificate_url(as_received(event)));
        wanted.inspect_err(|refusal| self.count_refused(refusal.code()))
    }

    /// Counts a request that is not taken for genuine.
    pub(crate) fn count_refused(&self, reason: &'static str) {
        self.counters.refused.inc();
        self.refusals.count(reason, &self.name, &self.metrics);
    }

    /// The address that the sender called, as it knows it; None where the operator has not said.
    fn called(&self, event: &Event) -> Option<String> {
        self.public_url.as_ref().map(|url| called(url, &event.query))
    }

    /// What the sender brings its secret to, where it does.
    pub(crate) fn hook(&self) -> Option<&Arc<HookVerifier>> {
        self.proofs.first().and_then(Proof::hook)
    }

    /// Every secret of every proof, in the order of their numbers.
    pub fn secrets(&self) -> impl Iterator<Item = &ProofSecret> {
        self.proofs.iter().flat_map(|proof| &proof.secrets)
    }

    /// Whether events may come by GET. A plugin may have to answer one.
    pub(crate) fn takes_get(&self) -> bool {
        self.plugin.is_some() || self.provider.is_some_and(|preset| preset.by_get)
    }

    /// The HMAC of a challenge under one of the first proof's secrets, or the first active one.
    pub(crate) fn answer_challenge(
        &self,
        challenge: &[u8],
        secret: Option<usize>,
        now: UnixMillis,
    ) -> Option<Vec<u8>> {
        let first = self.proofs.first()?;
        first.with_verifier(|verifier| verifier.answer(challenge, secret, now))
    }

    pub(super) fn secret_files(&self) -> impl Iterator<Item = &Path> {
        self.origins.iter().filter_map(|origin| origin.file.as_deref())
    }

    /// The event type: what a plugin says, or else what stands in the places where this sender states it.
    pub fn kind(&self, event: &Event, identity: &Identity) -> String {
        identity.kind.clone().map_or_else(|| event_kind(&self.kind, event), cut)
    }

    /// The sender's own id of this delivery, as the event type.
    pub fn delivery_id(&self, event: &Event, identity: &Identity) -> Option<String> {
        let said = identity.delivery_id.as_deref().map(|id| bounded_key(id.into()));
        said.or_else(|| event_delivery_id(&self.delivery_id, event))
    }
}

/// What there is without the address that was called.
fn as_received(event: &Event) -> SignedRequest<'_> {
    SignedRequest {
        method: &event.method,
        url: None,
        query: &event.query,
        headers: &event.headers,
        body: &event.body,
        certificate: None,
    }
}

/// The address as it was registered, with the query that was received: what everything else reads has to be what is
/// signed, or somebody could add to it. A query that got lost on the way is that of the registered address.
fn called(registered: &str, query: &str) -> String {
    let whole = registered.split_once('#').map_or(registered, |(whole, _)| whole);
    let (address, own) = whole.split_once('?').map_or((whole, None), |(address, own)| (address, Some(own)));
    match query.is_empty() || own == Some(query) {
        true => registered.to_owned(),
        false => format!("{address}?{query}"),
    }
}

/// What events come by, and what is asked with.
fn methods(handshakes: &Agreed, takes_get: bool) -> Vec<&'static str> {
    let by_get = takes_get.then_some("GET");
    let asked = handshakes.kinds.iter().map(|handshake| handshake.method());
    let mut methods: Vec<&str> = asked.chain(by_get).chain(["POST"]).collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

/// The event type, from the places where a sender states it.
pub(crate) fn event_kind(fields: &Fields, event: &Event) -> String {
    fields.read(event, ".").map(cut).unwrap_or_default()
}

/// A sender's own id of a delivery, from the places where he states it.
pub(crate) fn event_delivery_id(fields: &Fields, event: &Event) -> Option<String> {
    fields.read(event, ":").map(|id| bounded_key(id.into()))
}

/// Longer event types are cut: they become labels in listings.
const MAX_FIELD: usize = 256;

fn cut(mut text: String) -> String {
    // No character is shorter than a byte, so that hardly any text has its characters counted.
    if text.len() > MAX_FIELD
        && let Some((end, _)) = text.char_indices().nth(MAX_FIELD)
    {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_address_has_the_query_that_is_read() {
        let check = |registered: &str, query: &str, expected: &str| {
            assert_eq!(called(registered, query), expected, "{registered} with {query:?}");
        };
        check("https://a.example/x", "", "https://a.example/x");
        check("https://a.example/x", "b=2", "https://a.example/x?b=2");
        check("https://a.example/x?a=1", "", "https://a.example/x?a=1");
        check("https://a.example/x?a=1", "a=1", "https://a.example/x?a=1");
        check("https://a.example/x?a=1", "a=1&b=2", "https://a.example/x?a=1&b=2");
        check("https://a.example/x?a=1", "b=2", "https://a.example/x?b=2");
        check("https://a.example/x?a=1#f?g", "b=2", "https://a.example/x?b=2");
        check("https://a.example/x#f", "", "https://a.example/x#f");
    }
}
