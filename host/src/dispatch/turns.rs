//! Questions that wait in line, those about one subject in a line of their own. However many one subject has, and however
//! long each of them takes, the others have their turn.

use std::collections::VecDeque;
use std::sync::Arc;

/// A line for each subject.
pub(super) struct Turns<T> {
    /// Those with something waiting or being answered, the next one first.
    lines: VecDeque<Line<T>>,
    /// Of each line.
    capacity: usize,
    /// Of each line that are answered at once.
    at_once: usize,
}

struct Line<T> {
    subject: Arc<str>,
    waiting: VecDeque<T>,
    answering: usize,
}

impl<T> Turns<T> {
    pub(super) fn new(capacity: usize, at_once: usize) -> Self {
        Turns { lines: VecDeque::new(), capacity, at_once }
    }

    /// Adds one at the end of its line; false if that is full.
    pub(super) fn push(&mut self, subject: &Arc<str>, item: T) -> bool {
        match self.lines.iter_mut().find(|line| line.subject == *subject) {
            Some(line) if line.waiting.len() >= self.capacity => return false,
            Some(line) => line.waiting.push_back(item),
            None => {
                let line = Line { subject: subject.clone(), waiting: VecDeque::from([item]), answering: 0 };
                self.lines.push_back(line);
            }
        }
        true
    }

    /// Takes the first of the line whose turn it is, with its subject.
    pub(super) fn pop(&mut self) -> Option<(Arc<str>, T)> {
        let at = self.lines.iter().position(|line| self.is_ready(line))?;
        let mut line = self.lines.remove(at)?;
        let item = line.waiting.pop_front()?;
        line.answering += 1;
        let subject = line.subject.clone();
        self.lines.push_back(line);
        Some((subject, item))
    }

    /// Whether one can be taken.
    pub(super) fn is_anybodys_turn(&self) -> bool {
        self.lines.iter().any(|line| self.is_ready(line))
    }

    fn is_ready(&self, line: &Line<T>) -> bool {
        line.answering < self.at_once && !line.waiting.is_empty()
    }

    /// Says that one that was taken is answered.
    pub(super) fn answered(&mut self, subject: &Arc<str>) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.subject == *subject) {
            line.answering = line.answering.saturating_sub(1);
        }
        self.lines.retain(|line| line.answering > 0 || !line.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_has_its_turn_and_its_bounds() {
        let (loud, quiet): (Arc<str>, Arc<str>) = ("loud".into(), "quiet".into());
        let mut turns = Turns::new(4, 2);
        let taken: Vec<bool> = (1..=5).map(|item| turns.push(&loud, item)).collect();
        assert_eq!(taken, [true, true, true, true, false]);
        assert!(turns.push(&quiet, 7));
        let next = |turns: &mut Turns<i32>| turns.pop().map(|(_, item)| item);
        let order = [next(&mut turns), next(&mut turns), next(&mut turns), next(&mut turns)];
        assert_eq!(order, [Some(1), Some(7), Some(2), None], "two of the loud one are being answered");
        turns.answered(&loud);
        assert_eq!([next(&mut turns), next(&mut turns)], [Some(3), None]);
        turns.answered(&quiet);
        turns.answered(&loud);
        assert_eq!(next(&mut turns), Some(4));
        turns.answered(&loud);
        turns.answered(&loud);
        assert!(turns.lines.is_empty());
    }
}
