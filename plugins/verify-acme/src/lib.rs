//! Verifies the webhooks of a sender whose way of signing no scheme describes: a key for each day, made from the secret, and
//! a signature over the request with its query in order. A start for a verifier of your own.
//!
//! When in doubt it rejects: what is missing or malformed is not genuine.

mod canonical;
mod day;
mod signature;

use hookyard_plugin::{Event, Header, Identity, Outcome, Response, config, secrets, verifier};

use canonical::canonical;
use signature::is_signed;

verifier!(verify);

/// How far the signed time may be from the time of receiving, in seconds, unless `config.tolerance` says otherwise.
const TOLERANCE: u64 = 300;

/// The type of the event by which Acme makes sure that somebody listens.
const CHALLENGE: &str = "endpoint.check";

fn verify(request: Event) -> Outcome {
    match genuine(&request) {
        Err(reason) => Outcome::Rejected(reason),
        Ok(()) => answer(&request),
    }
}

/// Whether Acme has sent it, or why not.
fn genuine(request: &Event) -> Result<(), String> {
    let header = |name: &str| request.header(name).ok_or_else(|| [name, " is missing"].concat());
    let (time, signature) = (header("acme-time")?, header("acme-signature")?);
    let seconds = time.parse::<i64>().map_err(|_| "acme-time is not a number of seconds".to_string())?;
    let tolerance = config::get("/tolerance").and_then(|text| text.parse().ok()).unwrap_or(TOLERANCE);
    let away = (request.received_at() / 1000).abs_diff(seconds);
    if away > tolerance {
        return Err(["it was signed ", &away.to_string(), " s before or after it was received"].concat());
    }
    let signed = canonical(&request.method(), &request.path(), &request.query(), &time, &request.body());
    // Two, while one takes the other's place.
    let names = [config::get("/secret"), config::get("/old_secret")];
    let keys: Vec<Vec<u8>> = names.into_iter().flatten().filter_map(secrets::get).collect();
    if keys.is_empty() {
        return Err("no secret: `config.secret` names one of `allow.secrets`".to_string());
    }
    match keys.iter().any(|key| is_signed(key, seconds, signed.as_bytes(), &signature)) {
        true => Ok(()),
        false => Err("no secret makes this signature".to_string()),
    }
}

/// What a genuine request is. Type and id stand in the body, which is signed.
fn answer(request: &Event) -> Outcome {
    let kind = request.json_string("/event");
    if kind.as_deref() == Some(CHALLENGE) {
        let header = Header { name: "content-type".to_string(), value: "text/plain".to_string() };
        let body = request.json_string("/challenge").unwrap_or_default().into_bytes();
        return Outcome::Challenge(Response { status: 200, headers: vec![header], body });
    }
    Outcome::Genuine(Identity { kind, delivery_id: request.json_string("/id") })
}
