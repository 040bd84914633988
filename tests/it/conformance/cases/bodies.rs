//! Bodies: bytes of every value, none, and many.

use bytes::Bytes;
use hookyard::plugin::Output;
use serde_json::json;

use crate::conformance::case::{Case, nothing};
use crate::conformance::outcome::Outcome;

const MEBIBYTE: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let range = |offset: u32, length: u32| json!({ "offset": offset, "length": length });
    let all: String = (0..=255_u8).map(|byte| format!("{byte:02x}")).collect();
    vec![
        Case::new("body: every byte")
            .body(every_byte())
            .gives("body-length", nothing(), "256")
            .gives("body", nothing(), &*all)
            .gives("body-range", range(126, 4), "7e7f8081")
            .gives("body-range", range(250, 100), "fafbfcfdfeff")
            .gives("body-range", range(256, 1), "")
            .gives("body-range", range(u32::MAX, u32::MAX), "")
            .gives("body-range", range(3, 0), ""),
        Case::new("body: every byte, sent back")
            .body(every_byte())
            .does("reply", json!({ "status": 200 }))
            .does("set-body", json!({ "value": "" }))
            .judged(|outcome| replied(outcome, &every_byte())),
        Case::new("body: empty")
            .gives("body-length", nothing(), "0")
            .gives("body", nothing(), "")
            .gives("body-range", range(0, 10), "")
            .gives("json-kind", json!({ "pointer": "" }), "invalid"),
        Case::new("body: made empty").body("x").does("set-body", json!({ "value": "" })).sends([""]),
        Case::new("body: not UTF-8").body(&b"\xff\xfe\x00\x80"[..]).gives("body", nothing(), "fffe0080"),
        Case::new("body: 1 MiB, untouched").body(large()).judged(|outcome| is(outcome, &large())),
        Case::new("body: 1 MiB, sent back")
            .body(large())
            .gives("body-length", nothing(), "1048576")
            .does("reply", json!({ "status": 200 }))
            .does("set-body", nothing())
            .judged(|outcome| is(outcome, &large()).and_then(|()| replied(outcome, &large()))),
        Case::new("body: 1 MiB of JSON, edited")
            .body(format!("{{\"pad\":\"{}\",\"a\":1}}", "x".repeat(MEBIBYTE)))
            .gives("json-integer", json!({ "pointer": "/a" }), "some 1")
            .does("json-set", json!({ "pointer": "/a", "value": "2" }))
            .judged(|outcome| {
                is(outcome, format!("{{\"pad\":\"{}\",\"a\":2}}", "x".repeat(MEBIBYTE)).as_bytes())
            }),
        Case::new("body: 1 MiB made by the guest")
            .does("set-body", json!({ "value": "0123456789abcdef", "repeat": MEBIBYTE / 16 }))
            .judged(|outcome| is(outcome, "0123456789abcdef".repeat(MEBIBYTE / 16).as_bytes())),
    ]
}

fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

/// Bytes of every value in no simple order.
fn large() -> Bytes {
    (0..MEBIBYTE as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into()
}

fn is(outcome: &Outcome, body: &[u8]) -> Result<(), String> {
    match outcome.messages() {
        [message] if message.body.bytes() == body => Ok(()),
        [message] => Err(format!("{} bytes that are not those expected", message.body.bytes().len())),
        _ => Err(outcome.to_string()),
    }
}

fn replied(outcome: &Outcome, body: &[u8]) -> Result<(), String> {
    match &outcome.0 {
        Ok(Output { reply: Some(reply), .. }) if reply.body == body => Ok(()),
        Ok(Output { reply: Some(reply), .. }) => {
            Err(format!("{} bytes that are not those expected", reply.body.len()))
        }
        _ => Err(outcome.to_string()),
    }
}
