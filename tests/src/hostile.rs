//! Ten receivers that do their worst, each in its own way. All of them live on one thread of their own and take little of
//! its time: what floods writes no more than its client takes.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What a receiver does to whoever sends to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Takes the request and says nothing.
    Hang,
    /// Takes the request and breaks the connection off with a reset.
    Reset,
    /// Answers 503, and keeps the connection.
    Fail,
    /// Answers 200, one byte at a time, and would take half an hour for the head.
    Drip,
    /// Answers 500 with a body that never ends.
    EndlessBody,
    /// Answers with a head that never ends.
    EndlessHead,
    /// Takes the connection and never answers to the beginning of TLS.
    SilentTls,
    /// Takes no connection: its queue is full and stays so.
    BlackHole,
    /// Answers "100 Continue" for ever.
    Interim,
    /// Answers 502 with far less body than its length says, and keeps the connection open.
    WrongLength,
}

impl Hostility {
    /// Every kind.
    pub const ALL: [Hostility; 10] = [
        Hostility::Hang,
        Hostility::Reset,
        Hostility::Fail,
        Hostility::Drip,
        Hostility::EndlessBody,
        Hostility::EndlessHead,
        Hostility::SilentTls,
        Hostility::BlackHole,
        Hostility::Interim,
        Hostility::WrongLength,
    ];

    /// A name for its destination.
    pub fn name(self) -> &'static str {
        match self {
            Hostility::Hang => "hang",
            Hostility::Reset => "reset",
            Hostility::Fail => "fail",
            Hostility::Drip => "drip",
            Hostility::EndlessBody => "endless-body",
            Hostility::EndlessHead => "endless-head",
            Hostility::SilentTls => "silent-tls",
            Hostility::BlackHole => "black-hole",
            Hostility::Interim => "interim",
            Hostility::WrongLength => "wrong-length",
        }
    }

    /// Whether an attempt lasts until the sender's patience ends.
    pub fn lasts(self) -> bool {
        matches!(self, Hostility::Hang | Hostility::Drip | Hostility::SilentTls | Hostility::BlackHole)
    }

    fn scheme(self) -> &'static str {
        if self == Hostility::SilentTls { "https" } else { "http" }
    }
}

/// One of them.
pub struct Hostile {
    /// What it does.
    pub hostility: Hostility,
    /// Where it is.
    pub address: SocketAddr,
    /// What has reached it.
    pub reached: Arc<Reached>,
    /// Connections of its own that fill its queue.
    fillers: usize,
}

/// What has reached a receiver.
#[derive(Debug, Default)]
pub struct Reached {
    connections: AtomicU64,
    requests: AtomicU64,
    written: AtomicU64,
}

impl Hostile {
    /// Where to send.
    pub fn url(&self) -> String {
        format!("{}://{}/hook", self.hostility.scheme(), self.address)
    }

    /// Sockets that senders on this machine have at the moment: connected, connecting, or not closed yet although the
    /// receiver has. The least of several looks: Linux shows its table in pieces, and sockets come and go meanwhile.
    pub fn sockets(&self) -> usize {
        (0..8).map(|_| self.look()).min().unwrap_or_default()
    }

    fn look(&self) -> usize {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let port = format!(":{:04X}", self.address.port());
        let is_senders = |line: &&str| {
            let mut fields = line.split_whitespace().skip(2);
            let (to, state) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            to.ends_with(&port) && ["01", "02", "08"].contains(&state)
        };
        table.lines().skip(1).filter(is_senders).count().saturating_sub(self.fillers)
    }
}

impl Reached {
    /// Connections that were made.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests that came in full.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes that its clients, and the system on their behalf, have taken.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// One of each kind, until dropped.
pub struct Hostiles {
    all: Vec<Hostile>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Hostiles {
    /// Begins to receive, on free ports of the loopback interface. Takes a moment.
    pub fn start() -> Self {
        let (send, receive) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("hostiles".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut all = Vec::new();
                for hostility in Hostility::ALL {
                    all.push(open(hostility).await);
                }
                let _ = send.send(all);
                let _ = stopped.await;
            });
        });
        let all = receive.recv().expect("they have begun");
        Hostiles { all, stop: Some(stop), thread: thread.ok() }
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Hostile> {
        self.all.iter()
    }

    /// A table of the configuration for each, with lines of its own in it.
    pub fn tables(&self, lines: impl Fn(Hostility) -> String) -> String {
        let table = |hostile: &Hostile| {
            let (name, url) = (hostile.hostility.name(), hostile.url());
            let lines = lines(hostile.hostility);
            format!("[destinations.{name}]\nurl = \"{url}\"\nnetwork = \"private\"\n{lines}\n")
        };
        self.all.iter().map(table).collect()
    }

    /// Their names as a route lists them.
    pub fn names(&self) -> String {
        let names: Vec<String> =
            self.all.iter().map(|hostile| format!("\"{}\"", hostile.hostility.name())).collect();
        names.join(", ")
    }
}

impl Drop for Hostiles {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the system keeps of an answer that nobody takes: little, so that a flood costs little.
const SEND_BUFFER: u32 = 64 * 1024;

async fn open(hostility: Hostility) -> Hostile {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SEND_BUFFER).unwrap();
    socket.bind("127.0.0.1:0".parse().expect("an address")).unwrap();
    let listener = socket.listen(if hostility == Hostility::BlackHole { 1 } else { 1024 }).unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Arc::<Reached>::default();
    let mut queued = Vec::new();
    if hostility == Hostility::BlackHole {
        while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
    }
    let fillers = queued.len();
    tokio::spawn(receive(hostility, listener, queued, reached.clone()));
    Hostile { hostility, address, reached, fillers }
}

async fn receive(hostility: Hostility, listener: TcpListener, queued: Vec<TcpStream>, reached: Arc<Reached>) {
    if hostility == Hostility::BlackHole {
        // Kept, and never accepted.
        let _full = (listener, queued);
        return pending().await;
    }
    while let Ok((stream, _)) = listener.accept().await {
        reached.connections.fetch_add(1, Ordering::Relaxed);
        let reached = reached.clone();
        tokio::spawn(async move {
            // The client's end of the connection is the end of it.
            let _ = harm(hostility, stream, &reached).await;
        });
    }
}

async fn harm(hostility: Hostility, mut stream: TcpStream, reached: &Reached) -> io::Result<()> {
    let mut seen = Vec::new();
    if hostility == Hostility::SilentTls {
        return until_closed(&mut stream).await;
    }
    while read_request(&mut stream, &mut seen).await? {
        reached.requests.fetch_add(1, Ordering::Relaxed);
        match hostility {
            Hostility::Hang | Hostility::SilentTls | Hostility::BlackHole => {}
            Hostility::Reset => return stream.set_zero_linger(),
            Hostility::Fail => {
                stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy").await?;
                continue;
            }
            Hostility::Drip => drip(&mut stream, b"HTTP/1.1 200 OK\r\nx-drip: ", reached).await?,
            Hostility::EndlessBody => {
                flood(&mut stream, b"HTTP/1.1 500 Oops\r\n\r\n", b"body", reached).await?
            }
            Hostility::EndlessHead => {
                flood(&mut stream, b"HTTP/1.1 200 OK\r\n", b"x-more: of it\r\n", reached).await?
            }
            Hostility::Interim => flood(&mut stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n", reached).await?,
            Hostility::WrongLength => {
                stream.write_all(b"HTTP/1.1 502 Short\r\ncontent-length: 1000000\r\n\r\nshort").await?;
            }
        }
        return until_closed(&mut stream).await;
    }
    Ok(())
}

async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

async fn drip(stream: &mut TcpStream, start: &[u8], reached: &Reached) -> io::Result<()> {
    for byte in start.iter().chain(std::iter::repeat(&b'.')) {
        stream.write_all(&[*byte]).await?;
        reached.written.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}

/// Writes the first, and then the second for as long as the client takes it, many at a time.
async fn flood(stream: &mut TcpStream, first: &[u8], then: &[u8], reached: &Reached) -> io::Result<()> {
    let many = then.repeat(16 * 1024 / then.len());
    stream.write_all(first).await?;
    loop {
        stream.write_all(&many).await?;
        reached.written.fetch_add(many.len() as u64, Ordering::Relaxed);
    }
}

/// Reads one request; false if there is none. `seen` is what has come of it and of the next.
async fn read_request(stream: &mut TcpStream, seen: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        if let Some(length) = request_length(seen).filter(|length| *length <= seen.len()) {
            seen.drain(..length);
            return Ok(true);
        }
        if stream.read_buf(seen).await? == 0 {
            return Ok(false);
        }
    }
}

/// Bytes of the head and the body, once the head is there.
fn request_length(seen: &[u8]) -> Option<usize> {
    let end = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(end + length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0))
}
