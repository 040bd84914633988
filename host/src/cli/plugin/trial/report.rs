//! What came of a case, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::event::Message;
use crate::plugin::{Finding, Output, Verdict};

use super::super::super::operate::text;
use super::asked::Asked;
use super::call::Ran;
use super::diff;
use super::golden::Compared;
use super::outcome::{Said, by_name, content, word, written};

/// Messages that are shown.
const MAX_MESSAGES: usize = 20;

/// What came of a case, for programs.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) case: String,
    /// Whether it is as expected; None where nothing is.
    pub(super) expected: Option<bool>,
    /// What differs from what is expected.
    pub(super) differences: Vec<String>,
    /// As it is written down.
    pub(super) result: Value,
    /// What a fault says, also where that is not written down.
    pub(super) fault: Option<String>,
    pub(super) cpu_us: u64,
    pub(super) took_us: u64,
    /// Bytes.
    pub(super) peak_memory: usize,
}

impl View {
    pub(super) fn new(case: &str, ran: &Ran, compared: Option<&Compared>) -> Self {
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        View {
            case: case.to_owned(),
            expected: compared.map(|compared| matches!(compared, Compared::Same | Compared::Written)),
            differences: match compared {
                Some(Compared::Differs(lines)) => lines.clone(),
                _ => Vec::new(),
            },
            result: written(&ran.said, &ran.given, &ran.done),
            fault: match &ran.said {
                Said::Failed(fault) => Some(fault.message.clone()),
                _ => None,
            },
            cpu_us: micros(ran.cost.cpu),
            took_us: micros(ran.cost.took),
            peak_memory: ran.cost.peak_memory,
        }
    }
}

/// One line about a case, and what differs.
pub(super) fn line(case: &str, about: &str, ran: &Ran, compared: &Compared) -> String {
    let (state, note) = match compared {
        Compared::Same => ("ok", ""),
        Compared::Written => ("written", ""),
        Compared::New => ("new", "; nothing is expected yet: look at it, then write it down with --update"),
        Compared::Differs(_) => ("DIFFERS", "; `~` and `-` is what was expected, `~` and `+` what came"),
    };
    let about = if about.is_empty() { String::new() } else { format!("  {}", text::line(about)) };
    let mut shown = format!("{state:<8} {case:<24} {}{about}{note}\n", word(&ran.said));
    if let Compared::Differs(lines) = compared {
        lines.iter().for_each(|line| shown.push_str(&format!("         {line}\n")));
    }
    if let (Compared::New | Compared::Differs(_), Said::Failed(fault)) = (compared, &ran.said) {
        let _ = writeln!(shown, "         {}", text::line(&fault.message));
    }
    shown
}

/// Everything about one call.
pub(super) fn text(ran: &Ran) -> String {
    let mut shown = format!("{}{}\n", word(&ran.said), reason(&ran.said));
    let cost = &ran.cost;
    let _ = writeln!(
        shown,
        "{} µs of processor time, {} µs in all, {} KiB of memory",
        cost.cpu.as_micros(),
        cost.took.as_micros(),
        cost.peak_memory / 1024
    );
    match &ran.said {
        Said::Processed(Output { verdict: Verdict::Forward(messages), reply }) => {
            for (number, message) in messages.iter().take(MAX_MESSAGES).enumerate() {
                let which = format!("message {} of {}", number + 1, messages.len());
                let _ = write!(shown, "\n{which}\n{}", changes(&ran.given.message, message));
            }
            if let Some(further) = messages.len().checked_sub(MAX_MESSAGES).filter(|further| *further > 0) {
                let _ = writeln!(shown, "\nand {}", text::count(further as u64, "message", "messages"));
            }
            shown.push_str(&reply.as_ref().map(answer).unwrap_or_default());
        }
        Said::Processed(Output { reply, .. }) => {
            shown.push_str(&reply.as_ref().map(answer).unwrap_or_default());
        }
        Said::Verified(Finding::Challenge(reply)) => shown.push_str(&answer(reply)),
        Said::Verified(Finding::Genuine(identity)) => {
            let known = [("type", &identity.kind), ("delivery", &identity.delivery_id)];
            for (name, value) in known.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
                let _ = writeln!(shown, "{name} {}", text::line(value));
            }
        }
        Said::Delivered(receipt) => {
            let _ = writeln!(shown, "status {} {}", receipt.status, text::line(&receipt.detail));
        }
        Said::Verified(Finding::Rejected(_)) | Said::Failed(_) | Said::NotLoaded(_) => {}
    }
    let done = written(&ran.said, &ran.given, &ran.done);
    section(&mut shown, "requests", ran.done.http.iter().flat_map(Asked::lines));
    for (title, key) in [("kept", "kv"), ("metrics", "metrics")] {
        let members = done[key].as_object().into_iter().flatten();
        section(&mut shown, title, members.map(|(name, value)| format!("{name} {value}")));
    }
    section(
        &mut shown,
        "log",
        ran.done.logs.iter().map(|line| format!("{:<5} {}", line.level, line.message)),
    );
    shown
}

fn reason(said: &Said) -> String {
    let words = match said {
        Said::NotLoaded(problems) => problems.join("\n  "),
        Said::Processed(Output { verdict: Verdict::Discard(reason), .. }) => reason.clone(),
        Said::Verified(Finding::Rejected(reason)) => reason.clone(),
        Said::Failed(fault) => fault.message.clone(),
        Said::Processed(_) | Said::Verified(_) | Said::Delivered(_) => return String::new(),
    };
    format!(": {}", text::lines(&words))
}

/// What is other about a message than it came.
fn changes(came: &Message, goes: &Message) -> String {
    let mut shown = String::new();
    let (before, after) = (by_name(&came.headers), by_name(&goes.headers));
    let mut headers = Vec::new();
    for (name, values) in &before {
        match after.get(name) {
            None => headers.push(format!("- {name}: {}", values.join(", "))),
            Some(now) if now != values => {
                headers.push(format!("~ {name}: {} → {}", values.join(", "), now.join(", ")));
            }
            Some(_) => {}
        }
    }
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    headers.extend(new.map(|(name, values)| format!("+ {name}: {}", values.join(", "))));
    let bodies = diff::bodies(came.body.bytes(), goes.body.bytes());
    let noted = goes.attributes().filter(|(name, value)| came.attribute(name) != Some(value));
    let attributes = noted.map(|(name, value)| format!("{name} = {value}"));
    indented(&mut shown, "headers", headers.into_iter());
    indented(&mut shown, "body", bodies.into_iter());
    indented(&mut shown, "attributes", attributes);
    if let Some(destinations) = &goes.destinations {
        let _ = match destinations.as_slice() {
            [] => writeln!(shown, "  goes to no destination"),
            names => writeln!(shown, "  goes to {}", text::line(&names.join(", "))),
        };
    }
    if goes.delay_seconds > 0 {
        let _ = writeln!(shown, "  waits {}", text::span(i64::from(goes.delay_seconds) * 1000));
    }
    if shown.is_empty() { "  as it came\n".to_owned() } else { shown }
}

fn answer(reply: &crate::delivery::Reply) -> String {
    let mut shown = format!("\nreply {}\n", reply.status);
    for (name, values) in by_name(&reply.headers) {
        let _ = writeln!(shown, "  {name}: {}", text::line(&values.join(", ")));
    }
    if !reply.body.is_empty() {
        let _ = writeln!(shown, "  {}", text::line(&content(&reply.body).1.to_string()));
    }
    shown
}

/// Lines below a title, if there are any.
fn section(shown: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(shown, "\n{title}");
        lines.for_each(|line| shown.push_str(&format!("  {}\n", text::line(&line))));
    }
}

fn indented(shown: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(shown, "  {title}");
        lines.for_each(|line| shown.push_str(&format!("    {}\n", text::line(&line))));
    }
}
