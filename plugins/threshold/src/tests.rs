//! Runs the plugin natively, by the SDK's double of the host.

use std::time::Duration;

use hookyard_plugin::testing::{Host, Incoming, Processed};

use super::{process, validate};

/// What an event at this second comes to: `-` discarded, `f` forwarded, `A` an alert, `B` both.
fn sequence(options: &str, seconds: &[i64]) -> String {
    let config = format!(r#"{{"count": 3, "window": 60{options}}}"#);
    let mut host = Host::new().config(config).destinations(["oncall", "sink"]);
    seconds.iter().map(|second| outcome(&mut host, "{}", *second)).collect()
}

fn outcome(host: &mut Host, body: &str, second: i64) -> char {
    let ran = host.process(process, Incoming::new(body).received_at(1_750_000_000_000 + second * 1000));
    let Processed::Forwarded(messages) = &ran.result else { return '-' };
    let is_alert = |text: &str| text.contains("alert");
    match &messages.iter().map(|message| is_alert(&message.text())).collect::<Vec<_>>()[..] {
        [false] => 'f',
        [true] => 'A',
        [false, true] => 'B',
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alert_is_emitted_once_within_a_window() {
    for (options, seconds, expected) in [
        ("", &[0, 1, 2][..], "--A"),
        ("", &[0, 1, 60], "---"),
        ("", &[0, 1, 59], "--A"),
        // A window slides: the first event is old, the last three are not.
        ("", &[0, 50, 70, 90], "---A"),
        // Quiet for as long as the window, in which events are counted for the next alert.
        ("", &[0, 1, 2, 3, 4, 5, 61, 62, 63], "--A----A-"),
        (r#", "quiet": 0"#, &[0, 1, 2, 3, 4, 5], "--A--A"),
        (r#", "quiet": 100"#, &[0, 1, 2, 70, 71, 72, 101, 102], "--A----A"),
        // Runs overtake each other.
        ("", &[30, 0, 59], "--A"),
        ("", &[100, 0, 1, 2], "----"),
        (r#", "events": "forward""#, &[0, 1, 2, 3], "ffBf"),
        (r#", "match": {"/a": 1}"#, &[0, 1, 2], "---"),
        (r#", "match": {"/a": 1}, "events": "forward""#, &[0, 1, 2], "fff"),
    ] {
        assert_eq!(sequence(options, seconds), expected, "{options} {seconds:?}");
    }
}

#[test]
fn each_key_is_counted_by_itself() {
    let mut host = Host::new().config(r#"{"count": 2, "window": 60, "key": "{/host}"}"#);
    let bodies = [r#"{"host": "a"}"#, r#"{"host": "b"}"#, "{}", r#"{"host": "b"}"#, r#"{"host": "a"}"#, "{}"];
    let outcomes: String = bodies.into_iter().map(|body| outcome(&mut host, body, 0)).collect();
    assert_eq!(outcomes, "---AAA");
}

#[test]
fn an_alert_says_what_is_configured() {
    let alert = |options: &str| {
        let config = format!(r#"{{"count": 1, "window": 60, "key": "{{/host}}"{options}}}"#);
        let mut host = Host::new().config(config).destinations(["oncall", "sink"]);
        host.process(process, r#"{"host": "a\"b", "n": [1]}"#).message().clone()
    };
    let usual = alert("");
    assert_eq!(
        usual.text(),
        r#"{"alert":"1 events within 60 s","key":"a\"b","count":1,"window":60,"event":"0198f2a4-0000-7000-8000-000000000001"}"#
    );
    assert_eq!((usual.header("content-type"), usual.destinations.clone()), (Some("application/json"), None));
    let own = alert(
        r#", "to": "oncall", "alert": {"text": "alert: {count} times {key} in {window}", "n": "{/n}"}"#,
    );
    assert_eq!(own.text(), r#"{"text":"alert: 1 times a\"b in 60","n":[1]}"#);
    assert_eq!(own.destinations, Some(vec!["oncall".to_owned()]));
}

#[test]
fn what_is_kept_goes_by_itself() {
    let mut host = Host::new().config(r#"{"count": 2, "window": 60}"#);
    outcome(&mut host, "{}", 0);
    assert_eq!(host.kv("count:").as_deref(), Some("-9223372036854775808 1750000000000"));
    host.advance(Duration::from_secs(60));
    assert_eq!(host.kv("count:"), None);
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"count": 5, "window": 300}"#), Vec::<String>::new());
    for (config, problem) in [
        (r#"{"window": 1}"#, "`count`, how many events are enough, is missing"),
        (r#"{"count": 1}"#, "`window`, the seconds within which they come, is missing"),
        (r#"{"count": 0, "window": 1}"#, "`count` must be a number from 1 to 1000"),
        (r#"{"count": 1, "window": "5m"}"#, "`window` must be a number from 1 to 2592000"),
        (
            r#"{"count": 1, "window": 1, "alert": {"a": "{n}"}}"#,
            "`alert` is a text of which \"{n}\" has a placeholder",
        ),
        (
            r#"{"count": 1, "window": 1, "key": "{count}"}"#,
            "`key` is a text of which \"{count}\" has a placeholder",
        ),
        (r#"{"count": 1, "window": 1, "events": "drop"}"#, "`events` must be \"discard\" or \"forward\""),
    ] {
        assert!(validate(config).concat().starts_with(problem), "{config}: {:?}", validate(config));
    }
}
