//! Guests that do something when they are loaded, made on the spot. See [`Guest`](crate::Guest) for those that do something
//! with events.

use std::fmt::Write as _;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::yard::repository;

/// What a guest does when it is asked about its configuration.
#[derive(Clone, Copy, Debug)]
pub enum Loading<'a> {
    /// It finds nothing wrong.
    Fine,
    /// It writes a line to the log, and finds nothing wrong.
    Logs,
    /// It finds this wrong.
    Complains(&'a str),
    /// It delays an event that is not there.
    Reaches,
    /// It runs for ever.
    Spins,
    /// It executes `unreachable`.
    Traps,
}

/// A guest that forwards every event, describes itself as `a guest that loads`, and brings this JSON Schema, if any.
pub fn loading_guest(loading: Loading<'_>, schema: Option<&str>) -> Vec<u8> {
    let (words, steps, result) = match loading {
        Loading::Fine => ("", "", 24),
        Loading::Logs => ("hello", "(call $log (i32.const 1) (i32.const 1024) (i32.const 5))", 24),
        Loading::Complains(words) => (words, "", 32),
        Loading::Reaches => ("", "(call $not_before (i32.const 1))", 24),
        Loading::Spins => ("", "(loop (br 0))", 24),
        Loading::Traps => ("", "unreachable", 24),
    };
    let section =
        schema.map(|schema| format!("(@custom \"hookyard:config-schema\" \"{}\")", bytes(schema.as_bytes())));
    // Results: at 16 a verdict of noughts, at 24 an empty list, at 32 a list of one, which is at 40, at 48 the description.
    let list = [40, 1, 1024, words.len() as i32, 512, 18];
    let module = format!(
        r#"(module
            (import "hookyard:plugin/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
            (import "hookyard:plugin/output@0.1.0" "not-before" (func $not_before (param i32)))
            (memory (export "memory") 2)
            (data (i32.const 32) "{}")
            (data (i32.const 512) "a guest that loads")
            (data (i32.const 1024) "{}")
            (func (export "hookyard:plugin/handler@0.1.0#process") (param i32) (result i32) i32.const 16)
            (func (export "hookyard:plugin/lifecycle@0.1.0#validate") (param i32 i32) (result i32)
                {steps} i32.const {result})
            (func (export "hookyard:plugin/lifecycle@0.1.0#describe") (result i32) i32.const 48)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
            {})"#,
        bytes(&list.map(i32::to_le_bytes).concat()),
        bytes(words.as_bytes()),
        section.unwrap_or_default()
    );
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    let text = "package test:guest; world loading { include hookyard:plugin/processor@0.1.0; \
                include hookyard:plugin/with-lifecycle@0.1.0; }";
    let own = resolve.push_str("guest.wit", text).expect("a world");
    let world = resolve.select_world(&[own], Some("loading")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}

/// As the text format has them.
fn bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}
