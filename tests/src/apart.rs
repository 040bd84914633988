//! A gateway in a process of its own, the program `hookyard-apart`. It is asked over its standard input, and answers on its
//! standard output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use hookyard::Gateway;
use hookyard::delivery::State;
use hookyard::store::{Page, Queue, WorkFilter};
use tokio::runtime::Handle;

use crate::client::Client;
use crate::yard::Plan;

/// Ends an answer.
const END: &str = "end";

/// A gateway in a process of its own, which ends when this is dropped.
pub struct Apart {
    /// A sender to it.
    pub client: Client,
    /// Its files and its receiver, which is in this process.
    pub plan: Plan,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// A delivery in the gateway's store.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its destination's name.
    pub destination: String,
    /// Where it stands, as [`State`] is written.
    pub state: String,
    /// Attempts that have begun.
    pub attempts: u32,
    /// What became of the last attempt; empty if none has ended.
    pub detail: String,
}

/// What the process takes up.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory in use, in KiB.
    pub memory: u64,
    /// Tasks of the runtime.
    pub tasks: usize,
    /// Threads of the process.
    pub threads: u64,
}

impl Apart {
    /// Starts it with this configuration; see [`Plan::configure`]. `program` is `hookyard-apart`, which Cargo tells only
    /// to the scenarios where it is.
    pub fn start(plan: Plan, toml: &str, program: &str) -> Self {
        plan.configure(toml);
        let (process, questions, answers) = spawn(program, &plan);
        let address = "127.0.0.1:0".parse().expect("an address");
        let mut apart = Apart { client: Client { address }, plan, process, questions, answers };
        apart.hear_address();
        apart
    }

    /// Kills it, as `kill -9` does, and starts it again with the same files.
    pub fn kill_and_start(&mut self, program: &str) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.questions, self.answers) = spawn(program, &self.plan);
        self.hear_address();
    }

    fn hear_address(&mut self) {
        self.client.address = self.hear().remove(0).parse().expect("the gateway's address");
    }

    /// Every delivery in its store.
    pub fn deliveries(&mut self) -> Vec<Delivery> {
        let deliveries = self.ask("deliveries").into_iter().map(|line| {
            let mut fields = line.splitn(4, '\t').map(str::to_owned);
            let mut field = || fields.next().expect("four fields");
            Delivery {
                destination: field(),
                state: field(),
                attempts: field().parse().expect("a number"),
                detail: field(),
            }
        });
        deliveries.collect()
    }

    /// What it takes up now.
    pub fn usage(&mut self) -> Usage {
        let tasks = self.ask("tasks").remove(0).parse().expect("a number");
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("such a line");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        Usage { memory: number("VmRSS:"), tasks, threads: number("Threads:") }
    }

    fn ask(&mut self, question: &str) -> Vec<String> {
        writeln!(self.questions, "{question}").unwrap();
        self.hear()
    }

    fn hear(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the gateway's process has ended");
            match line.trim_end_matches('\n') {
                END => return lines,
                answer => lines.push(answer.to_owned()),
            }
        }
    }
}

fn spawn(program: &str, plan: &Plan) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new(program);
    command.arg(plan.dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let questions = process.stdin.take().expect("it is piped");
    let answers = BufReader::new(process.stdout.take().expect("it is piped"));
    (process, questions, answers)
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Its end need not be waited for by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves a gateway with the configuration in a folder until nobody can ask any more.
pub async fn serve(folder: &Path) {
    let building = Gateway::builder().config_file(folder.join("config.toml")).state_dir(folder.join("state"));
    let gateway = building.build().await.unwrap();
    let listeners = gateway.bind().await.unwrap();
    say(vec![listeners.addresses()[0].to_string()]);
    let serving = gateway.clone();
    tokio::spawn(async move { serving.serve_on(listeners).await });
    let (runtime, asked) = (Handle::current(), gateway.clone());
    let answering = tokio::task::spawn_blocking(move || {
        for question in std::io::stdin().lock().lines() {
            match question.unwrap().as_str() {
                "tasks" => say(vec![runtime.metrics().num_alive_tasks().to_string()]),
                _ => say(runtime.block_on(deliveries(&asked))),
            }
        }
    });
    answering.await.unwrap();
}

fn say(lines: Vec<String>) {
    let mut output = std::io::stdout().lock();
    for line in lines.iter().map(String::as_str).chain([END]) {
        writeln!(output, "{line}").unwrap();
    }
}

async fn deliveries(gateway: &Gateway) -> Vec<String> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let page = Page { after, limit: 500 };
        let works = gateway.store().work(Queue::Deliveries, WorkFilter::default(), page).await.unwrap();
        let Some(last) = works.last() else { return lines };
        after = Some(last.cursor);
        for work in &works {
            let destination = work.destination.as_deref().unwrap_or_default();
            let state: State = work.state;
            let detail = work.detail.as_deref().unwrap_or_default().replace(['\n', '\t'], " ");
            lines.push(format!("{destination}\t{state:?}\t{}\t{detail}", work.attempts));
        }
    }
}
