//! A request with everything that its check depends on.

use bytes::Bytes;
use uuid::Uuid;

use crate::config::Batch;
use crate::event::{Body, CloudEventMode, Event, EventId, Pointer, UnixMillis};
use crate::signature::{ActiveSecret, Draft, Refusal, Scheme, Trace, Verified, Verifier};

/// A request, the scheme and the secrets that it is checked with, and when.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) scheme: Scheme,
    pub(super) secrets: Vec<ActiveSecret>,
    pub(super) request: Draft,
    pub(super) now: UnixMillis,
}

/// A secret that the scheme cannot use: its number, counted from 0, and why.
pub(super) type Unusable = (usize, &'static str);

impl Case {
    /// The gateway's check.
    pub(super) fn check<T: Trace>(&self, trace: &mut T) -> Result<Result<Verified, Refusal>, Unusable> {
        let secrets = self.secrets.iter().cloned();
        let verifier = Verifier::new(self.scheme.clone(), secrets)?;
        Ok(verifier.verify_watched(self.request.request(), self.now, trace))
    }

    /// Whether the signature is right, whatever its age.
    pub(super) fn fits(&self) -> bool {
        matches!(
            self.check(&mut ()),
            Ok(Ok(_) | Err(Refusal::StaleTimestamp(_) | Refusal::FutureTimestamp(_)))
        )
    }

    /// The same with another body.
    pub(super) fn with_body(&self, body: impl Into<Bytes>) -> Self {
        let mut case = self.clone();
        case.request.body = Body::new(body.into(), &case.request.headers);
        case
    }

    /// The request as an event, or its first one where it holds several.
    pub(super) fn event(&self, batch: Option<&Batch>) -> Event {
        let body =
            batch.and_then(|batch| self.first_item(batch)).unwrap_or_else(|| self.request.body.clone());
        Event {
            id: EventId(Uuid::nil()),
            source: "".into(),
            kind: String::new(),
            delivery_id: None,
            proof: None,
            hops: 0,
            received_at: self.now,
            method: self.request.method.clone(),
            path: "/".to_owned(),
            query: self.request.query.clone(),
            headers: self.request.headers.clone(),
            body,
        }
    }

    fn first_item(&self, batch: &Batch) -> Option<Body> {
        let at = match batch {
            Batch::List(at) => at.clone(),
            Batch::CloudEvents if self.is_batch() => Pointer::new("").ok()?,
            Batch::CloudEvents => return None,
        };
        let items = crate::event::split(&self.request.body, &at).ok()?.items;
        Some(Body::new(items.into_iter().next()?, &self.request.headers))
    }

    /// Only a batch of CloudEvents is taken apart.
    fn is_batch(&self) -> bool {
        CloudEventMode::of(&self.request.headers) == Some(CloudEventMode::Batch)
    }
}
