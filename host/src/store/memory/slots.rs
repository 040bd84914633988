//! Values in numbered slots, which leases point at.

use crate::store::Lease;

/// Where a value is.
pub(super) type Slot = u32;

/// Values by slot. Every slot has a stamp that changes whenever a lease is made out or ends, so that what an older
/// lease says no longer fits; no search by id is needed.
#[derive(Debug)]
pub(super) struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: Vec<Slot>,
}

#[derive(Debug)]
struct Entry<T> {
    stamp: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Puts a value into a free slot.
    pub(super) fn insert(&mut self, value: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.entries[slot as usize].value = Some(value);
            return slot;
        }
        self.entries.push(Entry { stamp: 0, value: Some(value) });
        // More than 2^32 values would not fit into memory.
        (self.entries.len() - 1) as Slot
    }

    /// The value in the slot.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.entries.get(slot as usize)?.value.as_ref()
    }

    /// The value in the slot.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.value.as_mut()
    }

    /// Takes the value out; leases of it are void.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let value = self.entries.get_mut(slot as usize)?.value.take()?;
        self.free.push(slot);
        self.void(slot);
        Some(value)
    }

    /// Makes out a lease; earlier ones are void.
    pub(super) fn lease(&mut self, slot: Slot) -> Lease {
        self.void(slot);
        let stamp = self.entries.get(slot as usize).map_or(0, |entry| entry.stamp);
        Lease(u64::from(slot) << 32 | u64::from(stamp))
    }

    /// Makes every lease of the slot worthless.
    pub(super) fn void(&mut self, slot: Slot) {
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.stamp = entry.stamp.wrapping_add(1);
        }
    }

    /// The slot that a lease is for, unless the lease is void.
    pub(super) fn leased(&self, lease: Lease) -> Option<Slot> {
        let slot = (lease.0 >> 32) as Slot;
        let entry = self.entries.get(slot as usize)?;
        (entry.value.is_some() && entry.stamp == lease.0 as u32).then_some(slot)
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_lease_fits() {
        let mut slots = Slots::default();
        let (a, b) = (slots.insert("a"), slots.insert("b"));
        let first = slots.lease(a);
        assert_eq!(slots.leased(first), Some(a));
        let second = slots.lease(a);
        assert_eq!((slots.leased(first), slots.leased(second)), (None, Some(a)));
        assert_eq!(slots.remove(a), Some("a"));
        assert_eq!(slots.leased(second), None);
        assert_eq!(slots.insert("c"), a, "the slot is used again");
        assert_eq!(slots.leased(second), None);
        assert_eq!((slots.get(a), slots.get(b), slots.len()), (Some(&"c"), Some(&"b"), 2));
    }
}
