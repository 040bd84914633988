//! The sender and the good receiver, on one thread, so that one clock tells when an event was sent and when it arrived.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::request::Template;

/// Of the sender.
pub(super) const CONNECTIONS: usize = 16;

/// How long an event may take to arrive before the measurement fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// How events are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// So many a second, whatever has become of those before.
    Rate(f64),
    /// So many that have not arrived; each one that arrives makes room for the next.
    UnderWay(usize),
}

/// What has become of the events that were sent.
pub(super) struct Arrived {
    /// From when each was to be sent.
    pub(super) latencies: Vec<Duration>,
    /// From the first one sent to the last one arrived.
    pub(super) took: Duration,
}

/// Told when the event arrives, by its delivery id.
type Waiting = Arc<Mutex<HashMap<Vec<u8>, oneshot::Sender<Instant>>>>;

/// A receiver that answers 200 at once.
pub(super) struct Good {
    port: u16,
    waiting: Waiting,
}

impl Good {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let good = Good { port: listener.local_addr()?.port(), waiting: Waiting::default() };
        let waiting = good.waiting.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // The gateway's end of the connection is the end of it.
                tokio::spawn(receive(stream, waiting.clone()));
            }
        });
        Ok(good)
    }

    /// The good destination.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/good", self.port)
    }

    /// Answers the same, and tells nobody.
    pub(super) fn other_url(&self) -> String {
        format!("http://127.0.0.1:{}/other", self.port)
    }
}

async fn receive(mut stream: TcpStream, waiting: Waiting) -> std::io::Result<()> {
    let mut seen = Vec::with_capacity(8192);
    loop {
        while let Some((head, length)) = request(&seen) {
            if head.starts_with(b"POST /good") {
                let told = header(head, b"\r\nx-github-delivery: ")
                    .and_then(|id| waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
                // Nobody waits for a repetition.
                let _ = told.map(|told| told.send(Instant::now()));
            }
            seen.drain(..length);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        }
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
    }
}

/// The head of a request, and the length of all of it, once it is there.
fn request(seen: &[u8]) -> Option<(&[u8], usize)> {
    let head = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let length = std::str::from_utf8(header(&seen[..head + 2], b"\r\ncontent-length: ")?).ok()?;
    let length = head + 4 + length.parse::<usize>().ok()?;
    (seen.len() >= length).then_some((&seen[..head + 2], length))
}

/// A header's value, where it is written as the gateway writes it.
fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = head.windows(name.len()).position(|bytes| bytes == name)? + name.len();
    let end = head[start..].iter().position(|byte| *byte == b'\r')?;
    Some(&head[start..start + end])
}

/// Sends to one gateway.
pub(super) struct Sender {
    port: u16,
    waiting: Waiting,
    template: RefCell<Template>,
}

impl Sender {
    pub(super) fn new(port: u16, good: &Good) -> Result<Rc<Self>> {
        Ok(Rc::new(Sender { port, waiting: good.waiting.clone(), template: RefCell::new(Template::new()?) }))
    }

    /// Sends for a time, and waits until everything has arrived.
    pub(super) async fn send_for(self: &Rc<Self>, load: Load, time: Duration) -> Result<Arrived> {
        let local = LocalSet::new();
        let (latencies, gathered) = mpsc::channel();
        let started = Instant::now();
        let under_way = match load {
            Load::Rate(_) => CONNECTIONS,
            Load::UnderWay(count) => count,
        };
        let lanes = (0..under_way).map(|lane| {
            let (sender, latencies) = (self.clone(), latencies.clone());
            local.spawn_local(async move {
                let mut stream = TcpStream::connect(("127.0.0.1", sender.port)).await?;
                stream.set_nodelay(true)?;
                let mut arrivals = Vec::new();
                for turn in 0.. {
                    let due = match load {
                        Load::Rate(rate) => {
                            started + Duration::from_secs_f64((turn * CONNECTIONS + lane) as f64 / rate)
                        }
                        Load::UnderWay(_) => Instant::now(),
                    };
                    if due.max(Instant::now()) >= started + time {
                        break;
                    }
                    tokio::time::sleep_until(due.into()).await;
                    let arrival = sender.send(&mut stream).await?;
                    if let Load::UnderWay(_) = load {
                        let _ = latencies.send(arrived(arrival).await? - due);
                    } else {
                        arrivals.push((due, arrival));
                    }
                }
                for (due, arrival) in arrivals {
                    let _ = latencies.send(arrived(arrival).await? - due);
                }
                anyhow::Ok(())
            })
        });
        let lanes: Vec<_> = lanes.collect();
        local
            .run_until(async {
                for lane in lanes {
                    lane.await??;
                }
                anyhow::Ok(())
            })
            .await?;
        let took = started.elapsed();
        drop(latencies);
        let latencies: Vec<Duration> = gathered.into_iter().collect();
        if latencies.is_empty() {
            bail!("nothing has arrived");
        }
        Ok(Arrived { latencies, took })
    }

    /// Sends one event, and waits for the answer. Returns what tells of its arrival.
    async fn send(&self, stream: &mut TcpStream) -> Result<oneshot::Receiver<Instant>> {
        let (told, arrival) = oneshot::channel();
        let request = {
            let mut template = self.template.borrow_mut();
            let request = template.next().to_vec();
            let id = template.delivery_id().to_vec();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, told);
            request
        };
        stream.write_all(&request).await.context("failed to send")?;
        let mut answer = Vec::with_capacity(512);
        loop {
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("the gateway has closed a connection");
            }
            if answer.len() > 12 && !answer.starts_with(b"HTTP/1.1 202") {
                bail!("the gateway answers {:?}", String::from_utf8_lossy(&answer));
            }
            if self::request(&answer).is_some() {
                return Ok(arrival);
            }
        }
    }

    /// Attempts that have failed so far, at all destinations.
    pub(super) async fn failed_attempts(&self) -> Result<f64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        let failed = page.lines().filter(|line| {
            line.starts_with("hookyard_delivery_attempts_total{") && !line.contains("outcome=\"delivered\"")
        });
        Ok(failed.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

async fn arrived(arrival: oneshot::Receiver<Instant>) -> Result<Instant> {
    let arrival = tokio::time::timeout(PATIENCE, arrival).await;
    Ok(arrival.context("an event has not arrived")??)
}
