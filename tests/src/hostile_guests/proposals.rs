//! What WebAssembly may have some day, and what it has. What no toolchain in use needs is switched off.

use super::wat::{Wat, declared};
use super::{Fate, HostileGuest, bytes, text};

pub(super) fn guests() -> Vec<HostileGuest> {
    let refused = |name: &str, does: &str, part, wat: Wat| text(name, does, Fate::Refused(part), wat);
    let served = |name: &str, does: &str, wat: Wat| text(name, does, Fate::Harmless, wat);
    let raw = |name: &str, does: &str, part, module: Vec<u8>| {
        bytes(name, does, Fate::Refused(part), move || declared(module.clone(), "everything"))
    };
    vec![
        refused(
            "shared-memory",
            "has memory that threads share",
            "threads",
            Wat::new("").with("(memory 1 1 shared)"),
        ),
        refused(
            "atomics",
            "uses atomic instructions",
            "threads",
            Wat::new("(drop (i32.atomic.load (i32.const 64)))"),
        ),
        refused(
            "memory64",
            "has memory of 64-bit addresses",
            "memory64",
            Wat::new("").with("(memory i64 1)"),
        ),
        refused(
            "pages-of-one-byte",
            "has memory in pages of one byte",
            "custom page size",
            Wat::new("").with("(memory 1 (pagesize 1))"),
        ),
        refused(
            "garbage-collection",
            "has types for a garbage collector",
            "gc",
            Wat::new("").with("(type (struct (field i32)))"),
        ),
        served(
            "function-references",
            "calls through a typed reference",
            Wat::new("(call_ref $none (ref.func $f))")
                .with("(type $none (func)) (func $f) (elem declare func $f)"),
        ),
        refused(
            "exceptions",
            "throws an exception",
            "exceptions",
            Wat::new("(throw $oops)").with("(tag $oops)"),
        ),
        refused(
            "stack-switching",
            "has types for coroutines",
            "",
            Wat::new("").with("(type $f (func)) (type (cont $f))"),
        ),
        refused(
            "relaxed-simd",
            "uses instructions whose results depend on the processor",
            "relaxed",
            Wat::new("(drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))"),
        ),
        refused(
            "wide-arithmetic",
            "adds 128-bit integers",
            "wide arithmetic",
            Wat::new("(i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)) (drop) (drop)"),
        ),
        served(
            "simd",
            "uses vectors",
            Wat::new("(drop (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 0 0 0 0)))"),
        ),
        refused(
            "multi-memory",
            "has a second memory",
            "memories count of 2",
            Wat::new("").with("(memory 1)"),
        ),
        served(
            "bulk-memory",
            "copies, fills and drops",
            Wat::new("(memory.copy (i32.const 0) (i32.const 64) (i32.const 64)) (data.drop 0)")
                .with(r#"(data "x")"#),
        ),
        served(
            "several-values",
            "returns three values from a function",
            Wat::new("(call $three) (drop) (drop) (drop)")
                .with("(func $three (result i32 i32 i32) (i32.const 1) (i32.const 2) (i32.const 3))"),
        ),
        served(
            "extended-constants",
            "adds where only constants stood once",
            Wat::new("").with("(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
        ),
        raw(
            "module-of-version-2",
            "is a core module of version 2",
            "not a WebAssembly component",
            b"\0asm\x02\0\0\0".to_vec(),
        ),
    ]
}
