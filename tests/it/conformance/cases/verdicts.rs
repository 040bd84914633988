//! How a call can end by itself.

use hookyard::plugin::FaultKind;
use serde_json::json;

use crate::conformance::case::{Case, nothing};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("verdict: forward, nothing asked").body("{\"a\": 1}").sends(["{\"a\": 1}"]),
        Case::new("verdict: forward")
            .body("x")
            .does("forward", nothing())
            .does("trap", nothing())
            .sends(["x"]),
        Case::new("verdict: discard")
            .does("set-header", json!({ "name": "x-a", "value": "1" }))
            .does("discard", json!({ "value": "not today, 明日" }))
            .discards("not today, 明日"),
        Case::new("verdict: discard without words").does("discard", json!({ "value": "" })).discards(""),
        Case::new("verdict: retryable failure")
            .does("retryable", json!({ "value": "the moon is full 🌕" }))
            .fails(FaultKind::Retryable, "the moon is full 🌕"),
        Case::new("verdict: permanent failure")
            .does("permanent", json!({ "value": "no such number" }))
            .fails(FaultKind::Permanent, "no such number"),
        // What a language's library does between a panic and the trap tells nobody where that was.
        Case::new("verdict: trap").does("trap", nothing()).judged(|outcome| match &outcome.0 {
            Err(fault) if fault.kind == FaultKind::Trap && !fault.message.contains("panicking::") => Ok(()),
            other => Err(format!("{other:?}")),
        }),
        Case::new("verdict: unknown operation")
            .does("dance", nothing())
            .fails(FaultKind::Permanent, "unknown op: dance"),
    ]
}
