//! Doing work once more, and putting dead letters aside.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::delivery::{DeliveryId, RunId};
use crate::event::EventId;
use crate::store::{Intervened, Intervention, NewRun, StoreError, WorkId};

use super::MAX_BATCH;
use super::control::Control;
use super::refusal::Refusal;
use super::view::{Batch, Outcome, RunRef};

/// What is asked for one id, and what is to be told if it is done.
struct Asked {
    intervention: Intervention,
    outcome: Outcome,
}

/// An intervention, or what is known without one.
enum Step {
    Ask(Asked),
    Known(Outcome),
}

impl Outcome {
    pub(super) fn new(id: Uuid, outcome: &str) -> Self {
        Outcome { id, outcome: outcome.to_owned(), detail: None, runs: Vec::new() }
    }

    /// It was asked for, and nobody can say whether it is done.
    pub(crate) fn unknown(id: Uuid, detail: &str) -> Self {
        Outcome::new(id, "unknown").because(detail)
    }

    pub(super) fn because(self, detail: impl Into<String>) -> Self {
        Outcome { detail: Some(detail.into()), ..self }
    }
}

/// What was done so far, and what went wrong first. What was done is told even so: whoever does not know repeats it, and
/// events come twice.
#[derive(Default)]
pub(super) struct Account {
    pub(super) results: Vec<Outcome>,
    pub(super) error: Option<Refusal>,
}

impl Account {
    /// The outcome of something that the store did not do, or of which it does not know.
    fn failed(&mut self, id: Uuid, error: StoreError) -> Outcome {
        let outcome = match error {
            StoreError::Unknown(_) => Outcome::unknown(id, &error.to_string()),
            StoreError::Full(_) | StoreError::Failed(_) | StoreError::Unsupported(_) => {
                Outcome::new(id, "failed").because(error.to_string())
            }
        };
        self.error.get_or_insert_with(|| error.into());
        outcome
    }
}

impl Step {
    fn ask(id: Uuid, intervention: Intervention) -> Self {
        Step::Ask(Asked { intervention, outcome: Outcome::new(id, "done") })
    }
}

impl Control {
    /// Makes deliveries once more, dead runs as new runs, and takes events through their routes again.
    pub(super) async fn replay(&self, batch: Batch) -> Result<Account, Refusal> {
        within_bounds(&batch)?;
        if let Some(route) = &batch.route {
            self.known_route(route)?;
        }
        let again = if batch.dead { Intervention::Revive } else { Intervention::Redeliver };
        let redeliver = |id: &Uuid| Step::ask(*id, again(DeliveryId(*id)));
        let mut steps: Vec<Step> = batch.deliveries.iter().map(redeliver).collect();
        steps.extend(batch.runs.iter().map(|run| self.rerun(run)));
        let mut account = Account::default();
        let mut results = self.carry_out(steps, &mut account).await;
        let tried = self.carry_out(batch.ids.iter().map(redeliver).collect(), &mut account).await;
        results.extend(self.rerun_missing(tried, &mut account).await);
        for id in &batch.events {
            // One after the other: each event's body is in memory meanwhile.
            let step = self.reprocess(*id, batch.route.as_deref()).await;
            let step = step.unwrap_or_else(|error| Step::Known(account.failed(*id, error)));
            results.extend(self.carry_out(vec![step], &mut account).await);
        }
        Ok(Account { results, ..account })
    }

    /// Puts dead letters aside.
    pub(super) async fn discard(&self, batch: Batch) -> Result<Account, Refusal> {
        within_bounds(&batch)?;
        if !batch.events.is_empty() || batch.route.is_some() {
            return Err(Refusal::bad(
                "dead letters are runs and deliveries: give no `events` and no `route`",
            ));
        }
        let delivery = |id: &Uuid| Step::ask(*id, Intervention::Discard(WorkId::Delivery(DeliveryId(*id))));
        let run = |id: Uuid| Step::ask(id, Intervention::Discard(WorkId::Run(RunId(id))));
        let mut steps: Vec<Step> = batch.deliveries.iter().map(delivery).collect();
        steps.extend(batch.runs.iter().map(|dead| run(dead.id)));
        let mut account = Account::default();
        let mut results = self.carry_out(steps, &mut account).await;
        let mut tried = self.carry_out(batch.ids.iter().map(delivery).collect(), &mut account).await;
        let missing: Vec<usize> = missing(&tried).collect();
        let runs = missing.iter().map(|&at| run(tried[at].id)).collect();
        for (at, outcome) in missing.into_iter().zip(self.carry_out(runs, &mut account).await) {
            tried[at] = outcome;
        }
        results.extend(tried);
        Ok(Account { results, ..account })
    }

    /// Looks among the dead runs for what is no delivery.
    async fn rerun_missing(&self, mut outcomes: Vec<Outcome>, account: &mut Account) -> Vec<Outcome> {
        let missing: Vec<usize> = missing(&outcomes).collect();
        let ids = missing.iter().map(|&at| outcomes[at].id).collect();
        let runs = self.dead_runs(ids).await;
        let runs = runs.map(|runs| runs.into_iter().map(|run| (run.id, run)).collect::<HashMap<_, _>>());
        for at in missing {
            let id = outcomes[at].id;
            let step = match &runs {
                Ok(runs) => self.rerun_if_dead(id, runs.get(&id)).await,
                Err(error) => Err(error.clone()),
            };
            let step = step.unwrap_or_else(|error| Step::Known(account.failed(id, error)));
            if let Some(outcome) = self.carry_out(vec![step], account).await.pop() {
                outcomes[at] = outcome;
            }
        }
        outcomes
    }

    async fn rerun_if_dead(&self, id: Uuid, run: Option<&RunRef>) -> Result<Step, StoreError> {
        if let Some(run) = run {
            return Ok(self.rerun(run));
        }
        Ok(Step::Known(match self.store.event(EventId(id), 0).await? {
            Some(_) => Outcome::new(id, "unfit").because("this is an event; replay it as one (--event)"),
            None => Outcome::new(id, "missing").because("there is no delivery and no dead run of this id"),
        }))
    }

    fn rerun(&self, run: &RunRef) -> Step {
        if let Err(refusal) = self.known_route(&run.route) {
            return Step::Known(Outcome::new(run.id, "unfit").because(refusal.message));
        }
        let by = new_run(run.route.as_str().into());
        let outcome = Outcome { runs: vec![by.id.0], ..Outcome::new(run.id, "done") };
        Step::Ask(Asked { intervention: Intervention::Rerun { run: RunId(run.id), by }, outcome })
    }

    /// Decides today's routes for an event of the past.
    async fn reprocess(&self, id: Uuid, only: Option<&str>) -> Result<Step, StoreError> {
        let Some(record) = self.store.event(EventId(id), 0).await? else {
            return Ok(Step::Known(Outcome::new(id, "missing").because("there is no event of this id")));
        };
        let Some(event) = record.event else {
            let detail = "retention has removed its content";
            return Ok(Step::Known(Outcome::new(id, "expired").because(detail)));
        };
        let routes = match self.today.route(&event) {
            Ok(routes) => routes,
            Err(reason) => return Ok(Step::Known(Outcome::new(id, "unrouted").because(reason))),
        };
        let routes: Vec<_> =
            routes.into_iter().filter(|route| only.is_none_or(|only| **route == *only)).collect();
        if let (true, Some(only)) = (routes.is_empty(), only) {
            let detail = format!("route `{only}` does not take it");
            return Ok(Step::Known(Outcome::new(id, "unrouted").because(detail)));
        }
        let runs: Vec<NewRun> = routes.into_iter().map(new_run).collect();
        let outcome = Outcome { runs: runs.iter().map(|run| run.id.0).collect(), ..Outcome::new(id, "done") };
        let intervention = Intervention::Reprocess { event: EventId(id), runs };
        Ok(Step::Ask(Asked { intervention, outcome }))
    }

    /// Asks the store, in one batch; outcomes in the steps' order.
    async fn carry_out(&self, steps: Vec<Step>, account: &mut Account) -> Vec<Outcome> {
        let mut interventions = Vec::new();
        let mut outcomes = Vec::with_capacity(steps.len());
        let mut asked = Vec::new();
        for step in steps {
            match step {
                Step::Known(outcome) => outcomes.push(outcome),
                Step::Ask(Asked { intervention, outcome }) => {
                    interventions.push(intervention);
                    asked.push(outcomes.len());
                    outcomes.push(outcome);
                }
            }
        }
        if interventions.is_empty() {
            return outcomes;
        }
        let intervened = match self.store.intervene(interventions, self.clock.due_now()).await {
            Ok(intervened) => intervened,
            Err(error) => {
                for at in asked {
                    outcomes[at] = account.failed(outcomes[at].id, error.clone());
                }
                return outcomes;
            }
        };
        for (at, intervened) in asked.into_iter().zip(intervened) {
            let id = outcomes[at].id;
            match intervened {
                Intervened::Done => {}
                Intervened::Missing => outcomes[at] = Outcome::new(id, "missing"),
                Intervened::Unfit => {
                    let detail = "it has not ended, or is no dead letter any more";
                    outcomes[at] = Outcome::new(id, "unfit").because(detail);
                }
                Intervened::Expired => {
                    let detail = "retention has removed its content";
                    outcomes[at] = Outcome::new(id, "expired").because(detail);
                }
            }
        }
        outcomes
    }

    fn known_route(&self, name: &str) -> Result<(), Refusal> {
        self.today.config(|config| {
            if config.routes.iter().any(|route| *route.name == *name) {
                return Ok(());
            }
            let names: Vec<&str> = config.routes.iter().map(|route| &*route.name).collect();
            Err(Refusal::missing(format!(
                "the configuration has no route `{name}`; it has: {}",
                names.join(", ")
            )))
        })
    }
}

/// Out of any sequence: those that came after it may have gone before.
fn new_run(route: Arc<str>) -> NewRun {
    NewRun { id: RunId(Uuid::now_v7()), route, order: None, leased_until: None }
}

fn missing(outcomes: &[Outcome]) -> impl Iterator<Item = usize> {
    outcomes.iter().enumerate().filter(|(_, outcome)| outcome.outcome == "missing").map(|(at, _)| at)
}

fn within_bounds(batch: &Batch) -> Result<(), Refusal> {
    match batch.deliveries.len() + batch.runs.len() + batch.ids.len() + batch.events.len() {
        0 => Err(Refusal::bad("no id is given: name `deliveries`, `runs`, `ids` or `events`")),
        1..=MAX_BATCH => Ok(()),
        many => Err(Refusal::bad(format!("{many} ids are too many at once; give at most {MAX_BATCH}"))),
    }
}
