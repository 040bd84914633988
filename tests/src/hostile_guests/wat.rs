//! Core modules in text, around the body of `process`.

use std::sync::OnceLock;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use crate::yard::repository;

/// What can be imported: interface, function, what it is called in the text, its type.
const IMPORTS: &[(&str, &str, &str, &str)] = &[
    ("hookyard:plugin/logging@0.1.0", "log", "$log", "(param i32 i32 i32)"),
    ("hookyard:plugin/config@0.1.0", "get", "$config.get", "(param i32 i32 i32)"),
    ("hookyard:plugin/config@0.1.0", "text", "$config.text", "(param i32)"),
    ("hookyard:plugin/secrets@0.1.0", "get", "$secrets.get", "(param i32 i32 i32)"),
    ("hookyard:plugin/kv@0.1.0", "get", "$kv.get", "(param i32 i32 i32)"),
    ("hookyard:plugin/kv@0.1.0", "set", "$kv.set", "(param i32 i32 i32 i32 i32 i32)"),
    ("hookyard:plugin/kv@0.1.0", "remove", "$kv.remove", "(param i32 i32 i32)"),
    ("hookyard:plugin/kv@0.1.0", "increment", "$kv.increment", "(param i32 i32 i64 i32 i32)"),
    (
        "hookyard:plugin/kv@0.1.0",
        "compare-and-set",
        "$kv.compare-and-set",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i32)",
    ),
    ("hookyard:plugin/metrics@0.1.0", "count", "$count", "(param i32 i32 i32)"),
    ("hookyard:plugin/metrics@0.1.0", "observe", "$observe", "(param i32 i32 f64)"),
    ("hookyard:plugin/http@0.1.0", "send", "$send", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "set-header", "$set-header", "(param i32 i32 i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "remove-header", "$remove-header", "(param i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "set-body", "$set-body", "(param i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "json-set", "$json-set", "(param i32 i32 i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "json-remove", "$json-remove", "(param i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "set-attribute", "$set-attribute", "(param i32 i32 i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "send-to", "$send-to", "(param i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "not-before", "$not-before", "(param i32)"),
    ("hookyard:plugin/output@0.1.0", "emit", "$emit", "(param i32 i32 i32 i32 i32 i32)"),
    ("hookyard:plugin/output@0.1.0", "reply", "$reply", "(param i32 i32 i32 i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[resource-drop]event", "$event.drop", "(param i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.id", "$event.id", "(param i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.source", "$event.source", "(param i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.kind", "$event.kind", "(param i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.method", "$event.method", "(param i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.path", "$event.path", "(param i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.query", "$event.query", "(param i32 i32)"),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.received-at",
        "$event.received-at",
        "(param i32) (result i64)",
    ),
    ("hookyard:plugin/events@0.1.0", "[method]event.header", "$event.header", "(param i32 i32 i32 i32)"),
    ("hookyard:plugin/events@0.1.0", "[method]event.headers", "$event.headers", "(param i32 i32)"),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.attribute",
        "$event.attribute",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.body-length",
        "$event.body-length",
        "(param i32) (result i32)",
    ),
    ("hookyard:plugin/events@0.1.0", "[method]event.body", "$event.body", "(param i32 i32)"),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.body-range",
        "$event.body-range",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-kind",
        "$event.json-kind",
        "(param i32 i32 i32) (result i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-string",
        "$event.json-string",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-integer",
        "$event.json-integer",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-number",
        "$event.json-number",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-boolean",
        "$event.json-boolean",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-length",
        "$event.json-length",
        "(param i32 i32 i32 i32)",
    ),
    (
        "hookyard:plugin/events@0.1.0",
        "[method]event.json-source",
        "$event.json-source",
        "(param i32 i32 i32 i32)",
    ),
    ("[export]test:hostile/things", "[resource-new]thing", "$thing.new", "(param i32) (result i32)"),
    ("wasi:random/random@0.2.0", "get-random-bytes", "$random.bytes", "(param i64 i32)"),
    ("wasi:cli/exit@0.2.0", "exit", "$exit", "(param i32)"),
    ("wasi:cli/environment@0.2.0", "get-environment", "$environment", "(param i32)"),
    ("wasi:cli/environment@0.2.0", "get-arguments", "$arguments", "(param i32)"),
    ("wasi:cli/stdout@0.2.0", "get-stdout", "$stdout", "(result i32)"),
    ("wasi:cli/stderr@0.2.0", "get-stderr", "$stderr", "(result i32)"),
    ("wasi:cli/stdin@0.2.0", "get-stdin", "$stdin", "(result i32)"),
    (
        "wasi:io/streams@0.2.0",
        "[method]output-stream.blocking-write-and-flush",
        "$write",
        "(param i32 i32 i32 i32)",
    ),
    ("wasi:io/streams@0.2.0", "[method]input-stream.blocking-read", "$read", "(param i32 i64 i32)"),
    (
        "wasi:io/streams@0.2.0",
        "[method]input-stream.subscribe",
        "$read.subscribe",
        "(param i32) (result i32)",
    ),
    ("wasi:io/poll@0.2.0", "[method]pollable.block", "$block", "(param i32)"),
    ("wasi:io/poll@0.2.0", "[method]pollable.ready", "$ready", "(param i32) (result i32)"),
    ("wasi:io/poll@0.2.0", "poll", "$poll", "(param i32 i32 i32)"),
    ("wasi:clocks/monotonic-clock@0.2.0", "now", "$now", "(result i64)"),
    ("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration", "$timer", "(param i64) (result i32)"),
    ("wasi:filesystem/preopens@0.2.0", "get-directories", "$directories", "(param i32)"),
    ("wasi:sockets/tcp-create-socket@0.2.0", "create-tcp-socket", "$tcp", "(param i32 i32)"),
    ("wasi:sockets/udp-create-socket@0.2.0", "create-udp-socket", "$udp", "(param i32 i32)"),
    ("wasi:sockets/instance-network@0.2.0", "instance-network", "$network", "(result i32)"),
    ("wasi:sockets/ip-name-lookup@0.2.0", "resolve-addresses", "$resolve", "(param i32 i32 i32 i32)"),
];

/// What gives out memory unless a guest has a trick of its own: takes what comes next, and grows.
const ALLOCATOR: &str = r#"
  (global $free (mut i32) (i32.const 65536))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16)))))
        (then (unreachable)))))
    (local.get $at))"#;

/// Gives out the same place each time, so that a flood needs no memory.
pub(super) const SAME_PLACE: &str =
    r#"(func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))"#;

/// A module in the making.
pub(super) struct Wat {
    memory: String,
    allocator: String,
    items: String,
    body: String,
    /// What follows the world's name in the component's metadata.
    world: &'static str,
}

impl Wat {
    /// A guest that does this in `process` and then says *forward*. `$event` is the event's handle, `$i` and `$j` are
    /// free.
    pub(super) fn new(body: impl Into<String>) -> Self {
        Wat {
            memory: r#"(memory (export "memory") 2)"#.to_owned(),
            allocator: ALLOCATOR.to_owned(),
            items: String::new(),
            body: body.into(),
            world: "everything",
        }
    }

    /// Does this for ever.
    pub(super) fn forever(body: &str) -> Self {
        Wat::new(format!("(loop $again {body} (br $again))"))
    }

    /// Does this so often.
    pub(super) fn times(times: u32, body: &str) -> Self {
        Wat::new(format!(
            "(loop $again {body} (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) \
             (i32.const {times}))))"
        ))
    }

    /// With these functions, tables, globals, data.
    pub(super) fn with(mut self, items: impl AsRef<str>) -> Self {
        self.items.push_str(items.as_ref());
        self
    }

    /// With this text in memory, at 1024.
    pub(super) fn text(self, text: &str) -> Self {
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        self.with(format!("(data (i32.const 1024) \"{escaped}\")"))
    }

    pub(super) fn memory(self, memory: impl Into<String>) -> Self {
        Wat { memory: memory.into(), ..self }
    }

    pub(super) fn allocator(self, allocator: impl Into<String>) -> Self {
        Wat { allocator: allocator.into(), ..self }
    }

    pub(super) fn world(self, world: &'static str) -> Self {
        Wat { world, ..self }
    }

    /// The core module, with what says which component it is.
    pub(super) fn build(&self) -> Vec<u8> {
        declared(self.core(), self.world)
    }

    /// The core module alone.
    pub(super) fn core(&self) -> Vec<u8> {
        let Wat { memory, allocator, items, body, .. } = self;
        let imports = imports(&[allocator, items, body]);
        let text = format!(
            r#"(module {imports}
  {memory}
  {allocator}
  {items}
  (func $process (export "hookyard:plugin/handler@0.1.0#process") (param $event i32) (result i32)
    (local $i i32) (local $j i32)
    {body}
    (i32.const 16)))"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// The imports that the text names.
fn imports(texts: &[&String]) -> String {
    let mut imports = String::new();
    for (interface, function, name, kind) in IMPORTS {
        let word = |text: &&&String| {
            text.split(|c: char| c.is_whitespace() || "()".contains(c)).any(|word| word == *name)
        };
        if texts.iter().any(|text| word(&text)) {
            imports.push_str(&format!("(import \"{interface}\" \"{function}\" (func {name} {kind}))\n"));
        }
    }
    imports
}

/// Adds what says that a module is for that world.
pub(super) fn declared(module: Vec<u8>, world: &str) -> Vec<u8> {
    static CONTRACT: OnceLock<(Resolve, Vec<(String, WorldId)>)> = OnceLock::new();
    let (resolve, worlds) = CONTRACT.get_or_init(|| {
        let mut resolve = Resolve::default();
        resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
        let own = resolve.push_str("worlds.wit", include_str!("worlds.wit")).expect("worlds");
        let worlds = resolve.packages[own].worlds.iter().map(|(name, id)| (name.clone(), *id)).collect();
        (resolve, worlds)
    });
    let (_, world) = worlds.iter().find(|(name, _)| name == world).expect("a world");
    embedded(module, resolve, *world)
}

/// Adds what says that a module is for the world `guest` of this text, which stands alone.
pub(super) fn declared_by(module: Vec<u8>, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    if !text.contains("package hookyard:plugin@0.1.0") {
        resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    }
    let own = resolve.push_str("guest.wit", text).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.packages[own].worlds["guest"];
    embedded(module, &resolve, world)
}

fn embedded(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("a section");
    module
}
