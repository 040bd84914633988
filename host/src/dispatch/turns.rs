//! Questions that wait in line, those about one subject in a line of their own: however many one subject has, each other
//! waits for one of them only.

use std::collections::VecDeque;
use std::sync::Arc;

/// A line for each subject.
pub(super) struct Turns<T> {
    /// Those that are not empty, the next one first.
    lines: VecDeque<(Arc<str>, VecDeque<T>)>,
    /// Of each line.
    capacity: usize,
}

impl<T> Turns<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Turns { lines: VecDeque::new(), capacity }
    }

    /// Adds one at the end of its line; false if that is full.
    pub(super) fn push(&mut self, subject: &Arc<str>, item: T) -> bool {
        match self.lines.iter_mut().find(|(known, _)| known == subject) {
            Some((_, line)) if line.len() >= self.capacity => return false,
            Some((_, line)) => line.push_back(item),
            None => self.lines.push_back((subject.clone(), VecDeque::from([item]))),
        }
        true
    }

    /// Takes the first of the line whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (subject, mut line) = self.lines.pop_front()?;
        let item = line.pop_front();
        if !line.is_empty() {
            self.lines.push_back((subject, line));
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_has_its_turn_and_its_bound() {
        let (loud, quiet): (Arc<str>, Arc<str>) = ("loud".into(), "quiet".into());
        let mut turns = Turns::new(3);
        let taken: Vec<bool> = (1..=4).map(|item| turns.push(&loud, item)).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert!(turns.push(&quiet, 7));
        let order: Vec<i32> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order, [1, 7, 2, 3]);
        assert_eq!(turns.pop(), None);
        assert!(turns.push(&loud, 5));
        assert_eq!(turns.pop(), Some(5));
    }
}
