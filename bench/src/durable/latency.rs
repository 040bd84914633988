//! How long an event takes from the sender's hand into the receiver's, at a rate that bothers nobody, beside what one
//! sync takes on the same disk.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::load::Server;
use crate::machine;
use crate::request::Template;

use super::receiver::Receiver;

/// Events a second.
pub(crate) const RATE: u32 = 100;

/// Syncs are measured in between, after so many events each time, so that both meet the same disk.
const ROUND: u32 = 50;

/// Milliseconds, sorted.
pub(crate) struct Latency {
    /// From sending to arriving.
    pub(crate) events: Vec<f64>,
    /// From sending to the answer.
    pub(crate) answers: Vec<f64>,
    /// Appending 4 KiB to a file and syncing it.
    pub(crate) syncs: Vec<f64>,
}

/// Measures for about this time.
pub(crate) fn measure(state: &Path, time: Duration, receiver: &Receiver) -> Result<Latency> {
    machine::pin(1)?;
    let server = Server::start("whole", state, receiver.port())?;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.set_nodelay(true)?;
    let mut template = Template::new()?;
    let mut file = OpenOptions::new().create(true).append(true).open(state.join("syncs"))?;
    let (mut sent, mut answers, mut syncs) = (HashMap::new(), Vec::new(), Vec::new());
    for _ in 0..ROUND {
        send(&mut stream, &mut template)?;
    }
    receiver.watch();
    let rounds = (time.as_secs_f64() * f64::from(RATE) / f64::from(ROUND)).ceil() as u32;
    for _ in 0..rounds {
        let begun = Instant::now();
        for number in 0..ROUND {
            let due = begun + Duration::from_secs(1) * number / RATE;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (id, at) = send(&mut stream, &mut template)?;
            answers.push(milliseconds(at.elapsed()));
            sent.insert(id, at);
        }
        for _ in 0..ROUND / 2 {
            let at = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            syncs.push(milliseconds(at.elapsed()));
            std::thread::sleep(Duration::from_secs(1) / RATE);
        }
    }
    std::thread::sleep(Duration::from_secs(1));
    let arrivals = receiver.arrivals();
    if arrivals.len() < sent.len() {
        bail!("of {} events {} have arrived", sent.len(), arrivals.len());
    }
    let events = sent.iter().filter_map(|(id, at)| Some(milliseconds(arrivals.get(id)?.duration_since(*at))));
    Ok(Latency { events: sorted(events.collect()), answers: sorted(answers), syncs: sorted(syncs) })
}

/// Sends one and waits for the answer. Returns its id and when it was sent.
fn send(stream: &mut std::net::TcpStream, template: &mut Template) -> Result<(Vec<u8>, Instant)> {
    let at = Instant::now();
    stream.write_all(template.next())?;
    let id = template.delivery_id().to_vec();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).context("no answer")?;
    match answer.get(..length) {
        Some(answer) if answer.starts_with(b"HTTP/1.1 202") => Ok((id, at)),
        answer => bail!("the server answers {:?}", String::from_utf8_lossy(answer.unwrap_or_default())),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}
