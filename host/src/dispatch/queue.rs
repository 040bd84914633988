//! Where runs wait for a guest thread. Several are handed over at once and wake no more threads than there are runs: a
//! thread that is woken for each of them goes to sleep after each of them, and the two switches cost more than the run.
//!
//! Beside them wait questions, for which senders wait. Strangers cause them, so they get no more than half of the threads,
//! those about one subject no more than half of that, and on a single thread they take turns with runs.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::turns::Turns;

/// A bounded queue that several threads take from, with a lane for what is urgent and one for questions.
pub(super) struct Queue<T, Q> {
    state: Mutex<State<T, Q>>,
    bell: Condvar,
    /// Of each lane.
    capacity: usize,
    /// Questions that are answered at once.
    max_answering: usize,
}

/// What a thread is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T, Q> {
    Run(T),
    /// With its subject; [`Queue::answered`] is to be called afterwards.
    Question(Arc<str>, Q),
}

struct State<T, Q> {
    urgent: VecDeque<T>,
    /// What was taken before and has to be taken again; as many as were taken and have not ended, so that it needs no
    /// bound.
    again: VecDeque<T>,
    usual: VecDeque<T>,
    questions: Turns<Q>,
    /// Questions being answered.
    answering: usize,
    /// Whether a run goes before a question.
    runs_turn: bool,
    /// Threads that wait.
    idle: usize,
    closed: bool,
}

impl<T, Q> Queue<T, Q> {
    /// A queue for so many threads, with room for so many in each lane.
    pub(super) fn new(threads: usize, capacity: usize) -> Self {
        let lane = || VecDeque::with_capacity(capacity);
        let max_answering = (threads / 2).max(1);
        let state = State {
            urgent: lane(),
            again: VecDeque::new(),
            usual: lane(),
            questions: Turns::new(capacity, (max_answering / 2).max(1)),
            answering: 0,
            runs_turn: false,
            idle: 0,
            closed: false,
        };
        Queue { state: Mutex::new(state), bell: Condvar::new(), capacity, max_answering }
    }

    /// How many [`push_all`](Queue::push_all) takes now.
    pub(super) fn room(&self) -> usize {
        self.capacity - self.state().usual.len()
    }

    /// Whether little enough waits that more should be brought.
    pub(super) fn is_low(&self) -> bool {
        self.state().usual.len() <= self.capacity / 4
    }

    /// Adds as many as there is room for, and returns the rest.
    pub(super) fn push_all(&self, mut items: VecDeque<T>) -> VecDeque<T> {
        let mut state = self.state();
        let rest = items.split_off(items.len().min(self.capacity - state.usual.len()));
        let wake = items.len().min(state.idle);
        state.usual.append(&mut items);
        drop(state);
        (0..wake).for_each(|_| self.bell.notify_one());
        rest
    }

    /// Takes out what waits and is neither urgent nor was taken before.
    pub(super) fn turn_away(&self) -> VecDeque<T> {
        std::mem::take(&mut self.state().usual)
    }

    /// Adds one that is taken before the usual ones; false if there is no room.
    pub(super) fn push_urgent(&self, item: T) -> bool {
        let mut state = self.state();
        if state.urgent.len() == self.capacity {
            return false;
        }
        state.urgent.push_back(item);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.bell.notify_one();
        }
        true
    }

    /// Adds one that was taken before, and is taken again before the others.
    pub(super) fn push_again(&self, item: T) {
        let mut state = self.state();
        state.again.push_back(item);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.bell.notify_one();
        }
    }

    /// Adds a question about a subject; false if too many about that wait.
    pub(super) fn ask(&self, subject: &Arc<str>, question: Q) -> bool {
        let mut state = self.state();
        let taken = state.questions.push(subject, question);
        let wake = taken && state.idle > 0 && state.answering < self.max_answering;
        drop(state);
        if wake {
            self.bell.notify_one();
        }
        taken
    }

    /// Says that a question is answered, or given up. The thread that says so takes the next one.
    pub(super) fn answered(&self, subject: &Arc<str>) {
        let mut state = self.state();
        state.answering -= 1;
        state.questions.answered(subject);
    }

    /// Takes the next one, and waits for it. None once the queue is closed and has nothing more for this thread.
    pub(super) fn take(&self) -> Option<Next<T, Q>> {
        let mut state = self.state();
        loop {
            if let Some(next) = state.next(self.max_answering) {
                // A question that had to wait for another of its subject has woken nobody.
                let wake = state.idle > 0
                    && state.answering < self.max_answering
                    && state.questions.is_anybodys_turn();
                drop(state);
                if wake {
                    self.bell.notify_one();
                }
                return Some(next);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Lets the threads go once nothing is left.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.bell.notify_all();
    }

    /// No operation leaves the lanes half changed, so that a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State<T, Q>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, Q> State<T, Q> {
    fn next(&mut self, max_answering: usize) -> Option<Next<T, Q>> {
        let has_run = !(self.again.is_empty() && self.urgent.is_empty() && self.usual.is_empty());
        let may_answer = self.answering < max_answering && !(self.runs_turn && has_run);
        if let Some((subject, question)) = may_answer.then(|| self.questions.pop()).flatten() {
            self.answering += 1;
            self.runs_turn = true;
            return Some(Next::Question(subject, question));
        }
        self.runs_turn = false;
        let lanes = [&mut self.again, &mut self.urgent, &mut self.usual];
        let run = lanes.into_iter().find_map(VecDeque::pop_front);
        run.map(Next::Run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T, Q>(next: Next<T, Q>) -> Option<T> {
        match next {
            Next::Run(run) => Some(run),
            Next::Question(..) => None,
        }
    }

    #[test]
    fn questions_get_half_of_the_threads_and_take_turns_with_runs() {
        let (loud, quiet): (Arc<str>, Arc<str>) = ("loud".into(), "quiet".into());
        let queue = Queue::new(4, 8);
        for question in ["a", "b", "c"] {
            assert!(queue.ask(&loud, question));
        }
        queue.push_all(VecDeque::from([1, 2, 3]));
        let next = || queue.take().unwrap();
        let asked = |subject: &Arc<str>, question| Next::Question(subject.clone(), question);
        assert_eq!([next(), next()], [asked(&loud, "a"), Next::Run(1)]);
        assert!(queue.ask(&quiet, "d"));
        assert_eq!([next(), next()], [asked(&quiet, "d"), Next::Run(2)], "the loud one has its share");
        queue.answered(&loud);
        assert_eq!([next(), next()], [asked(&loud, "b"), Next::Run(3)]);
        assert!(queue.ask(&quiet, "e"));
        queue.push_all(VecDeque::from([4, 5]));
        assert_eq!([next(), next()], [Next::Run(4), Next::Run(5)], "two are being answered");
        queue.answered(&quiet);
        assert_eq!(next(), asked(&quiet, "e"));
        queue.answered(&loud);
        queue.answered(&quiet);
        assert_eq!(next(), asked(&loud, "c"));
        queue.close();
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn the_urgent_comes_first_and_each_lane_is_bounded() {
        let queue: Queue<i32, ()> = Queue::new(2, 2);
        assert_eq!(queue.push_all(VecDeque::from([1, 2, 3])), [3]);
        assert_eq!((queue.room(), queue.is_low()), (0, false));
        assert_eq!([queue.push_urgent(7), queue.push_urgent(8), queue.push_urgent(9)], [true, true, false]);
        (3..=5).for_each(|item| queue.push_again(item));
        queue.close();
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).filter_map(run).collect();
        assert_eq!(taken, [3, 4, 5, 7, 8, 1, 2]);
        assert_eq!((queue.room(), queue.is_low()), (2, true));
    }

    #[test]
    fn the_usual_can_be_turned_away() {
        let queue: Queue<i32, ()> = Queue::new(1, 4);
        assert!(queue.push_all(VecDeque::from([1, 2, 3])).is_empty() && queue.push_urgent(7));
        queue.push_again(4);
        assert_eq!(queue.turn_away(), [1, 2, 3]);
        assert!(queue.turn_away().is_empty());
        queue.close();
        let left: Vec<_> = std::iter::from_fn(|| queue.take()).filter_map(run).collect();
        assert_eq!(left, [4, 7]);
    }

    #[test]
    fn waiting_threads_get_everything_and_end() {
        let queue: Queue<i32, ()> = Queue::new(3, 1000);
        let count = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..3).map(|_| scope.spawn(|| std::iter::from_fn(|| queue.take()).count())).collect();
            for _ in 0..100 {
                assert!(queue.push_all((0..9).collect()).is_empty());
                assert!(queue.push_urgent(9));
                while queue.room() < 1000 {
                    std::thread::yield_now();
                }
            }
            queue.close();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(count, 1000);
    }
}
