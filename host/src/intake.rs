//! What is to happen to an event that is taken in, whichever way it comes: from a sender, or from another source.
//!
//! The routes are decided before the event is stored, so that an event and its runs are stored together or not at all.
//! Deciding takes microseconds and depends on nothing but the event and the configuration.

use std::sync::Arc;

use uuid::Uuid;

use crate::delivery::RunId;
use crate::event::Event;
use crate::generation::{Generation, RouteEntry};
use crate::routing::Routed;
use crate::store::{Dedupe, NewEvent, NewRun, Order};

/// An event to be stored.
pub(crate) struct Intake<'g> {
    pub(crate) new: NewEvent,
    /// The route of each run.
    pub(crate) routes: Vec<&'g Arc<RouteEntry>>,
}

/// What there is to say of an event once it is stored.
pub(crate) struct TakenIn<'g> {
    pub(crate) event: Arc<Event>,
    routes: Vec<&'g Arc<RouteEntry>>,
    /// Why it takes none.
    pub(crate) unrouted: Option<String>,
}

impl<'g> Intake<'g> {
    /// Decides by the rules of this generation.
    pub(crate) fn decide(generation: &'g Generation, event: Event, dedupe: Option<Dedupe>) -> Self {
        let routed = generation.router.route(&event);
        let routes: Vec<_> = routed.routes.iter().filter_map(|&at| generation.routes.get(at)).collect();
        let runs: Vec<NewRun> = routes.iter().map(|route| run(route, &event)).collect();
        note_undecided(generation, &event, &routed);
        let unrouted = runs.is_empty().then(|| generation.router.unrouted(&routed));
        Intake { new: NewEvent { event: Arc::new(event), dedupe, runs, unrouted }, routes }
    }

    /// What the store gets, and what is to be said once it has it.
    pub(crate) fn parts(self) -> (NewEvent, TakenIn<'g>) {
        let (event, unrouted) = (self.new.event.clone(), self.new.unrouted.clone());
        (self.new, TakenIn { event, routes: self.routes, unrouted })
    }
}

impl TakenIn<'_> {
    /// Says that the event is taken in, and where it goes.
    pub(crate) fn log(&self) {
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let event = &self.event;
        let (id, source, kind, bytes) = (event.id, &*event.source, &*event.kind, event.bytes().len());
        let proof = event.proof.as_deref().unwrap_or("none");
        match &self.unrouted {
            Some(reason) => {
                tracing::warn!(event = %id, source, kind, bytes, proof, reason, "received, unrouted")
            }
            None => {
                let routes = self.routes.iter().map(|route| &*route.name).collect::<Vec<_>>().join(",");
                tracing::info!(event = %id, source, kind, bytes, proof, routes, "received");
            }
        }
    }
}

/// Says which routes an event does not take because nobody can tell whether it should.
fn note_undecided(generation: &Generation, event: &Event, routed: &Routed) {
    for (at, why) in &routed.undecided {
        let Some(route) = generation.routes.get(*at) else { continue };
        route.undecided.counter.inc();
        if let Some(left_out) = route.undecided.lines.admit(event.received_at) {
            let (id, source, reason) = (event.id, &*event.source, why.to_string());
            tracing::warn!(event = %id, source, route = &*route.name, reason, left_out, "not taken by a route");
        }
    }
}

fn run(route: &RouteEntry, event: &Event) -> NewRun {
    let order = route.ordering.as_ref().and_then(|ordering| {
        let waits_for_dead_letters = ordering.waits_for_dead_letters;
        ordering.key(event).map(|key| Order { key, waits_for_dead_letters })
    });
    NewRun { id: RunId(Uuid::now_v7()), route: route.name.clone(), order, leased_until: None }
}
