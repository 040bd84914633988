//! The sender: some connections, each with one request under way, all on one thread. Where the server falls behind with
//! runs, nothing is sent until it has caught up, and a measurement ends when every run has.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::machine;
use crate::request::Template;

/// The sender's processor.
const PROCESSOR: usize = 1;

const WARM_UP: Duration = Duration::from_millis(500);

/// The backlog is asked for after so many requests.
const ASK_AFTER: usize = 512;

/// How a server is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Keep-alive connections, each with one request under way.
    pub(crate) connections: usize,
    /// The port to which the server delivers; 0 if it does not.
    pub(crate) receiver: u16,
    /// Whether it is waited until all events have ended.
    pub(crate) patient: bool,
    /// Sending pauses when so many events have not ended, and goes on when half of them have.
    pub(crate) max_backlog: u64,
}

impl Load {
    /// For stages that deliver nothing.
    pub(crate) const INGEST: Load = Load { connections: 32, receiver: 0, patient: true, max_backlog: 2048 };
}

/// What one run of a stage came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Processor time of the server for each request, in microseconds, runs included.
    pub(crate) cpu: f64,
    /// Requests a second, until the last event had ended.
    pub(crate) rate: f64,
    /// Requests a second, until the last one was answered.
    pub(crate) accepted: f64,
    /// Events that had not ended when the last one was answered.
    pub(crate) backlog: f64,
    /// Half of the answers took no longer, in microseconds.
    pub(crate) p50: f64,
    /// 99 of 100 answers took no longer, in microseconds.
    pub(crate) p99: f64,
    /// How much of the time the server had the processor, from 0 to 1.
    pub(crate) busy: f64,
}

/// Starts the stage's server and measures it.
pub(crate) fn measure(stage: &str, state: &Path, time: Duration, load: Load) -> Result<Sample> {
    machine::pin(PROCESSOR)?;
    let mut server = Server::start(stage, state, load.receiver)?;
    let mut sender = Sender::connect(server.port, load)?;
    sender.send_for(WARM_UP, &mut server)?;
    server.settle(load)?;
    sender.latencies.clear();
    let (cpu, started) = (server.ask("c")?, Instant::now());
    sender.send_for(time, &mut server)?;
    let (accepting, backlog) = (started.elapsed().as_secs_f64(), server.ask("p")? as f64);
    server.settle(load)?;
    let (cpu, took) = (server.ask("c")? - cpu, started.elapsed().as_secs_f64());

    let mut latencies = std::mem::take(&mut sender.latencies);
    latencies.sort_unstable();
    let count = latencies.len();
    if count == 0 {
        bail!("nothing was answered");
    }
    let at = |share: f64| f64::from(latencies[((count - 1) as f64 * share) as usize]) / 1000.0;
    let cpu = cpu as f64 / 1000.0;
    Ok(Sample {
        cpu: cpu / count as f64,
        rate: count as f64 / took,
        accepted: count as f64 / accepting,
        backlog,
        p50: at(0.5),
        p99: at(0.99),
        busy: cpu / 1e6 / took,
    })
}

/// The server's process; it ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    pub(crate) fn start(stage: &str, state: &Path, receiver: u16) -> Result<Self> {
        let program = std::env::current_exe().context("failed to find this program")?;
        let mut process = Command::new(program)
            .args(["serve", stage])
            .arg(state)
            .arg(receiver.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the server")?;
        let questions = process.stdin.take().context("no way to ask the server")?;
        let answers = BufReader::new(process.stdout.take().context("no way to hear the server")?);
        let mut server = Server { process, questions, answers, port: 0 };
        server.port = u16::try_from(server.hear()?)?;
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn ask(&mut self, question: &str) -> Result<u64> {
        writeln!(self.questions, "{question}")?;
        self.hear()
    }

    fn hear(&mut self) -> Result<u64> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().context("the server has ended")
    }

    /// Waits until every event has ended, if they do.
    fn settle(&mut self, load: Load) -> Result<()> {
        if load.patient { self.wait_for_backlog(0) } else { Ok(()) }
    }

    fn wait_for_backlog(&mut self, most: u64) -> Result<()> {
        while self.ask("p")? > most {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when nobody can ask it any more; that need not be waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Connection {
    stream: TcpStream,
    sent: Option<Instant>,
    /// Of an answer that came in pieces.
    partial: Vec<u8>,
}

struct Sender {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    template: Template,
    max_backlog: u64,
    under_way: usize,
    /// In nanoseconds.
    latencies: Vec<u32>,
}

impl Sender {
    fn connect(port: u16, load: Load) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(load.connections);
        for number in 0..load.connections {
            let stream = std::net::TcpStream::connect(("127.0.0.1", port)).context("failed to connect")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            connections.push(Connection { stream, sent: None, partial: Vec::new() });
        }
        Ok(Sender {
            poll,
            events: Events::with_capacity(load.connections),
            connections,
            template: Template::new()?,
            max_backlog: load.max_backlog,
            under_way: 0,
            latencies: Vec::with_capacity(1 << 20),
        })
    }

    /// Sends for a time, and waits for the last answer.
    fn send_for(&mut self, time: Duration, server: &mut Server) -> Result<()> {
        let until = Instant::now() + time;
        let mut asked = self.latencies.len();
        let mut on = true;
        while on {
            self.fill()?;
            while self.under_way > 0 {
                let due = self.latencies.len() - asked >= ASK_AFTER;
                if on && due {
                    asked = self.latencies.len();
                    on = Instant::now() < until;
                    if on && server.ask("p")? > self.max_backlog {
                        break;
                    }
                }
                self.turn(on)?;
            }
            if on && self.under_way > 0 {
                while self.under_way > 0 {
                    self.turn(false)?;
                }
                server.wait_for_backlog(self.max_backlog / 2)?;
            }
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        for number in 0..self.connections.len() {
            if self.connections[number].sent.is_none() {
                self.send(number)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, number: usize) -> Result<()> {
        let connection = &mut self.connections[number];
        connection.sent = Some(Instant::now());
        // Far less than a socket's buffer.
        connection.stream.write_all(self.template.next()).context("failed to send")?;
        self.under_way += 1;
        Ok(())
    }

    /// Takes the answers that have come, and sends the next requests.
    fn turn(&mut self, on: bool) -> Result<()> {
        self.poll.poll(&mut self.events, Some(Duration::from_secs(10)))?;
        if self.events.is_empty() {
            bail!("no answer for ten seconds");
        }
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for number in ready {
            if self.receive(number)? && on {
                self.send(number)?;
            }
        }
        Ok(())
    }

    /// Whether an answer is there in full.
    fn receive(&mut self, number: usize) -> Result<bool> {
        let connection = &mut self.connections[number];
        let mut buffer = [0; 4096];
        let length = match connection.stream.read(&mut buffer) {
            Ok(0) => bail!("the server has closed a connection"),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("failed to receive"),
        };
        connection.partial.extend_from_slice(&buffer[..length]);
        if !is_whole(&connection.partial)? {
            return Ok(false);
        }
        connection.partial.clear();
        if let Some(sent) = connection.sent.take() {
            self.latencies.push(u32::try_from(sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
            self.under_way -= 1;
        }
        Ok(true)
    }
}

/// Whether this is an answer with all of its body.
fn is_whole(answer: &[u8]) -> Result<bool> {
    if answer.get(9) != Some(&b'2') && answer.len() > 9 {
        bail!("the server answers {:?}", String::from_utf8_lossy(answer));
    }
    let Some(head) = find(answer, b"\r\n\r\n") else { return Ok(false) };
    let name = b"\r\ncontent-length: ";
    let Some(at) = find(&answer[..head], name) else { bail!("an answer without a length") };
    let digits = answer[at + name.len()..].iter().take_while(|digit| digit.is_ascii_digit());
    let length = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    Ok(answer.len() >= head + 4 + length)
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
