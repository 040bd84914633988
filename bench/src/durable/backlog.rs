//! A large backlog: what it takes of memory, and how soon a gateway that finds it goes to work.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hookyard::clock::{Clock as _, SystemClock};
use hookyard::delivery::RunId;
use hookyard::event::{Event, EventId};
use hookyard::store::{NewEvent, NewRun, Store as _};
use uuid::Uuid;

use crate::request::{BODY, Incoming};

use super::receiver::Receiver;
use super::setup;

/// Stored at once.
const BATCH: usize = 1000;

/// How long the gateway is watched at work.
const WATCHED: Duration = Duration::from_secs(10);

/// What came of it.
pub(crate) struct Backlog {
    pub(crate) events: usize,
    /// Bytes of the database before the start.
    pub(crate) size: u64,
    /// From starting the process to its being ready.
    pub(crate) ready: Duration,
    /// From being ready to the first arrival.
    pub(crate) first: Duration,
    /// Arrivals a second afterwards.
    pub(crate) rate: f64,
    /// The most memory that it had, in bytes.
    pub(crate) memory: u64,
}

/// Fills a store, and starts the program that is released on it.
pub(crate) fn measure(state: &Path, events: usize, receiver: &Receiver) -> Result<Backlog> {
    fill(state, events)?;
    let size = std::fs::metadata(state.join("state/events.db")).context("there is no database")?.len();
    let port = free_port()?;
    std::fs::write(state.join("config.toml"), setup::config("\"redact\"", receiver.port(), port))?;
    let before = receiver.count();
    let started = Instant::now();
    let gateway = Gateway::start(state)?;
    while !is_ready(port) {
        if started.elapsed() > Duration::from_secs(60) {
            bail!("the gateway is not ready after a minute");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let ready = started.elapsed();
    while receiver.count() == before {
        std::thread::sleep(Duration::from_micros(200));
    }
    let first = started.elapsed().saturating_sub(ready);
    let (count, at) = (receiver.count(), Instant::now());
    std::thread::sleep(WATCHED);
    let rate = (receiver.count() - count) as f64 / at.elapsed().as_secs_f64();
    Ok(Backlog { events, size, ready, first, rate, memory: gateway.memory()? })
}

fn fill(state: &Path, events: usize) -> Result<()> {
    let store = setup::open(state)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let incoming = Incoming::new(BODY)?;
    let now = SystemClock.now();
    for _ in 0..events.div_ceil(BATCH) {
        let batch = (0..BATCH).map(|_| event(&incoming, now)).collect();
        runtime.block_on(store.append(batch, now))?;
    }
    Ok(())
}

fn event(incoming: &Incoming, now: i64) -> NewEvent {
    let message = incoming.message();
    let event = Event {
        id: EventId(Uuid::now_v7()),
        source: "bench".into(),
        kind: "pull_request.opened".to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: now,
        method: "POST".to_owned(),
        path: "/in/bench".to_owned(),
        query: String::new(),
        headers: message.headers,
        body: message.body,
    };
    let run = NewRun { id: RunId(Uuid::now_v7()), route: "all".into(), order: None, leased_until: None };
    NewEvent { event: Arc::new(event), dedupe: None, runs: vec![run], unrouted: None }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn is_ready(port: u16) -> bool {
    let answer = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    };
    answer().is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The program that is released; it is killed when this is dropped.
struct Gateway(Child);

impl Gateway {
    fn start(state: &Path) -> Result<Self> {
        let here = std::env::current_exe().context("failed to find this program")?;
        let program = here.with_file_name("hookyard");
        let mut command = Command::new(program);
        command.arg("--config").arg(state.join("config.toml")).stdout(Stdio::null());
        command.spawn().map(Gateway).context("failed to start hookyard")
    }

    fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
