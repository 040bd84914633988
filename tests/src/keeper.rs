//! Guests that keep values and measure, made on the spot. What each operation says becomes a part of the body that goes
//! on: the parts are separated by commas.

use std::fmt::Write as _;

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::yard::repository;

/// Where texts lie, where the parts are gathered, and where the allocator begins; the pages of memory.
const TEXTS: usize = 1024;
const PARTS: usize = 16 * 1024;
const HEAP: usize = 96 * 1024;
const PAGES: usize = 4;

/// Stands for the event's body as a key.
pub const BODY: &str = "{body}";

/// A guest in the making. The last step returns the file.
#[derive(Clone, Default)]
pub struct Keeper {
    texts: Vec<u8>,
    steps: String,
    measures: bool,
}

impl Keeper {
    /// Does nothing yet.
    pub fn new() -> Self {
        Keeper::default()
    }

    /// Says the value of a key, or `-` if there is none.
    pub fn get(mut self, key: &str) -> Self {
        let key = self.key(key);
        self.step(&format!("{key} (i32.const 16) (call $get)"));
        self.step("(call $say_value)");
        self
    }

    /// Says `ok`.
    pub fn set(mut self, key: &str, value: &str, ttl_seconds: u32) -> Self {
        let (key, value) = (self.key(key), self.text(value));
        self.step(&format!("{key} {value} (i32.const {ttl_seconds}) (i32.const 16) (call $set)"));
        self.step("(call $say_done (i32.const 20))");
        self
    }

    /// Sets a key to so many bytes.
    pub fn set_large(mut self, key: &str, bytes: usize) -> Self {
        let key = self.key(key);
        self.step(&format!(
            "{key} (i32.const {PARTS}) (i32.const {bytes}) (i32.const 0) (i32.const 16) (call $set)"
        ));
        self.step("(call $say_done (i32.const 20))");
        self
    }

    /// Says `ok`.
    pub fn remove(mut self, key: &str) -> Self {
        let key = self.key(key);
        self.step(&format!("{key} (i32.const 16) (call $remove)"));
        self.step("(call $say_done (i32.const 20))");
        self
    }

    /// Says `ok`; the sum is seen with [`get`](Keeper::get).
    pub fn increment(mut self, key: &str, delta: i64, ttl_seconds: u32) -> Self {
        let key = self.key(key);
        self.step(&format!(
            "{key} (i64.const {delta}) (i32.const {ttl_seconds}) (i32.const 16) (call $increment)"
        ));
        self.step("(call $say_done (i32.const 24))");
        self
    }

    /// Says `yes` or `no`.
    pub fn compare_and_set(mut self, key: &str, expected: Option<&str>, value: &str) -> Self {
        let (key, value) = (self.key(key), self.text(value));
        let expected = match expected {
            Some(expected) => format!("(i32.const 1) {}", self.text(expected)),
            None => "(i32.const 0) (i32.const 0) (i32.const 0)".to_owned(),
        };
        self.step(&format!("{key} {expected} {value} (i32.const 0) (i32.const 16) (call $compare_and_set)"));
        self.step("(call $say_whether)");
        self
    }

    /// Adds to a counter.
    pub fn count(mut self, name: &str, delta: u32) -> Self {
        let name = self.text(name);
        self.measures = true;
        self.step(&format!("{name} (i32.const {delta}) (call $count)"));
        self
    }

    /// Adds to a histogram.
    pub fn observe(mut self, name: &str, value: f64) -> Self {
        let name = self.text(name);
        self.measures = true;
        self.step(&format!("{name} (f64.const {value}) (call $observe)"));
        self
    }

    /// Does what was said so far once more, so often in all.
    pub fn times(mut self, times: u32) -> Self {
        self.steps = format!(
            "(local.set $turns (i32.const {times})) (loop $again {} (br_if $again (local.tee $turns (i32.sub (local.get \
             $turns) (i32.const 1)))))",
            self.steps
        );
        self
    }

    /// Counts to this before it goes on: about a nanosecond each.
    pub fn dawdle(mut self, turns: i64) -> Self {
        self.step(&format!("(call $dawdle (i64.const {turns}))"));
        self
    }

    /// Returns `forward`.
    pub fn forward(self) -> Vec<u8> {
        self.verdict(0, 0, "")
    }

    /// Returns `discard`.
    pub fn discard(self, words: &str) -> Vec<u8> {
        self.verdict(0, 1, words)
    }

    /// Returns a permanent failure.
    pub fn permanent(self, words: &str) -> Vec<u8> {
        self.verdict(1, 1, words)
    }

    /// Executes `unreachable`.
    pub fn trap(mut self) -> Vec<u8> {
        self.step("unreachable");
        self.forward()
    }

    fn step(&mut self, step: &str) {
        self.steps.push_str(step);
        self.steps.push('\n');
    }

    fn key(&mut self, key: &str) -> String {
        match key {
            BODY => "(i32.load (i32.const 48)) (i32.load (i32.const 52))".to_owned(),
            key => self.text(key),
        }
    }

    /// Puts a text into memory; where it is, and how long.
    fn place(&mut self, text: &str) -> [usize; 2] {
        let at = TEXTS + self.texts.len();
        self.texts.extend_from_slice(text.as_bytes());
        [at, text.len()]
    }

    fn text(&mut self, text: &str) -> String {
        let [at, length] = self.place(text);
        format!("(i32.const {at}) (i32.const {length})")
    }

    fn verdict(mut self, outer: u8, inner: u8, words: &str) -> Vec<u8> {
        let [at, length] = self.place(words);
        let steps = &self.steps;
        let process = format!(
            "{steps}
             (call $set_body (i32.const {PARTS}) (i32.sub (global.get $end) (i32.const {PARTS})))
             (i32.store (i32.const 64) (i32.const {outer}))
             (i32.store (i32.const 68) (i32.const {inner}))
             (i32.store (i32.const 72) (i32.const {at}))
             (i32.store (i32.const 76) (i32.const {length}))
             (i32.const 64)"
        );
        let measures = if self.measures { MEASURES } else { "" };
        let module = MODULE
            .replace("{measures}", measures)
            .replace("{process}", &process)
            .replace("{texts}", &escaped(&self.texts))
            .replace("{TEXTS}", &TEXTS.to_string())
            .replace("{PARTS}", &PARTS.to_string())
            .replace("{HEAP}", &HEAP.to_string())
            .replace("{PAGES}", &PAGES.to_string());
        let module = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
        let measures = if self.measures { "with-metrics" } else { "" };
        declare(module, &["processor", "with-kv", measures])
    }

    /// A guest that verifies: it counts under this name, and every request is genuine.
    pub fn counting_verifier(name: &str) -> Vec<u8> {
        let module = format!(
            r#"(module
              (import "hookyard:plugin/metrics@0.1.0" "count" (func $count (param i32 i32 i32)))
              (memory (export "memory") 1)
              (data (i32.const {TEXTS}) "{name}")
              (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
              (func (export "hookyard:plugin/verification@0.1.0#verify") (param i32) (result i32)
                (call $count (i32.const {TEXTS}) (i32.const {}) (i32.const 1))
                (i32.const 16)))"#,
            name.len()
        );
        declare(wat::parse_str(&module).expect("a module"), &["verifier", "with-metrics"])
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

const MEASURES: &str = r#"
  (import "hookyard:plugin/metrics@0.1.0" "count" (func $count (param i32 i32 i32)))
  (import "hookyard:plugin/metrics@0.1.0" "observe" (func $observe (param i32 i32 f64)))"#;

/// What operations answer is written from 16 on, the body's place at 48, the verdict at 64.
const MODULE: &str = r#"(module
  (import "hookyard:plugin/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "hookyard:plugin/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "hookyard:plugin/kv@0.1.0" "remove" (func $remove (param i32 i32 i32)))
  (import "hookyard:plugin/kv@0.1.0" "increment" (func $increment (param i32 i32 i64 i32 i32)))
  (import "hookyard:plugin/kv@0.1.0" "compare-and-set"
    (func $compare_and_set (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "hookyard:plugin/output@0.1.0" "set-body" (func $set_body (param i32 i32)))
  (import "hookyard:plugin/events@0.1.0" "[method]event.body" (func $body (param i32 i32))){measures}
  (memory (export "memory") {PAGES})
  (global $heap (mut i32) (i32.const {HEAP}))
  (global $end (mut i32) (i32.const {PARTS}))
  (data (i32.const {TEXTS}) "{texts}")
  (data (i32.const 128) "-okquotayesnounavailable: ,")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $say (param $at i32) (param $length i32)
    (if (i32.ne (global.get $end) (i32.const {PARTS})) (then (call $add (i32.const 154) (i32.const 1))))
    (call $add (local.get $at) (local.get $length)))
  (func $add (param $at i32) (param $length i32)
    (memory.copy (global.get $end) (local.get $at) (local.get $length))
    (global.set $end (i32.add (global.get $end) (local.get $length))))
  (func $say_error (param $at i32)
    (if (i32.load8_u (local.get $at))
      (then
        (call $say (i32.const 141) (i32.const 13))
        (call $add (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))))
      (else (call $say (i32.const 131) (i32.const 5)))))
  (func $say_value
    (if (i32.load8_u (i32.const 16))
      (then (call $say_error (i32.const 20)))
      (else (if (i32.load8_u (i32.const 20))
        (then (call $say (i32.load (i32.const 24)) (i32.load (i32.const 28))))
        (else (call $say (i32.const 128) (i32.const 1)))))))
  (func $say_done (param $error i32)
    (if (i32.load8_u (i32.const 16))
      (then (call $say_error (local.get $error)))
      (else (call $say (i32.const 129) (i32.const 2)))))
  (func $say_whether
    (if (i32.load8_u (i32.const 16))
      (then (call $say_error (i32.const 20)))
      (else (if (i32.load8_u (i32.const 20))
        (then (call $say (i32.const 136) (i32.const 3)))
        (else (call $say (i32.const 139) (i32.const 2)))))))
  (func $dawdle (param $turns i64)
    (loop $again
      (br_if $again (i64.ne (local.tee $turns (i64.sub (local.get $turns) (i64.const 1))) (i64.const 0)))))
  (func (export "hookyard:plugin/handler@0.1.0#process") (param $event i32) (result i32)
    (local $turns i32)
    (call $body (local.get $event) (i32.const 48))
    {process}))"#;

/// Adds what says that the module is for a world which includes these.
fn declare(mut module: Vec<u8>, worlds: &[&str]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    let worlds = worlds.iter().filter(|world| !world.is_empty());
    let included: String = worlds.map(|world| format!("include hookyard:plugin/{world}@0.1.0; ")).collect();
    let text = format!("package test:guest; world keeping {{ {included} }}");
    let own = resolve.push_str("guest.wit", &text).expect("a world");
    let world = resolve.select_world(&[own], Some("keeping")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}
