//! The way to the store: through the gateway that has it, or, while none runs, directly. Both take the same requests and
//! give the same answers.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::admin::{Batch, Control, ErrorView, Outcome, Outcomes, SOCKET, Today, answer, is_served};
use crate::clock::{SystemClock, Time};
use crate::config::Config;

use super::failed::{EXIT_NOT_ALL, EXIT_UNREACHABLE, EXIT_USAGE, Failed};

/// Time for an answer, except where the store reads or writes all that it has.
const TIME: Duration = Duration::from_secs(60);

/// Bytes of an answer: more than the largest body that a source takes, as base64.
const MAX_ANSWER: usize = 2 << 30;

/// Where requests go.
pub(super) enum Reach {
    /// To a gateway.
    Socket(PathBuf),
    /// To the store, which nobody else has open.
    Store(Box<Control>),
}

/// Whether a gateway runs.
pub(super) enum Found {
    /// It does.
    Gateway(Reach),
    /// It does not; the configuration is good.
    Nobody(Box<Config>),
}

impl Reach {
    /// Finds the gateway, or else opens the store. `socket` is a gateway's, if the operator names one.
    pub(super) async fn find(config: &Path, socket: Option<PathBuf>) -> Result<Self, Failed> {
        match Reach::gateway(config, socket).await? {
            Found::Gateway(gateway) => Ok(gateway),
            Found::Nobody(config) => Reach::directly(*config).await,
        }
    }

    /// Finds the gateway, or else the configuration that one would have.
    pub(super) async fn gateway(config: &Path, socket: Option<PathBuf>) -> Result<Found, Failed> {
        if let Some(socket) = socket {
            return match UnixStream::connect(&socket).await {
                Ok(_) => Ok(Found::Gateway(Reach::Socket(socket))),
                Err(error) => Err(Failed::unreachable(format!("{}: {error}", socket.display()))),
            };
        }
        let config = crate::config::load(config).map_err(|errors| Failed::config(errors.to_string()))?;
        let socket = config.store.path.join(SOCKET);
        match UnixStream::connect(&socket).await {
            Ok(_) => Ok(Found::Gateway(Reach::Socket(socket))),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Failed::unreachable(format!(
                "{} belongs to another user; run this command as the user that the gateway runs as",
                socket.display()
            ))),
            Err(error) if is_served(&config.store.path) => Err(Failed::unreachable(format!(
                "a gateway is running with {}, and its admin socket cannot be reached: {error}",
                config.store.path.display()
            ))),
            Err(_) => Ok(Found::Nobody(Box::new(config))),
        }
    }

    async fn directly(config: Config) -> Result<Self, Failed> {
        let store = crate::app::open_store(&config.store).map_err(Failed::unreachable)?;
        let stats = store.stats().await.map_err(|error| Failed::unreachable(error.to_string()))?;
        let clock = Time::new(Arc::new(SystemClock));
        // As a gateway does when it starts: what was stored while the clock was ahead is not of the future.
        clock.not_before(stats.latest);
        let control = Control::new(store, Today::written(config), Arc::new(clock));
        Ok(Reach::Store(Box::new(control)))
    }

    /// Looks at something; `target` is a path with its query.
    pub(super) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Failed> {
        self.ask(Method::GET, target, Bytes::new(), Some(TIME)).await
    }

    /// Does something.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        target: &str,
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        self.ask(Method::POST, target, written(body)?, Some(TIME)).await
    }

    /// Does something that takes as long as the store is large.
    pub(super) async fn post_patiently<T: DeserializeOwned>(
        &self,
        target: &str,
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        self.ask(Method::POST, target, written(body)?, None).await
    }

    /// Does something to many, and tells what came of each, also where not all of it was done.
    pub(super) async fn post_batch(
        &self,
        target: &str,
        batch: &Batch,
    ) -> Result<(Vec<Outcome>, Result<(), Failed>), Failed> {
        let (status, answer) = self.exchange(Method::POST, target, written(batch)?, Some(TIME)).await?;
        let outcomes = serde_json::from_slice(&answer).map(|outcomes: Outcomes| outcomes.results);
        Ok((outcomes.unwrap_or_default(), read::<Outcomes>(status, &answer).map(drop)))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
        time: Option<Duration>,
    ) -> Result<T, Failed> {
        let (status, answer) = self.exchange(method, target, body, time).await?;
        read(status, &answer)
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
        time: Option<Duration>,
    ) -> Result<(u16, Bytes), Failed> {
        let asked = self.send(method, target, body);
        match time {
            None => asked.await,
            Some(time) => tokio::time::timeout(time, asked).await.unwrap_or_else(|_| {
                Err(Failed::unanswered(format!("no answer within {time:?}; it may be done or not")))
            }),
        }
    }

    async fn send(&self, method: Method, target: &str, body: Bytes) -> Result<(u16, Bytes), Failed> {
        match self {
            Reach::Socket(socket) => {
                let named = |error: AnyError| format!("{}: {error}", socket.display());
                let stream = UnixStream::connect(socket).await;
                let stream = stream.map_err(|error| Failed::unreachable(named(error.into())))?;
                let answered = over_socket(stream, method, target, body).await;
                answered.map_err(|error| Failed::unanswered(named(error)))
            }
            Reach::Store(control) => {
                let uri: Uri = target.parse().map_err(|error| Failed::usage(format!("{target}: {error}")))?;
                let (head, answer) = answer(control, &method, &uri, &body).await.into_parts();
                let Ok(answer) = answer.collect().await;
                Ok((head.status.as_u16(), answer.to_bytes()))
            }
        }
    }
}

/// What an answer says, or why there is none.
fn read<T: DeserializeOwned>(status: u16, answer: &[u8]) -> Result<T, Failed> {
    if (200..300).contains(&status) {
        return serde_json::from_slice(answer)
            .map_err(|error| Failed::unanswered(format!("the answer makes no sense: {error}")));
    }
    let code = match status {
        400 | 405 | 409 | 413 => EXIT_USAGE,
        404 | 501 => EXIT_NOT_ALL,
        _ => EXIT_UNREACHABLE,
    };
    let message = match serde_json::from_slice::<ErrorView>(answer) {
        Ok(view) => view.error,
        Err(_) => format!("the gateway answered with status {status}"),
    };
    Err(Failed::refused(code, message))
}

fn written(body: &impl Serialize) -> Result<Bytes, Failed> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| Failed::usage(error.to_string()))
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn over_socket(
    stream: UnixStream,
    method: Method,
    target: &str,
    body: Bytes,
) -> Result<(u16, Bytes), AnyError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(target).header("host", "hookyard");
    let (head, answer) = sender.send_request(request.body(Full::new(body))?).await?.into_parts();
    let answer = Limited::new(answer, MAX_ANSWER).collect().await?;
    Ok((head.status.as_u16(), answer.to_bytes()))
}

#[cfg(feature = "sqlite")]
#[cfg(test)]
mod tests {
    use std::fs;

    use crate::admin::{EventView, List};
    use crate::event::{Event, sample};
    use crate::store::{Limits, NewEvent, SqliteSettings, SqliteStore, Store as _, SyncMode};

    use super::*;

    /// A state directory beside a configuration, and the store in it as a gateway opens it.
    fn state() -> (tempfile::TempDir, PathBuf, SqliteStore) {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.toml");
        fs::write(&config, "").unwrap();
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        let limits = Limits { events: 100, bytes: 1 << 20 };
        let settings = SqliteSettings { limits, sync: SyncMode::Accepted, reserve: 0, vfs: None };
        let store = SqliteStore::open(&state, settings).unwrap();
        (directory, config, store)
    }

    #[tokio::test]
    async fn without_a_gateway_the_store_is_opened() {
        let (_directory, config, store) = state();
        let event = Event { kind: "push".to_owned(), ..sample::event(7) };
        let unrouted = Some("no route matches".to_owned());
        let new = NewEvent { event: Arc::new(event), dedupe: None, runs: vec![], unrouted };
        store.append(vec![new], 1_767_268_800_000).await.unwrap();

        let in_use = Reach::find(&config, None).await.err().unwrap();
        assert!(in_use.message.contains("the store is in use by"), "{}", in_use.message);
        assert_eq!(in_use.code, EXIT_UNREACHABLE);
        drop(store);
        let reach = Reach::find(&config, None).await.ok().unwrap();
        assert!(matches!(reach, Reach::Store(_)));
        let events: List<EventView> = reach.get("/v1/events").await.unwrap();
        assert_eq!((events.items.len(), &*events.items[0].kind), (1, "push"));
        let unknown = reach.get::<List<EventView>>("/v1/runs?after=x").await.err().unwrap();
        assert_eq!(unknown.code, EXIT_USAGE);
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.toml");
        fs::write(&config, "").unwrap();
        let check = async |socket: Option<PathBuf>, expected: &str| {
            let failed = Reach::find(&config, socket).await.err().unwrap();
            assert!(failed.message.contains(expected), "{}", failed.message);
            assert_eq!(failed.code, EXIT_UNREACHABLE);
        };
        check(None, "no gateway has run yet").await;
        check(Some(directory.path().join("none.sock")), "No such file").await;
    }
}
