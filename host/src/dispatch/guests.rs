//! The threads on which plugins run. They serve no sockets, so that a plugin in a loop delays no request but those that
//! wait for plugins.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::sync::mpsc::Permit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::delivery::{Attempt, Reply};
use crate::event::{Event, UnixMillis};
use crate::generation::{PluginEntry, RouteEntry};
use crate::plugin::{Chain, Fault, FaultKind, Finding, Kept};
use crate::store::{LeasedRun, SettledRun};
use crate::waiting::{MOST, Waiting, without_turn};

use super::patient::Patient;
use super::queue::{Next, Queue};
use super::rounds::{Precedence, Task, Unsettled};
use super::settle::{Ended, settle_loop};
use super::{Shared, UnderWay, chain};

/// Runs waiting for each guest thread: enough that it never waits for the next one to be leased.
const QUEUE_PER_THREAD: usize = 32;

/// No guest thread has room. A run stays leased and is taken up again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// A run for a guest thread.
pub(super) struct Job {
    task: Task,
    answer: Option<oneshot::Sender<Option<Reply>>>,
    under_way: UnderWay,
}

impl Job {
    /// One that nobody waits for.
    pub(super) fn new(run: LeasedRun, route: Arc<RouteEntry>, under_way: UnderWay) -> Self {
        Job { task: Task::new(run, route), answer: None, under_way }
    }

    /// One that is to be made again.
    pub(super) fn again(
        task: Task,
        answer: Option<oneshot::Sender<Option<Reply>>>,
        under_way: UnderWay,
    ) -> Self {
        Job { task, answer, under_way }
    }

    /// Whether a sender waits for it.
    pub(super) fn is_urgent(&self) -> bool {
        self.answer.is_some()
    }

    /// Its route's name.
    pub(super) fn route_name(&self) -> &Arc<str> {
        &self.task.route.name
    }

    /// The run.
    pub(super) fn run(&self) -> &LeasedRun {
        &self.task.run
    }

    /// The run, which was not begun.
    pub(super) fn into_run(self) -> LeasedRun {
        self.task.run
    }
}

/// A request that a plugin is to verify.
pub(super) struct Question {
    pub(super) plugin: Arc<PluginEntry>,
    pub(super) request: Arc<Event>,
    pub(super) answer: oneshot::Sender<Result<Finding, Fault>>,
}

impl Question {
    pub(super) fn answer(self, shared: &Shared) {
        // Its sender has been told to come again.
        if self.answer.is_closed() {
            return;
        }
        let mut chain = Chain::default();
        let verifying = AssertUnwindSafe(|| self.plugin.verify(self.request, &mut chain));
        let found = catch_unwind(verifying).unwrap_or_else(|_| {
            tracing::error!(plugin = &*self.plugin.name, "a verification panicked; please report this");
            Err(Fault { kind: FaultKind::Trap, message: "Hookyard panicked".to_owned() })
        });
        if let Err(fault) = &found {
            self.plugin.faults(fault.kind).inc();
        } else if let (_, Some(measures)) = chain.into_results() {
            shared.count_measures(&measures);
        }
        let _ = self.answer.send(found);
    }
}

/// The threads and their queue. Dropping it ends them once the queue is empty.
pub(super) struct Guests {
    queue: Arc<Queue<Job, Question>>,
    /// For those whose plugins wait for somebody outside.
    patient: Arc<Patient>,
    shared: Weak<Shared>,
}

impl Guests {
    pub(super) fn start(threads: usize, waiting: Arc<Waiting>, shared: &Arc<Shared>) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(threads, threads * QUEUE_PER_THREAD));
        // A run has its place before it begins, and keeps it while it waits for somebody outside: those that only compute
        // have places beside all of these.
        let (ended, ends) = mpsc::channel(threads * QUEUE_PER_THREAD * 2 + MOST);
        let performer = Arc::new(Performer {
            ended,
            shared: Arc::downgrade(shared),
            kept: shared.values.reader(),
            runtime: Handle::current(),
        });
        let patient = Arc::new(Patient::new(waiting, performer.clone()));
        let again = Again { queue: queue.clone(), patient: Arc::downgrade(&patient) };
        tokio::spawn(settle_loop(Arc::downgrade(shared), ends, again));
        for number in 0..threads {
            let worker = Worker { queue: queue.clone(), performer: performer.clone() };
            let thread = std::thread::Builder::new().name(format!("hookyard-guest-{number}"));
            thread.stack_size(4 * 1024 * 1024).spawn(move || worker.work())?;
        }
        Ok(Guests { queue, patient, shared: Arc::downgrade(shared) })
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

    /// Hands over a run whose plugins may wait for somebody outside. Returns it with the time at which it is to come
    /// again if there is no room.
    pub(super) fn submit_patient(&self, job: Job, now: UnixMillis) -> Result<(), (LeasedRun, UnixMillis)> {
        match self.patient.submit(job) {
            None => Ok(()),
            Some(job) => {
                let due = self.patient.comes_again(job.route_name(), now);
                Err((job.into_run(), due))
            }
        }
    }

    /// Runs for which no sender waits and which have not begun. They are not begun any more.
    pub(super) fn turn_away(&self) -> Vec<Job> {
        let mut away = self.patient.turn_away();
        away.extend(self.queue.turn_away());
        away
    }

    /// Hands over a run for which a sender waits; it goes before the others.
    pub(super) fn submit_inline(
        &self,
        run: LeasedRun,
        until: UnixMillis,
        route: Arc<RouteEntry>,
    ) -> Result<oneshot::Receiver<Option<Reply>>, Overloaded> {
        let shared = self.shared.upgrade().ok_or(Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let under_way = shared.count_run(&run, until);
        // Its lease has run out before it was known here, and it may have been handed out again.
        if shared.clock.due_now() >= until {
            return Err(Overloaded);
        }
        let job = Job { task: Task::new(run, route), answer: Some(answer), under_way };
        let taken = match job.task.route.waits() {
            true => self.patient.submit(job).is_none(),
            false => self.queue.push_urgent(job),
        };
        if taken { Ok(answered) } else { Err(Overloaded) }
    }

    /// Hands over a request that a plugin is to verify.
    pub(super) fn submit_question(
        &self,
        plugin: Arc<PluginEntry>,
        request: Arc<Event>,
    ) -> Result<oneshot::Receiver<Result<Finding, Fault>>, Overloaded> {
        if plugin.waits() {
            return self.patient.ask(plugin, request);
        }
        let (answer, answered) = oneshot::channel();
        let name = plugin.name.clone();
        let asked = self.queue.ask(&name, Question { plugin, request, answer });
        if asked { Ok(answered) } else { Err(Overloaded) }
    }
}

/// Where runs go that are to be made again.
pub(super) struct Again {
    queue: Arc<Queue<Job, Question>>,
    /// Not kept by those who settle runs, who are gone only once nobody makes any.
    patient: Weak<Patient>,
}

impl Again {
    pub(super) fn submit(&self, job: Job) {
        match self.patient.upgrade().filter(|_| job.task.route.waits()) {
            Some(patient) => patient.submit_again(job),
            None => self.queue.push_again(job),
        }
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// A guest thread: runs for which a sender waits first.
struct Worker {
    queue: Arc<Queue<Job, Question>>,
    performer: Arc<Performer>,
}

impl Worker {
    fn work(self) {
        while let Some(next) = self.queue.take() {
            match next {
                Next::Run(job) => {
                    if !self.performer.perform(job) {
                        return;
                    }
                }
                Next::Question(plugin, question) => {
                    self.performer.answer(question);
                    self.queue.answered(&plugin);
                    continue;
                }
            }
            let Some(shared) = self.performer.shared.upgrade() else { return };
            if shared.starved.load(Ordering::Acquire)
                && self.queue.is_low()
                && shared.starved.swap(false, Ordering::AcqRel)
            {
                shared.runs_again.notify_one();
            }
        }
    }
}

/// What it takes to make runs, on whatever thread.
pub(super) struct Performer {
    ended: mpsc::Sender<Ended>,
    shared: Weak<Shared>,
    kept: Arc<dyn Kept>,
    runtime: Handle,
}

impl Performer {
    /// Makes a run, and hands on what came of it; false if nobody takes that any more.
    pub(super) fn perform(&self, job: Job) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let Some(place) = self.place() else { return false };
        self.run(job, &shared, place);
        true
    }

    /// Answers a question.
    pub(super) fn answer(&self, question: Question) {
        if let Some(shared) = self.shared.upgrade() {
            question.answer(&shared);
        }
    }

    /// Room for a run on its way to the store; what others build on must not have to wait for it. None once nobody takes
    /// them any more.
    fn place(&self) -> Option<Permit<'_, Ended>> {
        match self.ended.try_reserve() {
            Err(TrySendError::Full(())) => without_turn(|| self.runtime.block_on(self.ended.reserve())).ok(),
            place => place.ok(),
        }
    }

    fn run(&self, job: Job, shared: &Shared, place: Permit<'_, Ended>) {
        let Job { mut task, answer, under_way } = job;
        let (started_at, now) = (shared.clock.now(), shared.clock.due_now());
        let running = AssertUnwindSafe(|| task.make(shared, &self.kept, now));
        // A panic is our own mistake; it must not cost a thread, nor the event.
        let (ran, mut precedence) = catch_unwind(running)
            .unwrap_or_else(|_| (chain::panicked(&task.run, &task.route, now), Precedence::default()));
        let chain::Ran { attempt, end, reply, measures, account, .. } = ran;
        let attempt = attempt.map(|attempt| Attempt { started_at, ..attempt });
        let settled = SettledRun { id: task.run.id, lease: task.run.lease, attempt, end };
        let answer = answer.map(|answer| (answer, reply));
        let unsettled = Unsettled::new(task, &mut precedence, &settled.end, account, measures, now);
        place.send(Ended { settled, unsettled, answer, under_way });
        drop(precedence);
    }
}
