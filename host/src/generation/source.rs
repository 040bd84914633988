//! A source with its keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::config::{SecretRead, Source, Verification, is_ephemeral};
use crate::event::Event;
use crate::provider::Preset;
use crate::routing::{DedupeRule, Fields, bounded_key};
use crate::signature::{ActiveSecret, Secret, Verified, Verifier};

use super::{Problem, Workshop, shown};

/// A sender.
#[derive(Debug)]
pub struct SourceEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Whether nothing comes from outside.
    pub internal: bool,
    /// What proves its requests; none where anyone may send.
    pub verifier: Option<Verifier>,
    /// The largest body accepted, in bytes.
    pub max_body: usize,
    /// Where its secrets came from, for people.
    pub origins: Vec<Origin>,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    /// Requests by what became of them.
    pub counters: RequestCounters,
    /// How repetitions are recognised; none are without.
    pub dedupe: Option<DedupeRule>,
    /// What is known about the sender, if it is a known one.
    pub provider: Option<&'static Preset>,
    kind: Fields,
    delivery_id: Fields,
    /// What proves an event genuine, for each of the secrets.
    proofs: Vec<Arc<str>>,
}

/// Where a secret came from.
#[derive(Debug)]
pub struct Origin {
    /// The file that keeps it, if there is one.
    pub file: Option<PathBuf>,
    /// Whether it was made just now.
    pub created: bool,
    /// Where the sender's settings take it; empty if not known.
    pub paste: String,
}

/// Requests of a source by what became of them.
#[derive(Debug)]
pub struct RequestCounters {
    /// Stored.
    pub accepted: Counter,
    /// Recognised as sent before.
    pub duplicate: Counter,
    /// Not genuine.
    pub refused: Counter,
    /// Larger than allowed.
    pub too_large: Counter,
    /// Not received whole.
    pub incomplete: Counter,
    /// No room to store it.
    pub overloaded: Counter,
}

impl SourceEntry {
    pub(super) fn build(source: &Source, workshop: &Workshop) -> Result<Self, Vec<Problem>> {
        let requests = |outcome| workshop.metrics.requests(&source.name, outcome);
        let mut entry = SourceEntry {
            name: source.name.clone(),
            internal: matches!(source.verification, Verification::Internal),
            verifier: None,
            max_body: source.max_body,
            origins: Vec::new(),
            warnings: Vec::new(),
            counters: RequestCounters {
                accepted: requests("accepted"),
                duplicate: requests("duplicate"),
                refused: requests("refused"),
                too_large: requests("too-large"),
                incomplete: requests("incomplete"),
                overloaded: requests("overloaded"),
            },
            provider: source.provider,
            kind: source.kind.clone(),
            delivery_id: source.delivery_id.clone(),
            dedupe: source.dedupe.clone(),
            proofs: Vec::new(),
        };
        let Verification::Proof { provider, scheme, secrets, paste_secret } = &source.verification else {
            return Ok(entry);
        };
        let mut problems = Vec::new();
        let mut keys = Vec::new();
        for (at, reference) in secrets {
            match reference.read_proof(scheme, &source.name, &workshop.state_dir, workshop.create) {
                Ok(read) => {
                    entry.note(&read, paste_secret);
                    if let SecretRead::Found { warning: Some(message), .. } = &read {
                        entry.warnings.push(Problem { at: Some(at.clone()), message: message.clone() });
                    }
                    // A check makes no secret and looks at everything else with any key.
                    keys.push(ActiveSecret::from(
                        read.secret().cloned().unwrap_or_else(|| Secret::new("unmade")),
                    ));
                }
                Err(error) => {
                    let message = format!("source `{}`: {error}", source.name);
                    problems.push(Problem { at: Some(at.clone()), message });
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if entry.origins.iter().any(|origin| origin.created) && is_ephemeral(&workshop.state_dir) {
            entry.warnings.push(Problem {
                at: Some(source.at.clone()),
                message: format!(
                    "{} is likely to be emptied; then source `{}` gets another secret and its sender is refused. Set \
                     `[store] path` to a lasting directory",
                    shown(&workshop.state_dir),
                    source.name
                ),
            });
        }
        match Verifier::new(scheme.clone(), keys) {
            Ok(verifier) => {
                // A certificate that comes with the request counts as one.
                entry.proofs = proofs(scheme.name(), *provider, secrets.len().max(1));
                entry.verifier = Some(verifier);
            }
            Err((at, problem)) => {
                let place = secrets.get(at).map_or_else(|| source.at.clone(), |(at, _)| at.clone());
                let message = format!("source `{}`: the secret cannot be used: {problem}", source.name);
                return Err(vec![Problem { at: Some(place), message }]);
            }
        }
        Ok(entry)
    }

    fn note(&mut self, read: &SecretRead, paste: &str) {
        let (file, created) = match read {
            SecretRead::Found { path, .. } => (path.clone(), false),
            SecretRead::Created { path, .. } => (Some(path.clone()), true),
            SecretRead::WouldBeCreated { path } => (Some(path.clone()), false),
        };
        self.origins.push(Origin { file, created, paste: paste.to_owned() });
    }

    pub(super) fn secret_files(&self) -> impl Iterator<Item = &Path> {
        self.origins.iter().filter_map(|origin| origin.file.as_deref())
    }

    /// The event type, from the places where this sender states it.
    pub fn kind(&self, event: &Event) -> String {
        self.kind.read(event, ".").map(cut).unwrap_or_default()
    }

    /// The sender's own id of this delivery.
    pub fn delivery_id(&self, event: &Event) -> Option<String> {
        self.delivery_id.read(event, ":").map(|id| bounded_key(id.into()))
    }

    /// How an event is proven genuine that has been verified, with the number of the secret and never the secret:
    /// `hmac-sha256, github, secret 2 of 2`.
    pub fn proof(&self, verified: Verified) -> Option<Arc<str>> {
        self.proofs.get(verified.secret).cloned()
    }
}

fn proofs(scheme: &str, provider: Option<&str>, secrets: usize) -> Vec<Arc<str>> {
    let way = [Some(scheme), provider].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match secrets {
        1 => vec![way.into()],
        _ => (1..=secrets).map(|number| format!("{way}, secret {number} of {secrets}").into()).collect(),
    }
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
