//! What a plugin has asked for during a call, gathered and, if it forwards, applied.

use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::Reply;
use crate::event::{Body, Edit, EditError, Message};

use super::{Fault, FaultKind};

/// Bytes that the messages made of one may come to, with the headers that each of them has from it.
const MAX_MADE: usize = 256 << 20;

/// Bytes that an entry of a list counts beside its content, since there is no list of nothing but nothing.
const ENTRY: usize = 64;

/// 30 days.
const MAX_DELAY_SECONDS: u32 = 30 * 24 * 3600;

/// How much a call may put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Bytes of everything together.
    pub bytes: usize,
    /// Emitted messages.
    pub messages: usize,
}

/// Requests for changes, in the order they were made.
#[derive(Debug, Default)]
pub struct Edits {
    headers: Vec<(String, Option<String>)>,
    body: Option<Bytes>,
    json: Vec<Edit>,
    attributes: Vec<(String, String)>,
    destinations: Option<Vec<String>>,
    delay_seconds: u32,
    emitted: Vec<EmittedMessage>,
    reply: Option<Reply>,
    bytes: usize,
}

/// A message that takes the event's place.
#[derive(Clone, Debug)]
pub struct EmittedMessage {
    /// A subset of the route's destinations; none means all.
    pub destinations: Vec<String>,
    /// Set over the headers that came into the call.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Edits {
    /// Sets a header.
    pub fn set_header(&mut self, name: String, value: String) {
        self.bytes += name.len() + value.len();
        self.headers.push((name, Some(value)));
    }

    /// Removes a header.
    pub fn remove_header(&mut self, name: String) {
        self.bytes += name.len();
        self.headers.push((name, None));
    }

    /// Replaces the body; what was edited in the old one is gone.
    pub fn set_body(&mut self, body: Vec<u8>) {
        self.bytes += body.len();
        self.json.clear();
        self.body = Some(body.into());
    }

    /// Edits the body.
    pub fn edit_json(&mut self, edit: Edit) {
        self.bytes += match &edit {
            Edit::Set { pointer, value } => pointer.len() + value.len(),
            Edit::Remove { pointer } => pointer.len(),
        };
        self.json.push(edit);
    }

    /// Leaves a note for later plugins.
    pub fn set_attribute(&mut self, name: String, value: String) {
        self.bytes += name.len() + value.len();
        self.attributes.push((name, value));
    }

    /// Chooses destinations.
    pub fn send_to(&mut self, destinations: Vec<String>) {
        self.bytes += destinations.iter().map(|name| name.len() + ENTRY).sum::<usize>();
        self.destinations = Some(destinations);
    }

    /// Delays delivery.
    pub fn not_before(&mut self, delay_seconds: u32) {
        self.delay_seconds = delay_seconds;
    }

    /// Adds a message in the event's place.
    pub fn emit(&mut self, message: EmittedMessage) {
        let header = |(name, value): &(String, String)| name.len() + value.len() + ENTRY;
        let headers: usize = message.headers.iter().map(header).sum();
        let destinations: usize = message.destinations.iter().map(|name| name.len() + ENTRY).sum();
        self.bytes += message.body.len() + headers + destinations;
        self.emitted.push(message);
    }

    /// Answers the sender.
    pub fn reply(&mut self, reply: Reply) {
        self.bytes += reply.body.len() + reply.headers.size() + ENTRY * (1 + reply.headers.len());
        self.reply = Some(reply);
    }

    /// Takes the answer for the sender.
    pub fn take_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    /// Bytes of everything that was asked for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is over a limit, if anything is. Each entry of any list counts as 64 bytes beside its content.
    pub fn excess(&self, limits: OutputLimits) -> Option<String> {
        let entries = self.headers.len() + self.json.len() + self.attributes.len() + self.emitted.len();
        if self.bytes + ENTRY * entries > limits.bytes {
            Some(format!("it put out more than {} bytes", limits.bytes))
        } else if self.emitted.len() > limits.messages {
            Some(format!("it emitted more than {} messages", limits.messages))
        } else {
            None
        }
    }

    /// The messages that go on, or what was asked for and is not allowed. Many edits of a large body take their time;
    /// now and then `may_go_on` is asked whether there is any left.
    pub fn apply(
        self,
        mut message: Message,
        route: &[Arc<str>],
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Message>, Fault> {
        for (name, value) in &self.attributes {
            message.set_attribute(name, value).map_err(|error| invalid(error.to_string()))?;
        }
        if self.delay_seconds > MAX_DELAY_SECONDS {
            return Err(invalid(format!("a delay of {} s is over 30 days", self.delay_seconds)));
        }
        message.delay_seconds = message.delay_seconds.max(self.delay_seconds);
        let chosen = self.destinations.map(|names| choose(names, route)).transpose().map_err(invalid)?;
        if !self.emitted.is_empty() {
            return emitted(self.emitted, &message, route).map_err(invalid);
        }
        message.destinations = chosen.or(message.destinations);
        for (name, value) in &self.headers {
            match value {
                Some(value) => set_header(&mut message, name, value).map_err(invalid)?,
                None => message.headers.remove(name),
            }
        }
        message.body = match self.body {
            Some(body) => Body::new(body, &message.headers),
            None => message.body.under(&message.headers),
        };
        if !self.json.is_empty() {
            let edited = message.body.edited_in_time(&self.json, may_go_on).map_err(|error| match error {
                EditError::TooLong => Fault { kind: FaultKind::Deadline, message: error.to_string() },
                _ => invalid(error.to_string()),
            })?;
            message.body = Body::new(edited, &message.headers);
        }
        Ok(vec![message])
    }
}

/// What takes a message's place. Each may have headers and attributes of its own, many of which were the message's.
fn emitted(
    emitted: Vec<EmittedMessage>,
    message: &Message,
    route: &[Arc<str>],
) -> Result<Vec<Message>, String> {
    let (mut made, mut size) = (Vec::with_capacity(emitted.len()), 0);
    for one in emitted {
        let one = one.on(message, route)?;
        size += one.size();
        if size > MAX_MADE {
            return Err(format!("the messages come to more than {} MiB", MAX_MADE >> 20));
        }
        made.push(one);
    }
    Ok(made)
}

impl EmittedMessage {
    fn on(self, message: &Message, route: &[Arc<str>]) -> Result<Message, String> {
        let mut made = message.clone();
        for (name, value) in &self.headers {
            set_header(&mut made, name, value)?;
        }
        made.body = Body::new(self.body, &made.headers);
        if !self.destinations.is_empty() {
            made.destinations = Some(choose(self.destinations, route)?);
        }
        Ok(made)
    }
}

/// Headers that describe the connection or the length of what is sent; only the host knows them.
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

fn invalid(message: String) -> Fault {
    Fault { kind: FaultKind::InvalidOutput, message }
}

fn set_header(message: &mut Message, name: &str, value: &str) -> Result<(), String> {
    if HOST_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(format!("header {name:?} is the host's to set"));
    }
    message.headers.set(name, value).map_err(|error| error.to_string())
}

fn choose(destinations: Vec<String>, route: &[Arc<str>]) -> Result<Vec<String>, String> {
    match destinations.iter().find(|name| !route.iter().any(|known| **known == **name)) {
        Some(unknown) => Err(format!("{unknown:?} is not a destination of this route")),
        None => Ok(destinations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Headers;

    fn message(body: &'static str) -> Message {
        let mut headers = Headers::new();
        headers.set("content-type", "application/json").expect("a header");
        let body = Body::new(Bytes::from_static(body.as_bytes()), &headers);
        Message::new(headers, body)
    }

    fn route() -> Vec<Arc<str>> {
        vec!["ci".into(), "chat".into()]
    }

    /// A body and the destinations chosen for it.
    type Expected<'a> = (&'a str, Option<&'a [&'a str]>);

    fn check(edits: Edits, expected: Result<&[Expected<'_>], &str>) {
        let applied = edits.apply(message(r#"{"a": 1}"#), &route(), &mut || true);
        let seen = applied.as_ref().map_err(|fault| fault.message.as_str()).map(|messages| {
            let body = |message: &Message| String::from_utf8(message.body.bytes().to_vec()).expect("UTF-8");
            messages.iter().map(|message| (body(message), message.destinations.clone())).collect::<Vec<_>>()
        });
        let expected = expected.map(|messages| {
            let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            messages.iter().map(|(body, to)| ((*body).to_owned(), to.map(names))).collect::<Vec<_>>()
        });
        assert_eq!(seen, expected);
    }

    #[test]
    fn edits_apply_in_order() {
        let mut edits = Edits::default();
        edits.edit_json(Edit::Remove { pointer: "/a".into() });
        check(edits, Ok(&[("{}", None)]));

        let mut edits = Edits::default();
        edits.edit_json(Edit::Remove { pointer: "/a".into() });
        edits.set_body(b"{\"b\":2}".to_vec());
        edits.edit_json(Edit::Set { pointer: "/c".into(), value: "3".into() });
        edits.send_to(vec!["chat".into()]);
        check(edits, Ok(&[("{\"b\":2,\"c\":3}", Some(&["chat"]))]));
    }

    #[test]
    fn emitted_messages_take_the_place_of_the_event() {
        let mut edits = Edits::default();
        edits.set_header("x-all".into(), "1".into());
        edits.set_attribute("note".into(), "3".into());
        edits.send_to(vec!["chat".into()]);
        for to in [vec!["ci".to_owned()], vec![]] {
            let headers = vec![("x-one".to_owned(), "2".to_owned())];
            edits.emit(EmittedMessage { destinations: to, headers, body: Bytes::from_static(b"x") });
        }
        let applied = edits.apply(message("{}"), &route(), &mut || true).expect("applied");
        assert_eq!(applied.len(), 2);
        assert_eq!(applied[0].destinations, Some(vec!["ci".to_owned()]));
        assert_eq!(applied[1].destinations, None);
        assert_eq!(applied[1].headers.text("x-all"), None);
        assert_eq!(applied[1].attribute("note"), Some("3"));
        assert_eq!(applied[1].headers.text("x-one"), Some("2"));
    }

    #[test]
    fn lists_of_nothing_count() {
        let limits = OutputLimits { bytes: 64_000, messages: 10 };
        let check = |fill: &dyn Fn(&mut Edits, usize)| {
            for (number, fits) in [(900, true), (1001, false)] {
                let mut edits = Edits::default();
                fill(&mut edits, number);
                assert_eq!(edits.excess(limits).is_none(), fits, "{number}");
            }
        };
        let names = |number| vec![String::new(); number];
        let emitted = |destinations, headers| EmittedMessage { destinations, headers, body: Bytes::new() };
        check(&|edits, number| edits.send_to(names(number)));
        check(&|edits, number| edits.emit(emitted(names(number), Vec::new())));
        check(&|edits, number| {
            edits.emit(emitted(Vec::new(), vec![(String::new(), String::new()); number]));
        });
    }

    #[test]
    fn messages_that_repeat_many_headers_are_bounded() {
        let mut wide = message("{}");
        for number in 0..900 {
            wide.headers.set(&format!("x-{number}"), &"v".repeat(1000)).expect("a header");
        }
        let mut edits = Edits::default();
        for _ in 0..1000 {
            let headers = vec![("x-own".to_owned(), "1".to_owned())];
            edits.emit(EmittedMessage { destinations: vec![], headers, body: Bytes::new() });
        }
        let fault = edits.apply(wide, &route(), &mut || true).expect_err("too much");
        assert_eq!(fault.message, "the messages come to more than 256 MiB");
    }

    #[test]
    fn what_is_not_allowed_is_said() {
        let mut edits = Edits::default();
        edits.set_header("x".into(), "a\r\nb: c".into());
        check(edits, Err("the value of header \"x\" has a control character"));
        let mut edits = Edits::default();
        edits.set_header("Content-Length".into(), "5".into());
        check(edits, Err("header \"Content-Length\" is the host's to set"));
        let mut edits = Edits::default();
        for number in 0..=1000 {
            edits.set_header(format!("x-{number}"), String::new());
        }
        check(edits, Err("there are more than 1000 header fields"));
        let mut edits = Edits::default();
        edits.send_to(vec!["nowhere".into()]);
        check(edits, Err("\"nowhere\" is not a destination of this route"));
        let mut edits = Edits::default();
        edits.edit_json(Edit::Set { pointer: "/a/b".into(), value: "1".into() });
        check(edits, Err("\"/a/b\" names no place in the body"));
        let mut edits = Edits::default();
        edits.set_body(vec![0; 100]);
        assert!(edits.excess(OutputLimits { bytes: 99, messages: 1 }).is_some());
        assert!(edits.excess(OutputLimits { bytes: 100, messages: 1 }).is_none());
    }
}
