//! What came of a check, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::signature::{Refusal, Verified};

use super::super::operate::output::{self, Output};
use super::super::operate::text;
use super::super::say;
use super::case::Case;
use super::sender::Sender;
use super::watch::Seen;

/// What came of a check. Holds no secret, and no signature that was not in the request.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Whether the request is genuine.
    pub(super) valid: bool,
    /// Why not, as logs and metrics call it.
    reason: Option<&'static str>,
    /// Which secret it was signed with, counted from 0.
    key: Option<usize>,
    /// What the sender itself calls what happened.
    event_type: Option<String>,
    /// The whole event type, as routes match it.
    kind: Option<String>,
    event_id: Option<String>,
    provider: String,
    scheme: Option<&'static str>,
    algorithm: &'static str,
    /// Why not, in a sentence.
    message: Option<String>,
    signatures: Vec<Signature>,
    /// What is covered, escaped and without its middle where it is long.
    base_string: Option<String>,
    /// Bytes of what is covered, except those that are secret.
    base_string_bytes: Option<usize>,
    secrets: Vec<Tried>,
    /// What else the source requires, in the order of the configuration.
    require: Vec<Required>,
    /// Each follows "it would be genuine if".
    hints: Vec<String>,
}

/// A signature in the request.
#[derive(Debug, Serialize)]
struct Signature {
    place: String,
    written: String,
}

/// A secret that was given.
#[derive(Debug, Serialize)]
struct Tried {
    from: String,
    /// None for one that was not tried.
    fits: Option<bool>,
}

/// A further proof that is needed.
#[derive(Debug, Serialize)]
struct Required {
    algorithm: &'static str,
    valid: bool,
    reason: Option<&'static str>,
    message: Option<String>,
}

impl Required {
    fn new((algorithm, checked): (&'static str, Result<Verified, Refusal>)) -> Self {
        let refusal = checked.err();
        Required {
            algorithm,
            valid: refusal.is_none(),
            reason: refusal.as_ref().map(Refusal::code),
            message: refusal.map(|refusal| refusal.to_string()),
        }
    }
}

impl Report {
    pub(super) fn new(
        sender: &Sender,
        case: &Case,
        seen: &Seen,
        checked: Result<Verified, Refusal>,
        required: Vec<(&'static str, Result<Verified, Refusal>)>,
        hints: Vec<String>,
    ) -> Self {
        let event = case.event(sender.batch.as_ref());
        let require: Vec<Required> = required.into_iter().map(Required::new).collect();
        let lacking = require.iter().find(|required| !required.valid);
        let covered = seen.covered();
        let signature = |(place, written): &(String, String)| Signature {
            place: place.clone(),
            written: written.clone(),
        };
        let tried = sender.secrets.iter().enumerate().map(|(at, known)| Tried {
            from: known.from.clone(),
            fits: seen.tried.get(at).copied().flatten(),
        });
        Report {
            valid: checked.is_ok() && lacking.is_none(),
            reason: checked.as_ref().err().map(Refusal::code).or_else(|| lacking?.reason),
            key: checked.as_ref().ok().map(|verified| verified.secret),
            event_type: sender.kind.read_own_word(&event, "."),
            kind: sender.kind.read(&event, "."),
            event_id: sender.delivery_id.read(&event, ":"),
            provider: sender.name.clone(),
            scheme: sender.scheme_name,
            algorithm: case.scheme.name(),
            message: checked
                .err()
                .map(|refusal| match refusal {
                    Refusal::UnknownUrl => {
                        "this sender signs the address that it calls; say with --url which that is".to_owned()
                    }
                    refusal => refusal.to_string(),
                })
                .or_else(|| {
                    lacking.map(|Required { algorithm, message, .. }| {
                        format!("`require` asks for {algorithm}: {}", message.as_deref().unwrap_or_default())
                    })
                }),
            signatures: seen.signatures.iter().map(signature).collect(),
            base_string_bytes: covered.as_ref().map(|covered| covered.bytes),
            base_string: covered.map(|covered| covered.text),
            secrets: tried.collect(),
            require,
            hints,
        }
    }

    pub(super) fn say(&self, output: Output) {
        match output {
            Output::Json => output::item(self),
            Output::Table => say(&self.account()),
        }
    }

    fn account(&self) -> String {
        let mut account = String::new();
        let mut line = |what: &str, value: &str| {
            let _ = writeln!(account, "{what:<12} {value}");
        };
        let way = match self.scheme {
            Some(scheme) => format!("{scheme} of {} ({})", self.provider, self.algorithm),
            None => format!("{} of {}", self.algorithm, self.provider),
        };
        line("scheme", &text::line(&way));
        for Signature { place, written } in &self.signatures {
            line("signature", &text::line(&format!("{place}: {written}")));
        }
        if let (Some(covered), Some(bytes)) = (&self.base_string, self.base_string_bytes) {
            line("signed", &format!("{} of", text::count(bytes as u64, "byte", "bytes")));
            line("", covered);
        }
        for (at, Tried { from, fits }) in self.secrets.iter().enumerate() {
            let fits = match fits {
                Some(true) => "fits",
                Some(false) => "does not fit",
                None => "not tried",
            };
            line("secret", &text::line(&format!("{at} ({from}): {fits}")));
        }
        for Required { algorithm, valid, .. } in &self.require {
            line("required", &format!("{algorithm}: {}", if *valid { "holds" } else { "does not hold" }));
        }
        for (what, value) in [("event type", &self.kind), ("event id", &self.event_id)] {
            if let Some(value) = value {
                line(what, &text::line(value));
            }
        }
        match &self.message {
            None => line("result", "genuine"),
            Some(message) => {
                let reason = self.reason.unwrap_or_default();
                line("result", &format!("not genuine: {} ({reason})", text::line(message)));
            }
        }
        for hint in &self.hints {
            line("", &format!("it would be genuine if {}", text::line(hint)));
        }
        account
    }
}
