//! A thread with a connection that reads: it sees the last commit, and neither holds up the writer nor waits for it.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

/// Something to read.
type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The thread.
#[derive(Debug)]
pub(super) struct Reader {
    questions: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts it.
    pub(super) fn start(db: Connection) -> std::io::Result<Self> {
        let (questions, asked) = channel::<Question>();
        let thread = thread::Builder::new().name("store-reader".to_owned()).spawn(move || {
            for question in asked {
                question(&db);
            }
        })?;
        Ok(Reader { questions: Some(questions), thread: Some(thread) })
    }

    /// Has something read, after what was asked before.
    pub(super) fn ask(&self, question: impl FnOnce(&Connection) + Send + 'static) {
        if let Some(questions) = &self.questions {
            // Without the thread the question is dropped, which its asker notices.
            let _ = questions.send(Box::new(question));
        }
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        self.questions = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
