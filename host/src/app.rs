//! The whole gateway, wired: what an embedding program and the binary use.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Request;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::admin::{self, AdminSocket, Control, Today};
use crate::clock::{Clock, SystemClock, Time};
use crate::config::{ConfigErrors, Create};
use crate::destination::{Fetcher, HttpClient, Network};
use crate::dispatch::{Dispatcher, HeldBack};
use crate::generation::{Generation, Problem, Workshop};
use crate::ingest::{Answered, Certificates, InFlight, Ingest, Response};
use crate::keep;
use crate::metrics::Metrics;
use crate::quarantine::{self, Quarantine};
use crate::reload::{Failure, Rejected, Reloader, Seen, Source, Watcher, make, named_by, put_to_use};
use crate::server::{self, Handshakes, Listeners};
use crate::store::{Ledger, Store, StoreError};
use crate::upkeep;
use crate::waiting::Waiting;

/// How long a process that takes the place of another waits for that one to let go of the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// A gateway. Cloning shares it. It lives in the tokio runtime that it was built in; dropping the last clone ends it.
///
/// It is a [`tower::Service`](tower_service::Service) and can be served by any HTTP server, or serve itself with
/// [`serve`](Gateway::serve). Whoever serves it says by the request extension [`Peer`](crate::Peer) where a request came
/// from, if a source asks for that.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    ingest: Arc<Ingest>,
    reloader: Arc<Reloader>,
    watcher: Watcher,
    metrics: Arc<Metrics>,
    state_dir: PathBuf,
    stop: watch::Sender<bool>,
    /// How often [`Gateway::serve_on`] is under way.
    serving: watch::Sender<usize>,
}

/// Collects what a gateway is made of.
#[derive(Default)]
pub struct Builder {
    source: Option<Source>,
    state_dir: Option<PathBuf>,
    store: Option<Arc<dyn Store>>,
    clock: Option<Arc<dyn Clock>>,
    fetcher: Option<Fetcher>,
}

/// Why there is no gateway.
#[derive(Debug)]
pub enum BuildError {
    /// No configuration was given.
    NoConfiguration,
    /// The configuration's text is wrong.
    Config(ConfigErrors),
    /// What it names does not work.
    Problems(Vec<Problem>),
    /// This machine does not give what is needed.
    System(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NoConfiguration => f.write_str("no configuration was given"),
            BuildError::Config(errors) => errors.fmt(f),
            BuildError::Problems(problems) => {
                let lines: Vec<String> = problems.iter().map(|problem| format!("error: {problem}")).collect();
                f.write_str(&lines.join("\n"))
            }
            BuildError::System(detail) => f.write_str(detail),
        }
    }
}

impl std::error::Error for BuildError {}

impl Builder {
    /// Reads the configuration from a file, and again whenever it changes.
    pub fn config_file(mut self, path: impl AsRef<Path>) -> Self {
        self.source = Some(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Takes the configuration from a text; paths in it are relative to `base`. Files that it names are watched.
    pub fn config_text(mut self, text: impl Into<String>, base: impl AsRef<Path>) -> Self {
        self.source = Some(Source::Text { text: text.into(), base: base.as_ref().to_owned() });
        self
    }

    /// Keeps generated secrets and compiled plugins here instead of in `[store] path`.
    pub fn state_dir(mut self, path: impl AsRef<Path>) -> Self {
        self.state_dir = Some(path.as_ref().to_owned());
        self
    }

    /// Keeps events in this store instead of the configured one.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Tells the time by this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Fetches what senders refer to, such as the certificates that they sign with, by this instead of from the public
    /// internet, trusting whom the system trusts.
    pub fn fetcher(mut self, fetcher: Fetcher) -> Self {
        self.fetcher = Some(fetcher);
        self
    }

    /// Checks the configuration and everything that it names, and changes nothing: no secret is made, nothing is bound,
    /// nothing is written. Blocks.
    pub fn check(self) -> Result<Generation, BuildError> {
        let source = self.source.ok_or(BuildError::NoConfiguration)?;
        let config = source.load().map_err(BuildError::Config)?;
        let state_dir = self.state_dir.unwrap_or_else(|| config.store.path.clone());
        let clock = time(self.clock);
        let workshop = workshop(state_dir, Create::Never, clock, &config.server, max_memory(&config))?;
        make(&source, None, &workshop).map_err(BuildError::from)
    }

    /// Loads everything and starts working. Inside a tokio runtime.
    pub async fn build(self) -> Result<Gateway, BuildError> {
        let Builder { source, state_dir, store, clock, fetcher } = self;
        let source = source.ok_or(BuildError::NoConfiguration)?;
        let clock = time(clock);
        let told = clock.clone();
        let making = tokio::task::spawn_blocking(move || {
            let config = source.load().map_err(BuildError::Config)?;
            // Before it is read for good, so that no change in between is missed.
            let seen = Seen::of(named_by(&config));
            let state_dir = state_dir.unwrap_or_else(|| config.store.path.clone());
            let workshop = workshop(state_dir, Create::IfMissing, told, &config.server, max_memory(&config))?;
            let generation = make(&source, None, &workshop)?;
            let opened = || keep::open(&generation.config.store, &workshop.state_dir, PATIENCE);
            let store = store.map_or_else(opened, Ok).map_err(BuildError::System)?;
            let quarantine = open_quarantine(&workshop).map_err(BuildError::System)?;
            Ok::<_, BuildError>((source, seen, workshop, generation, store, Arc::new(quarantine)))
        });
        let (source, seen, workshop, generation, store, quarantine) =
            making.await.map_err(|error| BuildError::System(error.to_string()))??;

        let fetcher = fetcher.unwrap_or_else(|| Fetcher::new(workshop.http.clone(), Network::Public));
        let state_dir = workshop.state_dir.clone();
        let metrics = workshop.metrics.clone();
        let threads = generation.config.server.guest_threads;
        let waiting = workshop.waiting.clone();
        put_to_use(&generation, &metrics);
        let current = Arc::new(ArcSwap::from_pointee(generation));
        let dispatcher = Dispatcher::start(
            store.clone(),
            current.clone(),
            clock.clone(),
            metrics.clone(),
            threads,
            waiting,
        )
        .map_err(|error| BuildError::System(format!("cannot start guest threads: {error}")))?;
        let dispatcher = Arc::new(dispatcher);
        let reloader = Arc::new(Reloader::new(source, current.clone(), Arc::new(workshop), clock.clone()));
        let changed = Arc::downgrade(&dispatcher);
        let watcher = Watcher::start(reloader.clone(), seen, move || {
            if let Some(dispatcher) = changed.upgrade() {
                dispatcher.generation_changed();
            }
        });
        let in_flight = InFlight::new(metrics.in_flight.clone());
        let certificates = Certificates::new(fetcher);
        let (strangers, refusals) = Default::default();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(upkeep::run(store.clone(), current.clone(), clock.clone(), stopped.clone()));
        tokio::spawn(upkeep::trim(quarantine.clone(), current.clone(), clock.clone(), stopped));
        let ingest = Arc::new(Ingest {
            current,
            store,
            clock,
            dispatcher,
            in_flight,
            certificates,
            quarantine,
            let_go: metrics.quarantined(false),
            strangers,
            refusals,
        });
        Ok(Gateway {
            inner: Arc::new(Inner {
                ingest,
                reloader,
                watcher,
                metrics,
                state_dir,
                stop,
                serving: watch::Sender::new(0),
            }),
        })
    }
}

fn open_quarantine(workshop: &Workshop) -> Result<Quarantine, String> {
    let outcomes = [false, true].map(|kept| workshop.metrics.quarantined(kept));
    let told = move |kept: bool| {
        outcomes[usize::from(kept)].inc();
    };
    Quarantine::open(&workshop.state_dir.join(quarantine::DIRECTORY), told)
        .map_err(|error| format!("cannot start the quarantine's thread: {error}"))
}

/// Opens the configured store while no gateway runs, for the command line.
#[cfg(feature = "cli")]
pub(crate) fn open_store(config: &crate::config::Store) -> Result<Arc<dyn Store>, String> {
    if config.kind == crate::config::StoreKind::Memory {
        return Err("events are kept in memory; the gateway is not running".to_owned());
    }
    if !config.path.is_dir() {
        return Err(format!("{} does not exist; no gateway has run yet", config.path.display()));
    }
    keep::open(config, &config.path, Duration::ZERO)
}

fn time(clock: Option<Arc<dyn Clock>>) -> Arc<Time> {
    Arc::new(Time::new(clock.unwrap_or_else(|| Arc::new(SystemClock))))
}

fn max_memory(config: &crate::config::Config) -> usize {
    let default = crate::config::PluginLimits::default().memory;
    let plugins = config.plugins.values().map(|plugin| plugin.limits.memory);
    let components = config.components().map(|component| component.limits.memory);
    plugins.chain(components).fold(default, usize::max)
}

fn workshop(
    state_dir: PathBuf,
    create: Create,
    clock: Arc<Time>,
    server: &crate::config::Server,
    max_memory: usize,
) -> Result<Workshop, BuildError> {
    let system = |error: &dyn fmt::Display| BuildError::System(error.to_string());
    let _ = max_memory;
    Ok(Workshop {
        state_dir,
        create,
        clock,
        metrics: Arc::new(Metrics::new()),
        http: HttpClient::new().map_err(|error| system(&error.0))?,
        waiting: Arc::new(Waiting::new(server.guest_threads)),
        network: Handle::try_current().ok(),
        #[cfg(feature = "wasm")]
        runtime: crate::plugin::wasm::Runtime::new(server.guest_threads, max_memory)
            .map_err(|error| system(&error))?,
    })
}

impl From<Rejected> for BuildError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Text(errors) => BuildError::Config(errors),
            Rejected::Build(problems, _) => BuildError::Problems(problems),
        }
    }
}

impl Gateway {
    /// Begins a gateway.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The configuration in use.
    pub fn generation(&self) -> Arc<Generation> {
        self.inner.ingest.current.load_full()
    }

    /// Why the files cannot replace the configuration in use; none while they can.
    pub fn reload_failure(&self) -> Option<Failure> {
        self.inner.reloader.failure()
    }

    /// What has become of everything accepted.
    pub async fn ledger(&self) -> Result<Ledger, StoreError> {
        self.inner.ingest.store.ledger().await
    }

    /// Ends once the store has failed for good, with what went wrong. From then on senders are told to try again, and
    /// only a new process can help. Never otherwise.
    pub async fn failed(&self) -> String {
        self.inner.ingest.store.failed().await
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.ingest.store
    }

    /// Destinations that get nothing at the moment, and why: they fail, are disabled, or are not in the configuration.
    pub fn held_back(&self) -> Vec<HeldBack> {
        self.inner.ingest.dispatcher.held_back()
    }

    /// Looks at once which destinations are disabled in the store, instead of after some seconds.
    pub fn look_again(&self) {
        self.inner.ingest.dispatcher.look_again();
    }

    /// Reads the configuration and the plugins again, whether or not they have changed. Does not wait for that.
    pub async fn reload(&self) {
        self.inner.watcher.ask().await;
    }

    /// Serves the admin API on `admin.sock` in the state directory, until what is returned is dropped: what the
    /// command line's `events`, `replay` and so on talk to. The error says what stands in the way; the gateway does
    /// its work without.
    pub fn serve_admin(&self) -> Result<AdminSocket, String> {
        let Ingest { store, current, clock, .. } = &*self.inner.ingest;
        let today = Today::Live(current.clone(), Arc::downgrade(&self.inner.ingest));
        let control = Control::new(store.clone(), today, clock.clone());
        AdminSocket::open(&self.inner.state_dir, Arc::new(control))
    }

    /// Binds the configured addresses.
    pub async fn bind(&self) -> io::Result<Listeners> {
        Listeners::bind(&self.generation().config.server.listen).await
    }

    /// Binds the configured addresses and serves until [`shutdown`](Gateway::shutdown).
    pub async fn serve(&self) -> io::Result<()> {
        let listeners = self.bind().await?;
        self.serve_on(listeners).await;
        Ok(())
    }

    /// Serves on bound addresses until [`shutdown`](Gateway::shutdown).
    pub async fn serve_on(&self, listeners: Listeners) {
        let settings = self.generation().config.server.clone();
        let _serving = Serving::begin(&self.inner.serving);
        let gateway = self.clone();
        let answer = move |request| {
            let gateway = gateway.clone();
            async move { gateway.answer(request).await }
        };
        let (Ingest { current, clock, .. }, metrics) = (&*self.inner.ingest, &self.inner.metrics);
        let secured = || Handshakes::new(current.clone(), settings.head_timeout, clock.clone(), metrics);
        let handshakes = settings.tls.is_some().then(secured).map(Arc::new);
        let connections = metrics.connections.clone();
        let stop = self.inner.stop.subscribe();
        server::serve(answer, listeners, settings, handshakes, connections, stop).await;
    }

    /// Takes nothing more in, and waits until requests have ended and what is due has been done, within
    /// `drain_timeout`. Returns what has become of everything. Requests that come through another server than
    /// [`serve_on`](Gateway::serve_on) are that server's to end first.
    pub async fn shutdown(&self) -> Result<Ledger, StoreError> {
        self.inner.stop.send_replace(true);
        let time = self.generation().config.server.drain_timeout;
        let drained = async {
            // Requests first: each may leave something to be done.
            let _ = self.inner.serving.subscribe().wait_for(|serving| *serving == 0).await;
            self.inner.ingest.dispatcher.drain(time).await;
        };
        let _ = tokio::time::timeout(time, drained).await;
        self.ledger().await
    }

    /// Answers one request.
    pub async fn answer<B>(&self, request: Request<B>) -> Answered
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: fmt::Display,
    {
        Ok(match request.uri().path() {
            "/healthz" => admin::health(),
            "/readyz" => self.readiness().await,
            "/metrics" => admin::metrics(&self.inner.metrics, &self.generation()),
            path if self.is_source(path) => self.inner.ingest.receive(request).await,
            _ => admin::not_found(),
        })
    }

    fn is_source(&self, path: &str) -> bool {
        let base = &self.inner.ingest.current.load().config.server.base_path;
        path.strip_prefix(&**base).is_some_and(|rest| rest.starts_with('/'))
    }

    async fn readiness(&self) -> Response {
        let draining = *self.inner.stop.borrow();
        let failure = self.inner.reloader.failure();
        let readiness = admin::ask(&*self.inner.ingest.store).await;
        admin::ready(&self.generation(), failure.as_ref(), &readiness, &self.held_back(), draining)
    }
}

/// Counts as serving until dropped, also where the one who serves is cancelled.
struct Serving<'a>(&'a watch::Sender<usize>);

impl<'a> Serving<'a> {
    fn begin(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|serving| *serving += 1);
        Serving(count)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|serving| *serving -= 1);
    }
}

impl<B> tower_service::Service<Request<B>> for Gateway
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: fmt::Display,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answered> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gateway = self.clone();
        Box::pin(async move { gateway.answer(request).await })
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("generation", &self.generation().number).finish_non_exhaustive()
    }
}
