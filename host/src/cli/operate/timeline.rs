//! One event for people: what happened to it and when, what is next, and what was received.

use std::fmt::Write as _;

use crate::admin::{AttemptView, BodyView, ContentView, EventDetail, Moment, WorkView};

use super::text::{self, count, line, lines, size, span};

/// The width of the column with times.
const TIMES: usize = 12;

/// The whole account.
pub(super) fn text(detail: &EventDetail) -> String {
    let mut text = head(detail);
    let timeline = Timeline { start: detail.event.received_at };
    text.push_str("\ntimeline\n");
    timeline.received(&mut text, detail);
    for run in &detail.runs {
        timeline.run(&mut text, run);
        let of_run = |delivery: &&WorkView| delivery.run == Some(run.id);
        for delivery in detail.deliveries.iter().filter(of_run) {
            timeline.delivery(&mut text, delivery);
        }
    }
    // Of runs that are beyond what is shown.
    let shown = |delivery: &&WorkView| detail.runs.iter().any(|run| delivery.run == Some(run.id));
    for delivery in detail.deliveries.iter().filter(|delivery| !shown(delivery)) {
        timeline.delivery(&mut text, delivery);
    }
    let mut more = |all: u64, shown: usize, one: &str, many: &str| {
        let left = all.saturating_sub(shown as u64);
        if left > 0 {
            let _ = writeln!(text, "  and {} more", count(left, one, many));
        }
    };
    more(detail.run_count, detail.runs.len(), "run", "runs");
    more(detail.delivery_count, detail.deliveries.len(), "delivery", "deliveries");
    match &detail.content {
        Some(received) => content(&mut text, received),
        None => text.push_str("\nIts headers and body have been removed by retention.\n"),
    }
    text
}

fn head(detail: &EventDetail) -> String {
    let event = &detail.event;
    let mut text = format!("event {}  {}\n", event.id, event.state);
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<14}{}", line(value));
    };
    field("source", &event.source);
    field("type", if event.kind.is_empty() { "-" } else { &event.kind });
    field("received", &format!("{} UTC", text::time(event.received_at.0)));
    if let Some(id) = &event.delivery_id {
        field("sender's id", id);
    }
    field("size", &size(event.size));
    text
}

/// Writes times relative to the reception.
struct Timeline {
    start: Moment,
}

impl Timeline {
    fn entry(&self, text: &mut String, at: Option<Moment>, depth: usize, what: &str) {
        let time = at.map(|at| format!("+{}", span(at.0 - self.start.0))).unwrap_or_default();
        let _ = writeln!(text, "  {time:>TIMES$}  {:indent$}{}", "", line(what), indent = depth * 2);
    }

    fn received(&self, text: &mut String, detail: &EventDetail) {
        let event = &detail.event;
        let request = detail.content.as_ref().map(|content| format!(": {} {}", content.method, content.path));
        let what = format!("received from {}{}", event.source, request.unwrap_or_default());
        self.entry(text, Some(event.received_at), 0, &what);
        let proof = match &event.proof {
            Some(proof) => format!("verified: {proof}"),
            None => "not verified: its source takes what anybody sends".to_owned(),
        };
        self.entry(text, None, 0, &proof);
        if let Some(reason) = &event.unrouted {
            self.entry(text, None, 0, &format!("unrouted: {reason}"));
        }
    }

    fn run(&self, text: &mut String, run: &WorkView) {
        let what = format!("route {}  {}  run {}", run.route, self.standing(run), run.id);
        self.entry(text, Some(run.since), 0, &what);
        self.history(text, run, 1);
    }

    fn delivery(&self, text: &mut String, delivery: &WorkView) {
        let destination = delivery.destination.as_deref().unwrap_or("-");
        let what = format!("to {destination}  {}  delivery {}", self.standing(delivery), delivery.id);
        self.entry(text, Some(delivery.since), 1, &what);
        self.history(text, delivery, 2);
    }

    /// The state; what is next; why it ended, without what its last attempt says already.
    fn standing(&self, work: &WorkView) -> String {
        let mut standing = work.state.clone();
        if let (Some(due), "pending" | "held") = (work.due, &work.state[..]) {
            let _ = write!(standing, ", attempt {} due +{}", work.attempts + 1, span(due.0 - self.start.0));
        }
        let last = work.history.last().map_or("", |attempt| &attempt.detail);
        let detail = work.detail.as_deref().unwrap_or_default();
        let detail = detail.strip_suffix(last).unwrap_or(detail).trim_end_matches([':', ' ']);
        if !detail.is_empty() {
            let _ = write!(standing, ": {detail}");
        }
        standing
    }

    fn history(&self, text: &mut String, work: &WorkView, depth: usize) {
        for AttemptView { number, started_at, took_us, succeeded, detail } in &work.history {
            let mark = if *succeeded { "ok" } else { "failed" };
            let took = match took_us {
                0..1_000 => format!("{took_us} µs"),
                _ => span(i64::try_from(took_us / 1000).unwrap_or(i64::MAX)),
            };
            let what = format!("attempt {number}  {mark} after {took}: {detail}");
            self.entry(text, Some(*started_at), depth, &what);
        }
    }
}

pub(super) fn content(text: &mut String, content: &ContentView) {
    let ContentView { method, path, query, headers, body } = content;
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let _ = writeln!(text, "\n{}", line(&format!("{method} {path}{query}")));
    for header in headers {
        let value = header.value.as_deref().map_or("(withheld; --reveal shows it)".to_owned(), line);
        let _ = writeln!(text, "{}: {value}", line(&header.name));
    }
    text.push('\n');
    self::body(text, body);
}

/// What was received or kept, as what it is.
pub(super) fn body(text: &mut String, body: &BodyView) {
    let BodyView { size: bytes, truncated, json, text: plain, base64 } = body;
    match (json, plain, base64) {
        (Some(json), _, _) => text.push_str(&lines(json.get())),
        (_, Some(plain), _) => text.push_str(&lines(plain)),
        (_, _, Some(base64)) => {
            let _ = write!(text, "(not text; in base64)\n{base64}");
        }
        (None, None, None) => {}
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if *truncated {
        let _ = writeln!(text, "… of {}; --full shows all", size(*bytes));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As the admin API answers.
    fn detail(value: serde_json::Value) -> EventDetail {
        // By its text: a body's JSON is kept as it is written, which a parsed value has forgotten.
        serde_json::from_str(&value.to_string()).unwrap()
    }

    fn event(state: &str) -> serde_json::Value {
        json!({
            "id": "01934c1e-5b7a-7c3d-9e2f-000000000001",
            "received_at": "2026-01-01T12:00:00.250Z",
            "source": "github",
            "type": "pull_request.opened",
            "delivery_id": "guid-1",
            "proof": "hmac-sha256",
            "state": state,
            "unrouted": null,
            "size": 1234,
        })
    }

    fn work(kind: &str, number: u32, more: serde_json::Value) -> serde_json::Value {
        let mut work = json!({
            "kind": kind,
            "id": format!("01934c1e-5b7a-7c3d-9e2f-0000000000{number}"),
            "event": "01934c1e-5b7a-7c3d-9e2f-000000000001",
            "source": "github",
            "route": "prs",
            "since": "2026-01-01T12:00:00.250Z",
            "due": null,
            "ended_at": null,
            "detail": null,
        });
        work.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        work
    }

    fn attempt(number: u32, second: f64, succeeded: bool, detail: &str) -> serde_json::Value {
        json!({
            "number": number,
            "started_at": format!("2026-01-01T12:00:{second:06.3}Z"),
            "took_us": 3250,
            "succeeded": succeeded,
            "detail": detail,
        })
    }

    #[test]
    fn what_happened_is_told_in_order() {
        let run = "01934c1e-5b7a-7c3d-9e2f-000000000010";
        let detail = detail(json!({
            "event": event("pending"),
            "content": {
                "method": "POST",
                "path": "/in/github",
                "query": "token=***",
                "headers": [
                    { "name": "content-type", "value": "application/json" },
                    { "name": "x-hub-signature-256", "value": null },
                    { "name": "x-hostile", "value": "\u{1b}[2J" },
                ],
                "body": { "size": 1234, "truncated": true, "text": "{\n  \"title\": \"\u{9b}31m" },
            },
            "runs": [
                work("run", 10, json!({
                    "state": "done", "attempts": 2,
                    "history": [attempt(1, 0.260, false, "redact: deadline: 100 ms"), attempt(2, 10.5, true, "2 deliveries")],
                })),
                work("run", 11, json!({
                    "route": "chat", "state": "dead", "attempts": 1,
                    "detail": "gave up after 1 attempts: chat: trap: unreachable",
                    "history": [attempt(1, 0.261, false, "chat: trap: unreachable")],
                })),
            ],
            "run_count": 2,
            "deliveries": [
                work("delivery", 20, json!({
                    "run": run, "destination": "console", "state": "done", "attempts": 1,
                    "history": [attempt(1, 10.6, true, "printed")],
                })),
                work("delivery", 21, json!({
                    "run": run, "destination": "ci", "state": "pending", "attempts": 1,
                    "due": "2026-01-01T12:05:10.700Z", "detail": "503 Service Unavailable",
                    "history": [attempt(1, 10.61, false, "503 Service Unavailable")],
                })),
            ],
            "delivery_count": 5,
        }));
        insta::assert_snapshot!(text(&detail));
    }

    #[test]
    fn an_event_without_content_says_so() {
        let mut event = event("unrouted");
        event["proof"] = json!(null);
        event["unrouted"] = json!("no route matches");
        let detail = detail(json!({
            "event": event,
            "content": null,
            "runs": [],
            "run_count": 0,
            "deliveries": [],
            "delivery_count": 0,
        }));
        insta::assert_snapshot!(text(&detail));
    }
}
