//! Guests that send requests, made on the spot: plugins of a route that do, and sinks.

use std::fmt::Write as _;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::yard::repository;

/// Where texts lie in memory.
const DATA: usize = 4096;

/// A request that a guest makes, and how often.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
    /// Milliseconds; 0 for as long as there is time.
    pub timeout: u32,
    /// How often it is made.
    pub times: u32,
}

impl Fetch {
    /// One GET without anything else.
    pub fn get(url: impl Into<String>) -> Self {
        Fetch {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: String::new(),
            timeout: 0,
            times: 1,
        }
    }

    /// A plugin for routes: makes the request, and forwards the event with the answer's body as its own. Where there is no
    /// answer it fails for good, with the words `timeout`, `too large`, or what the host said.
    pub fn plugin(&self) -> Vec<u8> {
        self.failing("(local.get $at) (local.get $length)", "")
    }

    /// The same, but it says nothing of what the host said: `it went wrong`.
    pub fn tight_lipped_plugin(&self) -> Vec<u8> {
        let words = "it went wrong";
        let data = format!("(data (i32.const 2048) \"{words}\")");
        self.failing(&format!("(i32.const 2048) (i32.const {})", words.len()), &data)
    }

    fn failing(&self, words: &str, more: &str) -> Vec<u8> {
        let mut texts = Texts::default();
        let send = self.send(&mut texts);
        let (timeout, large) = (texts.add("timeout"), texts.add("too large"));
        let module = format!(
            r#"(module {HTTP} {OUTPUT} {MEMORY} {data} {more}
              (func (export "hookyard:plugin/handler@0.1.0#process") (param $event i32) (result i32)
                (local $turns i32) (local $at i32) (local $length i32)
                (global.set $heap (i32.const 65536))
                (local.set $turns (i32.const {times}))
                (loop $again
                  {send}
                  (if (i32.load8_u (i32.const 512)) (then
                    (local.set $at (i32.load (i32.const 520)))
                    (local.set $length (i32.load (i32.const 524)))
                    (if (i32.eq (i32.load8_u (i32.const 516)) (i32.const 1)) (then
                      (local.set $at (i32.const {})) (local.set $length (i32.const {}))))
                    (if (i32.eq (i32.load8_u (i32.const 516)) (i32.const 2)) (then
                      (local.set $at (i32.const {})) (local.set $length (i32.const {}))))
                    (i32.store (i32.const 16) (i32.const 1))
                    (i32.store (i32.const 20) (i32.const 1))
                    (call $words {words})
                    (return (i32.const 16))))
                  (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
                (call $set-body (i32.load (i32.const 528)) (i32.load (i32.const 532)))
                (i32.store (i32.const 16) (i32.const 0))
                (i32.store (i32.const 20) (i32.const 0))
                (i32.const 16))
              (func $words (param i32 i32)
                (i32.store (i32.const 24) (local.get 0)) (i32.store (i32.const 28) (local.get 1))))"#,
            timeout.0,
            timeout.1,
            large.0,
            large.1,
            times = self.times,
            data = texts.segment(),
        );
        declared(&module, "include hookyard:plugin/processor@0.1.0; include hookyard:plugin/with-http@0.1.0;")
    }

    fn send(&self, texts: &mut Texts) -> String {
        let (method, url, body) = (texts.add(&self.method), texts.add(&self.url), texts.add(&self.body));
        let (headers, count) = texts.add_headers(&self.headers);
        format!(
            "(call $send (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {headers}) (i32.const \
             {count}) (i32.const {}) (i32.const {}) (i32.const {}) (i32.const 512))",
            method.0, method.1, url.0, url.1, body.0, body.1, self.timeout
        )
    }
}

/// A sink that posts each message with its `webhook-id` to this address. 2xx is delivered, 4xx will never be, anything else
/// may come to work.
pub fn posting_sink(url: &str) -> Vec<u8> {
    let mut texts = Texts::default();
    let (method, url, id) = (texts.add("POST"), texts.add(url), texts.add("webhook-id"));
    let (refused, later) = (texts.add("refused"), texts.add("come again"));
    let module = format!(
        r#"(module {HTTP} {EVENTS} {MEMORY} {data}
          (func (export "hookyard:plugin/delivery@0.1.0#deliver") (param $event i32) (param $attempt i32) (result i32)
            (local $status i32)
            (global.set $heap (i32.const 65536))
            (call $header (local.get $event) (i32.const {id}) (i32.const {id_length}) (i32.const 256))
            (call $body (local.get $event) (i32.const 272))
            (i32.store (i32.const 288) (i32.const {id}))
            (i32.store (i32.const 292) (i32.const {id_length}))
            (i32.store (i32.const 296) (i32.load (i32.const 260)))
            (i32.store (i32.const 300) (i32.load (i32.const 264)))
            (call $send (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {}) (i32.const 288) (i32.const 1)
              (i32.load (i32.const 272)) (i32.load (i32.const 276)) (i32.const 0) (i32.const 512))
            (i32.store (i32.const 16) (i32.const 1))
            (i32.store (i32.const 20) (i32.const 0))
            (i32.store (i32.const 24) (i32.const {}))
            (i32.store (i32.const 28) (i32.const {}))
            (if (i32.load8_u (i32.const 512)) (then (return (i32.const 16))))
            (local.set $status (i32.load16_u (i32.const 516)))
            (if (i32.lt_u (local.get $status) (i32.const 300)) (then
              (i32.store (i32.const 16) (i32.const 0))
              (i32.store16 (i32.const 20) (local.get $status))
              (i32.store (i32.const 24) (i32.load (i32.const 528)))
              (i32.store (i32.const 28) (i32.load (i32.const 532)))
              (return (i32.const 16))))
            (if (i32.lt_u (local.get $status) (i32.const 500)) (then
              (i32.store (i32.const 20) (i32.const 1))
              (i32.store (i32.const 24) (i32.const {}))
              (i32.store (i32.const 28) (i32.const {}))))
            (i32.const 16)))"#,
        method.0,
        method.1,
        url.0,
        url.1,
        later.0,
        later.1,
        refused.0,
        refused.1,
        id = id.0,
        id_length = id.1,
        data = texts.segment(),
    );
    declared(&module, "include hookyard:plugin/sink@0.1.0;")
}

/// A sink that computes for ever.
pub fn spinning_sink() -> Vec<u8> {
    bad_sink("(loop $again (br $again)) unreachable")
}

/// A sink that traps, in a function that has a name.
pub fn trapping_sink() -> Vec<u8> {
    bad_sink("unreachable")
}

fn bad_sink(steps: &str) -> Vec<u8> {
    let module = format!(
        r#"(module {MEMORY}
          (func $the_culprit (export "hookyard:plugin/delivery@0.1.0#deliver") (param i32 i32) (result i32) {steps}))"#
    );
    declared(&module, "export hookyard:plugin/delivery@0.1.0;")
}

/// A stock component that waits ten minutes while an instance of it is made.
pub fn waiting_at_start() -> Vec<u8> {
    stock(
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
           (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
           (func $wait (call $block (call $after (i64.const 600000000000))))
           (start $wait)"#,
        "",
    )
}

/// A stock component that asks for ever more pollables, and drops none.
pub fn hoarding() -> Vec<u8> {
    stock(
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))"#,
        "(loop $again (drop (call $after (i64.const 0))) (br $again))",
    )
}

/// The little of WASI that these guests use. A component need not know more of an interface than it imports.
const WASI: [(&str, &str); 3] = [
    ("io.wit", "package wasi:io@0.2.0; interface poll { resource pollable { block: func(); } }"),
    (
        "clocks.wit",
        "package wasi:clocks@0.2.0; interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; \
         subscribe-duration: func(when: u64) -> pollable; }",
    ),
    (
        "http.wit",
        "package wasi:http@0.2.0; interface types { resource incoming-request; resource response-outparam; } \
         interface incoming-handler { use types.{incoming-request, response-outparam}; \
         handle: func(request: incoming-request, response-out: response-outparam); }",
    ),
];

/// A component that answers HTTP requests with these steps.
fn stock(definitions: &str, steps: &str) -> Vec<u8> {
    let module = format!(
        r#"(module {definitions}
          (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32) {steps}))"#
    );
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    for (name, text) in WASI {
        resolve.push_str(name, text).expect("an interface of WASI");
    }
    let text = "package test:guest; world guest { import wasi:io/poll@0.2.0; import wasi:clocks/monotonic-clock@0.2.0; \
                export wasi:http/incoming-handler@0.2.0; }";
    let own = resolve.push_str("guest.wit", text).expect("a world");
    let world = resolve.select_world(&[own], Some("guest")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}

const HTTP: &str = r#"(import "hookyard:plugin/http@0.1.0" "send"
  (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

const OUTPUT: &str = r#"(import "hookyard:plugin/output@0.1.0" "set-body" (func $set-body (param i32 i32)))"#;

const EVENTS: &str = r#"
  (import "hookyard:plugin/events@0.1.0" "[method]event.header" (func $header (param i32 i32 i32 i32)))
  (import "hookyard:plugin/events@0.1.0" "[method]event.body" (func $body (param i32 i32)))"#;

/// Memory, and an allocator that gives nothing back.
const MEMORY: &str = r#"
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $short i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.set $short (i32.sub (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $short) (i32.const 0)) (then
      (if (i32.eq (i32.const -1)
            (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $short) (i32.const 16)))))
        (then unreachable))))
    (local.get $at))"#;

/// Texts in memory.
#[derive(Default)]
struct Texts(Vec<u8>);

impl Texts {
    /// Where it is, and how long.
    fn add(&mut self, text: &str) -> (usize, usize) {
        self.add_bytes(text.as_bytes())
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> (usize, usize) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let at = DATA + self.0.len();
        self.0.extend_from_slice(bytes);
        (at, bytes.len())
    }

    /// Where the list is, and how many it has.
    fn add_headers(&mut self, headers: &[(&str, &str)]) -> (usize, usize) {
        let places: Vec<_> =
            headers.iter().flat_map(|(name, value)| [self.add(name), self.add(value)]).collect();
        let list: Vec<u8> = places
            .iter()
            .flat_map(|place| [place.0 as u32, place.1 as u32])
            .flat_map(u32::to_le_bytes)
            .collect();
        (self.add_bytes(&list).0, headers.len())
    }

    fn segment(&self) -> String {
        let mut escaped = String::new();
        for byte in &self.0 {
            let _ = write!(escaped, "\\{byte:02x}");
        }
        format!("(data (i32.const {DATA}) \"{escaped}\")")
    }
}

/// Adds what says which world the module is for.
fn declared(module: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    let text = format!("package test:guest; world guest {{ {world} }}");
    let own = resolve.push_str("guest.wit", &text).expect("a world");
    let world = resolve.select_world(&[own], Some("guest")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}
