//! Sources as they stand: how they prove themselves, which secrets are in use, and what is refused. By this an operator
//! sees when an old secret can go.

use std::collections::BTreeMap;

use crate::config::{Source, SourceSecret, Verification};
use crate::generation::SourceEntry;
use crate::signature::Scheme;

use super::control::{Control, Today};
use super::view::{List, Moment, RequestsView, SecretView, SourceView};

impl Control {
    pub(super) fn sources(&self) -> List<SourceView> {
        sources(&self.today)
    }
}

/// Every source; what was counted is there only while a gateway runs.
pub(crate) fn sources(today: &Today) -> List<SourceView> {
    let items = match today {
        Today::Live(current, _) => {
            let generation = current.load();
            let sources = generation.config.sources.iter();
            sources.map(|(name, source)| view(source, generation.sources.get(name))).collect()
        }
        Today::Written(config, _) => config.sources.values().map(|source| view(source, None)).collect(),
    };
    List { items, next: None }
}

fn view(source: &Source, entry: Option<&SourceEntry>) -> SourceView {
    SourceView {
        name: source.name.to_string(),
        provider: source.provider.map(|preset| preset.provider.to_owned()),
        verify: match source.verification {
            Verification::None => Some("none".to_owned()),
            Verification::Internal => Some("internal".to_owned()),
            Verification::Plugin { ref plugin, .. } => Some(format!("plugin {plugin}")),
            // Else it is said of each secret.
            Verification::Proof { ref scheme, ref secrets, .. } => {
                secrets.is_empty().then(|| scheme.name().to_owned())
            }
        },
        secrets: secrets(source, entry),
        requests: entry.map(requests),
    }
}

fn secrets(source: &Source, entry: Option<&SourceEntry>) -> Vec<SecretView> {
    let (main, require) = match &source.verification {
        Verification::None | Verification::Internal => return Vec::new(),
        Verification::Plugin { require, .. } => (None, require),
        Verification::Proof { scheme, secrets, require, .. } => (Some((scheme, secrets)), require),
    };
    let main =
        main.into_iter().flat_map(|(scheme, secrets)| secrets.iter().map(move |secret| (scheme, secret)));
    let further = require.iter().flat_map(|proof| proof.secrets.iter().map(|secret| (&proof.scheme, secret)));
    let mut counted = entry.into_iter().flat_map(SourceEntry::secrets);
    let view = |(at, (scheme, secret)): (usize, (&Scheme, &SourceSecret))| {
        let uses = counted.next().map(|secret| &secret.uses);
        SecretView {
            number: at + 1,
            scheme: scheme.name().to_owned(),
            secret: secret.reference.to_string(),
            uses: uses.map(|uses| uses.count()),
            last_used: uses.and_then(|uses| uses.last()).map(Moment),
            expires: secret.expires.map(Moment),
        }
    };
    main.chain(further).enumerate().map(view).collect()
}

fn requests(entry: &SourceEntry) -> RequestsView {
    let counters = &entry.counters;
    let refused = entry.refusals.counts().into_iter().map(|(reason, count)| (reason.to_owned(), count));
    RequestsView {
        accepted: counters.accepted.get(),
        duplicate: counters.duplicate.get(),
        handshake: counters.handshake.get(),
        empty: counters.empty.get(),
        limited: counters.limited.get(),
        too_large: counters.too_large.get(),
        incomplete: counters.incomplete.get(),
        overloaded: counters.overloaded.get(),
        unverified: counters.unverified.get(),
        refused: refused.collect::<BTreeMap<_, _>>(),
    }
}
