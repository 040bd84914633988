//! Threads for guests that wait for somebody outside: routes whose plugins send requests, plugins and components that
//! are destinations. A guest that waits holds its thread, so these threads are others than those of guests that only
//! compute, and there are more of them.
//!
//! Two things keep one subject (a route, a destination) from harming others. It never has more threads than it leaves
//! free, and one of which nothing runs gets a thread although none is free, so that a newcomer finds one however many
//! are slow. And of all these threads no more compute at once than there are guest threads: a thread has a turn while it
//! computes, and gives it up while it waits.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// Guests that may wait at once.
const THREADS: usize = 64;

/// And with those of newcomers, which begin one each although so many wait, so many times as many.
const WITH_NEWCOMERS: usize = 4;

/// There are never more threads than this.
pub(crate) const MOST: usize = THREADS * WITH_NEWCOMERS;

/// After this time without work a thread ends.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// The threads. Dropping it ends them once nothing is left to do.
pub struct Waiting {
    inner: Arc<Inner>,
}

/// What becomes of something that waits for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Begun,
    /// It is not begun any more: the process is about to end.
    TurnedAway,
}

struct Task {
    work: Box<dyn FnOnce(Fate) + Send>,
    /// Whether it can be turned away.
    is_loose: bool,
}

struct Inner {
    state: Mutex<State>,
    bell: Condvar,
    turns: Arc<Turns>,
    max_threads: usize,
}

#[derive(Default)]
struct State {
    /// Those with something waiting or running, the next one first.
    lines: VecDeque<Line>,
    threads: usize,
    idle: usize,
    running: usize,
    closed: bool,
}

/// What one subject has to do.
struct Line {
    subject: Arc<str>,
    waiting: VecDeque<Task>,
    running: usize,
}

impl Waiting {
    /// Threads of which so many compute at once. None is begun before there is work.
    pub(crate) fn new(computing: usize) -> Self {
        Waiting::with(computing, THREADS)
    }

    fn with(computing: usize, max_threads: usize) -> Self {
        let inner = Inner {
            state: Mutex::default(),
            bell: Condvar::new(),
            turns: Arc::new(Turns { free: Mutex::new(computing.max(1)), bell: Condvar::new() }),
            max_threads,
        };
        Waiting { inner: Arc::new(inner) }
    }

    /// Has something done with an item for a subject of which fewer than `room` wait already. Hands the item back if there
    /// is no room.
    pub(crate) fn offer<T: Send + 'static>(
        &self,
        subject: &Arc<str>,
        room: usize,
        item: T,
        work: impl FnOnce(T) + Send + 'static,
    ) -> Option<T> {
        self.add(subject, room, item, false, |item, _| work(item))
    }

    /// The same for something that can be turned away before it has begun, and is told whether it was.
    pub(crate) fn offer_loosely<T: Send + 'static>(
        &self,
        subject: &Arc<str>,
        room: usize,
        item: T,
        work: impl FnOnce(T, Fate) + Send + 'static,
    ) -> Option<T> {
        self.add(subject, room, item, true, work)
    }

    fn add<T: Send + 'static>(
        &self,
        subject: &Arc<str>,
        room: usize,
        item: T,
        is_loose: bool,
        work: impl FnOnce(T, Fate) + Send + 'static,
    ) -> Option<T> {
        let mut state = self.inner.state();
        let line = match state.lines.iter().position(|line| line.subject == *subject) {
            Some(at) => at,
            None => {
                let line = Line { subject: subject.clone(), waiting: VecDeque::new(), running: 0 };
                state.lines.push_back(line);
                state.lines.len() - 1
            }
        };
        let waiting = &mut state.lines[line].waiting;
        if waiting.len() >= room {
            return Some(item);
        }
        waiting.push_back(Task { work: Box::new(move |fate| work(item, fate)), is_loose });
        self.inner.rouse(&mut state);
        None
    }

    /// Turns away what can be and has not begun, on this thread.
    pub(crate) fn turn_away(&self) {
        let mut away = Vec::new();
        let mut state = self.inner.state();
        for line in &mut state.lines {
            let waiting = std::mem::take(&mut line.waiting);
            let (loose, others): (VecDeque<Task>, VecDeque<Task>) =
                waiting.into_iter().partition(|task| task.is_loose);
            line.waiting = others;
            away.extend(loose);
        }
        state.lines.retain(|line| line.running > 0 || !line.waiting.is_empty());
        drop(state);
        for task in away {
            (task.work)(Fate::TurnedAway);
        }
    }

    /// Does something for a subject and waits for it; none if it panics, or cannot be done any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        subject: &Arc<str>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.offer(subject, usize::MAX, answer, move |answer| {
            // Nobody waits any more for what has not begun.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        answered.await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.inner.state().closed = true;
        self.inner.bell.notify_all();
    }
}

impl Inner {
    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody takes what can be begun.
    fn rouse(self: &Arc<Self>, state: &mut State) {
        if !state.lines.iter().any(|line| state.may_begin(line, self.max_threads)) {
            return;
        }
        if state.idle > 0 {
            self.bell.notify_one();
        } else if state.threads < self.max_threads
            // Where a thread is about to look for something to do, it finds it.
            || (state.threads == state.running && state.threads < most(self.max_threads))
        {
            let inner = self.clone();
            let thread = std::thread::Builder::new().name("hookyard-waiting".to_owned());
            match thread.stack_size(4 * 1024 * 1024).spawn(move || inner.work()) {
                Ok(_) => state.threads += 1,
                // Those that there are go on with it.
                Err(error) => tracing::error!(%error, "cannot start a thread for a guest that waits"),
            }
        }
    }

    fn work(self: Arc<Self>) {
        let mut done = None;
        while let Some((subject, task)) = self.next(done.take()) {
            let turn = Turn::take(&self.turns);
            // A panic is our own mistake; whoever waits for the task hears that it is gone.
            if catch_unwind(AssertUnwindSafe(|| (task.work)(Fate::Begun))).is_err() {
                tracing::error!(subject = &*subject, "a guest's thread panicked; please report this");
            }
            drop(turn);
            done = Some(subject);
        }
    }

    /// The next task, once there is one; none if the thread is to end. `done` is whose task the thread has ended.
    fn next(self: &Arc<Self>, done: Option<Arc<str>>) -> Option<(Arc<str>, Task)> {
        let mut state = self.state();
        if let Some(subject) = done {
            state.ended(&subject);
        }
        loop {
            if let Some(next) = state.begin(self.max_threads) {
                self.rouse(&mut state);
                return Some(next);
            }
            if !state.closed {
                state.idle += 1;
                let waited = self.bell.wait_timeout(state, IDLE_TIME).unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                state.idle -= 1;
                let in_vain = waited.1.timed_out() && state.lines.iter().all(|line| line.waiting.is_empty());
                if !in_vain {
                    continue;
                }
            }
            state.threads -= 1;
            return None;
        }
    }
}

impl State {
    /// No subject has more threads than it leaves free, except that each has one.
    fn may_begin(&self, line: &Line, max_threads: usize) -> bool {
        let has_place = match line.running {
            0 => self.running < most(max_threads),
            running => running < max_threads.saturating_sub(self.running),
        };
        has_place && !line.waiting.is_empty()
    }

    fn begin(&mut self, max_threads: usize) -> Option<(Arc<str>, Task)> {
        let at = self.lines.iter().position(|line| self.may_begin(line, max_threads))?;
        let mut line = self.lines.remove(at)?;
        let task = line.waiting.pop_front()?;
        line.running += 1;
        self.running += 1;
        let subject = line.subject.clone();
        self.lines.push_back(line);
        Some((subject, task))
    }

    fn ended(&mut self, subject: &Arc<str>) {
        self.running -= 1;
        if let Some(line) = self.lines.iter_mut().find(|line| line.subject == *subject) {
            line.running -= 1;
        }
        self.lines.retain(|line| line.running > 0 || !line.waiting.is_empty());
    }
}

/// The threads that there are at most, with those of newcomers.
fn most(max_threads: usize) -> usize {
    max_threads * WITH_NEWCOMERS
}

/// How many more threads may compute.
struct Turns {
    free: Mutex<usize>,
    bell: Condvar,
}

thread_local!(static TURNS: RefCell<Option<Arc<Turns>>> = const { RefCell::new(None) });

/// A thread's leave to compute.
struct Turn<'a>(&'a Turns);

impl<'a> Turn<'a> {
    fn take(turns: &'a Arc<Turns>) -> Self {
        TURNS.with(|mine| mine.replace(Some(turns.clone())));
        turns.enter();
        Turn(turns)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.leave();
        TURNS.with(|mine| mine.take());
    }
}

impl Turns {
    fn enter(&self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.bell.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
    }

    fn leave(&self) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.bell.notify_one();
    }
}

/// Waits on this thread for a future. While it is not ready, the thread's turn is somebody else's; a thread that has none
/// just waits.
#[cfg_attr(not(any(feature = "wasm", test)), expect(dead_code, reason = "only guests wait here"))]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        without_turn(std::thread::park);
    }
}

/// Whether this thread has a turn, which others get while it waits.
pub(crate) fn has_turn() -> bool {
    TURNS.with(|mine| mine.borrow().is_some())
}

/// Waits on this thread, whose turn is somebody else's meanwhile; a thread that has none just waits. What it comes back
/// with must keep no lock: the thread waits for its next turn then, and whoever has a turn may wait for that lock.
pub(crate) fn without_turn<T>(wait: impl FnOnce() -> T) -> T {
    let turn = TURNS.take().map(Lent::new);
    let waited = wait();
    drop(turn);
    waited
}

/// A turn that is somebody else's until this is dropped.
struct Lent(Arc<Turns>);

impl Lent {
    fn new(turns: Arc<Turns>) -> Self {
        turns.leave();
        Lent(turns)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.enter();
        TURNS.set(Some(self.0.clone()));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn subject(name: &str) -> Arc<str> {
        name.into()
    }

    /// Whether there was room.
    fn submit(waiting: &Waiting, name: &str, room: usize, work: impl FnOnce() + Send + 'static) -> bool {
        waiting.offer(&subject(name), room, (), move |()| work()).is_none()
    }

    /// Waits for a condition on the numbers of running tasks.
    fn eventually(what: &str, holds: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if holds() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{what} does not come to hold");
    }

    /// P6: however many wait for a slow subject, and however long, another one finds a thread.
    #[test]
    fn a_subject_leaves_as_many_threads_as_it_has() {
        let waiting = Waiting::with(1, 8);
        let (opens, open) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let hang = |name: &str| {
            for _ in 0..20 {
                let (opens, open) = (opens.clone(), open.clone());
                submit(&waiting, name, 20, move || {
                    open.fetch_add(1, Ordering::SeqCst);
                    let _ = block_on(opens.acquire());
                });
            }
        };
        hang("slow");
        eventually("half of them", || open.load(Ordering::SeqCst) == 4);
        hang("slower");
        eventually("half of the rest", || open.load(Ordering::SeqCst) == 6);
        // Two of these take the rest, and the others one each although none is free.
        for (number, name) in ["third", "fourth", "fifth", "sixth"].into_iter().enumerate() {
            hang(name);
            eventually("one more", || open.load(Ordering::SeqCst) == 7 + number);
        }
        let (say, heard) = mpsc::channel();
        submit(&waiting, "quick", 1, move || say.send(()).unwrap());
        heard.recv_timeout(Duration::from_secs(30)).expect("a newcomer gets a thread");
        assert_eq!(open.load(Ordering::SeqCst), 10);
        opens.add_permits(1000);
        eventually("all of them", || open.load(Ordering::SeqCst) == 120);
    }

    #[test]
    fn newcomers_have_a_bound_as_well() {
        let waiting = Waiting::with(1, 1);
        let (opens, open) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        for number in 0..20 {
            let (opens, open) = (opens.clone(), open.clone());
            submit(&waiting, &number.to_string(), 1, move || {
                open.fetch_add(1, Ordering::SeqCst);
                let _ = block_on(opens.acquire());
            });
        }
        eventually("the most", || open.load(Ordering::SeqCst) == WITH_NEWCOMERS);
        assert_eq!(waiting.inner.state().threads, WITH_NEWCOMERS);
        opens.add_permits(20);
        eventually("all of them", || open.load(Ordering::SeqCst) == 20);
    }

    #[test]
    fn what_has_not_begun_is_turned_away_where_it_can_be() {
        let waiting = Waiting::with(1, 2);
        let (opens, wait) = mpsc::channel::<()>();
        let (say, heard) = mpsc::channel();
        submit(&waiting, "a", 9, move || {
            let _ = wait.recv();
        });
        eventually("it runs", || waiting.inner.state().running == 1);
        for number in 0..3 {
            let say = say.clone();
            let tell = move |number, fate| say.send((number, fate)).unwrap();
            assert!(waiting.offer_loosely(&subject("a"), 9, number, tell).is_none());
        }
        let last = say.clone();
        submit(&waiting, "a", 9, move || last.send((3, Fate::Begun)).unwrap());
        waiting.turn_away();
        let turned_away: Vec<_> = heard.try_iter().collect();
        assert_eq!(turned_away, [0, 1, 2].map(|number| (number, Fate::TurnedAway)));
        drop(opens);
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)), Ok((3, Fate::Begun)));
        let tell = move |number, fate| say.send((number, fate)).unwrap();
        assert!(waiting.offer_loosely(&subject("a"), 9, 4, tell).is_none());
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)), Ok((4, Fate::Begun)));
    }

    /// A thread that waits for a lock or a store lends its turn like one that waits for an answer.
    #[test]
    fn a_turn_is_lent_while_its_thread_waits_and_had_again_afterwards() {
        let waiting = Waiting::with(1, 4);
        let (say, heard) = mpsc::channel();
        let (opens, wait) = mpsc::channel::<()>();
        assert!(!has_turn());
        without_turn(|| ());
        submit(&waiting, "a", 1, move || {
            let lent = without_turn(|| {
                let _ = wait.recv();
                !has_turn()
            });
            say.send((lent, has_turn())).unwrap();
        });
        // Gets the only turn meanwhile, and lets the other one go on.
        submit(&waiting, "b", 1, move || drop(opens));
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)), Ok((true, true)));
        eventually("nothing is left", || waiting.inner.state().lines.is_empty());
        eventually("the turn is free", || *waiting.inner.turns.free.lock().unwrap() == 1);
    }

    #[test]
    fn a_line_has_its_room() {
        let waiting = Waiting::with(1, 2);
        let (opens, wait) = mpsc::channel::<()>();
        assert!(submit(&waiting, "a", 2, move || {
            let _ = wait.recv();
        }));
        eventually("it runs", || waiting.inner.state().running == 1);
        let fits: Vec<bool> = (0..3).map(|_| submit(&waiting, "a", 2, || {})).collect();
        assert_eq!(fits, [true, true, false]);
        drop(opens);
        eventually("nothing is left", || waiting.inner.state().lines.is_empty());
    }

    /// P6: those that compute take turns, and one that waits does not keep its turn.
    #[test]
    fn no_more_compute_than_may() {
        let waiting = Waiting::with(2, 16);
        let computing = Arc::new(AtomicUsize::new(0));
        let (say, heard) = mpsc::channel();
        for number in 0..16 {
            let (computing, say) = (computing.clone(), say.clone());
            submit(&waiting, &number.to_string(), 1, move || {
                for _ in 0..20 {
                    let most = computing.fetch_add(1, Ordering::SeqCst) + 1;
                    std::thread::sleep(Duration::from_micros(200));
                    computing.fetch_sub(1, Ordering::SeqCst);
                    say.send(most).unwrap();
                    let mut again = false;
                    block_on(std::future::poll_fn(|context| {
                        context.waker().wake_by_ref();
                        if std::mem::replace(&mut again, true) { Poll::Ready(()) } else { Poll::Pending }
                    }));
                }
            });
        }
        drop(say);
        let most: Vec<usize> = heard.iter().collect();
        assert_eq!(most.len(), 320);
        assert!(most.iter().all(|most| *most <= 2), "{most:?}");
    }

    #[tokio::test]
    async fn what_is_done_is_handed_back_and_a_panic_is_told() {
        let waiting = Waiting::new(1);
        assert_eq!(waiting.run(&subject("a"), || 7).await, Some(7));
        assert_eq!(waiting.run::<()>(&subject("a"), || panic!("as the test wants it")).await, None);
        assert_eq!(waiting.run(&subject("a"), || 8).await, Some(8));
    }
}
