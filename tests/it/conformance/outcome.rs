//! What came of a call, as text where it is compared.

use std::fmt;

use hookyard::event::Message;
use hookyard::plugin::{Fault, FaultKind, Output, Verdict};

/// What a call returned.
pub(super) struct Outcome(pub(super) Result<Output, Fault>);

impl Outcome {
    /// The messages that go on.
    pub(super) fn messages(&self) -> &[Message] {
        match &self.0 {
            Ok(Output { verdict: Verdict::Forward(messages), .. }) => messages,
            _ => &[],
        }
    }

    /// The messages that go on: a line for each header, destination, delay and attribute, then the body.
    pub(super) fn sent(&self) -> Option<Vec<String>> {
        match &self.0 {
            Ok(Output { verdict: Verdict::Forward(messages), .. }) => {
                Some(messages.iter().map(written).collect())
            }
            _ => None,
        }
    }

    pub(super) fn discarded(&self) -> Option<&str> {
        match &self.0 {
            Ok(Output { verdict: Verdict::Discard(reason), .. }) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn failed(&self, kind: FaultKind, reason: &str) -> bool {
        matches!(&self.0, Err(fault) if fault.kind == kind && fault.message.contains(reason))
    }

    /// The body of the only message, if it is this one; else the first line that is another one.
    pub(super) fn reported(&self, expected: &str) -> Result<(), String> {
        let [message] = self.messages() else { return Err(self.to_string()) };
        let report = String::from_utf8_lossy(message.body.bytes());
        if report == expected {
            return Ok(());
        }
        let (mut seen, mut wanted) = (report.lines(), expected.lines());
        for number in 1.. {
            match (seen.next(), wanted.next()) {
                (None, None) => break,
                (seen, wanted) if seen == wanted => {}
                (seen, wanted) => {
                    let line =
                        |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("{line:?}"));
                    return Err(format!("line {number} is {} instead of {}", line(seen), line(wanted)));
                }
            }
        }
        Err("the lines end differently".to_owned())
    }
}

fn written(message: &Message) -> String {
    let mut text = String::new();
    for (name, value) in message.headers.iter().filter(|(name, _)| *name != "x-do") {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    for (name, value) in message.attributes() {
        text.push_str(&format!("({name} = {value})\n"));
    }
    if let Some(destinations) = &message.destinations {
        text.push_str(&format!("(to {})\n", destinations.join(", ")));
    }
    if message.delay_seconds > 0 {
        text.push_str(&format!("(in {} s)\n", message.delay_seconds));
    }
    text + &String::from_utf8_lossy(message.body.bytes())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.0 {
            Ok(Output { verdict: Verdict::Discard(reason), .. }) => format!("discarded: {reason}"),
            Ok(_) => format!("sent {:?}", self.sent().unwrap_or_default()),
            Err(fault) => fault.to_string(),
        };
        // A whole body of 1 MiB helps nobody.
        f.extend_cut(&text)
    }
}

trait ExtendCut {
    fn extend_cut(&mut self, text: &str) -> fmt::Result;
}

impl ExtendCut for fmt::Formatter<'_> {
    fn extend_cut(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(400) {
            Some((end, _)) => write!(self, "{}…", &text[..end]),
            None => self.write_str(text),
        }
    }
}
