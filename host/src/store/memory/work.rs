//! Handing out runs and deliveries, and taking them back.

use std::sync::Arc;

use crate::delivery::{DeliveryEnd, RunEnd, RunId, State};
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Hastened, Lease, Leased, LeasedDelivery, LeasedRun, SettledDelivery, SettledRun, Settlement, Waits,
};

use super::agenda::Agenda;
use super::books::Books;
use super::tables::{Number, Run, Task};

impl Books {
    /// See [`Store::lease_runs`](crate::store::Store::lease_runs).
    pub(super) fn lease_runs(
        &mut self,
        limit: usize,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Leased<LeasedRun> {
        let mut work = Vec::new();
        while work.len() < limit
            && let Some(number) = self.due_runs.take(now)
        {
            work.extend(self.lease_run(number, now, until));
        }
        Leased { work, next_due: self.due_runs.next_due(now) }
    }

    /// Hands out a run that is not in the agenda.
    pub(super) fn lease_run(
        &mut self,
        number: Number,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Option<LeasedRun> {
        let lease = Lease(self.next_number());
        let run = self.runs.get_mut(number)?;
        let event = self.events.get(&run.task.event)?.event.clone()?;
        let attempt = hand_out(&mut run.task, &mut self.due_runs, number, lease, now, until);
        Some(LeasedRun { id: run.id, event, route: Arc::clone(&run.task.route), attempt, lease })
    }

    /// See [`Store::renew_runs`](crate::store::Store::renew_runs).
    pub(super) fn renew_run(&mut self, id: RunId, lease: Lease, until: UnixMillis) {
        let Some(number) = self.runs.number(id) else { return };
        let Some(run) = self.runs.get_mut(number) else { return };
        if let Some(before) = run.task.renew_lease(lease, until) {
            self.due_runs.strike(before, number);
            self.due_runs.enter(until, number);
        }
    }

    /// See [`Store::hasten_runs`](crate::store::Store::hasten_runs).
    pub(super) fn hasten_runs(
        &mut self,
        cause: &str,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Hastened {
        let from = after.map_or((now, Number::MAX), |waits| (waits.due, waits.number as Number));
        let seen: Vec<_> = self.due_runs.after(from.max((now, Number::MAX))).take(step).collect();
        let mut runs = 0;
        for &(due, number) in &seen {
            let Some(Run { task, .. }) = self.runs.get_mut(number) else { continue };
            let is_meant = task.detail.as_deref().is_some_and(|detail| detail.starts_with(cause));
            if task.state == State::Pending && is_meant {
                task.due = now;
                self.due_runs.strike(due, number);
                self.run_waits(number);
                runs += 1;
            }
        }
        let last = seen.last().filter(|_| seen.len() >= step);
        Hastened { runs, next: last.map(|&(due, number)| Waits { due, number: number as i64 }) }
    }

    /// See [`Store::lease_deliveries`](crate::store::Store::lease_deliveries).
    pub(super) fn lease_deliveries(
        &mut self,
        wanted: &[(Arc<str>, usize)],
        now: UnixMillis,
        until: UnixMillis,
    ) -> Leased<LeasedDelivery> {
        let mut work = Vec::new();
        let mut next_due: Option<UnixMillis> = None;
        for (destination, limit) in wanted {
            let end = work.len() + limit;
            while work.len() < end
                && let Some(number) =
                    self.due_deliveries.get_mut(destination).and_then(|agenda| agenda.take(now))
            {
                work.extend(self.lease_delivery(number, now, until));
            }
            let next = self.due_deliveries.get(destination).and_then(|agenda| agenda.next_due(now));
            next_due = next_due.into_iter().chain(next).min();
        }
        Leased { work, next_due }
    }

    fn lease_delivery(
        &mut self,
        number: Number,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Option<LeasedDelivery> {
        let lease = Lease(self.next_number());
        let delivery = self.deliveries.get_mut(number)?;
        let event = self.events.get(&delivery.task.event)?.event.clone()?;
        let agenda = self.due_deliveries.get_mut(&delivery.destination)?;
        let last_cause = delivery.task.last_cause();
        let attempt = hand_out(&mut delivery.task, agenda, number, lease, now, until);
        Some(LeasedDelivery {
            id: delivery.id,
            route: Arc::clone(&delivery.task.route),
            destination: Arc::clone(&delivery.destination),
            event,
            message: Arc::clone(&delivery.message),
            attempt,
            last_cause,
            since: delivery.task.since,
            lease,
        })
    }

    /// See [`Store::settle_runs`](crate::store::Store::settle_runs).
    pub(super) fn settle_run(&mut self, settled: SettledRun, now: UnixMillis) -> Settlement {
        let SettledRun { id, lease, attempt, end } = settled;
        let Some((number, until)) = self
            .runs
            .number(id)
            .and_then(|number| Some((number, self.runs.get(number)?.task.leased_until(lease)?)))
        else {
            return Settlement::Lost;
        };
        if let RunEnd::Done { kv, .. } = &end
            && !(self.kv.agrees(&kv.read, now) && self.kv.has_room(kv, now))
        {
            return Settlement::Conflict;
        }
        self.due_runs.strike(until, number);
        let Some(run) = self.runs.get_mut(number) else { return Settlement::Lost };
        let said = run.task.note(attempt);
        match end {
            RunEnd::Retry { due, cause } => {
                run.task.retry(due, cause);
                self.run_waits(number);
            }
            RunEnd::Released => {
                run.task.release();
                self.run_waits(number);
            }
            RunEnd::Postponed { due, cause } => {
                run.task.release();
                (run.task.due, run.task.detail) = (due, Some(cause));
                self.run_waits(number);
            }
            RunEnd::Dead { cause } => self.end_run(number, State::Dead, Some(cause), now),
            RunEnd::Done { deliveries, dropped, reply, kv } => {
                let event = run.task.event;
                self.kv.write(kv.written, kv.version);
                if let Some(reply) = reply
                    && let Some(key) = self.events.get(&event).and_then(|record| record.key)
                {
                    self.known.answer(key, event, reply);
                }
                self.enter_deliveries(number, deliveries, now);
                match dropped {
                    Some(rule) => self.end_run(number, State::Dropped, Some(rule), now),
                    None => self.end_run(number, State::Done, said, now),
                }
            }
        }
        Settlement::Recorded
    }

    /// Puts a run that is pending into the agenda.
    fn run_waits(&mut self, number: Number) {
        if let Some(time) = self.runs.get(number).and_then(|run| run.task.time()) {
            self.due_runs.enter(time, number);
            self.bells.runs = true;
        }
    }

    fn end_run(&mut self, number: Number, state: State, detail: Option<String>, now: UnixMillis) {
        let Some(run) = self.runs.get_mut(number) else { return };
        run.task.end(state, detail, now);
        let event = run.task.event;
        self.ledger.runs_pending -= 1;
        match state {
            State::Dead => {
                self.ledger.runs_dead += 1;
                self.add_dead_letter(number, event);
            }
            State::Dropped => self.ledger.runs_dropped += 1,
            _ => {}
        }
        self.let_pass(number, now);
        self.close(event, now);
    }

    /// See [`Store::settle_deliveries`](crate::store::Store::settle_deliveries).
    pub(super) fn settle_delivery(&mut self, settled: SettledDelivery, now: UnixMillis) -> Settlement {
        let SettledDelivery { id, lease, attempt, end } = settled;
        let Some(number) = self.deliveries.number(id) else { return Settlement::Lost };
        let Some(delivery) = self.deliveries.get_mut(number) else { return Settlement::Lost };
        let Some(until) = delivery.task.leased_until(lease) else { return Settlement::Lost };
        if let Some(agenda) = self.due_deliveries.get_mut(&delivery.destination) {
            agenda.strike(until, number);
        }
        let said = delivery.task.note(attempt);
        match end {
            DeliveryEnd::Retry { due, cause } => {
                delivery.task.retry(due, cause);
                self.delivery_waits(number);
            }
            DeliveryEnd::Released => {
                delivery.task.release();
                self.delivery_waits(number);
            }
            DeliveryEnd::Delivered => self.end_delivery(number, State::Done, said, now),
            DeliveryEnd::Dead { cause } => self.end_delivery(number, State::Dead, Some(cause), now),
        }
        Settlement::Recorded
    }

    /// Puts a delivery that is pending into its agenda.
    pub(super) fn delivery_waits(&mut self, number: Number) {
        let Some(delivery) = self.deliveries.get(number) else { return };
        if let Some(time) = delivery.task.time()
            && let Some(agenda) = self.due_deliveries.get_mut(&delivery.destination)
        {
            agenda.enter(time, number);
            self.bells.deliveries = true;
        }
    }

    fn end_delivery(&mut self, number: Number, state: State, detail: Option<String>, now: UnixMillis) {
        let Some(delivery) = self.deliveries.get_mut(number) else { return };
        delivery.task.end(state, detail, now);
        let (event, of) = (delivery.task.event, delivery.run);
        self.ledger.deliveries_pending -= 1;
        if let Some(run) = self.runs.get_mut(of) {
            run.open -= 1;
        }
        match state {
            State::Dead => {
                self.ledger.deliveries_dead += 1;
                self.add_dead_letter(of, event);
            }
            _ => self.ledger.delivered += 1,
        }
        self.let_pass(of, now);
        self.close(event, now);
    }

    /// Counts a dead letter of a run or of its deliveries.
    fn add_dead_letter(&mut self, run: Number, event: EventId) {
        if let Some(run) = self.runs.get_mut(run) {
            run.dead += 1;
        }
        if let Some(record) = self.events.get_mut(&event) {
            record.dead += 1;
        }
        self.ledger.dead_letters += 1;
    }
}

/// Counts the attempt and enters when the lease runs out.
fn hand_out(
    task: &mut Task,
    agenda: &mut Agenda,
    number: Number,
    lease: Lease,
    now: UnixMillis,
    until: UnixMillis,
) -> u32 {
    // A lease that has run out when it is made out would be handed out again at once, for ever.
    let until = until.max(now.saturating_add(1));
    agenda.enter(until, number);
    task.hand_out(lease, until)
}
