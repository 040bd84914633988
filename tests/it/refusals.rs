//! What is not taken, and what the sender is told.

use hookyard_tests::{Act, Logs, SECRET, Yard, eventually, payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PLAIN: &str = r#"
[routes.all]
source = "github"
to = ["sink"]
"#;

/// P9
#[tokio::test]
async fn a_wrong_signature_is_refused_counted_and_logged() {
    let logs = Logs::gather();
    let yard = Yard::start(PLAIN).await;
    let answer = yard.client.send(yard.client.github("push", payload(), "another secret")).await;
    assert_eq!((answer.status, answer.text.contains("signature")), (401, true));
    let unsigned = yard.client.request("POST", "/in/github", &[("x-github-event", "push")], payload());
    assert_eq!(yard.client.send(unsigned).await.status, 401);
    assert_eq!(yard.metric("hookyard_requests_total{source=\"github\",outcome=\"refused\"}").await, 2.0);
    assert_eq!(yard.ledger().await.accepted, 0);
    let log = logs.text();
    assert!(log.contains("refused source=\"github\" status=401 reason="), "{log}");
    assert!(!log.contains(SECRET) && !log.contains("another secret"), "{log}");
}

#[tokio::test]
async fn an_unknown_source_and_a_wrong_method_are_told_apart() {
    let yard = Yard::start(PLAIN).await;
    let to = |method: &str, path: &str| yard.client.request(method, path, &[], "");
    for path in ["/in/nobody", "/in/", "/in/github/more", "/elsewhere", "/"] {
        assert_eq!(yard.client.send(to("POST", path)).await.status, 404, "{path}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = yard.client.send(to(method, "/in/github")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(yard.get("/healthz").await.status, 200);
    assert_eq!(yard.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let source = "[sources.github]\nsecret = { file = \"secret\" }\nmax_body = \"1KiB\"\n";
    let yard = Yard::start(&format!("{source}{PLAIN}")).await;
    assert_eq!(yard.send_github("push", "x".repeat(1024)).await.status, 202);
    assert_eq!(yard.send_github("push", "x".repeat(1025)).await.status, 413);
    let head = "POST /in/github HTTP/1.1\r\nhost: x\r\n";
    // Refused before it has come, so that nobody waits for it.
    let announced = yard.client.raw(format!("{head}content-length: 9000000000\r\n\r\n").as_bytes()).await;
    assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let chunked =
        yard.client.raw(format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}").as_bytes()).await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    assert_eq!(yard.metric("hookyard_requests_total{source=\"github\",outcome=\"too-large\"}").await, 3.0);
}

#[tokio::test]
async fn bad_framing_is_answered_and_the_connection_closed() {
    let yard = Yard::start(PLAIN).await;
    let post = "POST /in/github HTTP/1.1\r\nhost: x\r\n";
    for bytes in [
        "this is no request line\r\n\r\n".to_owned(),
        "POST /in/github HTTP/7.7\r\nhost: x\r\n\r\n".to_owned(),
        format!("{post}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
        format!("{post}content-length: five\r\n\r\nhello"),
        format!("{post}content-length: -1\r\n\r\n"),
        format!("{post}no colon here\r\n\r\n"),
        format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
        format!("{post}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        format!("{post}transfer-encoding: gzip\r\n\r\nhello"),
    ] {
        let answer = yard.client.raw(bytes.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bytes:?} is answered {answer:?}");
    }
    let long = yard.client.raw(format!("{post}x-long: {}\r\n\r\n", "x".repeat(100_000)).as_bytes()).await;
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    assert_eq!(yard.ledger().await.accepted, 0);
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
}

#[tokio::test]
async fn a_sender_that_takes_its_time_is_not_waited_for() {
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nhead_timeout = \"150ms\"\nbody_timeout = \"150ms\"\n";
    let yard = Yard::start(&format!("{server}{PLAIN}")).await;
    let body = yard.client.raw(b"POST /in/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await;
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
    // To who drops at 4xx, it is never final.
    let pagerduty = "[sources.pagerduty]\nsecret = { file = \"secret\" }\n";
    let patient = Yard::start(&format!("{server}{pagerduty}{PLAIN}")).await;
    let body =
        patient.client.raw(b"POST /in/pagerduty HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await;
    assert!(body.starts_with("HTTP/1.1 503 ") && body.contains("retry-after: 1\r\n"), "{body}");
    let head = yard.client.raw(b"POST /in/github HTTP/1.1\r\nhost: x\r\n").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408 "), "{head}");
}

/// P10
#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nhead_timeout = \"150ms\"\n";
    let yard = Yard::start(&format!("{server}{PLAIN}")).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n"] {
        assert_eq!(yard.client.raw(beginning.as_bytes()).await, "", "after {beginning:?}");
    }
}

/// P10
#[tokio::test]
async fn bodies_together_stay_within_the_memory_for_them() {
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nmax_in_flight = \"1MiB\"\n\
                  [sources.github]\nsecret = { file = \"secret\" }\nmax_body = \"1MB\"\n";
    let yard = Yard::start(&format!("{server}{PLAIN}")).await;
    let head = "POST /in/github HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 900000\r\n";

    // What is only announced takes nothing. Who asks for a word to go on gets it once the body is looked at.
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut stream = yard.client.open().await;
        stream.write_all(format!("{head}expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
        let mut word = [0; 12];
        stream.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"HTTP/1.1 100");
        idle.push(stream);
    }
    assert_eq!(yard.send_github("push", "x".repeat(200_000)).await.status, 202);

    let mut slow = yard.client.open().await;
    slow.write_all(format!("{head}\r\n{}", "x".repeat(890_000)).as_bytes()).await.unwrap();
    let reserved =
        || async { (yard.metric("hookyard_bodies_in_flight_bytes").await >= 890_000.0).then_some(()) };
    eventually("memory is reserved", reserved).await;

    let answer = yard.send_github("push", "x".repeat(200_000)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(yard.send_github("push", "x".repeat(100_000)).await.status, 202);
    drop(slow);
    let returned = || async { (yard.metric("hookyard_bodies_in_flight_bytes").await == 0.0).then_some(()) };
    eventually("memory is given back", returned).await;
    assert_eq!(yard.send_github("push", "x".repeat(200_000)).await.status, 202);
}

/// P3, P10
#[tokio::test]
async fn a_full_store_refuses_and_loses_nothing() {
    let yard = Yard::start(&format!("[store]\nmax_events = 2\n{PLAIN}")).await;
    yard.sink.always(Act::Hang);
    assert_eq!(yard.send_github("push", "1").await.status, 202);
    assert_eq!(yard.get("/readyz").await.status, 200);
    assert_eq!(yard.send_github("push", "2").await.status, 202);
    let answer = yard.send_github("push", "3").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    let readiness = yard.get("/readyz").await;
    assert_eq!(readiness.status, 503);
    let why = "\"refuses\": \"2 of at most 2 events are pending\"";
    assert!(
        readiness.text.contains(why) && readiness.text.contains("\"ready\": false"),
        "{}",
        readiness.text
    );
    yard.sink.release();
    yard.settled().await;
    assert_eq!(yard.get("/readyz").await.status, 200);
    assert_eq!(yard.send_github("push", "4").await.status, 202);
    let mut bodies: Vec<_> = yard.sink.several(3).await.iter().map(|got| got.text().to_owned()).collect();
    bodies.sort();
    assert_eq!(bodies, ["1", "2", "4"]);
}
