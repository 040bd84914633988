//! Gets accepted events on: runs through plugins on guest threads, then deliveries. All of its state is in the store;
//! what is under way when it stops is leased by nobody after a while and is taken up again.

mod attempt;
mod begun;
mod chain;
mod deliveries;
mod guests;
mod held;
mod leases;
mod loopback;
mod parked;
mod patient;
mod queue;
mod rounds;
mod runs;
mod settle;
mod share;
mod turns;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::clock::Time;
use crate::delivery::Reply;
use crate::event::{Event, UnixMillis};
use crate::generation::{Generation, PluginEntry, RouteEntry};
use crate::metrics::Metrics;
use crate::plugin::{Fault, Finding, Measure, Measured, Measures};
use crate::store::{Lease, LeasedRun, Store};
use crate::waiting::Waiting;

pub(crate) use guests::Overloaded;
pub use held::{HeldBack, Reason};

use guests::Guests;
use held::Held;
use leases::Leases;
use parked::Parked;
use values::Values;

/// How long work is leased: longer than an attempt takes, and than runs usually wait and take. Those of runs are renewed.
const LEASE: Duration = Duration::from_secs(15 * 60);

/// Pause before asking a store again that has answered with an error.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Why work is dead whose attempts were all begun and whose last one has not ended.
const NEVER_ENDED: &str = "the last one did not come to an end; the process may have ended with it";

/// What every loop needs.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) current: Arc<ArcSwap<Generation>>,
    pub(crate) clock: Arc<Time>,
    metrics: Arc<Metrics>,
    values: Arc<Values>,
    held: Held,
    leases: Leases,
    parked: Parked,
    /// Rung when what is held is to be looked at before it is time.
    look_again: Notify,
    /// Rung when there may be more to lease for another reason than the store's: room, or a new generation.
    runs_again: Notify,
    deliveries_again: Notify,
    under_way: AtomicUsize,
    /// Whether there may be runs to lease for which there was no room.
    starved: AtomicBool,
    empty_run_passes: AtomicUsize,
    empty_delivery_passes: AtomicUsize,
    /// Whether nothing more is to be leased; closed when the dispatcher is gone.
    stopped: watch::Receiver<bool>,
}

/// Takes runs and deliveries from the store and gets them done.
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    guests: Arc<Guests>,
    stop: watch::Sender<bool>,
}

impl Dispatcher {
    /// Starts guest threads and loops; they end when the dispatcher is dropped.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        current: Arc<ArcSwap<Generation>>,
        clock: Arc<Time>,
        metrics: Arc<Metrics>,
        threads: usize,
        waiting: Arc<Waiting>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let values = Arc::new(Values::new(store.clone(), clock.clone(), Handle::current()));
        let shared = Arc::new(Shared {
            store,
            values,
            current,
            clock,
            metrics,
            held: Held::default(),
            leases: Leases::default(),
            parked: Parked::default(),
            look_again: Notify::new(),
            runs_again: Notify::new(),
            deliveries_again: Notify::new(),
            under_way: AtomicUsize::new(0),
            starved: AtomicBool::new(false),
            empty_run_passes: AtomicUsize::new(0),
            empty_delivery_passes: AtomicUsize::new(0),
            stopped: stopped.clone(),
        });
        let guests = Arc::new(Guests::start(threads, waiting, &shared)?);
        tokio::spawn(runs::lease_loop(shared.clone(), guests.clone(), stopped.clone()));
        tokio::spawn(deliveries::lease_loop(shared.clone(), stopped.clone()));
        tokio::spawn(parked::wake_loop(shared.clone(), stopped.clone()));
        tokio::spawn(held::look_loop(shared.clone(), stopped));
        Ok(Dispatcher { shared, guests, stop })
    }

    /// Runs a chain at once, for a sender that waits; it is leased until `until`. What comes of it is settled whether or
    /// not somebody still waits.
    pub(crate) fn run_inline(
        &self,
        run: LeasedRun,
        until: UnixMillis,
        route: Arc<RouteEntry>,
    ) -> Result<tokio::sync::oneshot::Receiver<Option<Reply>>, Overloaded> {
        self.guests.submit_inline(run, until, route)
    }

    /// Has a plugin verify a request, for a sender that waits. The result is dropped where nobody waits for it any more.
    pub(crate) fn verify(
        &self,
        plugin: Arc<PluginEntry>,
        request: Arc<Event>,
    ) -> Result<tokio::sync::oneshot::Receiver<Result<Finding, Fault>>, Overloaded> {
        self.guests.submit_question(plugin, request)
    }

    /// Says that there is a new generation.
    pub(crate) fn generation_changed(&self) {
        let plugins = &self.shared.current.load().plugins;
        self.shared.metrics.plugins.keep_only(|name| plugins.contains_key(name));
        self.ask_again();
        self.look_again();
    }

    /// Says that an operator has disabled or enabled a destination. Otherwise that is noticed after some seconds.
    pub(crate) fn look_again(&self) {
        self.shared.look_again.notify_one();
    }

    /// Every destination that gets nothing at the moment, and why.
    pub(crate) fn held_back(&self) -> Vec<HeldBack> {
        self.shared.held.report(&self.shared.current.load())
    }

    fn ask_again(&self) {
        self.shared.runs_again.notify_one();
        self.shared.deliveries_again.notify_one();
    }

    /// Waits until what is under way has ended, or until the time is over. What is due and would be lost with the
    /// process is done as well; what is stored for good waits for the next one, and what has not begun of it is given back
    /// first, so that no attempt is counted that nobody has made.
    pub(crate) async fn drain(&self, time: Duration) {
        let drained = async {
            if !self.shared.store.is_durable() {
                while !self.is_quiet().await {}
                return;
            }
            let _ = self.stop.send(true);
            while self.shared.under_way.load(Ordering::Acquire) > 0 {
                // Again and again, as what was being leased at that moment comes later.
                runs::turn_away(&self.shared, &self.guests).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(time, drained).await;
    }

    /// Whether both loops find nothing to do while nothing is under way: what a run leaves behind is in the store before
    /// the run stops counting as under way, so that nothing can be between the two.
    async fn is_quiet(&self) -> bool {
        let shared = &self.shared;
        let nothing_under_way = || shared.under_way.load(Ordering::Acquire) == 0;
        let before = shared.empty_passes();
        let quiet = nothing_under_way();
        while shared.empty_passes().0 == before.0 || shared.empty_passes().1 == before.1 {
            self.ask_again();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        quiet && nothing_under_way() && !held::waits_for_a_rate(shared).await
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

impl Shared {
    fn lease_until(&self, now: UnixMillis) -> UnixMillis {
        crate::delivery::later(now, LEASE)
    }

    /// Waits before a store that has answered with an error is asked again. False once the dispatcher is gone.
    async fn pause(&self) -> bool {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = tokio::time::sleep(STORE_PAUSE) => true,
            // Ends with an error only, when nobody is left who could say so.
            _ = stopped.wait_for(|_| false) => false,
        }
    }

    /// How often each loop has asked for work and got none.
    fn empty_passes(&self) -> (usize, usize) {
        (self.empty_run_passes.load(Ordering::Acquire), self.empty_delivery_passes.load(Ordering::Acquire))
    }

    /// Counts what plugins have measured in a run.
    fn count_measures(&self, measures: &Measures) {
        for Measured { plugin, name, measure } in measures.made() {
            match measure {
                Measure::Count(delta) => self.metrics.plugins.count(plugin, name, *delta),
                Measure::Observation(value) => self.metrics.plugins.observe(plugin, name, *value),
            }
        }
        for (plugin, count) in measures.ignored() {
            self.metrics.plugins.ignored(plugin, *count);
        }
    }

    /// Counts something as under way until the guard is dropped.
    fn count(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay { shared: self.clone(), lease: None }
    }

    /// Counts a run that is leased until this time as under way, and keeps its lease, until the guard is dropped.
    fn count_run(self: &Arc<Self>, run: &LeasedRun, until: UnixMillis) -> UnderWay {
        self.leases.enter(run, until);
        let mut under_way = self.count();
        under_way.lease = Some(run.lease);
        under_way
    }
}

struct UnderWay {
    shared: Arc<Shared>,
    /// A run's.
    lease: Option<Lease>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(lease) = self.lease {
            self.shared.leases.leave(lease);
        }
        self.shared.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

/// From 0 to 1, to spread retries.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness retries come in step, which is bearable.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

/// A duration as people write it, in log lines.
fn shown(time: Duration) -> String {
    match time {
        time if time < Duration::from_millis(1) => format!("{} µs", time.as_micros()),
        time if time < Duration::from_secs(10) => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        time => format!("{:.0} s", time.as_secs_f64()),
    }
}
