//! Senders, workers and retention at once, until everything is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookyard::store::{Appended, Keep, NewEvent, Queue, Retention, Store, StoreError};

use crate::random::Random;

use super::event;
use super::journal::{Journal, Outcome};
use super::work;

/// How much load.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Who send at the same time.
    pub producers: usize,
    /// How many batches each of them sends, of one to four events.
    pub batches: usize,
}

/// A worker looks for work this often when nothing wakes it.
const LOOK: Duration = Duration::from_millis(5);

/// Times here are counted, not measured: each call is a millisecond later than the one before.
const RETENTION: Retention = {
    const fn keep(age: u64) -> Keep {
        Keep { age: Duration::from_millis(age), bytes: u64::MAX }
    }
    Retention { payloads: keep(100), settled: keep(200), unrouted: keep(300), dead_letters: keep(400) }
};

/// Sends, works and removes until everything is sent or the store refuses; some work stays undone. Returns the first
/// refusal.
pub async fn drive(
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    size: Size,
    seed: u64,
) -> Result<(), StoreError> {
    let done = Arc::new(AtomicBool::new(false));
    let mut workers = tokio::task::JoinSet::new();
    workers.spawn(run_worker(store.clone(), journal.clone(), done.clone(), Random::new(seed ^ 1)));
    workers.spawn(delivery_worker(store.clone(), journal.clone(), done.clone(), Random::new(seed ^ 2)));
    workers.spawn(remover(store.clone(), journal.clone(), done.clone()));
    let mut producers = tokio::task::JoinSet::new();
    for producer in 0..size.producers {
        let random = Random::new(seed ^ (producer as u64 + 3) << 32);
        producers.spawn(producer_of(store.clone(), journal.clone(), size.batches, random));
    }
    let sent = all_of(producers).await;
    done.store(true, Ordering::Release);
    sent.and(all_of(workers).await)
}

async fn all_of(mut tasks: tokio::task::JoinSet<Result<(), StoreError>>) -> Result<(), StoreError> {
    let mut ended = Ok(());
    while let Some(task) = tasks.join_next().await {
        ended = ended.and(task.expect("a task that does not panic"));
    }
    ended
}

async fn producer_of(
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    batches: usize,
    mut random: Random,
) -> Result<(), StoreError> {
    let mut repeatable = Vec::new();
    for _ in 0..batches {
        let mut numbers = Vec::new();
        for _ in 0..=random.below(4) {
            let number = journal.number();
            let again = (!repeatable.is_empty() && random.percent(10))
                .then(|| repeatable[random.below(repeatable.len() as u64) as usize]);
            numbers.push((number, again));
        }
        append(&*store, &journal, &numbers).await?;
        let known = numbers.iter().filter(|(number, again)| again.is_none() && event::key(*number).is_some());
        repeatable.extend(known.map(|(number, _)| *number));
    }
    Ok(())
}

/// Sends events, each with the one that it repeats, and notes what came of it.
pub(super) async fn append(
    store: &dyn Store,
    journal: &Journal,
    numbers: &[(u64, Option<u64>)],
) -> Result<(), StoreError> {
    let now = journal.now();
    let batch: Vec<NewEvent> =
        numbers.iter().map(|&(number, again)| event::new(number, again, now)).collect();
    journal.sending(numbers);
    let answer = store.append(batch, now).await;
    let outcomes: Vec<Outcome> = match &answer {
        Ok(answers) => answers.iter().map(outcome).collect(),
        Err(StoreError::Unknown(_)) => vec![Outcome::Unknown; numbers.len()],
        Err(error) => vec![Outcome::Refused(error.clone()); numbers.len()],
    };
    journal.answered(numbers.iter().map(|(number, _)| *number).zip(outcomes));
    answer.map(drop)
}

fn outcome(appended: &Appended) -> Outcome {
    match appended {
        Appended::Stored { .. } => Outcome::Stored,
        Appended::Duplicate { of, .. } => Outcome::Duplicate(event::number(*of)),
    }
}

async fn run_worker(
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    done: Arc<AtomicBool>,
    mut random: Random,
) -> Result<(), StoreError> {
    while !done.load(Ordering::Acquire) {
        let mut runs = work::lease_runs(&*store, &journal, 8).await?;
        if runs.is_empty() {
            let _ = tokio::time::timeout(LOOK, store.woken(Queue::Runs)).await;
        }
        // Some are never settled, as when a worker hangs.
        runs.retain(|_| !random.percent(3));
        work::settle_runs(&*store, &journal, runs).await?;
    }
    Ok(())
}

async fn delivery_worker(
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    done: Arc<AtomicBool>,
    mut random: Random,
) -> Result<(), StoreError> {
    while !done.load(Ordering::Acquire) {
        let mut deliveries = work::lease_deliveries(&*store, &journal, 16).await?;
        if deliveries.is_empty() {
            let _ = tokio::time::timeout(LOOK, store.woken(Queue::Deliveries)).await;
        }
        deliveries.retain(|_| !random.percent(3));
        work::settle_deliveries(&*store, &journal, deliveries).await?;
    }
    Ok(())
}

async fn remover(
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    done: Arc<AtomicBool>,
) -> Result<(), StoreError> {
    while !done.load(Ordering::Acquire) {
        journal.retaining();
        let mut more = true;
        while more {
            let removed = store.retain(&RETENTION, journal.now(), 8).await?;
            journal.removed(removed);
            more = removed.more;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
