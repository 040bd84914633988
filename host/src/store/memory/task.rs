//! Work that is handed out under a lease and comes back.

use std::sync::Arc;

use crate::event::UnixMillis;
use crate::store::Lease;

use super::agenda::Agenda;
use super::slots::{Slot, Slots};

/// Work that can be leased.
#[derive(Debug)]
pub(super) struct Task<T> {
    /// What is to be done.
    pub(super) what: T,
    /// Its event.
    pub(super) event: Slot,
    /// Its route's name.
    pub(super) route: Arc<str>,
    /// Not before; a lease does not change it.
    pub(super) due: UnixMillis,
    /// Counted when it is handed out.
    pub(super) attempts: u32,
    /// Where it stands in the agenda while it is leased.
    pub(super) leased_until: Option<UnixMillis>,
}

/// Leases a task that is due, counting the attempt.
pub(super) fn hand_out<T>(
    tasks: &mut Slots<Task<T>>,
    agenda: &mut Agenda,
    slot: Slot,
    now: UnixMillis,
    until: UnixMillis,
) -> Option<(u32, Lease)> {
    let task = tasks.get_mut(slot)?;
    // A lease that has run out when it is made out would be handed out again at once, for ever.
    let until = until.max(now.saturating_add(1));
    task.attempts += 1;
    task.leased_until = Some(until);
    let attempt = task.attempts;
    agenda.enter_at(until, slot);
    Some((attempt, tasks.lease(slot)))
}

/// Ends a lease, if it is still one for that task.
pub(super) fn hand_back<T>(
    tasks: &mut Slots<Task<T>>,
    agenda: &mut Agenda,
    lease: Lease,
    is_it: impl FnOnce(&T) -> bool,
) -> Option<Slot> {
    let slot = tasks.leased(lease)?;
    let task = tasks.get_mut(slot)?;
    if !is_it(&task.what) {
        return None;
    }
    agenda.strike(task.leased_until.take()?, slot);
    tasks.void(slot);
    Some(slot)
}

/// Enters a task for another attempt.
pub(super) fn again<T>(tasks: &mut Slots<Task<T>>, agenda: &mut Agenda, slot: Slot, due: UnixMillis) {
    let Some(task) = tasks.get_mut(slot) else { return };
    task.due = due;
    agenda.enter_at(due, slot);
}

/// Enters a task as if it had not been leased.
pub(super) fn put_back<T>(tasks: &mut Slots<Task<T>>, agenda: &mut Agenda, slot: Slot) {
    let Some(task) = tasks.get_mut(slot) else { return };
    task.attempts -= 1;
    agenda.enter_at(task.due, slot);
}
