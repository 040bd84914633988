//! Where runs wait for a guest thread. Several are handed over at once and wake no more threads than there are runs: a
//! thread that is woken for each of them goes to sleep after each of them, and the two switches cost more than the run.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue that several threads take from, with a lane for what is urgent.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
    /// Of each lane.
    capacity: usize,
}

struct State<T> {
    urgent: VecDeque<T>,
    usual: VecDeque<T>,
    /// Threads that wait.
    idle: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let lane = || VecDeque::with_capacity(capacity);
        let state = State { urgent: lane(), usual: lane(), idle: 0, closed: false };
        Queue { state: Mutex::new(state), bell: Condvar::new(), capacity }
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

    /// Takes the next one, and waits for it. None once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(item) = state.urgent.pop_front() {
                return Some(item);
            }
            if let Some(item) = state.usual.pop_front() {
                return Some(item);
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
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urgent_comes_first_and_each_lane_is_bounded() {
        let queue = Queue::new(2);
        assert_eq!(queue.push_all(VecDeque::from([1, 2, 3])), [3]);
        assert_eq!((queue.room(), queue.is_low()), (0, false));
        assert_eq!([queue.push_urgent(7), queue.push_urgent(8), queue.push_urgent(9)], [true, true, false]);
        queue.close();
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, [7, 8, 1, 2]);
        assert_eq!((queue.room(), queue.is_low()), (2, true));
    }

    #[test]
    fn waiting_threads_get_everything_and_end() {
        let queue = Queue::new(1000);
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
