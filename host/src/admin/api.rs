//! The admin API: paths and what they do. It is served on a socket in the state directory and nowhere else, and the
//! command line asks it in the same words when no gateway runs.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ingest::Response;
use crate::store::{Cursor, Queue};

use super::control::Control;
use super::dead_letters::Place;
use super::quarantine::RefusedFilter;
use super::query::{self, Query};
use super::refusal::Refusal;
use super::replay::Account;
use super::view::{BackupRequest, Batch, DisableRequest, ErrorView, Outcomes};

/// Bytes of a request's body.
pub(crate) const MAX_REQUEST: usize = 1 << 20;

/// Answers one request.
pub(crate) async fn answer(control: &Control, method: &Method, uri: &Uri, body: &[u8]) -> Response {
    let answered = match method.as_str() {
        "GET" => get(control, uri).await,
        "POST" => post(control, uri, body).await,
        _ => Err(Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: format!("{method} is not taken; GET shows something and POST does something"),
        }),
    };
    answered.unwrap_or_else(|refusal| refuse(&refusal))
}

/// Says why not.
pub(super) fn refuse(refusal: &Refusal) -> Response {
    let view = ErrorView { error: refusal.message.clone() };
    let mut response = json(&view).unwrap_or_else(|_| Response::new(Full::default()));
    *response.status_mut() = refusal.status;
    response
}

async fn get(control: &Control, uri: &Uri) -> Result<Response, Refusal> {
    let mut query = Query::parse(uri.query().unwrap_or_default(), control.clock.now())?;
    let path = path(uri)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["events"] => {
            let (filter, after, limit) = (query.events()?, query.id("after")?, query.limit()?);
            query.end()?;
            json(&control.events(filter, after, limit).await?)
        }
        ["events", id] => {
            let (reveal, full) = (query.flag("reveal")?, query.flag("full")?);
            query.end()?;
            json(&control.event(query::id(id)?, reveal, full).await?)
        }
        ["events", id, "explain"] => {
            let reveal = query.flag("reveal")?;
            query.end()?;
            json(&control.explain(query::id(id)?, reveal).await?)
        }
        ["runs"] => work(control, Queue::Runs, query).await,
        ["deliveries"] => work(control, Queue::Deliveries, query).await,
        ["dead-letters"] => dead_letters(control, query).await,
        ["destinations"] => {
            query.end()?;
            json(&control.destinations().await?)
        }
        ["sources"] => {
            query.end()?;
            json(&control.sources())
        }
        ["plugins"] => {
            query.end()?;
            json(&control.plugins())
        }
        ["plugins", name, "kv"] => {
            let (prefix, after) = (query.text("prefix")?.unwrap_or_default(), query.text("after")?);
            let limit = query.limit()?;
            query.end()?;
            json(&control.keys(name, prefix, after, limit).await?)
        }
        ["plugins", name, "kv", key] => {
            let full = query.flag("full")?;
            query.end()?;
            json(&control.kept(name, key, full).await?)
        }
        ["quarantine"] => {
            let filter = RefusedFilter { source: query.text("source")?, reason: query.text("reason")? };
            let (after, limit) = (query.id("after")?, query.limit()?);
            query.end()?;
            json(&control.refused(&filter, after, limit)?)
        }
        ["quarantine", id] => {
            let (reveal, full) = (query.flag("reveal")?, query.flag("full")?);
            query.end()?;
            json(&control.refused_request(query::id(id)?, reveal, full).await?)
        }
        ["store", "stats"] => {
            query.end()?;
            json(&control.stats().await?)
        }
        _ => Err(nothing_here(uri)),
    }
}

async fn post(control: &Control, uri: &Uri, body: &[u8]) -> Result<Response, Refusal> {
    Query::parse(uri.query().unwrap_or_default(), 0)?.end()?;
    let path = path(uri)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["replay"] => outcomes(control.replay(read::<Batch>(body)?).await?),
        ["dead-letters", "discard"] => outcomes(control.discard(read::<Batch>(body)?).await?),
        ["destinations", name, "enable"] => json(&control.enable(name).await?),
        ["destinations", name, "disable"] => {
            let request = if body.is_empty() { DisableRequest::default() } else { read(body)? };
            json(&control.disable(name, request.reason).await?)
        }
        ["quarantine", "reverify"] => json(&control.reverify(read::<Batch>(body)?).await?),
        ["quarantine", "discard"] => json(&control.forget(read::<Batch>(body)?).await?),
        ["store", "verify"] => json(&control.verify().await?),
        ["store", "backup"] => json(&control.backup(&read::<BackupRequest>(body)?.to).await?),
        _ => Err(nothing_here(uri)),
    }
}

async fn work(control: &Control, queue: Queue, mut query: Query) -> Result<Response, Refusal> {
    let (filter, after, limit) = (query.work()?, query.text("after")?, query.limit()?);
    query.end()?;
    let cursor = |text: String| {
        let number = text.parse().map(Cursor);
        number.map_err(|_| Refusal::bad(format!("`after` cannot be {text:?}: give what `next` said")))
    };
    json(&control.work(queue, filter, after.map(cursor).transpose()?, limit).await?)
}

async fn dead_letters(control: &Control, mut query: Query) -> Result<Response, Refusal> {
    let (filter, cause) = (query.work()?, query.text("cause")?);
    let plugin = query.text("failed_in")?;
    let (after, limit) = (query.text("after")?, query.limit()?);
    query.end()?;
    if filter.state.is_some() {
        return Err(Refusal::bad("every dead letter is `dead`: leave out `state`"));
    }
    let from = after.map_or(Ok(Place::START), |after| after.parse())?;
    json(&control.dead_letters(&filter, cause.as_deref(), plugin.as_deref(), from, limit).await?)
}

/// What came of each, with the status of what went wrong.
fn outcomes(account: Account) -> Result<Response, Refusal> {
    let Account { results, error } = account;
    let (status, error) = error.map_or((StatusCode::OK, None), |error| (error.status, Some(error.message)));
    let mut response = json(&Outcomes { results, error })?;
    *response.status_mut() = status;
    Ok(response)
}

/// The parts of the path after the version.
fn path(uri: &Uri) -> Result<Vec<String>, Refusal> {
    let rest = uri.path().strip_prefix("/v1/").ok_or_else(|| nothing_here(uri))?;
    let decode = |part: &str| percent_decode_str(part).decode_utf8().map(String::from);
    rest.split('/').map(decode).collect::<Result<_, _>>().map_err(|_| nothing_here(uri))
}

fn nothing_here(uri: &Uri) -> Refusal {
    Refusal::missing(format!("there is nothing at {}; docs/operating.md lists what there is", uri.path()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the body cannot be read: {error}")))
}

fn json<T: Serialize>(value: &T) -> Result<Response, Refusal> {
    let mut text = serde_json::to_vec(value).map_err(|error| Refusal {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        message: format!("the answer cannot be written: {error}"),
    })?;
    text.push(b'\n');
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
