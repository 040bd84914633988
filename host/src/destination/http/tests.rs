//! Real sockets on 127.0.0.1, and receivers that misbehave.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::delivery::Sent;
use crate::destination::sample::parcel;
use crate::destination::{Destination, Parcel};
use crate::signature::Secret;

use super::receiver::{OK, Receiver, run};
use super::{Authorization, HttpClient, HttpDestination, HttpSettings, InvalidSettings, Network};

fn settings(url: &str, network: Network) -> HttpSettings {
    HttpSettings {
        authorization: Some(Authorization::Bearer(Secret::new("s3cret"))),
        timeout: Duration::from_millis(800),
        network,
        ..HttpSettings::new("ci", url.parse().unwrap())
    }
}

fn destination(url: &str, network: Network) -> HttpDestination {
    HttpClient::new().unwrap().destination(settings(url, network)).unwrap()
}

fn message() -> Parcel {
    parcel(&[("Content-Type", "application/json"), ("Authorization", "Bearer theirs")], "{}")
}

/// One attempt at an URL, bounded in time whatever happens.
async fn attempt(url: &str, network: Network) -> Sent {
    let destination = destination(url, network);
    timeout(Duration::from_secs(10), destination.send(&message())).await.expect("an end in time")
}

async fn attempt_at(receiver: Receiver) -> Sent {
    let running = run(receiver).await;
    attempt(&format!("http://127.0.0.1:{}/hooks", running.port), Network::Private).await
}

fn cause(sent: Sent) -> String {
    match sent {
        Sent::Retryable { cause, .. } => cause,
        other => panic!("not to be retried: {other:?}"),
    }
}

#[tokio::test]
async fn a_message_arrives_and_the_connection_is_used_again() {
    let running = run(Receiver::Answers(&[OK])).await;
    let destination = destination(&format!("http://127.0.0.1:{}/hooks?x=1", running.port), Network::Private);
    for _ in 0..3 {
        let sent = destination.send(&message()).await;
        assert_eq!(sent, Sent::Delivered { detail: "200 OK".to_owned() });
    }
    assert_eq!(running.connections.load(Ordering::SeqCst), 1);
    let requests = running.requests.lock().unwrap();
    let request = &requests[0];
    assert!(request.starts_with("POST /hooks?x=1 HTTP/1.1\r\n"), "{request}");
    for line in ["content-type: application/json", "authorization: Bearer s3cret", "content-length: 2"] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{line}: {request}");
    }
    assert!(request.contains("\r\nhost: 127.0.0.1:") && !request.contains("theirs"), "{request}");
}

#[tokio::test]
async fn answers_are_understood() {
    let sent =
        attempt_at(Receiver::Says("HTTP/1.1 500 Oops\r\ncontent-length: 12\r\n\r\nat\x1b s3cret\x07\n\n"))
            .await;
    assert_eq!(cause(sent), "500 Internal Server Error: at (secret)");
    let sent =
        attempt_at(Receiver::Says("HTTP/1.1 429 x\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")).await;
    let Sent::Retryable { retry_after, .. } = sent else { panic!("{sent:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    let sent =
        attempt_at(Receiver::Says("HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\n\r\n")).await;
    let Sent::Permanent { cause } = sent else { panic!("{sent:?}") };
    assert!(cause.starts_with("302 Found: redirects to evil.example"), "{cause}");
}

#[tokio::test]
async fn an_answer_that_repeats_the_url_shows_nothing_of_it() {
    let running = run(Receiver::Says(
        "HTTP/1.1 404 x\r\ncontent-length: 62\r\n\r\nno POST /hooks/S3cr3tPath?key=K3y%2BOther, nor K3y+Other, here",
    ))
    .await;
    let url = format!("http://127.0.0.1:{}/hooks/S3cr3tPath?key=K3y%2BOther", running.port);
    let Sent::Retryable { cause, .. } = attempt(&url, Network::Private).await else { panic!() };
    assert_eq!(cause, "404 Not Found: no POST (secret), nor (secret), here");
}

#[tokio::test]
async fn broken_receivers_are_named() {
    let head_without_end = "HTTP/1.1 200 OK\r\nx: ";
    let two_lengths = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
    let filler =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for (receiver, expected) in [
        (Receiver::Hangs, "no answer within 0.8 s"),
        (Receiver::Resets(""), "the connection was closed before an answer"),
        (Receiver::Says(""), "the connection was closed before an answer"),
        (Receiver::Says("HTTP/1.1 200"), "the connection was closed before an answer"),
        (Receiver::Says("SSH-2.0-OpenSSH\r\n\r\n"), "the answer is not HTTP"),
        (Receiver::Repeats(head_without_end, "x", 50), "no answer within 0.8 s"),
        (Receiver::Repeats(head_without_end, filler, 0), "the answer's headers are too large"),
        (Receiver::Repeats("HTTP/1.1 200 OK\r\n", "a: b\r\n", 0), "the answer's headers are too large"),
        (Receiver::Says(two_lengths), "the answer is not HTTP"),
        (Receiver::Repeats(interim, interim, 50), "no answer within 0.8 s"),
        (Receiver::Repeats(interim, interim, 0), "the connection broke: the receiver sends without end"),
    ] {
        let cause = cause(attempt_at(receiver).await);
        assert!(cause.starts_with(expected), "{cause:?} is not {expected:?}");
    }
}

#[tokio::test]
async fn the_status_stands_however_the_body_ends() {
    let endless = "HTTP/1.1 200 OK\r\n\r\n";
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort";
    for receiver in [
        Receiver::Repeats(endless, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0),
        Receiver::Repeats(endless, "x", 50),
        Receiver::Says(short),
        Receiver::Resets(short),
        Receiver::Says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n"),
    ] {
        assert_eq!(attempt_at(receiver).await, Sent::Delivered { detail: "200 OK".to_owned() });
    }
}

/// P10
#[tokio::test]
async fn what_never_ends_is_cut_off() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    for (first, then) in
        [("", interim), ("HTTP/1.1 500 Oops\r\n\r\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    {
        let running = run(Receiver::Repeats(first, then, 0)).await;
        let url = format!("http://127.0.0.1:{}/hooks", running.port);
        // Longer than the flood may last.
        let settings = HttpSettings { timeout: Duration::from_secs(9), ..settings(&url, Network::Private) };
        let destination = HttpClient::new().unwrap().destination(settings).unwrap();
        let begun = Instant::now();
        let sent = timeout(Duration::from_secs(10), destination.send(&message())).await;
        cause(sent.expect("an end in time"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        timeout(Duration::from_secs(10), running.closed.notified()).await.expect("the connection is closed");
        // What is above is in the buffers of the kernel.
        let written = running.written.load(Ordering::SeqCst);
        assert!(written < 32 * 1024 * 1024, "{written} bytes");
    }
}

/// Once the status is there, the rest of the answer has what is left of the time, not more.
#[tokio::test]
async fn a_slow_answer_does_not_outlast_the_attempt() {
    let running = run(Receiver::Repeats("HTTP/1.1 200 OK\r\n\r\n", "x", 20)).await;
    let url = format!("http://127.0.0.1:{}/hooks", running.port);
    let settings = HttpSettings { timeout: Duration::from_millis(100), ..settings(&url, Network::Private) };
    let destination = HttpClient::new().unwrap().destination(settings).unwrap();
    let begun = Instant::now();
    let sent = destination.send(&message()).await;
    assert_eq!(sent, Sent::Delivered { detail: "200 OK".to_owned() });
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_is_of_the_request_before_it() {
    let surplus =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n";
    let longer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more";
    for first in [surplus, longer] {
        let running = run(Receiver::Answers(Box::leak(Box::new([first, OK])))).await;
        let destination = destination(&format!("http://127.0.0.1:{}/hooks", running.port), Network::Private);
        for _ in 0..3 {
            let sent = destination.send(&message()).await;
            assert_eq!(sent, Sent::Delivered { detail: "200 OK".to_owned() }, "{first}");
        }
        assert_eq!(running.connections.load(Ordering::SeqCst), 2, "{first}");
    }
}

#[tokio::test]
async fn who_takes_nothing_ends_in_time() {
    let full = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", full.local_addr().unwrap());
    let parcel = parcel(&[], vec![b'x'; 32 * 1024 * 1024]);
    let destination = destination(&url, Network::Private);
    let sent = timeout(Duration::from_secs(10), destination.send(&parcel)).await.expect("an end in time");
    assert_eq!(cause(sent), "no answer within 0.8 s");
}

#[tokio::test]
async fn a_black_hole_ends_in_time() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = socket.listen(1).unwrap();
    let address = silent.local_addr().unwrap();
    // Once its queue is full, the kernel answers no more.
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    let text = cause(attempt(&format!("http://{address}/hooks"), Network::Private).await);
    assert_eq!(text, format!("connecting to 127.0.0.1 failed ({address}): took too long"));
}

#[tokio::test]
async fn each_step_of_connecting_has_its_words() {
    let cause_of = async |url: &str, network| cause(attempt(url, network).await);

    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let text = cause_of(&format!("http://127.0.0.1:{unused}/"), Network::Private).await;
    assert!(text.starts_with("127.0.0.1 refused the connection"), "{text}");

    let text = cause_of("http://hooks.invalid/", Network::Public).await;
    assert!(text.starts_with("looking up hooks.invalid failed"), "{text}");

    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let text = cause_of(&format!("https://127.0.0.1:{port}/"), Network::Private).await;
    assert!(text.starts_with("the TLS handshake with 127.0.0.1 failed"), "{text}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let text = cause_of(&format!("https://127.0.0.1:{port}/"), Network::Private).await;
    assert!(text.contains("TLS handshake") && text.ends_with("took too long"), "{text}");
}

/// P8: nothing connects to an address that the operator did not allow.
#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_connected_to() {
    let running = run(Receiver::Answers(&[OK])).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let text = cause(attempt(&format!("http://{host}:{}/", running.port), Network::Public).await);
        assert!(text.starts_with("destination ci may not connect to "), "{text}");
        assert!(text.ends_with("add network = \"private\" to [destinations.ci]"), "{text}");
    }
    let only = Network::Only(vec!["10.0.0.0/8".parse().unwrap()]);
    let text = cause(attempt(&format!("http://127.0.0.1:{}/", running.port), only).await);
    assert!(text.contains("network = [\"127.0.0.1/32\"]"), "{text}");
    let text = cause(attempt("http://169.254.169.254/latest", Network::Private).await);
    assert!(text.ends_with("which nothing may connect to"), "{text}");
    assert_eq!(running.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn settings_are_checked_and_keep_their_secret() {
    let client = HttpClient::new().unwrap();
    for (url, token) in [("/hooks", "t"), ("ftp://a/", "t"), ("http://u:p@a/", "t"), ("http://a/", "a\nb")] {
        let mut settings = settings(url, Network::Public);
        settings.authorization = Some(Authorization::Bearer(Secret::new(token)));
        let InvalidSettings(problem) = client.destination(settings).unwrap_err();
        assert!(!problem.contains(token) || token == "t", "{problem}");
    }
    let hiding = |authorization| {
        let mut settings = settings("http://a/path-s3cret", Network::Public);
        settings.authorization = Some(authorization);
        client.destination(settings).unwrap()
    };
    let password = Secret::new("s3cret");
    let bearer = hiding(Authorization::Bearer(password.clone()));
    let basic = hiding(Authorization::Basic { user: "me".to_owned(), password });
    for destination in [bearer, basic] {
        assert!(!format!("{destination:?}").contains("s3cret"));
        for (text, expected) in
            [("a s3cret, s3cret.", "a (secret), (secret)."), ("a s3cre", "a (secret)"), ("a s3c", "a s3c")]
        {
            assert_eq!(destination.without_secrets(text.to_owned()), expected);
        }
    }
}

#[tokio::test]
async fn a_password_is_not_shown_in_either_form() {
    // `me:s3cret` in base64 stands in the request, and a receiver may repeat both.
    let says = "HTTP/1.1 410 Gone\r\ncontent-length: 34\r\n\r\nno s3cret and no bWU6czNjcmV0 here";
    for permanent in [vec![], vec![410]] {
        let running = run(Receiver::Says(says)).await;
        let url = format!("http://127.0.0.1:{}/hooks", running.port);
        let authorization = Authorization::Basic { user: "me".to_owned(), password: Secret::new("s3cret") };
        let settings = HttpSettings {
            authorization: Some(authorization),
            permanent,
            ..settings(&url, Network::Private)
        };
        let destination = HttpClient::new().unwrap().destination(settings).unwrap();
        let cause = "410 Gone: no (secret) and no (secret) here".to_owned();
        assert_eq!(destination.send(&message()).await, Sent::Gone { cause });
        let requests = running.requests.lock().unwrap();
        assert!(requests[0].contains("\r\nauthorization: Basic bWU6czNjcmV0\r\n"), "{requests:?}");
    }
}

/// P10: the client opens a connection for an attempt that has to wait, and goes on with it when the attempt has got
/// another one. A receiver that answers on one connection and takes no second would thereby collect sockets.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_are_no_more_than_attempts() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/hooks");
    let settings =
        HttpSettings { timeout: Duration::from_secs(60), connections: 2, ..settings(&url, Network::Private) };
    let destination = HttpClient::new().unwrap().destination(settings).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            if request.ends_with(b"\r\n\r\n{}") {
                request.clear();
                tokio::time::sleep(Duration::from_millis(5)).await;
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
        // Kept, so that nobody is refused.
        drop(listener);
    });
    let delivered = Sent::Delivered { detail: "200 OK".to_owned() };
    assert_eq!(destination.send(&message()).await, delivered);
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    let mut most = 0;
    for _ in 0..10 {
        let parcel = message();
        let both = async { tokio::join!(destination.send(&parcel), destination.send(&parcel)) };
        let both = timeout(Duration::from_secs(20), both).await.expect("both over one connection");
        assert_eq!(both, (delivered.clone(), delivered.clone()));
        most = most.max(sockets_to(address.port()) - queued.len());
    }
    assert_eq!(most, 2);
}

/// Sockets of this machine that are connected, or about to be, to a port.
#[cfg(target_os = "linux")]
fn sockets_to(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Established, opening, or closed by the other side only.
        fields[2].ends_with(&format!(":{port:04X}")) && ["01", "02", "08"].contains(&fields[3])
    };
    table.lines().skip(1).filter(is_one).count()
}

#[tokio::test]
async fn more_headers_than_can_be_sent_are_a_dead_letter() {
    // From 24,576 fields on the map of headers refuses, which panics where nobody asks.
    let names: Vec<String> = (0..30_000).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    let sent = destination("http://127.0.0.1:9/", Network::Private).send(&parcel(&many, "{}")).await;
    let Sent::Permanent { cause } = sent else { panic!("{sent:?}") };
    assert!(cause.contains("more header fields than can be sent"), "{cause}");
}
