//! Deliveries whose attempt is under way. A lease is longer than any attempt takes, but a clock that is set forward ends
//! it early, and the store hands the delivery out again. It must not be sent a second time then: the attempt that is
//! under way goes on under the new lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::delivery::DeliveryId;
use crate::store::Lease;

/// The deliveries, with the latest lease of each.
#[derive(Debug, Default)]
pub(super) struct Begun {
    leases: Mutex<HashMap<DeliveryId, Lease>>,
}

/// One of them, until it is ended or dropped.
#[derive(Debug)]
pub(super) struct Beginning {
    begun: Arc<Begun>,
    id: DeliveryId,
    first: Lease,
    ended: bool,
}

impl Begun {
    /// Enters a delivery that has been leased. None if an attempt is under way already, which has the lease now.
    pub(super) fn enter(self: &Arc<Self>, id: DeliveryId, lease: Lease) -> Option<Beginning> {
        let before = self.leases().insert(id, lease);
        before.is_none().then(|| Beginning { begun: self.clone(), id, first: lease, ended: false })
    }

    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn leases(&self) -> MutexGuard<'_, HashMap<DeliveryId, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beginning {
    /// The lease under which it is settled.
    pub(super) fn lease(&self) -> Lease {
        self.begun.leases().get(&self.id).copied().unwrap_or(self.first)
    }

    /// Ends it if this is still its lease. If not, it has been handed out again meanwhile, and is given back.
    pub(super) fn end(mut self, lease: Lease) -> Option<Beginning> {
        let mut leases = self.begun.leases();
        if leases.get(&self.id).is_some_and(|latest| *latest != lease) {
            drop(leases);
            return Some(self);
        }
        leases.remove(&self.id);
        drop(leases);
        self.ended = true;
        None
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        // Once it is ended, another one of the same id may have begun.
        if !self.ended {
            self.begun.leases().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_delivery_is_begun_once_and_has_the_latest_lease() {
        let begun = Arc::new(Begun::default());
        let id = |number| DeliveryId(Uuid::from_u128(number));
        let first = begun.enter(id(1), Lease(1)).unwrap();
        let other = begun.enter(id(2), Lease(2)).unwrap();
        assert!(begun.enter(id(1), Lease(3)).is_none());
        assert_eq!((first.lease(), other.lease()), (Lease(3), Lease(2)));
        let first = first.end(Lease(1)).expect("it was handed out again");
        assert!(begun.enter(id(1), Lease(4)).is_none(), "it has not ended");
        assert!(first.end(Lease(4)).is_none());
        let again = begun.enter(id(1), Lease(5)).unwrap();
        assert_eq!(again.lease(), Lease(5));
        drop(again);
        assert_eq!(begun.enter(id(1), Lease(6)).unwrap().lease(), Lease(6));
    }
}
