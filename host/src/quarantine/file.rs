//! One refused request in one file: a line of JSON about it, then the bytes of its body.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::HeaderName;
use rustix::fs::statvfs;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Headers};

use super::{Refused, Summary};

/// What the files are called after their id.
const EXTENSION: &str = "request";

/// Bytes of the first line, at most: a request's head is bounded by `[server] max_head`, of 1 MiB at most, and a byte of
/// a header takes up to four characters.
const MAX_HEAD: u64 = 5 << 20;

/// The directory, which only this user looks into.
pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Bytes that a request counts as.
pub(super) fn size(event: &Event) -> usize {
    event.headers.size() + event.path.len() + event.query.len() + event.bytes().len()
}

fn path(directory: &Path, id: Uuid) -> PathBuf {
    directory.join(format!("{}.{EXTENSION}", id.hyphenated()))
}

/// Writes a file, whole or not at all.
pub(super) fn write(directory: &Path, refused: &Refused) -> io::Result<Summary> {
    let event = &refused.event;
    let (id, size) = (event.id.0, size(event));
    let head = json!({
        "source": &*event.source,
        "reason": refused.reason,
        "received_at": event.received_at,
        "method": event.method,
        "path": event.path,
        "query": event.query,
        "headers": event.headers.iter().map(|(name, value)| json!([name, latin1(value)])).collect::<Vec<_>>(),
        "size": size,
    });
    let draft = directory.join(format!("{}.part", id.hyphenated()));
    let written = write_draft(&draft, &format!("{head}\n"), event.bytes());
    if let Err(error) = written.and_then(|()| fs::rename(&draft, path(directory, id))) {
        // What is half written would count in no bound.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(Summary {
        id,
        source: event.source.to_string(),
        reason: refused.reason.clone(),
        received_at: event.received_at,
        method: event.method.clone(),
        size,
    })
}

fn write_draft(draft: &Path, head: &str, body: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(head.as_bytes())?;
    file.write_all(body)
}

/// Bytes that are free where the directory is. A file system that cannot say has room, until a write fails.
pub(super) fn free(directory: &Path) -> u64 {
    statvfs(directory).map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize))
}

/// Reads a file; None if it is not there.
pub(super) fn read(directory: &Path, id: Uuid) -> io::Result<Option<Refused>> {
    let file = match File::open(path(directory, id)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let head = head(&mut reader)?;
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    let text = |key: &str| head[key].as_str().unwrap_or_default().to_owned();
    let headers = headers(&head["headers"]);
    let event = Event {
        id: EventId(id),
        source: text("source").into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: head["received_at"].as_i64().unwrap_or_default(),
        method: text("method"),
        path: text("path"),
        query: text("query"),
        body: Body::new(Bytes::from(body), &headers),
        headers,
    };
    Ok(Some(Refused { event, reason: text("reason") }))
}

/// Removes a file. Whether it was there.
pub(super) fn remove(directory: &Path, id: Uuid) -> io::Result<bool> {
    match fs::remove_file(path(directory, id)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is there. A file that makes no sense is left alone and not listed; one that was never finished is removed.
pub(super) fn all(directory: &Path) -> io::Result<Vec<Summary>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| Uuid::try_parse(stem.to_str()?).ok());
        match (path.extension().and_then(|extension| extension.to_str()), id) {
            (Some(EXTENSION), Some(id)) => match summary(&path, id) {
                Ok(summary) => found.push(summary),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "no refused request can be read here")
                }
            },
            (Some("part"), Some(_)) => {
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(%error, path = %path.display(), "a half-written request cannot be removed");
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn summary(path: &Path, id: Uuid) -> io::Result<Summary> {
    let head = head(&mut BufReader::new(File::open(path)?))?;
    let text = |key: &str| head[key].as_str().unwrap_or_default().to_owned();
    Ok(Summary {
        id,
        source: text("source"),
        reason: text("reason"),
        received_at: head["received_at"].as_i64().unwrap_or_default(),
        method: text("method"),
        size: head["size"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or_default(),
    })
}

fn head(reader: &mut BufReader<File>) -> io::Result<Value> {
    let mut line = Vec::new();
    reader.by_ref().take(MAX_HEAD).read_until(b'\n', &mut line)?;
    serde_json::from_slice(&line).map_err(io::Error::from)
}

/// Every byte as the character of that number, so that nothing is lost of a value that is not UTF-8.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn headers(fields: &Value) -> Headers {
    let field = |field: &Value| {
        let name = HeaderName::try_from(field[0].as_str()?).ok()?;
        let value = field[1].as_str()?.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>().ok()?;
        Some((name, Bytes::from(value)))
    };
    fields.as_array().into_iter().flatten().filter_map(field).collect()
}
