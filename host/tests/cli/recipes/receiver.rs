//! Whoever a recipe sends to: one address with a path for each destination. It takes everything.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Paths without their slash, which are destinations' names, and bodies.
type Received = Arc<Mutex<Vec<(String, String)>>>;

/// A receiver, for as long as the process runs.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    received: Received,
}

impl Receiver {
    /// Begins to receive.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Received::default();
        let all = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let received = all.clone();
                std::thread::spawn(move || while take(&stream, &received).is_some() {});
            }
        });
        Receiver { address, received }
    }

    /// What has come since this was called last.
    pub(super) fn take(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

/// Takes one request; None at the end of the connection.
fn take(stream: &TcpStream, received: &Received) -> Option<()> {
    // The gateway waits for an answer before it sends the next request, so that nothing of that is in the buffer.
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_ascii_lowercase());
    }
    let path = head.first()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    received.lock().unwrap().push((path, String::from_utf8(body).unwrap()));
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}
