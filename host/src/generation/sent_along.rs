//! Secrets that senders send along, such as tokens and passwords. Whoever reads one can send in the sender's name, so that
//! no message carries it on. The secret of a source that is gone opens nothing here any more, unless another source has
//! it as well.

use crate::event::Event;
use crate::routing::query_without;
use crate::signature::Scheme;

use super::{Generation, Proof, SourceEntry};

impl Generation {
    /// Names of the event's headers in which its sender sent a secret along.
    pub(crate) fn secret_headers(&self, event: &Event) -> Vec<Box<str>> {
        let names = event.headers.iter().map(|(name, _)| name);
        let secret = names.filter(|name| self.has_secret(&event.source, |scheme| scheme.stands_in(name)));
        secret.map(Box::from).collect()
    }

    /// The event's query without such parameters.
    pub(crate) fn query_without_secrets(&self, event: &Event) -> String {
        let is_secret = |name: &str| self.has_secret(&event.source, |scheme| scheme.stands_in_query(name));
        query_without(&event.query, is_secret)
    }

    /// Whether a secret of the source stands where `stands` says.
    fn has_secret(&self, source: &str, stands: impl Fn(&Scheme) -> bool) -> bool {
        let has_secret = |entry: &SourceEntry| {
            let mut schemes = entry.proofs.iter().map(Proof::scheme);
            schemes.any(|scheme| scheme.is_sent_along() && stands(scheme))
        };
        match self.sources.get(source) {
            Some(entry) => has_secret(entry),
            // It may go by another name now.
            None => self.sources.values().any(has_secret),
        }
    }
}
