//! One question to the service, and its answer: from memory, else by a request.

use std::cell::Cell;
use std::time::Duration;

use hookyard_plugin::json::Json;
use hookyard_plugin::{Event, Failure, http, kv, secrets, template};

use super::options::Options;

/// What is asked for.
pub struct Lookup {
    url: String,
    headers: Vec<(String, String)>,
}

impl Lookup {
    /// None where the event has nothing to put into a hole of the address: a question about nothing would get an answer
    /// about something else.
    pub fn of(event: &Event, options: &Options<'_>) -> Result<Option<Self>, Failure> {
        let blank = Cell::new(false);
        let url = template::text(event, &options.url, |url, value| {
            blank.set(blank.get() || value.is_empty());
            url.push_str(&http::encode(value));
        })?;
        let headers =
            options.headers.iter().map(|(name, value)| Ok((name.clone(), template::plain(event, value)?)));
        let headers: Result<Vec<_>, Failure> = headers.collect();
        Ok((!blank.get()).then_some(Lookup { url, headers: headers? }))
    }

    /// What the service says, as JSON text; None where it knows nothing. The store is there to save requests, so that the
    /// plugin works without it.
    pub fn answer(&self, options: &Options<'_>) -> Result<Option<String>, Failure> {
        let key = self.key(&options.take);
        if options.ttl > 0
            && let Ok(Some(kept)) = kv::text(&key)
        {
            return Ok(Some(kept).filter(|kept| !kept.is_empty()));
        }
        let answer = self.ask(options)?;
        if options.ttl > 0 {
            // What cannot be kept is asked for again.
            let _ = kv::set(&key, answer.as_deref().unwrap_or_default(), Duration::from_secs(options.ttl));
        }
        Ok(answer)
    }

    fn ask(&self, options: &Options<'_>) -> Result<Option<String>, Failure> {
        let mut request = http::get(&*self.url).timeout(Duration::from_secs(options.timeout));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(secret) = &options.bearer {
            request = request.header("authorization", ["Bearer ", secrets::require(secret)?.trim()].concat());
        }
        let answer = request.send()?;
        if matches!(answer.status, 204 | 404 | 410) {
            return Ok(None);
        }
        let text = answer.success().map_err(|failure| said(&self.url, failure))?.text();
        let json = Json::checked(&text)
            .ok_or_else(|| Failure::retryable([&self.url, " answered something other than JSON"].concat()))?;
        let node = json.find(&options.take).filter(|node| node.text() != "null");
        Ok(node.map(|node| node.text().into()))
    }

    /// Different questions have different keys. What answers by who asks, such as `authorization`, stands in a header.
    fn key(&self, take: &str) -> String {
        let mut key = [&*self.url, "#", take].concat();
        for (name, value) in &self.headers {
            key.extend(["\n", name, ": ", value]);
        }
        key
    }
}

fn said(url: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Retryable(reason) => Failure::Retryable([url, " ", &reason].concat()),
        Failure::Permanent(reason) => Failure::Permanent([url, " ", &reason].concat()),
    }
}
