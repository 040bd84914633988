//! The end of what a guest writes to its standard error: there, runtimes of languages say what an exception was that
//! nobody caught, before they trap.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that are kept.
const KEPT: usize = 512;

/// Bytes that a guest may write in one go.
const AT_ONCE: usize = 64 * 1024;

/// A stream that takes everything and keeps the end.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<u8>>>);

impl LastWords {
    /// The lines in one, without white space around them; empty if there are none.
    pub(super) fn take(&self) -> String {
        let kept: Vec<u8> =
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into();
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.trim().chars().filter(|character| !character.is_control()).collect())
            .filter(|line: &String| !line.is_empty())
            .collect();
        lines.join(" | ")
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&bytes[bytes.len().saturating_sub(KEPT)..]);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }
}

impl IsTerminal for LastWords {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LastWords {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // For versions of WASI that are not linked.
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl OutputStream for LastWords {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(AT_ONCE)
    }
}

#[async_trait]
impl Pollable for LastWords {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_in_one_line() {
        let check = |written: &[&str], expected: &str| {
            let words = LastWords::default();
            written.iter().for_each(|text| words.keep(text.as_bytes()));
            assert_eq!(words.take(), expected);
            assert_eq!(words.take(), "", "it is taken once");
        };
        check(&[], "");
        check(
            &["Traceback:\n  File \"a.py\"", ", line 1\n\nValue", "Error: no\n"],
            "Traceback: | File \"a.py\", line 1 | ValueError: no",
        );
        check(&["\u{1b}[31mred\u{7}\n"], "[31mred");
        let long = "a".repeat(3 * KEPT);
        check(&[&long, "b"], &format!("{}b", "a".repeat(KEPT - 1)));
    }
}
