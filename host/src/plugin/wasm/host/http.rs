//! Outbound HTTP, as far as it is granted. The guest's thread waits; that counts as time and not as processor time.

use std::time::Duration;

use bytes::Bytes;
use hookyard_wit::v0_1::hookyard::plugin::types;
use hookyard_wit::v0_1::powers::http;

use crate::plugin::{Capability, Fault, FaultKind, HttpError, HttpRequest, origin};

use super::Host;

impl http::Host for Host {
    fn send(&mut self, request: http::Request) -> wasmtime::Result<Result<types::Response, http::HttpError>> {
        let limits = &self.outfit.limits;
        self.requests = self.requests.saturating_add(1);
        if self.requests > limits.http.calls {
            let message = format!(
                "it made more than {} requests; raise `limits.http_calls` if it may make more",
                limits.http.calls
            );
            return Err(Fault { kind: FaultKind::InvalidOutput, message }.into());
        }
        let left = self.deadline.left();
        let asked = match request.timeout_ms {
            0 => left,
            millis => left.min(Duration::from_millis(millis.into())),
        };
        let request = HttpRequest {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value.into())).collect(),
            body: request.body.into(),
        };
        let (asked_of, sent) = (origin(&self.outfit.secrets.mask(request.url.clone())), request.size());
        self.pass(sent)?;
        let limits = &self.outfit.limits;
        let answered = match &self.outfit.outbound {
            _ if request.size() > limits.output.bytes => Err(HttpError::TooLarge),
            Some(outbound) => outbound.send(request, asked),
            None => Err(HttpError::Denied("no origin is allowed; add `allow.http`".to_owned())),
        };
        match &answered {
            Ok(response) => {
                self.outfit.uses.note(Capability::Http, &asked_of, sent.saturating_add(response.body.len()));
            }
            Err(HttpError::Denied(_)) => self.outfit.uses.refuse(Capability::Http, &asked_of),
            Err(_) => self.outfit.uses.note(Capability::Http, &asked_of, sent),
        }
        if let Ok(response) = &answered {
            self.pass(response.body.len())?;
        }
        match answered {
            Ok(response) => Ok(Ok(types::Response {
                status: response.status,
                headers: response.headers.into_iter().map(header).collect(),
                body: response.body.into(),
            })),
            Err(HttpError::Timeout) if self.deadline.left().is_zero() => Err(self.deadline.over().into()),
            Err(error) => Ok(Err(self.refused(error))),
        }
    }
}

fn header((name, value): (String, Bytes)) -> types::Header {
    types::Header { name, value: String::from_utf8_lossy(&value).into_owned() }
}

impl Host {
    fn refused(&mut self, error: HttpError) -> http::HttpError {
        match error {
            HttpError::Denied(what) => {
                self.chain.denial.get_or_insert_with(|| what.clone());
                http::HttpError::Denied(what)
            }
            HttpError::Timeout => http::HttpError::Timeout,
            HttpError::TooLarge => http::HttpError::TooLarge,
            HttpError::Failed(why) => http::HttpError::Failed(why),
        }
    }
}
