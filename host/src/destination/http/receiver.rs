//! Receivers for tests: a socket and what is done with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// An answer after which the connection can be used again.
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a receiver does with a connection, once it has read the request's head and the body `{}`.
pub(super) enum Receiver {
    /// Writes this and closes.
    Says(&'static str),
    /// Answers every request on the connection: the first with the first, and so on; the last is repeated.
    Answers(&'static [&'static str]),
    /// Nothing.
    Hangs,
    /// Writes this and closes with a reset.
    Resets(&'static str),
    /// Writes the first, then the second again and again, with a pause of so many milliseconds.
    Repeats(&'static str, &'static str, u64),
}

/// A receiver at work.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) port: u16,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    /// Bytes that [`Receiver::Repeats`] got rid of.
    pub(super) written: Arc<AtomicUsize>,
    /// [`Receiver::Repeats`] can write no more.
    pub(super) closed: Arc<Notify>,
}

pub(super) async fn run(receiver: Receiver) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = Running {
        port: listener.local_addr().unwrap().port(),
        connections: Arc::default(),
        requests: Arc::default(),
        written: Arc::default(),
        closed: Arc::default(),
    };
    let account = running.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            account.connections.fetch_add(1, Ordering::SeqCst);
            while let Some(request) = read_request(&mut stream).await {
                let number = {
                    let mut requests = account.requests.lock().unwrap();
                    requests.push(request);
                    requests.len()
                };
                let Receiver::Answers(texts) = receiver else { break };
                stream.write_all(texts[number.min(texts.len()) - 1].as_bytes()).await.unwrap();
            }
            act(&receiver, stream, &account).await;
        }
    });
    running
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n{}") {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(request).ok()
}

/// A client that has seen enough closes: errors of writing are its business.
async fn act(receiver: &Receiver, mut stream: TcpStream, account: &Running) {
    match *receiver {
        Receiver::Answers(_) => {}
        Receiver::Says(text) => drop(stream.write_all(text.as_bytes()).await),
        Receiver::Hangs => drop(stream.read(&mut [0]).await),
        Receiver::Resets(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            stream.set_zero_linger().unwrap();
        }
        Receiver::Repeats(first, then, pause) => {
            let mut written = stream.write_all(first.as_bytes()).await;
            while written.is_ok() {
                if pause > 0 {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                written = stream.write_all(then.as_bytes()).await;
                account.written.fetch_add(then.len(), Ordering::SeqCst);
            }
            account.closed.notify_one();
        }
    }
}
