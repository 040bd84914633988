//! What deciding whether an event takes a route costs: expressions in `when`, and the same said in `match`.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hookyard::event::{Body, Event, EventId, Headers};
use hookyard::routing::Router;
use uuid::Uuid;

use crate::machine;

/// Decisions that one number is the mean of.
const DECISIONS: u32 = 20_000;

/// Sizes of bodies, in bytes.
const SIZES: [usize; 2] = [1 << 10, 256 << 10];

/// What is measured, as lines of a route.
const RULES: [(&str, &str); 8] = [
    ("no condition", ""),
    ("match, one number", "match = { \"/amount\" = { gt = 1000 } }"),
    ("when true", "when = 'true'"),
    ("when, event only", "when = 'event.kind == \"order.paid\"'"),
    ("when, a header", "when = '\"x-tenant\" in headers && headers[\"x-tenant\"] == \"acme\"'"),
    ("when, one number", "when = 'body.amount > 1000'"),
    (
        "when, three fields",
        "when = 'event.kind == \"order.paid\" && body.amount > 1000 && body.customer.country in [\"DE\", \"FR\"]'",
    ),
    ("when, a loop over 3 items", "when = 'body.items.exists(i, i.price > 40)'"),
];

/// Measures each rule at each size, `rounds` times, and prints the least of them: the machine's noise only adds.
pub(crate) fn run(rounds: usize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", machine::line())?;
    writeln!(out, "µs of processor time for one decision, the JSON view being there already\n")?;
    let sizes: String = SIZES.iter().map(|size| format!("{:>12}", format!("{} KiB", size >> 10))).collect();
    writeln!(out, "{:<28}{sizes}", "")?;
    for (name, rule) in RULES {
        let router = router(rule).with_context(|| format!("failed to read {rule}"))?;
        write!(out, "{name:<28}")?;
        for size in SIZES {
            let event = event(size);
            let least = (0..rounds).map(|_| decide(&router, &event)).fold(f64::INFINITY, f64::min);
            write!(out, "{least:>12.3}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn decide(router: &Router, event: &Event) -> f64 {
    let before = machine::thread_time();
    for _ in 0..DECISIONS {
        assert_eq!(std::hint::black_box(router.route(std::hint::black_box(event))).routes.len(), 1);
    }
    (machine::thread_time() - before).as_secs_f64() * 1e6 / f64::from(DECISIONS)
}

fn router(rule: &str) -> Result<Router> {
    let text = format!(
        "[sources.shop]\nverify = \"none\"\n[destinations.c]\ntype = \"console\"\n[routes.r]\nsource = \"shop\"\nto = \"c\"\n{rule}\n"
    );
    let config = hookyard::config::parse(&text, "bench.toml", Path::new("/"))?;
    Ok(Router::new(config.routes.into_iter().map(|route| route.rule).collect()))
}

/// An order with a long text in it, of about `size` bytes.
fn event(size: usize) -> Event {
    let mut headers = Headers::new();
    for (name, value) in
        [("content-type", "application/json"), ("user-agent", "shop/1"), ("x-tenant", "acme")]
    {
        // Names and values above are well-formed.
        let _ = headers.set(name, value);
    }
    let items: String = (1..=3).map(|n| format!("{{\"sku\":\"A-{n}\",\"price\":{}}},", n * 20)).collect();
    let head = format!(
        "{{\"id\":\"o-1\",\"amount\":1250,\"customer\":{{\"id\":7,\"country\":\"DE\"}},\"items\":[{}],\"lines\":[",
        items.trim_end_matches(',')
    );
    let line = "{\"text\":\"a line of an order\",\"quantity\":1},";
    let mut body = head;
    while body.len() + line.len() + 4 < size {
        body.push_str(line);
    }
    body.push_str("{}]}");
    Event {
        id: EventId(Uuid::nil()),
        source: "shop".into(),
        kind: "order.paid".to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: "POST".to_owned(),
        path: "/in/shop".to_owned(),
        query: String::new(),
        body: Body::new(Bytes::from(body), &headers),
        headers,
    }
}
