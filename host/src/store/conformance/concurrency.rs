//! Many callers at once.

use super::kit::*;

pub(crate) async fn concurrent_producers_and_workers(make: Make<'_>) {
    const PRODUCERS: u128 = 4;
    const EACH: u128 = 200;
    let store = make(ROOMY);
    let produce = |producer: u128| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for index in 0..EACH {
                append(&*store, event(producer * EACH + index + 1, 1), 1).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let work = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while ledger(&*store).await.settled < (PRODUCERS * EACH) as u64 {
                for run in lease_runs(&*store, 7, 1).await.work {
                    seen.push(number(&run.event));
                    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 1).await;
                }
                for sent in lease_deliveries(&*store, &[("x", 5)], 1).await.work {
                    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, 1).await;
                }
                tokio::task::yield_now().await;
            }
            seen
        })
    };
    let producers: Vec<_> = (0..PRODUCERS).map(produce).collect();
    let workers = [work(), work(), work()];
    for producer in producers {
        producer.await.unwrap();
    }
    let mut seen = Vec::new();
    for worker in workers {
        let done = tokio::time::timeout(Duration::from_secs(60), worker).await;
        seen.extend(done.expect("all settled in time").unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=PRODUCERS * EACH).collect::<Vec<_>>(), "each exactly once");
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.delivered, ledger.deliveries_pending), ((PRODUCERS * EACH) as u64, 0));
}

pub(crate) async fn dropping_an_answer_cancels_nothing(make: Make<'_>) {
    let store = make(ROOMY);
    drop(store.append(vec![event(1, 1)], 1));
    let run = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            store.woken(Queue::Runs).await;
            if let Some(run) = lease_runs(&*store, 1, 1).await.work.pop() {
                return run;
            }
        }
    });
    assert_eq!(number(&run.await.expect("it is stored").event), 1);
}

/// However long the list of deliveries that a run comes to, senders are answered meanwhile, and each is delivered once.
pub(crate) async fn a_large_fan_out_holds_up_nothing(make: Make<'_>) {
    const DELIVERIES: usize = 100_000;
    let store = make(ROOMY);
    append(&*store, event(1, 10), 1).await;
    let run = lease_run(&*store, 1).await;
    let deliveries = (0..DELIVERIES).map(|index| delivery(&run, index, "x", 1)).collect();
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end: done(deliveries) };
    let mut settlement = store.settle_runs(vec![settled], 2);
    let mut answered = 0;
    // An engine that has done all of it by the time it was asked cannot answer anybody else before.
    let settlements = loop {
        if let Some(settlements) = ready_now(&mut settlement).await {
            assert!(answered == 0 || answered >= 3, "{answered} senders were answered meanwhile");
            break settlements.unwrap();
        }
        answered += 1;
        append(&*store, NewEvent { runs: vec![], ..event(1 + answered, 10) }, 3).await;
        ledger(&*store).await;
    };
    assert_eq!(settlements, [Settlement::Recorded]);

    let mut expected = (0..DELIVERIES).map(|index| DeliveryId::derive(run.id, index));
    let all = async {
        let mut left = DELIVERIES;
        while left > 0 {
            let leased = lease_deliveries(&*store, &[("x", 10_000)], 4).await.work;
            if leased.is_empty() {
                store.woken(Queue::Deliveries).await;
                continue;
            }
            left -= leased.len();
            assert!(leased.iter().map(|work| work.id).eq(expected.by_ref().take(leased.len())), "in order");
            let end = |work: &LeasedDelivery| SettledDelivery {
                id: work.id,
                lease: work.lease,
                attempt: None,
                end: DeliveryEnd::Delivered,
            };
            let settlements = store.settle_deliveries(leased.iter().map(end).collect(), 5).await.unwrap();
            assert!(settlements.iter().all(|settlement| *settlement == Settlement::Recorded));
            ledger(&*store).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("all delivered in time");
    let counted = ledger(&*store).await;
    assert_eq!((counted.delivered, counted.deliveries_pending), (DELIVERIES as u64, 0));
    assert_eq!((counted.settled, counted.pending), (1 + answered as u64, 0));
}

/// The answer, if it is there.
async fn ready_now<T>(answer: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *answer).poll(context) {
        std::task::Poll::Ready(answer) => std::task::Poll::Ready(Some(answer)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
