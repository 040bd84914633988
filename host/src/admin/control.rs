//! What an operator can look at and do, over any store and any configuration: the live ones of a gateway, or those of a
//! gateway that is stopped.

use std::path::Path;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use uuid::Uuid;

use crate::clock::Time;
use crate::config::Config;
use crate::dispatch::HeldBack;
use crate::event::{Event, EventId};
use crate::generation::Generation;
use crate::ingest::Ingest;
use crate::routing::Router;
use crate::store::{Cursor, EventFilter, Page, Queue, Store, WorkFilter, WorkRecord};

use super::body;
use super::explain::{ExplainView, explain};
use super::redact::Credentials;
use super::refusal::Refusal;
use super::view::{BackupView, ContentView, EventDetail, EventView, List, StatsView, VerifyView, WorkView};

/// Runs, and deliveries, of one event that are shown.
const SHOWN_WORK: usize = 1000;

/// An operator's hands.
pub(crate) struct Control {
    pub(super) store: Arc<dyn Store>,
    pub(super) today: Today,
    pub(super) clock: Arc<Time>,
}

/// The configuration that is in force.
pub(crate) enum Today {
    /// A gateway's.
    Live(Arc<ArcSwap<Generation>>, Weak<Ingest>),
    /// As it is written, while no gateway runs.
    #[cfg_attr(
        not(any(feature = "cli", test)),
        expect(dead_code, reason = "only the command line works without a gateway")
    )]
    Written(Box<Config>, Router),
}

impl Today {
    /// What is written.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn written(config: Config) -> Self {
        let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
        Today::Written(Box::new(config), router)
    }

    pub(super) fn config<T>(&self, look: impl FnOnce(&Config) -> T) -> T {
        match self {
            Today::Live(current, _) => look(&current.load().config),
            Today::Written(config, _) => look(config),
        }
    }

    /// The configuration with its routes.
    pub(super) fn routes<T>(&self, look: impl FnOnce(&Config, &Router) -> T) -> T {
        match self {
            Today::Live(current, _) => {
                let generation = current.load();
                look(&generation.config, &generation.router)
            }
            Today::Written(config, router) => look(config, router),
        }
    }

    /// Destinations that get nothing at the moment, as far as somebody works on them.
    pub(super) fn held_back(&self) -> Vec<HeldBack> {
        self.ingest().map(|ingest| ingest.dispatcher.held_back()).unwrap_or_default()
    }

    /// Says that a destination was disabled or enabled.
    pub(super) fn look_again(&self) {
        if let Some(ingest) = self.ingest() {
            ingest.dispatcher.look_again();
        }
    }

    /// Who takes requests in, as far as somebody does.
    pub(super) fn ingest(&self) -> Option<Arc<Ingest>> {
        match self {
            Today::Live(_, ingest) => ingest.upgrade(),
            Today::Written(..) => None,
        }
    }

    /// The names of the routes that fire for an event, or why none does.
    pub(super) fn route(&self, event: &Event) -> Result<Vec<Arc<str>>, String> {
        self.routes(|config, router| {
            let routed = router.route(event);
            let names = routed.routes.iter().filter_map(|&at| config.routes.get(at));
            let names: Vec<_> = names.map(|route| route.name.clone()).collect();
            if names.is_empty() { Err(router.unrouted(&routed)) } else { Ok(names) }
        })
    }
}

impl Control {
    pub(crate) fn new(store: Arc<dyn Store>, today: Today, clock: Arc<Time>) -> Self {
        Control { store, today, clock }
    }

    pub(super) async fn events(
        &self,
        filter: EventFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<List<EventView>, Refusal> {
        let found = self.store.events(filter, Page { after: after.map(EventId), limit }).await?;
        let next = (found.len() >= limit).then(|| found.last().map(|event| event.id.to_string())).flatten();
        Ok(List { items: found.into_iter().map(EventView::from).collect(), next })
    }

    pub(super) async fn event(&self, id: Uuid, reveal: bool, full: bool) -> Result<EventDetail, Refusal> {
        let found = self.store.event(EventId(id), SHOWN_WORK).await?;
        let found = found.ok_or_else(|| {
            Refusal::missing(format!("there is no event {id}; it may have been removed by retention"))
        })?;
        let views = |work: Vec<WorkRecord>| work.into_iter().map(WorkView::from).collect();
        Ok(EventDetail {
            event: EventView::from(found.summary),
            content: found.event.map(|event| self.content(&event, reveal, full)),
            runs: views(found.runs),
            run_count: found.run_count,
            deliveries: views(found.deliveries),
            delivery_count: found.delivery_count,
        })
    }

    /// Why an event takes the routes that it would take today.
    pub(super) async fn explain(&self, id: Uuid, reveal: bool) -> Result<ExplainView, Refusal> {
        let found = self.store.event(EventId(id), 0).await?;
        let found = found.ok_or_else(|| {
            Refusal::missing(format!("there is no event {id}; it may have been removed by retention"))
        })?;
        let event = found.event.ok_or_else(|| {
            Refusal::missing(format!("the headers and the body of event {id} have been removed by retention"))
        })?;
        Ok(self.today.routes(|config, router| explain(config, router, &event, reveal)))
    }

    pub(super) fn content(&self, event: &Event, reveal: bool, full: bool) -> ContentView {
        self.today.config(|config| {
            let credentials = Credentials::of(config, event);
            ContentView {
                method: event.method.clone(),
                path: event.path.clone(),
                query: credentials.query(&event.query, reveal),
                headers: credentials.headers(&event.headers, reveal),
                body: body::view(event.bytes(), full),
            }
        })
    }

    pub(super) async fn work(
        &self,
        queue: Queue,
        filter: WorkFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<List<WorkView>, Refusal> {
        let found = self.store.work(queue, filter, Page { after, limit }).await?;
        let next = (found.len() >= limit).then(|| found.last().map(|work| work.cursor.0.to_string()));
        Ok(List { items: found.into_iter().map(WorkView::from).collect(), next: next.flatten() })
    }

    pub(super) async fn stats(&self) -> Result<StatsView, Refusal> {
        Ok(StatsView::from(self.store.stats().await?))
    }

    pub(super) async fn verify(&self) -> Result<VerifyView, Refusal> {
        Ok(VerifyView { problems: self.store.verify().await? })
    }

    pub(super) async fn backup(&self, to: &Path) -> Result<BackupView, Refusal> {
        if !to.is_absolute() {
            return Err(Refusal::bad("`to` is an absolute path: the gateway may work in another directory"));
        }
        if to.symlink_metadata().is_ok() {
            return Err(Refusal::conflict(format!("{} is there already; name a new file", to.display())));
        }
        self.store.backup(to.to_owned()).await?;
        let size = to.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        Ok(BackupView { to: to.to_owned(), size })
    }
}
