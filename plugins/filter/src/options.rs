//! The plugin's table in the configuration.

use hookyard_plugin::Event;
use hookyard_plugin::conditions::Conditions;
use hookyard_plugin::options::Table;

/// What the operator asked for.
pub struct Options {
    /// All of these hold.
    all: Vec<Conditions>,
    /// One of these holds; empty: no matter.
    any: Vec<Conditions>,
    /// None of these holds.
    none: Vec<Conditions>,
    /// Whether events for which they hold go on, or the others.
    pub forward_matching: bool,
    /// The template of the reason for which an event is discarded.
    pub reason: String,
    /// What becomes of a body that is not JSON, where a condition looks into it.
    pub on_invalid: Invalid,
}

/// What becomes of a body that is not JSON.
#[derive(Clone, Copy)]
pub enum Invalid {
    Fail,
    Forward,
    Discard,
}

impl Options {
    pub fn read(table: &mut Table<'_>) -> Self {
        let words = [("fail", Invalid::Fail), ("forward", Invalid::Forward), ("discard", Invalid::Discard)];
        let (all, any, none) =
            (table.alternatives("all"), table.alternatives("any"), table.alternatives("none"));
        if all.is_none() && any.is_none() && none.is_none() {
            table.require("all", "or `any` or `none`, what must hold");
        }
        Options {
            all: all.unwrap_or_default(),
            any: any.unwrap_or_default(),
            none: none.unwrap_or_default(),
            forward_matching: table
                .word("on_match", &[("forward", true), ("discard", false)])
                .unwrap_or(true),
            reason: table.template("reason", &[]).unwrap_or_else(|| "filtered out".into()),
            on_invalid: table.word("on_invalid", &words).unwrap_or(Invalid::Fail),
        }
    }

    pub fn hold(&self, event: &Event) -> bool {
        self.all.iter().all(|conditions| conditions.hold(event))
            && (self.any.is_empty() || self.any.iter().any(|conditions| conditions.hold(event)))
            && !self.none.iter().any(|conditions| conditions.hold(event))
    }

    pub fn need_body(&self) -> bool {
        [&self.all, &self.any, &self.none].into_iter().flatten().any(Conditions::need_body)
    }
}
