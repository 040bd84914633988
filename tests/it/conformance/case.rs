//! One case: what the guest is told, what it is told about, and what must come of it.

use std::time::Duration;

use bytes::Bytes;
use hookyard::plugin::FaultKind;
use serde_json::{Value, json};

use super::outcome::Outcome;

/// One of the things that a plugin must be able to do in every language.
pub(super) struct Case {
    /// As in the table: `group: what`.
    pub(super) name: &'static str,
    /// Which plugin is called.
    pub(super) plugin: &'static str,
    /// Its configuration, where that is not the scripts of all cases.
    pub(super) config: Option<Value>,
    /// The steps, each with its operation and arguments.
    pub(super) script: Vec<Value>,
    pub(super) event: Given,
    pub(super) setup: Setup,
    /// Whether the store of what plugins keep can be reached.
    pub(super) reaches_store: bool,
    pub(super) expected: Expected,
    /// What the server is asked for meanwhile, where that matters.
    pub(super) asked: Option<Vec<&'static str>>,
}

/// The event, where it matters to the case.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) kind: &'static str,
    pub(super) received_at: i64,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) headers: Vec<(&'static str, Bytes)>,
    pub(super) attributes: Vec<(&'static str, &'static str)>,
    pub(super) body: Bytes,
}

/// What the plugin may use, where that is not plenty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) cpu: Duration,
    pub(super) time: Duration,
    pub(super) memory: usize,
    pub(super) output: usize,
    pub(super) messages: usize,
    pub(super) kv: usize,
    pub(super) kv_keys: usize,
    pub(super) http_calls: usize,
    pub(super) http_response: usize,
}

impl Default for Setup {
    /// So much that a busy machine and the slowest language come nowhere near.
    fn default() -> Self {
        Setup {
            cpu: Duration::from_secs(20),
            time: Duration::from_secs(60),
            memory: MEMORY,
            output: 8 << 20,
            messages: 1000,
            kv: 1 << 20,
            kv_keys: 1000,
            http_calls: 100,
            http_response: 4 << 20,
        }
    }
}

/// Bytes of memory that every language gets along with.
pub(super) const MEMORY: usize = 96 << 20;

/// What must come of a call.
pub(super) enum Expected {
    /// It forwards a report with these lines.
    Reported(Vec<String>),
    /// It forwards these messages; see [`Outcome::sent`].
    Sent(Vec<String>),
    Discarded(String),
    /// It fails in this way, for a reason that contains this.
    Failed(FaultKind, &'static str),
    /// What is wrong with its settings is told, with this in it: when they are loaded, or else at the event.
    Mistaken(&'static str),
    /// What a function says, which returns what is wrong.
    Judged(fn(&Outcome) -> Result<(), String>),
}

impl Case {
    pub(super) fn new(name: &'static str) -> Self {
        let event = Given {
            kind: "order.paid",
            received_at: 1_763_755_200_123,
            path: "/in/conformance",
            query: "",
            headers: Vec::new(),
            attributes: Vec::new(),
            body: Bytes::new(),
        };
        Case {
            name,
            plugin: "conformance",
            config: None,
            script: Vec::new(),
            event,
            setup: Setup::default(),
            reaches_store: true,
            expected: Expected::Reported(Vec::new()),
            asked: None,
        }
    }

    /// A case of a plugin that reads what to do in its configuration.
    pub(super) fn of(plugin: &'static str, name: &'static str, config: Value) -> Self {
        Case { plugin, config: Some(config), ..Case::new(name) }
    }

    /// What the server is asked for.
    pub(super) fn asks(mut self, paths: impl Into<Vec<&'static str>>) -> Self {
        self.asked = Some(paths.into());
        self
    }

    /// The event's body.
    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.event.body = body.into();
        self
    }

    /// One more header of the event.
    pub(super) fn header(mut self, name: &'static str, value: &'static [u8]) -> Self {
        self.event.headers.push((name, Bytes::from_static(value)));
        self
    }

    /// What an earlier plugin has left.
    pub(super) fn attribute(mut self, name: &'static str, value: &'static str) -> Self {
        self.event.attributes.push((name, value));
        self
    }

    pub(super) fn given(mut self, change: impl FnOnce(&mut Given)) -> Self {
        change(&mut self.event);
        self
    }

    pub(super) fn setup(mut self, change: impl FnOnce(&mut Setup)) -> Self {
        change(&mut self.setup);
        self
    }

    pub(super) fn without_store(self) -> Self {
        Case { reaches_store: false, ..self }
    }

    /// A step that says this.
    pub(super) fn gives(mut self, operation: &str, arguments: Value, result: impl Into<String>) -> Self {
        self = self.does(operation, arguments);
        let Expected::Reported(lines) = &mut self.expected else { panic!("{}: what for?", self.name) };
        lines.pop();
        lines.push(result.into());
        self
    }

    /// A step that returns nothing.
    pub(super) fn does(mut self, operation: &str, mut arguments: Value) -> Self {
        arguments["op"] = json!(operation);
        self.script.push(arguments);
        if let Expected::Reported(lines) = &mut self.expected {
            lines.push("ok".to_owned());
        }
        self
    }

    pub(super) fn sends<'a>(mut self, messages: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected = Expected::Sent(messages.into_iter().map(str::to_owned).collect());
        self
    }

    pub(super) fn discards(mut self, reason: &str) -> Self {
        self.expected = Expected::Discarded(reason.to_owned());
        self
    }

    pub(super) fn fails(mut self, kind: FaultKind, reason: &'static str) -> Self {
        self.expected = Expected::Failed(kind, reason);
        self
    }

    pub(super) fn names(mut self, mistake: &'static str) -> Self {
        self.expected = Expected::Mistaken(mistake);
        self
    }

    pub(super) fn judged(mut self, judge: fn(&Outcome) -> Result<(), String>) -> Self {
        self.expected = Expected::Judged(judge);
        self
    }

    /// The whole script: a case whose steps have results reports them.
    pub(super) fn steps(&self) -> Vec<Value> {
        let mut steps = self.script.clone();
        if matches!(self.expected, Expected::Reported(_)) {
            steps.push(json!({ "op": "report" }));
        }
        steps
    }

    /// What is wrong with what came of it.
    pub(super) fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        let right = match &self.expected {
            Expected::Reported(lines) => {
                let report: String = lines.iter().map(|line| format!("{line}\n")).collect();
                return outcome.reported(&report);
            }
            Expected::Sent(messages) => outcome.sent().is_some_and(|sent| sent == *messages),
            Expected::Discarded(reason) => outcome.discarded() == Some(reason),
            Expected::Failed(kind, reason) => outcome.failed(*kind, reason),
            Expected::Mistaken(mistake) => outcome.failed(FaultKind::Permanent, mistake),
            Expected::Judged(judge) => return judge(outcome),
        };
        if right { Ok(()) } else { Err(outcome.to_string()) }
    }

    /// What is wrong with a refusal of its settings.
    pub(super) fn judge_refusal(&self, refusal: String) -> Result<(), String> {
        match &self.expected {
            Expected::Mistaken(mistake) if refusal.contains(mistake) => Ok(()),
            _ => Err(refusal),
        }
    }
}

/// No arguments.
pub(super) fn nothing() -> Value {
    json!({})
}
