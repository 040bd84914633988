//! A gateway with a receiver and a sender.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookyard::delivery::State;
use hookyard::event::Event;
use hookyard::store::{EventFilter, EventState, Ledger, Page, Queue, Store, WorkFilter, WorkRecord};
use hookyard::{BuildError, Builder, Gateway};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::client::{Answer, Client};
use crate::clock::SetClock;
use crate::logs::listen;
use crate::sink::Sink;
use crate::wait::{eventually, patiently};

/// What `[sources.github]` signs with, unless the scenario says otherwise.
pub const SECRET: &str = "It's a Secret to Everybody";

/// Tables that a scenario gets where it does not write them itself.
const USUAL: [(&str, &str); 4] = [
    ("[server]", "listen = \"127.0.0.1:0\""),
    ("[sources.github]", "secret = { file = \"secret\" }"),
    (
        "[destinations.sink]",
        "url = \"{sink}\"\nnetwork = \"private\"\nretry = { schedule = [\"10ms\"], max_attempts = 3 }",
    ),
    // Polling would hide that a notification was missed.
    ("[reload]", "poll = \"0s\""),
];

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// The folder with the starter plugins: the committed ones, or those in `$HOOKYARD_PLUGINS_DIST`.
pub fn dist() -> PathBuf {
    std::env::var_os("HOOKYARD_PLUGINS_DIST").map_or_else(|| repository().join("plugins/dist"), PathBuf::from)
}

/// A gateway that is yet to be started, with a directory for its files and a receiver.
pub struct Plan {
    /// Where its files are; relative paths in the configuration start here.
    pub dir: TempDir,
    /// Its receiver.
    pub sink: Sink,
    /// The time that it goes by.
    pub clock: Arc<SetClock>,
    /// Where its events are kept instead of in the configured store.
    store: Option<Arc<dyn Store>>,
}

impl Plan {
    /// An empty directory but for the secret, and a receiver.
    pub async fn new() -> Self {
        listen();
        let (dir, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
        let plan = Plan { dir, sink, clock: Arc::default(), store: None };
        plan.file("secret", SECRET)
    }

    /// Keeps events in this store.
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Plan { store: Some(store), ..self }
    }

    /// Writes a file.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// Where a file of that name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the configuration. `{sink}` stands for the receiver's address and `{dist}` for the starter plugins' folder.
    /// Usual tables are added where they are missing.
    pub fn configure(&self, toml: &str) {
        let mut text = toml.to_owned();
        for (table, lines) in USUAL {
            if !text.contains(table) {
                text.push_str(&format!("\n{table}\n{lines}\n"));
            }
        }
        let text = text.replace("{sink}", &self.sink.url()).replace("{dist}", &dist().display().to_string());
        // In one piece, since a gateway may be looking.
        let written = self.path("config.toml.new");
        std::fs::write(&written, text).unwrap();
        std::fs::rename(written, self.path("config.toml")).unwrap();
    }

    /// What builds the gateway.
    pub fn builder(&self) -> Builder {
        let builder = Gateway::builder().config_file(self.path("config.toml"));
        let builder = builder.state_dir(self.path("state")).clock(self.clock.clone());
        match &self.store {
            Some(store) => builder.store(store.clone()),
            None => builder,
        }
    }

    /// Starts the gateway, which is expected to work.
    pub async fn start(self, toml: &str) -> Yard {
        match self.try_start(toml).await {
            Ok(yard) => yard,
            Err(error) => panic!("the gateway does not start: {error}"),
        }
    }

    /// Starts the gateway.
    pub async fn try_start(self, toml: &str) -> Result<Yard, BuildError> {
        self.configure(toml);
        let gateway = self.builder().build().await?;
        let listeners = gateway.bind().await.unwrap();
        let client = Client { address: listeners.addresses()[0] };
        let serving = gateway.clone();
        let serving = Serving(tokio::spawn(async move { serving.serve_on(listeners).await }));
        Ok(Yard { gateway, client, plan: self, serving })
    }
}

/// A gateway at work.
pub struct Yard {
    /// The gateway.
    pub gateway: Gateway,
    /// A sender to it.
    pub client: Client,
    /// Its files and its receiver.
    pub plan: Plan,
    serving: Serving,
}

/// Ends with the test that started it, so that gateways do not pile up.
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Deref for Yard {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

impl Yard {
    /// Starts a gateway with this configuration; see [`Plan::configure`].
    pub async fn start(toml: &str) -> Self {
        Plan::new().await.start(toml).await
    }

    /// Starts a gateway with a plugin `guest` that is this component, on a route from `github` to `sink`. `plugin` are
    /// further lines of its table.
    pub async fn with_guest(guest: impl AsRef<[u8]>, plugin: &str) -> Self {
        let toml = format!("[plugins.guest]\npath = \"guest.wasm\"\n{plugin}\n{GUEST_ROUTE}");
        Plan::new().await.file("guest.wasm", guest).start(&toml).await
    }

    /// Sends a webhook as GitHub does.
    pub async fn send_github(&self, event: &str, body: impl Into<Bytes>) -> Answer {
        self.client.send(self.client.github(event, body, SECRET)).await
    }

    /// Gets a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(path).await
    }

    /// A number from `/metrics`, such as `hookyard_runs_total{route="all",outcome="dead"}`; 0 if it is not there.
    pub async fn metric(&self, name: &str) -> f64 {
        self.get("/metrics").await.number(name)
    }

    /// Failed calls of plugin `guest`, by kind.
    pub async fn faults(&self, kind: &str) -> f64 {
        self.metric(&format!("hookyard_plugin_faults_total{{plugin=\"guest\",kind=\"{kind}\"}}")).await
    }

    /// What has become of everything accepted.
    pub async fn ledger(&self) -> Ledger {
        let ledger = self.gateway.ledger().await.unwrap();
        assert!(ledger.adds_up(), "{ledger:?}");
        ledger
    }

    /// The ledger once nothing is pending any more.
    pub async fn settled(&self) -> Ledger {
        let look = || async {
            let ledger = self.ledger().await;
            (ledger.accepted > 0 && ledger.pending == 0).then_some(ledger)
        };
        eventually("nothing pending", look).await.0
    }

    /// The first dead letter, once there is one.
    pub async fn dead_letter(&self) -> WorkRecord {
        let look = || async {
            let mut letters = self.dead_letters(Queue::Runs).await;
            letters.extend(self.dead_letters(Queue::Deliveries).await);
            letters.pop()
        };
        eventually("a dead letter", look).await.0
    }

    async fn dead_letters(&self, queue: Queue) -> Vec<WorkRecord> {
        let filter = WorkFilter { state: Some(State::Dead), ..WorkFilter::default() };
        self.gateway.store().work(queue, filter, Page { after: None, limit: 10 }).await.unwrap()
    }

    /// The newest events that no route took, with the reason.
    pub async fn unrouted(&self) -> Vec<(String, Arc<Event>)> {
        let filter = EventFilter { state: Some(EventState::Unrouted), ..EventFilter::default() };
        let store = self.gateway.store();
        let mut unrouted = Vec::new();
        for summary in store.events(filter, Page { after: None, limit: 10 }).await.unwrap() {
            let event = store.event(summary.id, 10).await.unwrap().and_then(|record| record.event).unwrap();
            unrouted.push((summary.unrouted.unwrap_or_default(), event));
        }
        unrouted
    }

    /// The event that a run or a delivery came from.
    pub async fn event_of(&self, work: &WorkRecord) -> Arc<Event> {
        self.gateway.store().event(work.event, 10).await.unwrap().and_then(|record| record.event).unwrap()
    }

    /// Waits until the gateway uses this or a later generation. Returns how long that took.
    pub async fn generation(&self, number: u64) -> Duration {
        let look = || async { (self.gateway.generation().number >= number).then_some(()) };
        let what = || format!("generation {number}; {:?}", self.gateway.reload_failure());
        eventually(what, look).await.1
    }

    /// Shuts down, and waits until serving has ended.
    pub async fn shutdown(mut self) -> (Ledger, Plan) {
        let ledger = patiently("the shutdown", self.gateway.shutdown()).await.unwrap();
        patiently("the end of serving", &mut self.serving.0).await.unwrap();
        (ledger, self.plan)
    }
}

/// The route of [`Yard::with_guest`].
const GUEST_ROUTE: &str = "
[routes.all]
source = \"github\"
plugins = [\"guest\"]
to = [\"sink\"]
";
