//! Memories and tables that are too many, or too large.

use crate::sections::{CORE_MODULE, sections};

use super::files::encoded;
use super::wat::Wat;
use super::{Fate, HostileGuest, bytes, out_of_memory, text, trap};

const GROW: &str = "(br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 16))))";

pub(super) fn guests() -> Vec<HostileGuest> {
    let exported = |pages: u32| format!(r#"(memory (export "memory") {pages})"#);
    let memories = |number: usize, pages: u32| {
        format!("{}{}", exported(2), format!("(memory {pages})").repeat(number - 1))
    };
    let tables = |number: usize, elements: u32| format!("(table {elements} funcref)").repeat(number);
    vec![
        text(
            "memory-grows",
            "takes memory until it gets none, and traps, as allocators do",
            out_of_memory(),
            Wat::new(format!("(loop $again {GROW}) (unreachable)")),
        ),
        text(
            "memory-grows-at-once",
            "wants 4 GiB in one go, and traps",
            out_of_memory(),
            Wat::new("(drop (memory.grow (i32.const 65533))) (unreachable)"),
        ),
        text(
            "memory-refused-and-content",
            "wants 4 GiB, gets none, and goes on",
            Fate::Harmless,
            Wat::new("(drop (memory.grow (i32.const 65533)))"),
        ),
        text(
            "memory-all-written",
            "takes all that it may have and writes to every page",
            Fate::Harmless,
            Wat::new(
                "(drop (memory.grow (i32.const 126))) (memory.fill (i32.const 0x10000) (i32.const 1) (i32.const 0x7f0000))",
            ),
        ),
        text("memory-starts-large", "starts with more memory than it may have", out_of_memory(), Wat::new("").memory(exported(200))),
        text(
            "memory-starts-with-4-gib",
            "starts with more memory than any plugin may have",
            Fate::Refused("exceeds"),
            Wat::new("").memory(exported(65536)),
        ),
        bytes(
            "memories-together",
            "has six modules with a memory each, of which every one would be within the limit",
            out_of_memory(),
            || with_modules(Wat::new("").build(), "(memory 40)", 6),
        ),
        text(
            "memories-many",
            "has nine memories",
            Fate::Refused("memories count of 9 exceeds"),
            Wat::new("").memory(memories(9, 1)),
        ),
        text(
            "table-starts-large",
            "has a table of ten million entries",
            Fate::Refused("table"),
            Wat::new("").with(tables(1, 10_000_000)),
        ),
        text(
            "table-grows",
            "lets a table grow until it does not any more, and traps",
            trap("unreachable"),
            Wat::new(
                "(loop $again (br_if $again (i32.ne (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000))))) \
                 (unreachable)",
            )
            .with("(table $t 1 funcref)"),
        ),
        bytes(
            "tables-together",
            "has sixty modules with a table each, which together take more room than its memory may",
            out_of_memory(),
            || with_modules(Wat::new("").build(), "(table 50000 funcref)", 60),
        ),
        text("tables-many", "has ninety tables", Fate::Refused("tables count of"), Wat::new("").with(tables(90, 1))),
    ]
}

/// The component of a plugin, with so many modules more that hold this, each instantiated.
fn with_modules(plugin: Vec<u8>, item: &str, times: u32) -> Vec<u8> {
    let mut component = encoded(&plugin).expect("a component");
    let module = wat::parse_str(format!("(module {item})")).expect("a module");
    // Sections follow each other, so that what is added is what comes last.
    let modules = sections(&component).iter().filter(|section| section.id == CORE_MODULE).count() as u32;
    let mut added = wasm_encoder::Component::new();
    added.section(&wasm_encoder::RawSection { id: CORE_MODULE, data: &module });
    let mut instances = wasm_encoder::InstanceSection::new();
    for _ in 0..times {
        instances.instantiate(modules, Vec::<(&str, wasm_encoder::ModuleArg)>::new());
    }
    added.section(&instances);
    component.extend(&added.finish()[8..]);
    component
}
