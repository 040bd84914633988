//! The stages: each adds one thing to another.

use hookyard::store::Limits;

use crate::store::{CutOff, Until};

/// One server to measure.
pub(crate) struct Stage {
    /// For `--only` and for results.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) label: &'static str,
    /// What it adds to.
    pub(crate) over: Option<&'static str>,
    /// Microseconds of processor time that it may take: in all for the first, over the other one for the rest. From
    /// prototypes that had no store and called the plugin on the thread that served the socket.
    pub(crate) aim: Option<f64>,
    /// What is served.
    pub(crate) server: Server,
}

/// What is served.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    /// Hyper alone, answering 200; or building an event first.
    Hyper { builds_event: bool },
    /// The gateway.
    Gateway(Setup),
}

/// What a gateway is made of.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    source: &'static str,
    routed: bool,
    until: Until,
    plugins: &'static str,
    respond: &'static str,
}

const PLAIN: Setup = Setup {
    source: "verify = \"none\"",
    routed: false,
    until: Until::Nothing,
    plugins: "",
    respond: "to = \"nowhere\"",
};
const SIGNED: Setup = Setup {
    source: "secret = { file = \"secret\" }\nverify = { template = \"{body}\", signature = { header = \"X-Hub-Signature-256\", prefix = \"sha256=\" } }",
    ..PLAIN
};
const DESCRIBED: Setup = Setup { source: "secret = { file = \"secret\" }\nprovider = \"github\"", ..PLAIN };
const ROUTED: Setup = Setup { routed: true, ..DESCRIBED };
const STORED: Setup = Setup { until: Until::Stored, ..ROUTED };
const RUN: Setup = Setup { until: Until::Run, ..ROUTED };

const fn gateway(
    name: &'static str,
    label: &'static str,
    over: &'static str,
    aim: Option<f64>,
    setup: Setup,
) -> Stage {
    Stage { name, label, over: Some(over), aim, server: Server::Gateway(setup) }
}

const fn plugins(
    name: &'static str,
    label: &'static str,
    over: &'static str,
    aim: Option<f64>,
    plugins: &'static str,
) -> Stage {
    gateway(name, label, over, aim, Setup { plugins, ..RUN })
}

/// In the order in which they are measured and shown.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "bare",
        label: "hyper, answers 200",
        over: None,
        aim: Some(6.3),
        server: Server::Hyper { builds_event: false },
    },
    Stage {
        name: "event-by-hand",
        label: "hyper + read body, build event, by hand",
        over: Some("bare"),
        aim: Some(1.5),
        server: Server::Hyper { builds_event: true },
    },
    gateway("event", "gateway: read body, build event, answer 202", "bare", Some(1.5), PLAIN),
    gateway("signature", "+ HMAC-SHA256 of the body", "event", None, SIGNED),
    gateway("described", "+ event type and delivery id (opens the JSON)", "signature", None, DESCRIBED),
    gateway("routed", "+ 20 routes by event type, 1 body predicate", "described", None, ROUTED),
    gateway("stored", "+ append to the memory store", "routed", None, STORED),
    plugins("run", "+ run without plugins: lease, thread, settle", "stored", None, ""),
    plugins("fresh-least", "+ fresh least guest", "run", None, "\"least\""),
    plugins("fresh", "+ fresh Rust plugin (redact, 1 mask)", "run", Some(7.7), "\"redact\""),
    plugins("reused-least", "+ reused least guest", "run", None, "\"least-reused\""),
    plugins("reused", "+ reused Rust plugin (redact, 1 mask)", "run", Some(1.4), "\"redact-reused\""),
    plugins(
        "five-fresh",
        "+ five fresh Rust plugins (redact)",
        "run",
        None,
        "\"redact\", \"redact\", \"redact\", \"redact\", \"redact\"",
    ),
    gateway(
        "inline",
        "+ inline answer by a fresh guest",
        "stored",
        None,
        Setup { plugins: "\"reply\"", respond: "respond = \"plugin\"", ..RUN },
    ),
];

/// A stage by its name.
pub(crate) fn stage(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.name == name)
}

impl Setup {
    /// The configuration's text.
    pub(crate) fn config(&self) -> String {
        let starters = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/dist");
        let source = self.source;
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1\n[sources.bench]\n{source}\n\
             [sources.other]\nverify = \"none\"\n[destinations.nowhere]\ntype = \"console\"\n"
        );
        for (name, instance) in [("", "fresh"), ("-reused", "reuse")] {
            text.push_str(&format!(
                "[plugins.redact{name}]\npath = \"{starters}/redact.wasm\"\ninstance = \"{instance}\"\n\
                 config = {{ mask = [\"/sender/login\"] }}\n\
                 [plugins.least{name}]\npath = \"least.wasm\"\ninstance = \"{instance}\"\n"
            ));
        }
        text.push_str("[plugins.reply]\npath = \"reply.wasm\"\n");
        text.push_str(&self.routes());
        text
    }

    /// Twenty routes. Three take the event's type; two of these ask for a header that is absent, so that one fires.
    fn routes(&self) -> String {
        if !self.routed {
            return "[routes.other]\nsource = \"other\"\nto = \"nowhere\"\n".to_owned();
        }
        let others = [
            "push",
            "issues.*",
            "issue_comment.*",
            "release.*",
            "star.*",
            "fork",
            "create",
            "delete",
            "check_run.*",
            "check_suite.*",
            "workflow_run.*",
            "deployment.*",
            "label.*",
            "member.*",
            "milestone.*",
            "ping",
        ];
        let mut text = String::new();
        let mut route = |name: String, lines: &str| {
            text.push_str(&format!("[routes.{name}]\nsource = \"bench\"\n{lines}\n"));
        };
        for (at, event) in others.iter().enumerate() {
            route(format!("other-{at}"), &format!("events = \"{event}\"\nto = \"nowhere\""));
        }
        route("closed".to_owned(), "events = \"pull_request.closed\"\nto = \"nowhere\"");
        for (name, test) in [
            ("staging", "\"header:X-Stage\" = \"staging\""),
            ("flagged", "\"header:X-Flag\" = { exists = true }"),
        ] {
            route(
                name.to_owned(),
                &format!("events = \"pull_request.*\"\nmatch = {{ {test} }}\nto = \"nowhere\""),
            );
        }
        let Setup { plugins, respond, .. } = self;
        route(
            "fires".to_owned(),
            &format!(
                "events = [\"pull_request.*\", \"pull_request_review.*\"]\n\
                 match = {{ \"/repository/full_name\" = \"example-org/*\" }}\nplugins = [{plugins}]\n{respond}"
            ),
        );
        text
    }

    /// Where events are kept.
    pub(crate) fn store(&self) -> CutOff {
        let defaults = Limits { events: 100_000, bytes: 1 << 30 };
        CutOff::in_memory(self.until, defaults)
    }
}
