//! The program under test, in a process of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often one looks whether it is ready.
const LOOK: Duration = Duration::from_millis(1);

/// The program `hookyard` that was built next to this one. Panics if it is missing, or older than its sources.
pub fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    // Tests are in a folder of their own.
    let folder =
        here.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("a folder").to_owned();
    let program = folder.join("hookyard");
    let built = program.metadata().and_then(|metadata| metadata.modified());
    let Ok(built) = built else {
        panic!("{} is not there: `cargo test --workspace` builds it", program.display());
    };
    let sources = std::fs::read_to_string(folder.join("hookyard.d")).unwrap_or_default();
    let sources = sources.split_once(": ").map_or("", |(_, sources)| sources);
    for source in sources.split_whitespace() {
        // `cargo test` leaves the list as it was: what is gone was named by another source, which has changed.
        let Ok(changed) = Path::new(source).metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        assert!(
            changed <= built,
            "{} is older than {source}: `cargo test --workspace` builds it",
            program.display()
        );
    }
    program
}

/// A gateway in a process. Killed when dropped.
pub struct Program {
    child: Child,
    client: Client,
    log: PathBuf,
}

impl Program {
    /// Starts it in a directory with a `config.toml`, where it is to listen on this address. What it prints goes to
    /// the file `log` there, after what was printed before.
    pub fn start(program: &Path, directory: &Path, address: SocketAddr) -> Self {
        let log = directory.join("log");
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let errors = out.try_clone().unwrap();
        let mut command = Command::new(program);
        command.current_dir(directory).env_remove("RUST_LOG").stdin(Stdio::null()).stdout(out).stderr(errors);
        Program { child: command.spawn().unwrap(), client: Client { address }, log }
    }

    /// What `/readyz` says.
    pub async fn readiness(&self) -> serde_json::Value {
        serde_json::from_str(&self.client.get("/readyz").await.text).unwrap()
    }

    /// Waits until `/readyz` answers 200.
    pub async fn ready(&mut self) {
        let started = Instant::now();
        loop {
            let asked = self.client.try_send(self.client.request("GET", "/readyz", &[], "")).await;
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || started.elapsed() > PATIENCE {
                panic!("it does not become ready ({ended:?}):\n{}", self.log());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills it, as an operating system that is out of memory does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Has it stop in order.
    pub async fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not stop:\n{}", self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The end of what it has printed.
    pub fn log(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(8000)..]).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
