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

/// One of them, until dropped.
#[derive(Debug)]
pub(super) struct Beginning {
    begun: Arc<Begun>,
    id: DeliveryId,
}

impl Begun {
    /// Enters a delivery that has been leased. None if an attempt is under way already, which has the lease now.
    pub(super) fn enter(self: &Arc<Self>, id: DeliveryId, lease: Lease) -> Option<Beginning> {
        let before = self.leases().insert(id, lease);
        before.is_none().then(|| Beginning { begun: self.clone(), id })
    }

    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn leases(&self) -> MutexGuard<'_, HashMap<DeliveryId, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beginning {
    /// The lease under which it is settled.
    pub(super) fn lease(&self) -> Option<Lease> {
        self.begun.leases().get(&self.id).copied()
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        self.begun.leases().remove(&self.id);
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
        assert_eq!((first.lease(), other.lease()), (Some(Lease(3)), Some(Lease(2))));
        drop(first);
        assert_eq!(begun.enter(id(1), Lease(4)).unwrap().lease(), Some(Lease(4)));
    }
}
