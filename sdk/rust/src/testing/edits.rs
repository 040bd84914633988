//! What a call asks for, gathered and, if it forwards, applied.

use std::time::Duration;

use super::document::check;
use super::edit::{self, Edit};
use super::incoming::{Incoming, Looks, content_type};
use super::ran::Message;
use crate::{Header, Response, output};

/// 30 days.
const MAX_DELAY_SECONDS: u32 = 30 * 24 * 3600;

const MAX_HEADERS: usize = 1000;

/// Only the host knows what belongs into these.
const HOST_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[derive(Default)]
pub(super) struct Edits {
    pub(super) headers: Vec<(String, Option<String>)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) json: Vec<Edit>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) destinations: Option<Vec<String>>,
    pub(super) delay_seconds: u32,
    pub(super) emitted: Vec<output::Message>,
    pub(super) reply: Option<Response>,
    /// The first misuse that ends a call at once.
    pub(super) misuse: Option<String>,
}

impl Edits {
    /// The messages that go on, or what was asked for and is not allowed.
    pub(super) fn apply(self, incoming: &Incoming, route: &[String]) -> Result<Vec<Message>, String> {
        let mut message = Message {
            headers: incoming.headers.clone(),
            body: incoming.body.clone(),
            attributes: incoming.attributes.clone(),
            destinations: None,
            delay: Duration::from_secs(u64::from(self.delay_seconds)),
        };
        for (name, value) in self.attributes {
            match message.attributes.iter_mut().find(|(set, _)| *set == name) {
                Some((_, present)) => *present = value,
                None => message.attributes.push((name, value)),
            }
        }
        if self.delay_seconds > MAX_DELAY_SECONDS {
            return Err(format!("a delay of {} s is over 30 days", self.delay_seconds));
        }
        let chosen = self.destinations.map(|names| choose(names, route)).transpose()?;
        if !self.emitted.is_empty() {
            return self.emitted.into_iter().map(|emitted| emit(emitted, &message, route)).collect();
        }
        message.destinations = chosen.or(message.destinations);
        for (name, value) in &self.headers {
            match value {
                Some(value) => set_header(&mut message.headers, name, value)?,
                None => message.headers.retain(|header| !header.name.eq_ignore_ascii_case(name)),
            }
        }
        if let Some(body) = self.body {
            message.body = body;
        }
        if !self.json.is_empty() {
            let edited = edit::apply(editable(&message)?, &self.json)?;
            message.body = edited.into_bytes();
        }
        Ok(vec![message])
    }
}

/// Only what is JSON itself can be edited as JSON.
fn editable(message: &Message) -> Result<&str, String> {
    if let Looks::Other(what) = Looks::of(&message.body, &message.headers) {
        return Err(format!(
            "the body is not JSON: it is {what}, of which the JSON view can be read, not edited"
        ));
    }
    check(&message.body).map_err(|problem| match content_type(&message.headers) {
        Some(shown) => format!("the body is not JSON: {problem} (content type {shown:?})"),
        None => format!("the body is not JSON: {problem} (no content type)"),
    })
}

fn emit(emitted: output::Message, event: &Message, route: &[String]) -> Result<Message, String> {
    let mut message = Message { body: emitted.body, ..event.clone() };
    for header in &emitted.headers {
        set_header(&mut message.headers, &header.name, &header.value)?;
    }
    if !emitted.destinations.is_empty() {
        message.destinations = Some(choose(emitted.destinations, route)?);
    }
    Ok(message)
}

fn choose(destinations: Vec<String>, route: &[String]) -> Result<Vec<String>, String> {
    match destinations.iter().find(|name| !route.contains(name)) {
        Some(unknown) => Err(format!("{unknown:?} is not a destination of this route")),
        None => Ok(destinations),
    }
}

fn set_header(headers: &mut Vec<Header>, name: &str, value: &str) -> Result<(), String> {
    if HOST_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(format!("header {name:?} is the host's to set"));
    }
    put_header(headers, name, value)
}

/// Replaces every header of that name by one, in the first one's place, or adds it at the end.
pub(super) fn put_header(headers: &mut Vec<Header>, name: &str, value: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("{name:?} is not a header name"));
    }
    if value.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err(format!("the value of header {name:?} has a control character"));
    }
    let is_it = |header: &Header| header.name.eq_ignore_ascii_case(name);
    let header = Header { name: name.to_ascii_lowercase(), value: value.to_owned() };
    match headers.iter().position(is_it) {
        None if headers.len() >= MAX_HEADERS => {
            return Err(format!("there are more than {MAX_HEADERS} header fields"));
        }
        None => headers.push(header),
        Some(first) => {
            headers.retain({
                let mut at = 0;
                move |header| {
                    at += 1;
                    at - 1 <= first || !header.name.eq_ignore_ascii_case(name)
                }
            });
            if let Some(place) = headers.get_mut(first) {
                *place = header;
            }
        }
    }
    Ok(())
}
