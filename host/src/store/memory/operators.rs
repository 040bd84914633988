//! What operators do.

use crate::delivery::{DeliveryId, RunId, State};
use crate::event::{EventId, UnixMillis};
use crate::store::{Disabled, Intervened, Intervention, NewRun, WorkId};

use super::books::Books;
use super::tables::Number;

impl Books {
    /// See [`Store::intervene`](crate::store::Store::intervene).
    pub(super) fn intervene(&mut self, asked: Intervention, now: UnixMillis) -> Intervened {
        let done = match asked {
            Intervention::Redeliver(id) => self.redeliver(id, &[State::Done, State::Dead], now),
            Intervention::Revive(id) => self.redeliver(id, &[State::Dead], now),
            Intervention::Rerun { run, by } => self.rerun(run, by, now),
            Intervention::Reprocess { event, runs } => self.reprocess(event, runs, now),
            Intervention::Discard(id) => self.discard(id, now),
            Intervention::Disable { destination, reason } => {
                let since = self.disabled.get(&destination).map_or(now, |disabled| disabled.since);
                let disabled = Disabled { destination: destination.clone(), reason, since };
                self.disabled.insert(destination, disabled);
                Ok(())
            }
            Intervention::Enable(destination) => {
                self.disabled.remove(&destination);
                // Its deliveries were due all the time, and nobody asked for them.
                self.bells.deliveries = true;
                Ok(())
            }
        };
        done.err().unwrap_or(Intervened::Done)
    }

    fn redeliver(&mut self, id: DeliveryId, from: &[State], now: UnixMillis) -> Result<(), Intervened> {
        let number = self.deliveries.number(id).ok_or(Intervened::Missing)?;
        let delivery = self.deliveries.get(number).ok_or(Intervened::Missing)?;
        let (event, run, state) = (delivery.task.event, delivery.run, delivery.task.state);
        if !from.contains(&state) {
            return Err(Intervened::Unfit);
        }
        self.check_content(event)?;
        self.reopen(event);
        if state == State::Dead {
            self.ledger.dead_letters_replayed += 1;
            self.remove_dead_letter(run, event);
        }
        if let Some(delivery) = self.deliveries.get_mut(number) {
            delivery.task.renew(now);
        }
        if let Some(run) = self.runs.get_mut(run) {
            run.open += 1;
        }
        if let Some(record) = self.events.get_mut(&event) {
            record.open += 1;
        }
        self.ledger.deliveries_pending += 1;
        self.delivery_waits(number);
        Ok(())
    }

    fn rerun(&mut self, id: RunId, by: NewRun, now: UnixMillis) -> Result<(), Intervened> {
        let number = self.runs.number(id).ok_or(Intervened::Missing)?;
        let run = self.runs.get_mut(number).ok_or(Intervened::Missing)?;
        let event = run.task.event;
        if run.task.state != State::Dead {
            return Err(Intervened::Unfit);
        }
        self.check_content(event)?;
        self.reopen(event);
        self.bury(number, State::Replaced);
        self.ledger.dead_letters_replayed += 1;
        self.remove_dead_letter(number, event);
        self.enter_run(once_more(by), event, now);
        self.let_pass(number, now);
        Ok(())
    }

    fn reprocess(&mut self, event: EventId, runs: Vec<NewRun>, now: UnixMillis) -> Result<(), Intervened> {
        self.check_content(event)?;
        if runs.is_empty() {
            return Err(Intervened::Unfit);
        }
        self.reopen(event);
        for run in runs {
            self.enter_run(once_more(run), event, now);
        }
        Ok(())
    }

    fn discard(&mut self, id: WorkId, now: UnixMillis) -> Result<(), Intervened> {
        let number = match id {
            WorkId::Run(id) => self.runs.number(id),
            WorkId::Delivery(id) => self.deliveries.number(id),
        };
        let number = number.ok_or(Intervened::Missing)?;
        let (task, run) = match (self.runs.get(number), self.deliveries.get(number)) {
            (Some(run), _) => (&run.task, number),
            (None, Some(delivery)) => (&delivery.task, delivery.run),
            (None, None) => return Err(Intervened::Missing),
        };
        let event = task.event;
        if task.state != State::Dead {
            return Err(Intervened::Unfit);
        }
        let was_shelved = self.unshelve(event);
        self.bury(number, State::Discarded);
        self.ledger.dead_letters_discarded += 1;
        self.remove_dead_letter(run, event);
        if was_shelved {
            self.shelve(event);
            self.make_room(now);
        }
        self.let_pass(run, now);
        Ok(())
    }

    /// A dead letter is one no more; when and how it ended stays.
    fn bury(&mut self, number: Number, state: State) {
        if let Some(run) = self.runs.get_mut(number) {
            run.task.bury(state);
        } else if let Some(delivery) = self.deliveries.get_mut(number) {
            delivery.task.bury(state);
        }
    }

    /// That there is something to be sent or run once more.
    fn check_content(&self, event: EventId) -> Result<(), Intervened> {
        let record = self.events.get(&event).ok_or(Intervened::Missing)?;
        record.event.as_ref().map(drop).ok_or(Intervened::Expired)
    }

    fn remove_dead_letter(&mut self, run: Number, event: EventId) {
        if let Some(run) = self.runs.get_mut(run) {
            run.dead -= 1;
        }
        if let Some(record) = self.events.get_mut(&event) {
            record.dead -= 1;
        }
        self.ledger.dead_letters -= 1;
    }
}

/// Nobody waits for it who could be handed a lease, and it waits for nobody: those that came after may have gone before.
fn once_more(run: NewRun) -> NewRun {
    NewRun { order: None, leased_until: None, ..run }
}
