//! One attempt at a delivery: sends, says how it went, and hands on what follows.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::breaker::Change;
use crate::delivery::{Attempt, Blame, DeliveryEnd, Sent, after_attempt, between};
use crate::destination::Parcel;
use crate::event::UnixMillis;
use crate::generation::{DestinationEntry, Pass, Receiver};
use crate::store::LeasedDelivery;

use super::begun::Beginning;
use super::settle::EndedDelivery;
use super::{Shared, UnderWay, held, loopback, random, shown};

/// What an attempt is made with and what it takes up.
pub(super) struct Attempting {
    pub(super) entry: Arc<DestinationEntry>,
    pub(super) delivery: LeasedDelivery,
    pub(super) pass: Pass,
    /// Of what all destinations share.
    pub(super) slot: OwnedSemaphorePermit,
    pub(super) beginning: Beginning,
    pub(super) under_way: UnderWay,
}

pub(super) async fn attempt(shared: Arc<Shared>, attempting: Attempting, ended: mpsc::Sender<EndedDelivery>) {
    let Attempting { entry, delivery, mut pass, slot, beginning, under_way } = attempting;
    let secret_headers = shared.current.load().secret_headers(&delivery.event);
    let parcel = Parcel {
        id: delivery.id,
        destination: delivery.destination,
        route: delivery.route,
        event: delivery.event,
        message: delivery.message,
        secret_headers,
        attempt: delivery.attempt,
        now: shared.clock.now(),
    };
    let started = Instant::now();
    let sending = async {
        match &entry.receiver {
            Receiver::Outside(destination) => destination.send(&parcel).await,
            Receiver::Source { name, max_hops } => loopback::send(&shared, name, *max_hops, &parcel).await,
        }
    };
    let outcome = unless_it_panics(sending).await.unwrap_or_else(|| panicked(&parcel));
    let took = started.elapsed();
    let (succeeded, detail) = told(&outcome);
    let change = pass.end(outcome.sign(), detail, Instant::now());
    report_change(&entry, change, detail);
    if let Sent::Gone { cause } = &outcome {
        // Before it is settled: after a crash in between it is sent once more, and answered the same.
        held::disable(&shared, &entry, cause).await;
    }
    let now = shared.clock.due_now();
    let end = after_attempt(&outcome, delivery.attempt, delivery.since, &entry.retry, now, random());
    report(&entry, &parcel, &outcome, &end, took, now);
    let record = Attempt {
        number: delivery.attempt,
        started_at: parcel.now,
        took,
        succeeded,
        detail: detail.to_owned(),
    };
    // What a crash repeats is what is not settled: no more than may be under way.
    let _places = Some((slot, pass));
    let settled = EndedDelivery {
        id: delivery.id,
        attempt: Some(record),
        end,
        beginning,
        _places,
        _under_way: under_way,
    };
    let _ = ended.send(settled).await;
}

/// Awaits a future; none if it panics.
async fn unless_it_panics<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // What panicked is not polled again, and nothing that it has borrowed is left half changed.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

/// A panic is our own mistake; it must not cost the delivery, nor keep its place for ever.
fn panicked(parcel: &Parcel) -> Sent {
    let destination = &*parcel.destination;
    tracing::error!(event = %parcel.event.id, destination, "an attempt panicked; please report this");
    Sent::Retryable { cause: "Hookyard panicked".to_owned(), retry_after: None, blame: Blame::Message }
}

/// Whether it arrived, and what is said about that.
fn told(outcome: &Sent) -> (bool, &str) {
    match outcome {
        Sent::Delivered { detail } => (true, detail),
        Sent::Retryable { cause, .. } | Sent::Permanent { cause } | Sent::Gone { cause } => (false, cause),
    }
}

fn report_change(entry: &DestinationEntry, change: Option<Change>, cause: &str) {
    let destination = &*entry.name;
    match change {
        None => {}
        Some(Change::Opened { failures, time }) => {
            tracing::warn!(destination, failures, cause, probe_in = %shown(time), "destination fails; its messages are held");
        }
        Some(Change::StaysOpen { time }) => {
            tracing::info!(destination, cause, probe_in = %shown(time), "destination still fails");
        }
        Some(Change::Closed) => {
            tracing::info!(destination, "destination works again; its messages go on");
        }
    }
}

fn report(
    entry: &DestinationEntry,
    parcel: &Parcel,
    outcome: &Sent,
    end: &DeliveryEnd,
    took: Duration,
    now: UnixMillis,
) {
    match outcome {
        Sent::Delivered { .. } => entry.counters.delivered.inc(),
        Sent::Retryable { .. } => entry.counters.retryable.inc(),
        Sent::Permanent { .. } => entry.counters.permanent.inc(),
        Sent::Gone { .. } => entry.counters.gone.inc(),
    };
    let (event, destination, attempt) = (parcel.event.id, &*entry.name, parcel.attempt);
    match (outcome, end) {
        (Sent::Delivered { detail }, _) => {
            tracing::info!(%event, destination, detail, took = %shown(took), "delivered")
        }
        (_, DeliveryEnd::Retry { due, cause }) => {
            let again_in = between(now, *due);
            tracing::warn!(%event, destination, attempt, cause, again_in = %shown(again_in), "delivery failed");
        }
        (_, DeliveryEnd::Dead { cause }) => {
            tracing::error!(%event, destination, attempt, cause, "delivery is dead")
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_comes() {
        let pausing = |panics: bool| async move {
            tokio::task::yield_now().await;
            assert!(!panics, "as told");
            7
        };
        assert_eq!(unless_it_panics(pausing(false)).await, Some(7));
        assert_eq!(unless_it_panics(pausing(true)).await, None);
    }
}
