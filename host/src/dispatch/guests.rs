//! The threads on which plugins run. They serve no sockets, so that a plugin in a loop delays no request but those that
//! wait for plugins.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select_biased};
use tokio::sync::{mpsc, oneshot};

use crate::delivery::Reply;
use crate::generation::RouteEntry;
use crate::store::{LeasedRun, SettledRun};

use super::settle::{Ended, settle_loop};
use super::{Shared, UnderWay, chain, random};

/// Runs waiting for each guest thread: enough that it never waits for the next one to be leased.
const QUEUE_PER_THREAD: usize = 32;

/// No guest thread has room; the run stays leased and is taken up again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

struct Job {
    run: LeasedRun,
    route: Arc<RouteEntry>,
    answer: Option<oneshot::Sender<Option<Reply>>>,
    under_way: UnderWay,
}

/// The threads and their queues. Dropping it ends them once their queues are empty.
pub(super) struct Guests {
    background: Sender<Job>,
    inline: Sender<Job>,
    shared: Weak<Shared>,
}

impl Guests {
    pub(super) fn start(threads: usize, shared: &Arc<Shared>) -> io::Result<Self> {
        let (background, background_jobs) = bounded(threads * QUEUE_PER_THREAD);
        let (inline, inline_jobs) = bounded(threads * QUEUE_PER_THREAD);
        let (ended, ends) = mpsc::channel(threads * QUEUE_PER_THREAD * 2);
        tokio::spawn(settle_loop(Arc::downgrade(shared), ends));
        for number in 0..threads {
            let (background, inline, ended) = (background_jobs.clone(), inline_jobs.clone(), ended.clone());
            let shared = Arc::downgrade(shared);
            let thread = std::thread::Builder::new().name(format!("hookyard-guest-{number}"));
            thread.stack_size(4 * 1024 * 1024).spawn(move || work(&background, &inline, &ended, &shared))?;
        }
        Ok(Guests { background, inline, shared: Arc::downgrade(shared) })
    }

    /// How many runs can be submitted now.
    pub(super) fn room(&self) -> usize {
        self.background.capacity().unwrap_or(0) - self.background.len()
    }

    /// Whether the queue is short enough to be filled up.
    pub(super) fn is_low(&self) -> bool {
        self.background.len() <= self.background.capacity().unwrap_or(0) / 4
    }

    /// Hands over a run; there is room for as many as [`room`](Guests::room) has said, as only one task submits.
    pub(super) fn submit(
        &self,
        run: LeasedRun,
        route: Arc<RouteEntry>,
        under_way: UnderWay,
    ) -> Result<(), Overloaded> {
        self.background.try_send(Job { run, route, answer: None, under_way }).map_err(|_| Overloaded)
    }

    /// Hands over a run for which a sender waits; it goes before the others.
    pub(super) fn submit_inline(
        &self,
        run: LeasedRun,
        route: Arc<RouteEntry>,
    ) -> Result<oneshot::Receiver<Option<Reply>>, Overloaded> {
        let shared = self.shared.upgrade().ok_or(Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let job = Job { run, route, answer: Some(answer), under_way: shared.count() };
        match self.inline.try_send(job) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Overloaded),
        }
    }
}

/// A guest thread: runs for which a sender waits first.
fn work(
    background: &Receiver<Job>,
    inline: &Receiver<Job>,
    ended: &mpsc::Sender<Ended>,
    shared: &Weak<Shared>,
) {
    loop {
        let job = select_biased! {
            recv(inline) -> job => job,
            recv(background) -> job => job,
        };
        let (Ok(job), Some(shared)) = (job, shared.upgrade()) else { return };
        let now = shared.clock.now();
        let running = AssertUnwindSafe(|| chain::run(&job.run, &job.route, now, random()));
        // A panic is our own mistake; it must not cost a thread, nor the event.
        let ran = catch_unwind(running).unwrap_or_else(|_| chain::panicked(&job.run, &job.route, now));
        let settled = SettledRun { id: job.run.id, lease: job.run.lease, end: ran.end };
        let answer = job.answer.map(|answer| (answer, ran.reply));
        if ended.blocking_send(Ended { settled, answer, under_way: job.under_way }).is_err() {
            return;
        }
        if background.len() <= background.capacity().unwrap_or(0) / 4
            && shared.starved.swap(false, Ordering::AcqRel)
        {
            shared.runs_again.notify_one();
        }
    }
}
