//! The account of `hookyard explain` for people.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::admin::{ExplainView, FoundView, PartView, RouteView};

use super::text::{count, line};

/// The widest that texts are made to stand below each other.
const WIDEST: usize = 72;

/// How true and false are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    yes: &'static str,
    no: &'static str,
    arrow: &'static str,
}

impl Marks {
    const UNICODE: Marks = Marks { yes: "✓", no: "✗", arrow: "→" };
    const ASCII: Marks = Marks { yes: "[x]", no: "[ ]", arrow: "->" };

    /// Those that the operator's locale has.
    pub(super) fn of_terminal() -> Self {
        let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find(|name| set(name))
            .and_then(|name| std::env::var(name).ok());
        Marks::of_locale(locale.as_deref())
    }

    fn of_locale(locale: Option<&str>) -> Self {
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") { Marks::UNICODE } else { Marks::ASCII }
    }

    fn of(self, holds: bool) -> &'static str {
        if holds { self.yes } else { self.no }
    }
}

/// Every route with its parts, then what follows.
pub(super) fn text(view: &ExplainView, marks: Marks) -> String {
    let kind = if view.kind.is_empty() { "without a type" } else { &view.kind };
    let mut text = format!("source {}  {}\n", line(&view.source), line(kind));
    for route in &view.routes {
        text.push('\n');
        draw(&mut text, route, marks);
    }
    if !view.elsewhere.is_empty() {
        let routes = count(view.elsewhere.len() as u64, "route listens", "routes listen");
        let _ = writeln!(text, "\n{routes} to other sources: {}", line(&view.elsewhere.join(", ")));
    }
    if !view.taken.is_empty() {
        let _ = writeln!(text, "\nIt takes {}.", line(&view.taken.join(", ")));
    }
    text
}

fn draw(text: &mut String, route: &RouteView, marks: Marks) {
    let _ = writeln!(text, "{} {}  {}", marks.of(route.fires), line(&route.route), line(&route.at));
    let widths = route.parts.iter().map(|part| shown(part).width()).filter(|width| *width <= WIDEST);
    let width = widths.max().unwrap_or_default();
    for part in &route.parts {
        let (written, mark) = (shown(part), marks.of(part.holds));
        let gap = width.saturating_sub(written.width());
        let _ = writeln!(text, "    {mark} {written}{:gap$}  {}", "", line(&part.at));
        // What is true of a source says nothing more.
        for found in part.found.iter().filter(|_| part.part != "source") {
            let _ = writeln!(text, "        {}", value(found));
        }
        if part.part == "fallback" && !part.holds {
            text.push_str("        another route fires\n");
        }
        if let Some(why) = &part.undecided {
            let _ = writeln!(text, "        {}", line(why));
        }
    }
    if route.fires {
        let plugins: String =
            route.plugins.iter().map(|plugin| format!("{} {} ", marks.arrow, line(plugin))).collect();
        let to = match (route.to.is_empty(), route.replies) {
            (false, replies) => {
                let reply = if replies { ", and the reply" } else { "" };
                format!("{} {}{reply}", marks.arrow, line(&route.to.join(", ")))
            }
            (true, _) => format!("{} the reply", marks.arrow),
        };
        let _ = writeln!(text, "    {plugins}{to}");
    }
}

fn shown(part: &PartView) -> String {
    if part.text.is_empty() { part.part.clone() } else { line(&part.text) }
}

fn value(found: &FoundView) -> String {
    let name = line(&found.name);
    match &found.value {
        Some(value) if value.is_empty() => format!("{name} is empty"),
        Some(value) => format!("{name} is {}", line(&compact(value))),
        None if found.withheld => format!("{name} is withheld (--reveal)"),
        None => format!("{name} is not there"),
    }
}

/// An object or a list without the blanks between its parts; its end may be cut off. All else as it is.
fn compact(value: &str) -> Cow<'_, str> {
    if !value.starts_with(['{', '[']) {
        return Cow::Borrowed(value);
    }
    let (mut text, mut quoted, mut escaped) = (String::with_capacity(value.len()), false, false);
    for letter in value.chars() {
        match letter {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\n' | '\r' | '\t' if !quoted => continue,
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        text.push(letter);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::admin::explain;
    use crate::event::{Event, EventId, Headers};
    use crate::routing::Router;

    use super::*;

    const CONFIG: &str = r#"
[sources.shop]
verify = { type = "hmac", signature = { header = "X-Proof" } }
secret = { env = "UNREAD" }
event_type = "body:/type"
[sources.other]
verify = "none"
[plugins.redact]
path = "redact.wasm"
[destinations.ci]
type = "console"
[destinations.archive]
path = "events.jsonl"

[routes.paid]
source = "shop"
events = ["order.paid", "order.*"]
match = { "/amount" = { gt = 100 }, "header:X-Proof" = "*", "query:team" = "a b" }
plugins = ["redact"]
to = ["ci", "archive"]

[routes.large]
source = ["shop", "other"]
when = '''
  body.amount > 100000
  && headers["x-tenant"] == "acme"'''
to = "archive"

[routes.broken]
source = "shop"
when = 'body.customer.vip || query["token"] == "t"'
to = "archive"

[routes.rest]
source = "shop"
fallback = true
to = "ci"

[routes.elsewhere]
source = "other"
to = "ci"
"#;

    fn explained(body: &str) -> ExplainView {
        let config =
            crate::config::parse(CONFIG, "config.toml", std::path::Path::new("/etc/hookyard")).unwrap();
        let mut headers = Headers::new();
        headers.set("X-Proof", "sha256=17").unwrap();
        headers.set("X-Tenant", "acme").unwrap();
        let event = Event {
            id: EventId(uuid::Uuid::nil()),
            source: "shop".into(),
            kind: "order.paid".to_owned(),
            delivery_id: None,
            proof: None,
            hops: 0,
            received_at: 0,
            method: "POST".to_owned(),
            path: "/in/shop".to_owned(),
            query: "team=a+b&token=secret".to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()).into(),
        };
        let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
        explain(&config, &router, &event, false)
    }

    #[test]
    fn every_part_is_listed_with_what_was_found() {
        let view = explained(r#"{"type":"order.paid","amount":1250,"customer":{"id":7}}"#);
        insta::assert_snapshot!(text(&view, Marks::UNICODE));
        let written = serde_json::to_string(&view).unwrap();
        assert!(
            !written.contains("secret") && !written.contains("sha256=17"),
            "credentials are withheld: {written}"
        );
    }

    #[test]
    fn an_event_that_nobody_takes_falls_back() {
        let view = explained("not json");
        insta::assert_snapshot!(text(&view, Marks::ASCII));
    }

    #[test]
    fn json_is_shown_without_its_blanks() {
        for (value, expected) in [
            ("{\n  \"a b\": [ 1, \"x \\\" y\" ],\r\n\t\"c\": \"d", r#"{"a b":[1,"x \" y"],"c":"d"#),
            ("[ ]", "[]"),
            ("a { b", "a { b"),
            ("\\\\", "\\\\"),
        ] {
            assert_eq!(compact(value), expected);
        }
    }

    #[test]
    fn marks_are_those_of_the_locale() {
        for (locale, expected) in
            [(Some("de_DE.UTF-8"), "✓"), (Some("C.utf8"), "✓"), (Some("C"), "[x]"), (None, "[x]")]
        {
            assert_eq!(Marks::of_locale(locale).yes, expected, "{locale:?}");
        }
    }
}
