//! Runs that go one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::delivery::State;
use crate::event::UnixMillis;
use crate::store::Order;

use super::books::Books;
use super::tables::{Number, Run};

/// A route and a key of its runs.
pub(super) type LineKey = (Arc<str>, String);

/// Who stands in which line. The first is at work, or is waited for; those behind it are held.
pub(super) type Lines = HashMap<Arc<LineKey>, VecDeque<Number>>;

impl Books {
    /// Puts a new run at the end of its line.
    pub(super) fn queue_up(&mut self, number: Number, run: &mut Run, order: Order) {
        let key = Arc::new((Arc::clone(&run.task.route), order.key));
        let line = self.lines.entry(Arc::clone(&key)).or_default();
        if !line.is_empty() {
            run.task.state = State::Held;
        }
        line.push_back(number);
        (run.line, run.waits) = (Some(key), order.waits_for_dead_letters);
    }

    /// Lets the next in line go, if this run is not in its way any more.
    pub(super) fn let_pass(&mut self, number: Number, now: UnixMillis) {
        let Some(run) = self.runs.get_mut(number) else { return };
        let waited_for = !run.task.state.has_ended() || run.open > 0 || run.waits && run.dead > 0;
        if !waited_for && let Some(key) = run.line.take() {
            self.leave(&key, now);
        }
    }

    /// The first leaves its line.
    pub(super) fn leave(&mut self, key: &LineKey, now: UnixMillis) {
        let Some(line) = self.lines.get_mut(key) else { return };
        line.pop_front();
        let Some(&next) = line.front() else {
            self.lines.remove(key);
            return;
        };
        if let Some(run) = self.runs.get_mut(next) {
            run.task.go(now);
            self.due_runs.enter(now, next);
            self.bells.runs = true;
        }
    }
}
