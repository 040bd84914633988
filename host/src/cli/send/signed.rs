//! From a sample to the request that is sent.

use uuid::Uuid;

use crate::clock::{Clock as _, SystemClock};
use crate::event::{Body, UnixMillis};
use crate::signature::{Draft, Scheme, Secret, Verifier, sign};

use super::super::operate::failed::Failed;
use super::super::samples::{Fresh, Sample};
use super::command::{Arguments, Bad};
use super::target::Target;
use super::{edit, key};

/// How far beyond the tolerance a stale request is signed, in seconds.
const BEYOND: i64 = 60;

/// A request, signed, and where it is sent.
pub(super) struct Signed {
    pub(super) url: String,
    pub(super) draft: Draft,
}

/// Makes the request.
pub(super) fn signed(target: &Target, sample: &Sample, arguments: &Arguments) -> Result<Signed, Failed> {
    let now = SystemClock.now();
    let fresh = Fresh::new(Uuid::now_v7(), now);
    let mut request = sample.request(&fresh);
    edit::apply_all(&arguments.set, sample.format, &mut request)?;
    let mut draft = request.draft();
    for header in &arguments.headers {
        draft.headers.remove(header.name.as_str());
    }
    for header in &arguments.headers {
        draft.headers.push(header.name.clone(), header.value.clone());
    }
    if draft.headers.first("user-agent").is_none() {
        let agent = concat!("hookyard-send/", env!("CARGO_PKG_VERSION"));
        draft.headers.set("user-agent", agent).map_err(|problem| Failed::usage(problem.to_string()))?;
    }
    let called = target.called(arguments)?;
    let own = called.split_once('?').map_or("", |(_, query)| query);
    draft.query = joined(&[own, &draft.query]);
    draft.url = Some(with_query(&target.registered(arguments)?, &draft.query));
    let proof = match sample.unsigned {
        true => None,
        false => key::key(target, sample, arguments)?,
    };
    match proof {
        Some((scheme, secret)) => prove(&mut draft, &scheme, secret, arguments.bad, &fresh, now)?,
        None if arguments.bad.is_some() => {
            return Err(Failed::usage(
                "nothing about this request is proven, so that nothing can be wrong with it",
            ));
        }
        None => {}
    }
    Ok(Signed { url: with_query(&called, &draft.query), draft })
}

fn prove(
    draft: &mut Draft,
    scheme: &Scheme,
    secret: Secret,
    bad: Option<Bad>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<(), Failed> {
    let id = match scheme {
        Scheme::Signed(signed) => signed.id_header.as_deref().and_then(|name| draft.headers.text(name)),
        _ => None,
    };
    let id = id.map_or_else(|| format!("msg_{}", fresh.value("hex", "")), str::to_owned);
    let mut at = now;
    if bad == Some(Bad::Stale) {
        let tolerance = tolerance(scheme).ok_or_else(|| {
            Failed::usage(
                "this sender signs no time whose age is looked at, so that nothing it sends is stale",
            )
        })?;
        at -= (i64::from(tolerance) + BEYOND) * 1000;
    }
    let secret = match bad {
        Some(Bad::WrongKey) => key::wrong(scheme, draft)?,
        _ => secret,
    };
    sign(scheme, &secret, draft, &id, at).map_err(|problem| Failed::usage(problem.to_string()))?;
    if bad == Some(Bad::Tampered) {
        let changed = [&draft.body.bytes()[..], b" "].concat();
        draft.body = Body::new(changed.into(), &draft.headers);
        let verifier = Verifier::new(scheme.clone(), [secret.into()]);
        if verifier.is_ok_and(|verifier| verifier.verify(draft.request(), now).is_ok()) {
            return Err(Failed::usage(
                "this sender's proof does not cover the body, so that no change to it is noticed",
            ));
        }
    }
    Ok(())
}

/// Seconds after which a signature is too old.
fn tolerance(scheme: &Scheme) -> Option<u32> {
    match scheme {
        Scheme::Signed(signed) => signed.timestamp.as_ref()?.tolerance,
        Scheme::Sns(sns) => sns.tolerance,
        _ => None,
    }
}

fn with_query(url: &str, query: &str) -> String {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn joined(queries: &[&str]) -> String {
    let queries: Vec<&str> = queries.iter().copied().filter(|query| !query.is_empty()).collect();
    queries.join("&")
}
