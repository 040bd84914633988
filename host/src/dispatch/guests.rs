//! The threads on which plugins run. They serve no sockets, so that a plugin in a loop delays no request but those that
//! wait for plugins.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::delivery::{Attempt, Reply};
use crate::event::Event;
use crate::generation::{PluginEntry, RouteEntry};
use crate::plugin::{Fault, FaultKind, Finding};
use crate::store::{LeasedRun, SettledRun};

use super::queue::{Next, Queue};
use super::settle::{Ended, settle_loop};
use super::{Shared, UnderWay, chain, random};

/// Runs waiting for each guest thread: enough that it never waits for the next one to be leased.
const QUEUE_PER_THREAD: usize = 32;

/// No guest thread has room. A run stays leased and is taken up again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// A run for a guest thread.
pub(super) struct Job {
    run: LeasedRun,
    route: Arc<RouteEntry>,
    answer: Option<oneshot::Sender<Option<Reply>>>,
    under_way: UnderWay,
}

impl Job {
    /// One that nobody waits for.
    pub(super) fn new(run: LeasedRun, route: Arc<RouteEntry>, under_way: UnderWay) -> Self {
        Job { run, route, answer: None, under_way }
    }

    /// The run, which was not begun.
    pub(super) fn into_run(self) -> LeasedRun {
        self.run
    }
}

/// A request that a plugin is to verify.
struct Question {
    plugin: Arc<PluginEntry>,
    request: Arc<Event>,
    answer: oneshot::Sender<Result<Finding, Fault>>,
}

impl Question {
    fn answer(self) {
        // Its sender has been told to come again.
        if self.answer.is_closed() {
            return;
        }
        let verifying = AssertUnwindSafe(|| self.plugin.verify(self.request));
        let found = catch_unwind(verifying).unwrap_or_else(|_| {
            tracing::error!(plugin = &*self.plugin.name, "a verification panicked; please report this");
            Err(Fault { kind: FaultKind::Trap, message: "Hookyard panicked".to_owned() })
        });
        if let Err(fault) = &found {
            self.plugin.faults(fault.kind).inc();
        }
        let _ = self.answer.send(found);
    }
}

/// The threads and their queue. Dropping it ends them once the queue is empty.
pub(super) struct Guests {
    queue: Arc<Queue<Job, Question>>,
    shared: Weak<Shared>,
}

impl Guests {
    pub(super) fn start(threads: usize, shared: &Arc<Shared>) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(threads, threads * QUEUE_PER_THREAD));
        let (ended, ends) = mpsc::channel(threads * QUEUE_PER_THREAD * 2);
        tokio::spawn(settle_loop(Arc::downgrade(shared), ends));
        for number in 0..threads {
            let (queue, ended) = (queue.clone(), ended.clone());
            let shared = Arc::downgrade(shared);
            let thread = std::thread::Builder::new().name(format!("hookyard-guest-{number}"));
            thread.stack_size(4 * 1024 * 1024).spawn(move || work(&queue, &ended, &shared))?;
        }
        Ok(Guests { queue, shared: Arc::downgrade(shared) })
    }

    /// How many runs can be submitted now.
    pub(super) fn room(&self) -> usize {
        self.queue.room()
    }

    /// Whether the queue is short enough to be filled up.
    pub(super) fn is_low(&self) -> bool {
        self.queue.is_low()
    }

    /// Hands over runs; there is room for as many as [`room`](Guests::room) has said, as only one task submits. Returns
    /// those for which there is none.
    pub(super) fn submit(&self, jobs: VecDeque<Job>) -> VecDeque<Job> {
        self.queue.push_all(jobs)
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
        if self.queue.push_urgent(job) { Ok(answered) } else { Err(Overloaded) }
    }

    /// Hands over a request that a plugin is to verify.
    pub(super) fn submit_question(
        &self,
        plugin: Arc<PluginEntry>,
        request: Arc<Event>,
    ) -> Result<oneshot::Receiver<Result<Finding, Fault>>, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let name = plugin.name.clone();
        let asked = self.queue.ask(&name, Question { plugin, request, answer });
        if asked { Ok(answered) } else { Err(Overloaded) }
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// A guest thread: runs for which a sender waits first.
fn work(queue: &Queue<Job, Question>, ended: &mpsc::Sender<Ended>, shared: &Weak<Shared>) {
    while let Some(next) = queue.take() {
        let job = match next {
            Next::Run(job) => job,
            Next::Question(plugin, question) => {
                question.answer();
                queue.answered(&plugin);
                continue;
            }
        };
        let Some(shared) = shared.upgrade() else { return };
        let (started_at, now) = (shared.clock.now(), shared.clock.due_now());
        let running = AssertUnwindSafe(|| chain::run(&job.run, &job.route, now, random));
        // A panic is our own mistake; it must not cost a thread, nor the event.
        let ran = catch_unwind(running).unwrap_or_else(|_| chain::panicked(&job.run, &job.route, now));
        let attempt = ran.attempt.map(|attempt| Attempt { started_at, ..attempt });
        let settled = SettledRun { id: job.run.id, lease: job.run.lease, attempt, end: ran.end };
        let answer = job.answer.map(|answer| (answer, ran.reply));
        let done = Ended { settled, answer, under_way: job.under_way };
        // Waiting has to be prepared for, which is dear; there is nearly always room.
        let sent = match ended.try_send(done) {
            Err(TrySendError::Full(done)) => ended.blocking_send(done).is_ok(),
            sent => sent.is_ok(),
        };
        if !sent {
            return;
        }
        if shared.starved.load(Ordering::Acquire)
            && queue.is_low()
            && shared.starved.swap(false, Ordering::AcqRel)
        {
            shared.runs_again.notify_one();
        }
    }
}
