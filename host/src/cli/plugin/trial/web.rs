//! Requests of a plugin under test: answered as the case says, sent where the command line allows it, or else denied.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Runtime;

use crate::destination::{
    ExchangeLimits, HttpClient, Network, Outbound as Client, OutboundSettings, OutgoingRequest, Unanswered,
};
use crate::plugin::{Exchange, HttpError, HttpRequest, HttpResponse, Outbound};

use super::case::{Answer, NoAnswer};

/// What stands in for the network.
pub(in crate::cli::plugin) struct Web {
    answers: Vec<Answered>,
    network: Option<Real>,
    /// None where nobody will ask for them.
    asked: Option<Mutex<Vec<HttpRequest>>>,
}

/// An answer, ready to be given.
struct Answered {
    method: Option<String>,
    url: String,
    answer: Result<HttpResponse, HttpError>,
}

/// The way out.
struct Real {
    runtime: Runtime,
    client: Arc<Client>,
    answer: usize,
}

impl Web {
    /// The case's answers, and origins that may be asked for everything else: also on this machine and in private networks,
    /// since whoever writes a plugin tries it there.
    pub(super) fn new(answers: &[Answer], origins: &[String], answer: usize) -> Result<Self, String> {
        let network = if origins.is_empty() { None } else { Some(Real::new(origins, answer)?) };
        let answers = answers.iter().map(Answered::new).collect::<Result<_, _>>()?;
        Ok(Web { answers, network, asked: Some(Mutex::default()) })
    }

    /// The same without a memory of what it is asked, for as many calls as one likes.
    pub(in crate::cli::plugin) fn forgetful(self) -> Self {
        Web { asked: None, ..self }
    }

    /// Every request that was made since this was asked last, in order.
    pub(super) fn asked(&self) -> Vec<HttpRequest> {
        let asked = self.asked.as_ref();
        asked.map(|asked| std::mem::take(&mut *locked(asked))).unwrap_or_default()
    }
}

impl Outbound for Web {
    fn send(&self, request: HttpRequest, time: Duration) -> Result<HttpResponse, HttpError> {
        if let Some(asked) = &self.asked {
            locked(asked).push(request.clone());
        }
        if let Some(answered) = self.answers.iter().find(|answered| answered.fits(&request)) {
            return answered.answer.clone();
        }
        match &self.network {
            Some(network) => network.send(request, time),
            None => Err(HttpError::Denied(format!(
                "the case has no answer for {} {}, and --allow-http is not given",
                request.method, request.url
            ))),
        }
    }

    fn exchange(&self, request: HttpRequest, time: Duration) -> Exchange {
        let answered = self.send(request, time);
        Box::pin(async { answered })
    }
}

fn locked(asked: &Mutex<Vec<HttpRequest>>) -> MutexGuard<'_, Vec<HttpRequest>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Answered {
    fn new(answer: &Answer) -> Result<Self, String> {
        let error = answer.error.map(|error| match error {
            NoAnswer::Timeout => HttpError::Timeout,
            NoAnswer::TooLarge => HttpError::TooLarge,
            NoAnswer::Failed => HttpError::Failed("the case says that it fails".to_owned()),
        });
        let mut headers = Vec::new();
        for (name, values) in &answer.headers {
            let values = values.values().iter();
            headers.extend(values.map(|value| (name.to_ascii_lowercase(), Bytes::from(value.clone()))));
        }
        if answer.body.is_some() && !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), Bytes::from_static(b"application/json")));
        }
        let response =
            HttpResponse { status: answer.status.unwrap_or(200), headers, body: answer.content()? };
        Ok(Answered {
            method: answer.method.clone(),
            url: answer.url.clone(),
            answer: error.map_or(Ok(response), Err),
        })
    }

    fn fits(&self, request: &HttpRequest) -> bool {
        let method = self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method));
        method && self.url == request.url
    }
}

impl Real {
    fn new(origins: &[String], answer: usize) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let client = HttpClient::new().map_err(|error| error.0)?;
        let settings = OutboundSettings { origins: origins.to_vec(), network: Network::Private, answer };
        let client = Arc::new(client.for_plugin(&Arc::from("under-test"), &settings));
        Ok(Real { runtime, client, answer })
    }

    fn send(&self, request: HttpRequest, time: Duration) -> Result<HttpResponse, HttpError> {
        let HttpRequest { method, url, headers, body } = request;
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_vec())).collect();
        let request = OutgoingRequest { method, url, headers, body };
        let limits = ExchangeLimits { time, answer: self.answer };
        let answer = self.runtime.block_on(self.client.exchange(request, limits));
        let (head, body) = answer
            .map_err(|unanswered| match unanswered {
                Unanswered::Denied(why) => HttpError::Denied(why),
                Unanswered::Timeout => HttpError::Timeout,
                Unanswered::TooLarge => HttpError::TooLarge,
                Unanswered::Failed(why) => HttpError::Failed(why),
            })?
            .into_parts();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), Bytes::copy_from_slice(value.as_bytes()))
        };
        let headers = head.headers.iter().map(header).collect();
        Ok(HttpResponse { status: head.status.as_u16(), headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    #[test]
    fn the_case_answers() {
        let case = r#"{"text": "", "http": [
            {"url": "https://a.example/1", "method": "POST", "status": 201, "body": {"a": 1}},
            {"url": "https://a.example/1", "text": "any", "headers": {"X-A": ["1", "2"]}},
            {"url": "https://a.example/2", "error": "too-large"}
        ]}"#;
        let web = Web::new(&Case::parse(case).unwrap().http, &[], 0).unwrap();
        let send = |method: &str, url: &str| {
            let request =
                HttpRequest { method: method.to_owned(), url: url.to_owned(), ..HttpRequest::default() };
            web.send(request, Duration::ZERO)
        };
        let made = send("POST", "https://a.example/1").unwrap();
        assert_eq!((made.status, &*made.body), (201, &b"{\"a\": 1}"[..]));
        assert_eq!(made.headers[0].0, "content-type");
        let any = send("GET", "https://a.example/1").unwrap();
        assert_eq!((any.status, &*any.body, any.headers.len()), (200, &b"any"[..], 2));
        assert_eq!(send("GET", "https://a.example/2"), Err(HttpError::TooLarge));
        assert!(
            matches!(send("GET", "https://b.example/"), Err(HttpError::Denied(why)) if why.contains("no answer"))
        );
        assert_eq!((web.asked().len(), web.asked().len()), (4, 0));
        let web = web.forgetful();
        assert!(web.send(HttpRequest::default(), Duration::ZERO).is_err() && web.asked().is_empty());
    }
}
