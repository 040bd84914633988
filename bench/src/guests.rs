//! The smallest guests there can be, for the host's own share of a call: they have no allocator and one page of memory.

use std::path::Path;

use anyhow::{Context as _, Result};
use wit_component::StringEncoding;
use wit_parser::Resolve;

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/0.1.0");

/// Takes the event, drops it, and forwards: the answer at 1024 is all zeros.
const LEAST: &str = r#"
(module
  (import "hookyard:plugin/events@0.1.0" "[resource-drop]event" (func $drop (param i32)))
  (memory (export "memory") 1)
  (func (export "hookyard:plugin/handler@0.1.0#process") (param $event i32) (result i32)
    (call $drop (local.get $event))
    (i32.const 1024)))
"#;

/// Answers the sender with 200 and two letters.
const REPLY: &str = r#"
(module
  (import "hookyard:plugin/events@0.1.0" "[resource-drop]event" (func $drop (param i32)))
  (import "hookyard:plugin/output@0.1.0" "reply" (func $reply (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "ok")
  (func (export "hookyard:plugin/handler@0.1.0#process") (param $event i32) (result i32)
    (call $reply (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 2))
    (call $drop (local.get $event))
    (i32.const 1024)))
"#;

/// Puts them into a folder, and the key beside them.
pub(crate) fn write(folder: &Path) -> Result<()> {
    for (name, bytes) in [
        ("least.wasm", module(LEAST)?),
        ("reply.wasm", module(REPLY)?),
        ("secret", crate::request::SECRET.as_bytes().to_vec()),
    ] {
        std::fs::write(folder.join(name), bytes).with_context(|| format!("failed to write {name}"))?;
    }
    Ok(())
}

/// A core module that says which component it is; the host makes the component.
fn module(text: &str) -> Result<Vec<u8>> {
    let mut module = wat::parse_str(text).context("the guest's text is wrong")?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(CONTRACT)?;
    let world = resolve.select_world(&[package], Some("processor"))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}
