//! Numbers to wander by.

/// Xorshift; enough to wander.
#[derive(Default)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(seed | 1)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// Takes one out, or leaves it in and returns a copy, so that leases are also used late and twice.
    pub(super) fn pick<T: Clone>(&mut self, from: &mut Vec<T>) -> Option<T> {
        if from.is_empty() {
            return None;
        }
        let at = self.below(from.len() as u64) as usize;
        match self.below(10) {
            0 => Some(from[at].clone()),
            _ => Some(from.swap_remove(at)),
        }
    }
}
