//! The admin API on a Unix socket in the state directory. Who may open it is decided by the file system: nobody but the
//! gateway's own user. One gateway at a time has it, by a lock that ends with its process, so that a socket that a dead
//! process left behind is told from a live one without asking it.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::ingest::Response;

use super::api::{self, MAX_REQUEST};
use super::control::Control;
use super::refusal::Refusal;

/// The socket's name in the state directory.
pub(crate) const SOCKET: &str = "admin.sock";

/// Held by the process that serves the socket.
const LOCK: &str = "admin.lock";

/// A directory for the moment in which the socket is made.
const MAKING: &str = ".new";

/// Connections at once; others wait.
const MAX_CONNECTIONS: usize = 16;

/// Time for a request's head, and for its body.
const TIME: Duration = Duration::from_secs(30);

/// How often, and how long after each other, the lock is tried: a command that only asks whether it is held has it for a
/// moment.
const TRIES: u32 = 50;
const TRY_PAUSE: Duration = Duration::from_millis(10);

/// Pause after the operating system could not give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The admin API while it is served; dropping it ends that and removes the socket.
#[derive(Debug)]
pub struct AdminSocket {
    path: PathBuf,
    accepting: JoinHandle<()>,
    /// Held until the socket is removed.
    _lock: File,
}

impl AdminSocket {
    /// Begins to serve. Inside a tokio runtime. The error says what stands in the way.
    pub(crate) fn open(state_dir: &Path, control: Arc<Control>) -> Result<Self, String> {
        let path = state_dir.join(SOCKET);
        let named = |error: io::Error| format!("{}: {error}", path.display());
        if SocketAddr::from_pathname(&path).is_err() {
            return Err(format!(
                "{}: the path is too long for a socket; a shorter `[store] path` has room for it",
                path.display()
            ));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(named)?;
        closed_to_others(state_dir)?;
        let lock = lock(state_dir)?;
        let listener = listen(state_dir, &path).map_err(named)?;
        let accepting = tokio::spawn(accept(listener, control));
        Ok(AdminSocket { path, accepting, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a process holds the lock of this state directory. Those who ask at the same time do not see each other.
#[cfg(feature = "cli")]
pub(crate) fn is_served(state_dir: &Path) -> bool {
    let lock = File::open(state_dir.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whoever may rename files in the directory could put a socket of his own in the place of ours.
fn closed_to_others(state_dir: &Path) -> Result<(), String> {
    let metadata = state_dir.metadata().map_err(|error| format!("{}: {error}", state_dir.display()))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(format!(
            "{}: other users can change what is in it; make it the gateway's own (chown) and close it (chmod 700)",
            state_dir.display()
        ));
    }
    Ok(())
}

fn lock(state_dir: &Path) -> Result<File, String> {
    let path = state_dir.join(LOCK);
    let named = |error: io::Error| format!("{}: {error}", path.display());
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(named)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(TRY_PAUSE),
            Err(TryLockError::Error(error)) => return Err(named(error)),
        }
    }
    Err(format!(
        "{}: another gateway is running with this state directory; give each its own `[store] path`",
        state_dir.display()
    ))
}

/// Makes the socket where nobody else can enter, closes it, and puts it in its place: it is never open to others.
fn listen(state_dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let making = state_dir.join(MAKING);
    let draft = making.join("s");
    // Left over where a process died in this moment. Nobody else is in it now: the lock is ours.
    let _ = fs::remove_file(&draft);
    let _ = fs::remove_dir(&making);
    DirBuilder::new().mode(0o700).create(&making)?;
    let listener = UnixListener::bind(&draft)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    fs::rename(&draft, path)?;
    fs::remove_dir(&making)?;
    Ok(listener)
}

async fn accept(listener: UnixListener, control: Arc<Control>) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let control = control.clone();
                connections.spawn(async move {
                    serve(stream, control).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection to the admin socket");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: UnixStream, control: Arc<Control>) {
    let service = service_fn(move |request| {
        let control = control.clone();
        async move { Ok::<_, Infallible>(answer(&control, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(TIME);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection to the admin socket ended");
    }
}

async fn answer(control: &Control, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let collected = tokio::time::timeout(TIME, Limited::new(body, MAX_REQUEST).collect()).await;
    let refusal = match collected {
        Ok(Ok(body)) => return api::answer(control, &head.method, &head.uri, &body.to_bytes()).await,
        Ok(Err(error)) if error.is::<LengthLimitError>() => Refusal {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            message: format!("a request has at most {MAX_REQUEST} bytes; send several"),
        },
        Ok(Err(error)) => Refusal::bad(format!("the body broke off: {error}")),
        Err(_) => Refusal {
            status: StatusCode::REQUEST_TIMEOUT,
            message: format!("the body did not come within {TIME:?}"),
        },
    };
    api::refuse(&refusal)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::admin::Today;
    use crate::clock::{SystemClock, Time};
    use crate::config::Config;
    use crate::store::{Limits, MemoryStore};

    use super::*;

    fn control() -> Arc<Control> {
        let store = MemoryStore::new(Limits { events: 10, bytes: 1000 });
        Arc::new(Control::new(
            Arc::new(store),
            Today::written(Config::default()),
            Arc::new(Time::new(Arc::new(SystemClock))),
        ))
    }

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o777
    }

    /// What is answered to these bytes, up to its end.
    async fn ask(socket: &Path, request: &[u8]) -> String {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn get(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nhost: hookyard\r\nconnection: close\r\n\r\n").into_bytes()
    }

    #[tokio::test]
    async fn it_is_private_and_gone_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("a/state");
        let socket = AdminSocket::open(&state, control()).unwrap();
        assert_eq!((mode(&state), mode(socket.path())), (0o700, 0o600));
        let answer = ask(socket.path(), &get("/v1/nothing")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("there is nothing at /v1/nothing"), "{answer}");
        assert!(is_served(&state));
        drop(socket);
        assert!(!state.join(SOCKET).exists() && !is_served(&state));
        let left: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK], "nothing is left that was made on the way");
    }

    #[tokio::test]
    async fn a_live_one_is_refused_and_a_dead_ones_is_replaced() {
        let state = tempfile::tempdir().unwrap();
        let first = AdminSocket::open(state.path(), control()).unwrap();
        let refused = AdminSocket::open(state.path(), control()).unwrap_err();
        assert!(refused.contains("another gateway is running with this state directory"), "{refused}");
        assert!(!ask(first.path(), &get("/v1/x")).await.is_empty(), "the first one is unharmed");
        drop(first);

        // What a process leaves behind that dies in the middle: a socket, and a directory with another.
        drop(UnixListener::bind(state.path().join(SOCKET)).unwrap());
        fs::create_dir(state.path().join(MAKING)).unwrap();
        drop(UnixListener::bind(state.path().join(MAKING).join("s")).unwrap());
        assert!(UnixStream::connect(state.path().join(SOCKET)).await.is_err());
        let second = AdminSocket::open(state.path(), control()).unwrap();
        assert!(ask(second.path(), &get("/v1/x")).await.contains("404"));
    }

    #[tokio::test]
    async fn whoever_asks_whether_it_is_served_costs_nobody_the_socket() {
        let state = tempfile::tempdir().unwrap();
        let (path, asking) = (state.path().to_owned(), Arc::new(AtomicBool::new(true)));
        let (ask_on, answered) = (asking.clone(), Arc::new(AtomicBool::new(false)));
        let has_answered = answered.clone();
        let asks = thread::spawn(move || {
            while ask_on.load(Ordering::Relaxed) {
                is_served(&path);
                has_answered.store(true, Ordering::Relaxed);
            }
        });
        while !answered.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        for _ in 0..500 {
            AdminSocket::open(state.path(), control()).unwrap();
        }
        asking.store(false, Ordering::Relaxed);
        asks.join().unwrap();
    }

    #[tokio::test]
    async fn what_stands_in_the_way_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let long = directory.path().join("s".repeat(200));
        let problem = AdminSocket::open(&long, control()).unwrap_err();
        assert!(problem.contains("too long for a socket; a shorter `[store] path`"), "{problem}");
        assert!(!long.exists());

        let open = directory.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let problem = AdminSocket::open(&open, control()).unwrap_err();
        assert!(problem.contains("other users can change what is in it"), "{problem}");

        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(AdminSocket::open(&file, control()).is_err());
    }

    #[tokio::test]
    async fn requests_are_bounded() {
        let state = tempfile::tempdir().unwrap();
        let socket = AdminSocket::open(state.path(), control()).unwrap();
        let head = "POST /v1/replay HTTP/1.1\r\nhost: hookyard\r\nconnection: close\r\ncontent-length: 1048577\r\n\r\n";
        let mut request = head.as_bytes().to_vec();
        request.resize(head.len() + MAX_REQUEST + 1, b' ');
        let answer = ask(socket.path(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("at most 1048576 bytes"), "{answer}");
        let answer =
            ask(socket.path(), b"DELETE /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
}
