//! The functions that the generated bindings have on WebAssembly, with the same names and types.

use super::stand_in::running;

pub(crate) mod output {
    use super::running;
    use crate::output::Message;
    use crate::testing::edit::Edit;
    use crate::testing::edits::put_header;
    use crate::{Header, Response};

    pub(crate) fn set_header(name: &str, value: &str) {
        running(|call| call.edits.headers.push((name.to_owned(), Some(value.to_owned()))));
    }

    pub(crate) fn remove_header(name: &str) {
        running(|call| call.edits.headers.push((name.to_owned(), None)));
    }

    pub(crate) fn set_body(body: &[u8]) {
        running(|call| {
            call.edits.json.clear();
            call.edits.body = Some(body.to_vec());
        });
    }

    pub(crate) fn json_set(pointer: &str, value: &str) {
        let edit = Edit { pointer: pointer.to_owned(), value: Some(value.to_owned()) };
        running(|call| call.edits.json.push(edit));
    }

    pub(crate) fn json_remove(pointer: &str) {
        running(|call| call.edits.json.push(Edit { pointer: pointer.to_owned(), value: None }));
    }

    pub(crate) fn set_attribute(name: &str, value: &str) {
        running(|call| call.edits.attributes.push((name.to_owned(), value.to_owned())));
    }

    pub(crate) fn send_to(destinations: &[String]) {
        running(|call| call.edits.destinations = Some(destinations.to_vec()));
    }

    pub(crate) fn not_before(delay_seconds: u32) {
        running(|call| call.edits.delay_seconds = delay_seconds);
    }

    pub(crate) fn emit(message: &Message) {
        running(|call| call.edits.emitted.push(message.clone()));
    }

    pub(crate) fn reply(response: &Response) {
        let checked = check(response);
        running(|call| match checked {
            Ok(headers) => call.edits.reply = Some(Response { headers, ..response.clone() }),
            Err(problem) => {
                call.edits.misuse.get_or_insert(problem);
            }
        });
    }

    fn check(response: &Response) -> Result<Vec<Header>, String> {
        if !(200..=599).contains(&response.status) {
            return Err(format!("{} is not the status of an answer", response.status));
        }
        let mut headers = Vec::new();
        for header in &response.headers {
            put_header(&mut headers, &header.name, &header.value)?;
        }
        Ok(headers)
    }
}

pub(crate) mod config {
    use super::running;
    use crate::testing::document::{find, string};

    pub(crate) fn get(pointer: &str) -> Option<String> {
        running(|call| {
            let node = find(&call.host.config, pointer)?;
            Some(string(node).unwrap_or_else(|| node.text().to_owned()))
        })
    }

    pub(crate) fn text() -> String {
        running(|call| call.host.config.trim_ascii().to_owned())
    }
}

pub(crate) mod secrets {
    use super::running;

    pub(crate) fn get(name: &str) -> Option<Vec<u8>> {
        running(|call| {
            let secrets = &call.host.secrets;
            secrets.iter().find(|(granted, _)| granted == name).map(|(_, value)| value.clone())
        })
    }
}

pub(crate) mod kv {
    use super::running;
    use crate::bindings::hookyard::plugin::kv::KvError;
    use crate::testing::store::Store;

    /// Operations of one call.
    const MAX_OPERATIONS: u32 = 1024;

    pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, KvError> {
        keep(|store, now| Ok(store.get(key, now)?.map(<[u8]>::to_vec)))
    }

    pub(crate) fn set(key: &str, value: &[u8], ttl_seconds: u32) -> Result<(), KvError> {
        keep(|store, now| store.set(key, value, ttl_seconds, now))
    }

    pub(crate) fn remove(key: &str) -> Result<(), KvError> {
        keep(|store, _| store.remove(key))
    }

    pub(crate) fn increment(key: &str, delta: i64, ttl_seconds: u32) -> Result<i64, KvError> {
        keep(|store, now| store.increment(key, delta, ttl_seconds, now))
    }

    pub(crate) fn compare_and_set(
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_seconds: u32,
    ) -> Result<bool, KvError> {
        keep(|store, now| {
            let is_expected = store.get(key, now)? == expected;
            if is_expected {
                store.set(key, value, ttl_seconds, now)?;
            }
            Ok(is_expected)
        })
    }

    fn keep<T>(work: impl FnOnce(&mut Store, u64) -> Result<T, KvError>) -> Result<T, KvError> {
        running(|call| {
            call.operations += 1;
            match &call.host.away {
                _ if call.operations > MAX_OPERATIONS => Err(KvError::Quota),
                Some(reason) => Err(KvError::Unavailable(reason.clone())),
                None => work(&mut call.host.store, call.host.now),
            }
        })
    }
}

pub(crate) mod metrics {
    use super::running;

    pub(crate) fn count(name: &str, delta: u32) {
        if is_name(name) {
            running(|call| *call.counts.entry(name.to_owned()).or_default() += u64::from(delta));
        }
    }

    pub(crate) fn observe(name: &str, value: f64) {
        if is_name(name) && value.is_finite() {
            running(|call| call.observed.entry(name.to_owned()).or_default().push(value));
        }
    }

    /// Characters of a name.
    const MAX_NAME: usize = 64;

    fn is_name(name: &str) -> bool {
        if name.len() > MAX_NAME {
            return false;
        }
        let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(rest)
    }
}

pub(crate) mod http {
    use super::running;
    use crate::Response;
    use crate::http::{Error, Request};

    pub(crate) fn send(request: Request) -> Result<Response, Error> {
        // Taken out, so that the answer may be worked out by code that has a host of its own.
        let answer = running(|call| {
            call.requests.push(request.clone());
            call.host.answer.take()
        });
        let Some(mut answer) = answer else {
            return Err(Error::Denied("this test grants no HTTP".into()));
        };
        let answered = answer(&request);
        running(|call| call.host.answer = Some(answer));
        answered
    }
}

pub(crate) mod logging {
    use super::running;
    use crate::testing::{Level, Line};

    pub(crate) fn log(level: Level, message: &str) {
        running(|call| {
            let text = call.host.mask(message);
            let escaped = text.chars().flat_map(|character| {
                let (plain, escape) = match character.is_control() {
                    true => (None, Some(character.escape_default())),
                    false => (Some(character), None),
                };
                plain.into_iter().chain(escape.into_iter().flatten())
            });
            call.logs.push(Line { level, text: escaped.collect() });
        });
    }
}
