//! A file that grows by one JSON object a line.
//!
//! A line is written with one call and synced before it counts as delivered; lines that wait while another is written
//! share one sync, which is what costs: about as much as a commit of a database. A body that is UTF-8 stands in `body`
//! as a string, which says every byte of it, spaces and line breaks included, as an embedded JSON value would not; any
//! other is in `body_base64`. The file is opened again when its name comes to stand for another one, so that it can be
//! rotated by renaming it. Only this process is expected to write to it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::future::Future;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::timeout;

use crate::delivery::{Blame, Sent};

use super::forward::forwarded;
use super::{Destination, Parcel};

/// A file system that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// Appends each message to a file as one line of JSON.
#[derive(Debug)]
pub struct JsonLines {
    waiting: Arc<StdMutex<Vec<Line>>>,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug)]
struct Line {
    text: Vec<u8>,
    written: oneshot::Sender<Result<(), String>>,
}

impl JsonLines {
    /// The file, and directories that are missing, are created with the first message, for the owner alone.
    pub fn new(path: PathBuf) -> Self {
        JsonLines { waiting: Arc::default(), log: Arc::new(Mutex::new(Log { path, open: None })) }
    }

    async fn append(&self, text: Vec<u8>) -> Result<(), String> {
        let (written, answer) = oneshot::channel();
        locked(&self.waiting).push(Line { text, written });
        let log = Arc::clone(&self.log).lock_owned().await;
        // Whoever had the log before may have taken this line along.
        let batch = std::mem::take(&mut *locked(&self.waiting));
        if !batch.is_empty() {
            tokio::task::spawn_blocking(move || write(log, batch));
        }
        answer.await.unwrap_or_else(|_| Err("the writer broke off".to_owned()))
    }
}

impl Destination for JsonLines {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(async move {
            let text = line(parcel);
            let size = text.len();
            let cause = match timeout(LIMIT, self.append(text)).await {
                Ok(Ok(())) => {
                    return Sent::Delivered { detail: format!("{size} bytes appended") };
                }
                Ok(Err(cause)) => cause,
                Err(_) => format!("the file was not written within {} s", LIMIT.as_secs()),
            };
            Sent::Retryable { cause, retry_after: None, blame: Blame::Receiver }
        })
    }
}

fn locked<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing that holds it can leave half a change behind.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One line, as it is written.
#[derive(Serialize)]
struct Object<'a> {
    id: String,
    event: String,
    /// When the event was received.
    received: String,
    /// When the attempt began.
    time: String,
    source: &'a str,
    route: &'a str,
    destination: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    attempt: u32,
    /// What is not UTF-8 in a value is replaced.
    headers: Vec<(&'a str, std::borrow::Cow<'a, str>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

fn line(parcel: &Parcel) -> Vec<u8> {
    let event = &parcel.event;
    let bytes = parcel.message.body(event);
    let text = std::str::from_utf8(bytes).ok();
    let object = Object {
        id: parcel.id.to_string(),
        event: event.id.to_string(),
        received: rfc3339(event.received_at),
        time: rfc3339(parcel.now),
        source: &event.source,
        route: &parcel.route,
        destination: &parcel.destination,
        kind: &event.kind,
        attempt: parcel.attempt,
        headers: forwarded(parcel).map(|(name, value)| (name, String::from_utf8_lossy(value))).collect(),
        body: text,
        body_base64: text.is_none().then(|| STANDARD.encode(bytes)),
    };
    #[expect(clippy::expect_used, reason = "strings and a number: no map with odd keys, no failing writer")]
    let mut line = serde_json::to_vec(&object).expect("a plain object");
    line.push(b'\n');
    line
}

fn rfc3339(time: i64) -> String {
    jiff::Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| format!("{time:.3}"))
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    inode: (u64, u64),
    /// The last line broke off.
    broken: bool,
}

/// Writes the lines, syncs, and tells those who wait; on a thread that may block.
fn write(mut log: OwnedMutexGuard<Log>, batch: Vec<Line>) {
    let texts = batch.iter().map(|line| &*line.text);
    let result = log.write(texts).map_err(|error| {
        // Half a line, or a sync that failed: nothing more is known about what this handle has written.
        log.open = None;
        format!("writing to {} failed: {error}", log.path.display())
    });
    drop(log);
    for line in batch {
        // Nobody waits any more for what took too long.
        let _gone = line.written.send(result.clone());
    }
}

impl Log {
    fn write<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        let moved = |open: &Open| {
            std::fs::metadata(&self.path).map_or(true, |found| (found.dev(), found.ino()) != open.inode)
        };
        let open = match self.open.take().filter(|open| !moved(open)) {
            Some(open) => self.open.insert(open),
            None => self.open.insert(open(&self.path)?),
        };
        if open.broken {
            open.file.write_all(b"\n")?;
            open.broken = false;
        }
        for line in lines {
            open.file.write_all(line)?;
        }
        match open.file.sync_data() {
            // Pipes and devices cannot be synced.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            synced => synced,
        }
    }
}

fn open(path: &Path) -> io::Result<Open> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let found = file.metadata()?;
    let mut last = [b'\n'];
    if found.is_file() && found.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    } else if let Some(parent) = parent {
        // A new name survives a power cut once its directory is synced.
        File::open(parent)?.sync_all()?;
    }
    Ok(Open { file, inode: (found.dev(), found.ino()), broken: last != [b'\n'] })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::Value;

    use crate::destination::sample::parcel;

    use super::*;

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    async fn send(file: &JsonLines, body: &'static [u8]) {
        let sent = file.send(&parcel(&[("x-a", "1"), ("Cookie", "c")], body)).await;
        assert!(matches!(sent, Sent::Delivered { .. }), "{sent:?}");
    }

    #[tokio::test]
    async fn a_line_says_everything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b.jsonl");
        let file = JsonLines::new(path.clone());
        send(&file, b"{ \"a\":\r\n 1.0 }").await;
        send(&file, b"\xff\x00").await;
        let lines = lines(&path);
        assert_eq!(lines.len(), 2);
        let expected = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000007",
            "event": "01970000-0000-7000-8000-000000000001",
            "received": "2023-11-14T22:13:20.000Z",
            "time": "2023-11-14T22:13:21.500Z",
            "source": "github", "route": "prs", "destination": "ci", "type": "pull_request.opened",
            "attempt": 2, "headers": [["x-a", "1"]], "body": "{ \"a\":\r\n 1.0 }",
        });
        assert_eq!(lines[0], expected);
        assert_eq!((&lines[1]["body"], &lines[1]["body_base64"]), (&Value::Null, &Value::from("/wA=")));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&directory.path().join("a"))), (0o600, 0o700));
    }

    #[tokio::test]
    async fn a_renamed_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, old) = (directory.path().join("log"), directory.path().join("log.1"));
        let file = JsonLines::new(path.clone());
        send(&file, b"1").await;
        std::fs::rename(&path, &old).unwrap();
        send(&file, b"2").await;
        send(&file, b"3").await;
        assert_eq!((lines(&old).len(), lines(&path).len()), (1, 2));
        std::fs::remove_file(&path).unwrap();
        send(&file, b"4").await;
        assert_eq!(lines(&path).len(), 1);
    }

    #[tokio::test]
    async fn a_broken_line_spoils_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "{\"half\":").unwrap();
        send(&JsonLines::new(path.clone()), b"whole").await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"half\":\n{\"id\""), "{text}");
    }

    #[tokio::test]
    async fn concurrent_messages_are_whole_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let file = Arc::new(JsonLines::new(path.clone()));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let file = Arc::clone(&file);
                tokio::spawn(async move { send(&file, b"x").await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(lines(&path).len(), 50);
    }

    #[tokio::test]
    async fn failure_names_the_file_and_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let sent = JsonLines::new(directory.path().to_owned()).send(&parcel(&[], "x")).await;
        let Sent::Retryable { cause, .. } = sent else { panic!("{sent:?}") };
        let name = directory.path().display().to_string();
        assert!(cause.contains(&name) && cause.contains("Is a directory (os error 21)"), "{cause}");
    }
}
