//! Every way for code to trap.

use super::wat::Wat;
use super::{HostileGuest, text, trap};

pub(super) fn guests() -> Vec<HostileGuest> {
    let guest = |name: &str, does: &str, part, body: &str| text(name, does, trap(part), Wat::new(body));
    let mut guests = vec![
        guest("unreachable", "executes `unreachable`", "unreachable", "(unreachable)"),
        guest(
            "divide-by-zero",
            "divides by zero",
            "divide by zero",
            "(drop (i32.div_u (i32.const 1) (local.get $i)))",
        ),
        guest(
            "divide-overflow",
            "divides the least integer by −1",
            "overflow",
            "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (local.get $i) (i32.const 1))))",
        ),
        guest(
            "not-a-number",
            "makes an integer of what is not a number",
            "invalid conversion to integer",
            "(drop (i32.trunc_f32_s (f32.div (f32.convert_i32_s (local.get $i)) (f32.const 0))))",
        ),
        guest(
            "read-beyond",
            "reads beyond its memory",
            "out of bounds memory access",
            "(drop (i32.load (i32.const 0x20000)))",
        ),
        guest(
            "write-far-beyond",
            "writes 8 GiB away, by address and offset",
            "out of bounds memory access",
            "(i32.store offset=0xffffffff (i32.const -1) (i32.const 1))",
        ),
        guest(
            "fill-beyond",
            "fills 4 GiB",
            "out of bounds memory access",
            "(memory.fill (i32.const 0) (i32.const 255) (i32.const -1))",
        ),
    ];
    let indirect = |name: &str, does: &str, part, at: u32| {
        let table =
            "(table 4 funcref) (elem (i32.const 1) $other) (func $other (param i64)) (type $none (func))";
        let call = format!("(call_indirect (type $none) (i32.const {at}))");
        text(name, does, trap(part), Wat::new(call).with(table))
    };
    guests.extend([
        indirect("call-nothing", "calls an empty entry of a table", "uninitialized element", 0),
        indirect("call-mismatch", "calls a function of another type", "indirect call type mismatch", 1),
        indirect("call-beyond-table", "calls beyond a table", "out of bounds", 99),
        text(
            "recursion",
            "calls itself without end",
            trap("call stack exhausted"),
            Wat::new("(call $again)").with("(func $again (call $again) (call $again))"),
        ),
        text(
            "recursion-wide",
            "calls itself without end, a thousand live values in each frame",
            trap("call stack exhausted"),
            Wat::new("(drop (call $again (i64.const 1)))").with(wide_recursion()),
        ),
        text(
            "recursion-with-host",
            "calls the host at every level of an endless recursion, so that the host works on what stack is left",
            trap("call stack exhausted"),
            Wat::new("(call $again (local.get $event))")
                .text("/a/b/c")
                .with(
                    "(func $again (param i32) (drop (call $event.json-kind (local.get 0) (i32.const 1024) \
                     (i32.const 6))) (call $again (local.get 0)) (call $again (local.get 0)))",
                ),
        ),
    ]);
    guests
}

/// Values that have to survive the inner call.
fn wide_recursion() -> String {
    let locals = "(local i64)".repeat(1000);
    let set: String =
        (1..=1000).map(|at| format!("(local.set {at} (i64.mul (local.get 0) (i64.const {at})))")).collect();
    let sum: String = (1..=1000).map(|at| format!("(local.get {at}) (i64.xor)")).collect();
    format!("(func $again (param i64) (result i64) {locals} {set} (call $again (local.get 0)) {sum})")
}
