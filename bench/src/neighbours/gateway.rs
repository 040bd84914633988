//! The gateway's process, from both sides.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hookyard::Gateway;

use crate::machine;

/// The processor on which it runs, with all of its threads.
const PROCESSOR: usize = 0;

/// Serves what `config.toml` in this folder says. Prints its port, and then, for each line on its standard input, the
/// processor time that it has used, in nanoseconds. Ends with its standard input.
pub(crate) fn serve(folder: &Path) -> Result<()> {
    machine::pin(PROCESSOR)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let port = runtime.block_on(async {
        let building = Gateway::builder()
            .config_file(folder.join("config.toml"))
            .state_dir(folder.join("state"))
            .build();
        let gateway = building.await?;
        let listeners = gateway.bind().await?;
        let port = listeners.addresses().first().context("nothing is bound")?.port();
        tokio::spawn(async move { gateway.serve_on(listeners).await });
        anyhow::Ok(port)
    })?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{port}")?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(output, "{}", machine::process_time().as_nanos())?;
    }
    Ok(())
}

/// The process as its parent sees it; it ends when this is dropped.
pub(super) struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(super) port: u16,
}

impl Process {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let program = std::env::current_exe().context("failed to find this program")?;
        let mut child = Command::new(program)
            .arg("serve-neighbours")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the gateway")?;
        let questions = child.stdin.take().context("no way to ask the gateway")?;
        let answers = BufReader::new(child.stdout.take().context("no way to hear the gateway")?);
        let mut process = Process { child, questions, answers, port: 0 };
        process.port = u16::try_from(process.hear()?)?;
        Ok(process)
    }

    /// Processor time that it has used, in user and kernel mode.
    pub(super) fn cpu(&mut self) -> Result<Duration> {
        writeln!(self.questions)?;
        Ok(Duration::from_nanos(self.hear()?))
    }

    /// Memory in use, in MiB.
    pub(super) fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.context("no line VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    }

    fn hear(&mut self) -> Result<u64> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().context("the gateway has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends by itself when nobody can ask it any more; that need not be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
