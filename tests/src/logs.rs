//! What the gateway logs, for the test that runs on this thread.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Gathers log lines of this thread, which with tokio's current-thread runtime means of everything but guest threads.
pub struct Logs(());

impl Logs {
    /// Gathers from here on, until dropped.
    pub fn gather() -> Self {
        listen();
        LINES.set(Some(Vec::new()));
        Logs(())
    }

    /// What has been logged so far.
    pub fn text(&self) -> String {
        LINES.with_borrow(|lines| String::from_utf8_lossy(lines.as_deref().unwrap_or_default()).into_owned())
    }
}

/// What all threads log from the first call on, those of guests and of other tests as well.
pub fn logs_of_all_threads() -> String {
    listen();
    let mut lines = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(lines.get_or_insert_default()).into_owned()
}

static ALL: Mutex<Option<Vec<u8>>> = Mutex::new(None);

impl Drop for Logs {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// Has everything logged that is gathered by somebody. One listener for the whole process and before any gateway: what
/// is logged first while nobody listens is sometimes never logged again.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| ThisThread).finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens");
    });
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(bytes)));
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = all.as_mut() {
            lines.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
