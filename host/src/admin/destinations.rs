//! Destinations as they stand, and those that are to get nothing for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::DestinationKind;
use crate::dispatch::Reason;
use crate::generation::shown;
use crate::store::Intervention;

use super::control::Control;
use super::refusal::Refusal;
use super::view::{DestinationView, Done, List, Moment};

/// Characters of a reason.
const MAX_REASON: usize = 500;

impl Control {
    /// All that are configured, and all of which the store knows something.
    pub(super) async fn destinations(&self) -> Result<List<DestinationView>, Refusal> {
        let stats = self.store.stats().await?;
        let mut found: BTreeMap<Arc<str>, DestinationView> = BTreeMap::new();
        self.today.config(|config| {
            for (name, destination) in &config.destinations {
                let (kind, place) = place(&destination.kind);
                let view = DestinationView { kind: Some(kind), place, ..view(name, "ok") };
                found.insert(name.clone(), view);
            }
        });
        for backlog in stats.backlog {
            let entry = found.entry(backlog.destination.clone());
            let entry = entry.or_insert_with(|| view(&backlog.destination, "unconfigured"));
            (entry.pending, entry.oldest) = (backlog.pending, Some(Moment(backlog.oldest)));
        }
        for disabled in stats.disabled {
            let entry = found.entry(disabled.destination.clone());
            let entry = entry.or_insert_with(|| view(&disabled.destination, "unconfigured"));
            if entry.kind.is_some() {
                entry.state = "disabled".to_owned();
            }
            (entry.reason, entry.since) = (Some(disabled.reason), Some(Moment(disabled.since)));
        }
        for held in self.today.held_back() {
            if let (Some(entry), Reason::Failing { cause }) = (found.get_mut(&held.destination), held.reason)
            {
                (entry.state, entry.reason) = ("failing".to_owned(), Some(cause));
            }
        }
        Ok(List { items: found.into_values().collect(), next: None })
    }

    pub(super) async fn enable(&self, name: &str) -> Result<Done, Refusal> {
        let name = self.known_destination(name).await?;
        self.intervene_at_destination(Intervention::Enable(name)).await
    }

    pub(super) async fn disable(&self, name: &str, reason: Option<String>) -> Result<Done, Refusal> {
        let destination = self.known_destination(name).await?;
        let reason = reason.unwrap_or_else(|| "disabled by the operator".to_owned());
        if reason.chars().count() > MAX_REASON {
            return Err(Refusal::bad(format!("a reason has at most {MAX_REASON} characters")));
        }
        self.intervene_at_destination(Intervention::Disable { destination, reason }).await
    }

    async fn intervene_at_destination(&self, intervention: Intervention) -> Result<Done, Refusal> {
        self.store.intervene(vec![intervention], self.clock.due_now()).await?;
        self.today.look_again();
        Ok(Done { done: true })
    }

    async fn known_destination(&self, name: &str) -> Result<Arc<str>, Refusal> {
        let known = self.destinations().await?.items;
        if known.iter().any(|destination| destination.name == name) {
            return Ok(name.into());
        }
        let names: Vec<String> = known.into_iter().map(|destination| destination.name).collect();
        Err(Refusal::missing(format!("there is no destination {name:?}; there are: {}", names.join(", "))))
    }
}

fn view(name: &str, state: &str) -> DestinationView {
    DestinationView {
        name: name.to_owned(),
        kind: None,
        place: None,
        state: state.to_owned(),
        reason: None,
        since: None,
        pending: 0,
        oldest: None,
    }
}

/// The kind, and the host or file. Not the path of a URL: with many receivers it is the credential.
fn place(kind: &DestinationKind) -> (String, Option<String>) {
    match kind {
        DestinationKind::Console => ("console".to_owned(), None),
        DestinationKind::File { path } => ("file".to_owned(), Some(shown(path))),
        DestinationKind::Http(http) => {
            let scheme = http.url.scheme_str().unwrap_or("http").to_owned();
            (scheme, http.url.authority().map(|authority| authority.to_string()))
        }
        DestinationKind::Plugin { plugin, .. } => ("plugin".to_owned(), Some(plugin.to_string())),
        DestinationKind::Component(component) => ("component".to_owned(), Some(shown(&component.path))),
        DestinationKind::Source { source, .. } => ("source".to_owned(), Some(source.to_string())),
    }
}
