//! A request with everything that its check depends on.

use bytes::Bytes;
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Pointer, UnixMillis};
use crate::provider::Split;
use crate::routing::Fields;
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

    /// What stands at these places of the request, or of its first event where it holds several.
    pub(super) fn field(&self, fields: &Fields, split: Option<Split>, separator: &str) -> Option<String> {
        let body =
            split.and_then(|split| self.first_item(split)).unwrap_or_else(|| self.request.body.clone());
        let event = Event {
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
        };
        fields.read(&event, separator)
    }

    fn first_item(&self, split: Split) -> Option<Body> {
        let at = match split {
            Split::List(pointer) => Pointer::new(pointer).ok()?,
            Split::CloudEventsBatch if self.is_batch() => Pointer::new("").ok()?,
            Split::CloudEventsBatch => return None,
        };
        let items = crate::event::split(&self.request.body, &at).ok()?.items;
        Some(Body::new(items.into_iter().next()?, &self.request.headers))
    }

    /// Only a batch of CloudEvents is taken apart.
    fn is_batch(&self) -> bool {
        let said = self.request.headers.text("content-type").unwrap_or_default();
        said.trim_start().to_ascii_lowercase().starts_with("application/cloudevents-batch")
    }
}
