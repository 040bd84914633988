//! WASI, behind which there is nothing.

use super::wat::{SAME_PLACE, Wat};
use super::{Fate, HostileGuest, deadline, text, trap};
use hookyard::plugin::FaultKind;

pub(super) fn guests() -> Vec<HostileGuest> {
    let denied = Fate::Fails(FaultKind::Denied, "a plugin has nothing to wait for");
    let empty = |name: &str, does: &str, call: &str| {
        let body =
            format!("(call {call} (i32.const 64)) (if (i32.load (i32.const 68)) (then (unreachable)))");
        text(name, does, Fate::Harmless, Wat::new(body))
    };
    let refused = |name: &str, does: &str, call: &str| {
        // The result is an error, every time.
        let body = format!("{call} (if (i32.eqz (i32.load8_u (i32.const 64))) (then (unreachable)))");
        text(name, does, Fate::Harmless, Wat::times(2000, &body).text("localhost"))
    };
    let hour = "(i64.const 3600000000000)";
    vec![
        text(
            "wasi-random-huge",
            "asks for a tebibyte of random bytes",
            trap("exceeds limit"),
            Wat::new("(call $random.bytes (i64.const 0x10000000000) (i32.const 64))"),
        ),
        text(
            "wasi-random-flood",
            "asks for random bytes for ever",
            deadline(),
            Wat::forever("(call $random.bytes (i64.const 4096) (i32.const 64))").allocator(SAME_PLACE),
        ),
        text(
            "wasi-exit",
            "ends the process, as it thinks",
            trap("exit"),
            Wat::new("(call $exit (i32.const 1))"),
        ),
        text(
            "wasi-exit-well",
            "ends the process without an error",
            trap("exit"),
            Wat::new("(call $exit (i32.const 0))"),
        ),
        empty("wasi-environment", "looks at the environment, and traps if there is any", "$environment"),
        empty("wasi-arguments", "looks at the arguments, and traps if there are any", "$arguments"),
        empty("wasi-directories", "looks for directories, and traps if there are any", "$directories"),
        text(
            "wasi-stdout-flood",
            "writes to the standard output for ever",
            deadline(),
            Wat::forever("(call $write (call $stdout) (i32.const 0) (i32.const 4096) (i32.const 64))"),
        ),
        text(
            "wasi-stderr-once",
            "writes escape sequences to the standard error",
            Fate::Harmless,
            Wat::new("(call $write (call $stderr) (i32.const 1024) (i32.const 7) (i32.const 64))")
                .text("\u{1b}[2Jboo"),
        ),
        text(
            "wasi-stdin",
            "reads the standard input, and traps if there is any",
            Fate::Harmless,
            Wat::new(
                "(call $read (call $stdin) (i64.const 4096) (i32.const 64)) \
                 (if (i32.eqz (i32.load8_u (i32.const 64))) (then (if (i32.load (i32.const 72)) (then (unreachable)))))",
            ),
        ),
        text(
            "wasi-sleep",
            "sleeps for an hour, which takes no time",
            Fate::Harmless,
            Wat::new(format!("(call $block (call $timer {hour}))")),
        ),
        text(
            "wasi-poll",
            "polls a timer of an hour, which takes no time",
            Fate::Harmless,
            Wat::new(format!(
                "(i32.store (i32.const 1024) (call $timer {hour})) (call $poll (i32.const 1024) (i32.const 1) (i32.const 64))"
            )),
        ),
        text(
            "wasi-poll-input",
            "waits for the standard input, which is over at once",
            Fate::Harmless,
            Wat::new("(call $block (call $read.subscribe (call $stdin)))"),
        ),
        text(
            "wasi-sleep-for-ever",
            "sleeps for an hour, over and over",
            denied,
            Wat::new(format!(
                "(local.set $i (call $timer {hour})) (loop $again (call $block (local.get $i)) (br $again))"
            )),
        ),
        text(
            "wasi-busy",
            "asks a timer of an hour whether it is over, for ever",
            deadline(),
            Wat::new(format!(
                "(local.set $i (call $timer {hour})) (loop $again (drop (call $ready (local.get $i))) (br $again))"
            )),
        ),
        text(
            "wasi-timers",
            "makes timers for ever",
            trap(""),
            Wat::forever(&format!("(drop (call $timer {hour}))")),
        ),
        text("wasi-clock", "reads the clock for ever", deadline(), Wat::forever("(drop (call $now))")),
        refused(
            "wasi-tcp",
            "makes TCP sockets, and traps if it gets one",
            "(call $tcp (i32.const 0) (i32.const 64))",
        ),
        refused(
            "wasi-udp",
            "makes UDP sockets, and traps if it gets one",
            "(call $udp (i32.const 0) (i32.const 64))",
        ),
        refused(
            "wasi-names",
            "looks up a name, and traps if it is answered",
            "(if (i32.eqz (local.get $j)) (then (local.set $j (call $network)))) (call $resolve (local.get $j) (i32.const 1024) (i32.const 9) (i32.const 64))",
        ),
    ]
}
