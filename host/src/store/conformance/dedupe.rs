//! Recognising what a sender repeats.

use super::kit::*;

pub(crate) async fn recognises_duplicates(make: Make<'_>) {
    let store = make(ROOMY);
    let with_key = |number, source: &str, key: &str| NewEvent {
        dedupe: dedupe(key),
        ..of_source(source, event(number, 1))
    };
    let batch = vec![
        with_key(1, "a", "k"),
        with_key(2, "a", "k"),
        with_key(3, "b", "k"),
        with_key(4, "a", "l"),
        event(5, 1),
        event(6, 1),
    ];
    let answers = store.append(batch, 1).await.unwrap();
    let duplicates: Vec<_> = answers.iter().map(duplicate_of).collect();
    assert_eq!(duplicates, [None, Some(1), None, None, None, None], "within the batch");
    let again = store.append(vec![with_key(7, "a", "l"), with_key(8, "a", "m")], 2).await.unwrap();
    assert_eq!(again.iter().map(duplicate_of).collect::<Vec<_>>(), [Some(4), None], "across batches");
    let run = lease_runs(&*store, 1, 3).await.work.remove(0);
    settle_run(&*store, &run, done(vec![]), 4).await;
    let again = store.append(vec![with_key(9, "a", "k")], 5).await.unwrap();
    assert_eq!(duplicate_of(&again[0]), Some(1), "after the event was settled");
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.accepted, ledger.duplicates), (6, 3));
}

pub(crate) async fn keeps_replies_for_duplicates(make: Make<'_>) {
    let store = make(ROOMY);
    let keyed = |number| NewEvent { dedupe: dedupe("k"), ..event(number, 10) };
    append(&*store, keyed(1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    let reply = Reply { status: 201, headers: Headers::new(), body: Bytes::from_static(b"hello") };
    let end = RunEnd::Done {
        deliveries: vec![],
        dropped: Some("rule".to_owned()),
        reply: Some(reply.clone()),
        kv: KvChanges::default(),
    };
    settle_run(&*store, &run, end, 2).await;
    let again = store.append(vec![keyed(2)], 3).await.unwrap().remove(0);
    assert!(matches!(again, Appended::Duplicate { reply: Some(kept), .. } if kept == reply));
    assert_eq!(ledger(&*store).await.runs_dropped, 1);
}

pub(crate) async fn forgets_keys_after_their_time(make: Make<'_>) {
    let store = make(ROOMY);
    let keyed =
        |number, until| NewEvent { dedupe: Some(Dedupe { key: "k".to_owned(), until }), ..event(number, 1) };
    for (number, until, now, expected) in [
        (1, 100, 1, None),
        // A repetition does not make its time longer.
        (2, 500, 99, Some(1)),
        (3, 300, 101, None),
        (4, 900, 299, Some(3)),
        (5, 900, 301, None),
    ] {
        let answer = append(&*store, keyed(number, until), now).await;
        assert_eq!(duplicate_of(&answer), expected, "at {now}");
    }
    let answers = store.append(vec![keyed(6, 1500), keyed(7, 1500)], 1000).await.unwrap();
    assert_eq!(
        answers.iter().map(duplicate_of).collect::<Vec<_>>(),
        [None, Some(6)],
        "within a batch as well"
    );
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.accepted, ledger.duplicates), (4, 3));
}
