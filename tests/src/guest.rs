//! Guests made on the spot, mostly bad ones: a core module with a component-type section, as compilers leave it, so that
//! the loader's own making of components is exercised as well.
//!
//! `process` is a list of steps and an end. Texts lie in memory from [`DATA`] on; the verdict is written at [`VERDICT`].

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemArg, MemorySection,
    MemoryType, Module, NameMap, NameSection, StartSection, TypeSection, ValType,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::yard::repository;

const VERDICT: i32 = 16;
const DATA: i32 = 1024;

/// The imported functions: interface, name, number of `i32` parameters, whether an `i32` comes back.
const IMPORTS: [(&str, &str, usize, bool); 11] = [
    ("logging", "log", 3, false),
    ("output", "set-header", 4, false),
    ("output", "set-body", 2, false),
    ("output", "json-set", 4, false),
    ("output", "set-attribute", 4, false),
    ("output", "send-to", 2, false),
    ("output", "not-before", 1, false),
    ("output", "emit", 6, false),
    ("output", "reply", 5, false),
    ("events", "[method]event.body-length", 1, true),
    ("output", "remove-header", 2, false),
];

/// What a guest that wants the key-value store imports instead of the last one.
const KV: (&str, &str, usize, bool) = ("kv", "remove", 3, false);

/// Numbers of the functions that the module defines, after the imported ones.
const PROCESS: u32 = IMPORTS.len() as u32;
const CULPRIT: u32 = PROCESS + 1;

/// A guest in the making. The last step returns the file.
#[derive(Clone, Default)]
pub struct Guest {
    data: Vec<u8>,
    process: Vec<Instruction<'static>>,
    culprit: Vec<Instruction<'static>>,
    starts: bool,
    kv: bool,
}

impl Guest {
    /// Does nothing yet.
    pub fn new() -> Self {
        Guest::default()
    }

    /// Calls `log` at level info.
    pub fn log(mut self, message: &str) -> Self {
        let message = self.text(message.as_bytes());
        self.call("log", [1, message.0, message.1])
    }

    /// Calls `set-header`.
    pub fn set_header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (self.text(name.as_bytes()), self.text(value.as_bytes()));
        self.call("set-header", [name.0, name.1, value.0, value.1])
    }

    /// Calls `set-body`.
    pub fn set_body(mut self, body: &str) -> Self {
        let body = self.text(body.as_bytes());
        self.call("set-body", [body.0, body.1])
    }

    /// Calls `json-set`.
    pub fn json_set(mut self, pointer: &str, value: &str) -> Self {
        let (pointer, value) = (self.text(pointer.as_bytes()), self.text(value.as_bytes()));
        self.call("json-set", [pointer.0, pointer.1, value.0, value.1])
    }

    /// Calls `send-to`.
    pub fn send_to(mut self, destinations: &[&str]) -> Self {
        let destinations = self.texts(destinations);
        self.call("send-to", [destinations.0, destinations.1])
    }

    /// Calls `not-before`.
    pub fn not_before(self, seconds: i32) -> Self {
        self.call("not-before", [seconds])
    }

    /// Calls `emit`.
    pub fn emit(mut self, destinations: &[&str], headers: &[(&str, &str)], body: &str) -> Self {
        let (to, headers) = (self.texts(destinations), self.headers(headers));
        let body = self.text(body.as_bytes());
        self.call("emit", [to.0, to.1, headers.0, headers.1, body.0, body.1])
    }

    /// Calls `reply`.
    pub fn reply(mut self, status: i32, headers: &[(&str, &str)], body: &str) -> Self {
        let (headers, body) = (self.headers(headers), self.text(body.as_bytes()));
        self.call("reply", [status, headers.0, headers.1, body.0, body.1])
    }

    /// Counts to this before it goes on: about a nanosecond each.
    pub fn dawdle(mut self, turns: i64) -> Self {
        self.process.extend([
            Instruction::I64Const(turns),
            Instruction::LocalSet(1),
            Instruction::Loop(BlockType::Empty),
            Instruction::LocalGet(1),
            Instruction::I64Const(1),
            Instruction::I64Sub,
            Instruction::LocalTee(1),
            Instruction::I64Eqz,
            Instruction::I32Eqz,
            Instruction::BrIf(0),
            Instruction::End,
        ]);
        self
    }

    /// Reads from the event of the first call that this instance served.
    pub fn read_first_event(mut self) -> Self {
        let length = import("[method]event.body-length");
        self.process.extend([
            Instruction::GlobalGet(0),
            Instruction::I32Eqz,
            Instruction::If(BlockType::Empty),
            Instruction::LocalGet(0),
            Instruction::GlobalSet(0),
            Instruction::End,
            Instruction::GlobalGet(0),
            Instruction::Call(length),
            Instruction::Drop,
        ]);
        self
    }

    /// Asks for the key-value store.
    pub fn asks_for_kv(mut self) -> Self {
        self.kv = true;
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

    /// Returns a retryable failure.
    pub fn retryable(self, words: &str) -> Vec<u8> {
        self.verdict(1, 0, words)
    }

    /// Returns a permanent failure.
    pub fn permanent(self, words: &str) -> Vec<u8> {
        self.verdict(1, 1, words)
    }

    /// Executes `unreachable`, in a function called `the_culprit`.
    pub fn trap(self) -> Vec<u8> {
        self.blame(vec![Instruction::Unreachable])
    }

    /// Executes `unreachable` before the first call.
    pub fn trap_at_start(mut self) -> Vec<u8> {
        self.starts = true;
        self.trap()
    }

    /// Runs for ever.
    pub fn spin(self) -> Vec<u8> {
        self.blame(vec![Instruction::Loop(BlockType::Empty), Instruction::Br(0), Instruction::End])
    }

    /// Calls itself for ever.
    pub fn recurse(self) -> Vec<u8> {
        // Something left to do afterwards keeps it from being a loop.
        self.blame(vec![Instruction::Call(CULPRIT), Instruction::Call(CULPRIT)])
    }

    /// Takes memory until it gets none, and traps, as allocators do.
    pub fn hog(self) -> Vec<u8> {
        self.blame(vec![
            Instruction::Loop(BlockType::Empty),
            Instruction::I32Const(16),
            Instruction::MemoryGrow(0),
            Instruction::I32Const(-1),
            Instruction::I32Ne,
            Instruction::BrIf(0),
            Instruction::End,
            Instruction::Unreachable,
        ])
    }

    /// Emits one message of 64 bytes after the other, for ever.
    pub fn flood(self) -> Vec<u8> {
        self.blame(vec![
            Instruction::Loop(BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::I32Const(0),
            Instruction::I32Const(0),
            Instruction::I32Const(0),
            Instruction::I32Const(DATA),
            Instruction::I32Const(64),
            Instruction::Call(import("emit")),
            Instruction::Br(0),
            Instruction::End,
        ])
    }

    fn blame(mut self, culprit: Vec<Instruction<'static>>) -> Vec<u8> {
        self.culprit = culprit;
        self.process.push(Instruction::Call(CULPRIT));
        self.verdict(0, 0, "")
    }

    fn verdict(mut self, outer: u8, inner: u8, words: &str) -> Vec<u8> {
        let (at, length) = self.text(words.as_bytes());
        for (offset, value) in [(0, i32::from(outer)), (4, i32::from(inner)), (8, at), (12, length)] {
            let place = MemArg { offset, align: 2, memory_index: 0 };
            self.process.extend([
                Instruction::I32Const(VERDICT),
                Instruction::I32Const(value),
                Instruction::I32Store(place),
            ]);
        }
        self.process.push(Instruction::I32Const(VERDICT));
        self.module()
    }

    fn call<const N: usize>(mut self, name: &str, arguments: [i32; N]) -> Self {
        self.process.extend(arguments.map(Instruction::I32Const));
        self.process.push(Instruction::Call(import(name)));
        self
    }

    /// Puts bytes into memory; where they are, and how many.
    fn text(&mut self, bytes: &[u8]) -> (i32, i32) {
        self.data.resize(self.data.len().next_multiple_of(4), 0);
        let at = DATA + self.data.len() as i32;
        self.data.extend_from_slice(bytes);
        (at, bytes.len() as i32)
    }

    fn texts(&mut self, texts: &[&str]) -> (i32, i32) {
        let places: Vec<(i32, i32)> = texts.iter().map(|text| self.text(text.as_bytes())).collect();
        let list: Vec<u8> =
            places.iter().flat_map(|place| [place.0, place.1]).flat_map(i32::to_le_bytes).collect();
        (self.text(&list).0, texts.len() as i32)
    }

    fn headers(&mut self, headers: &[(&str, &str)]) -> (i32, i32) {
        let flat: Vec<&str> = headers.iter().flat_map(|(name, value)| [*name, *value]).collect();
        (self.texts(&flat).0, headers.len() as i32)
    }

    fn module(self) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        let mut imports = ImportSection::new();
        let mut wanted = IMPORTS;
        if self.kv {
            wanted[IMPORTS.len() - 1] = KV;
        }
        for (number, (interface, name, parameters, result)) in wanted.into_iter().enumerate() {
            types.ty().function(vec![ValType::I32; parameters], vec![ValType::I32; usize::from(result)]);
            imports.import(
                &format!("hookyard:plugin/{interface}@0.1.0"),
                name,
                EntityType::Function(number as u32),
            );
        }
        let process = types.len();
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([], []);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        let mut functions = FunctionSection::new();
        functions.function(process).function(process + 1).function(process + 2);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 2,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        let counter = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(counter, &ConstExpr::i32_const(0));
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("hookyard:plugin/handler@0.1.0#process", ExportKind::Func, PROCESS);
        // Asked for where the host may hand over a text; no guest here takes one.
        exports.export("cabi_realloc", ExportKind::Func, CULPRIT + 1);
        let mut code = CodeSection::new();
        for (locals, body) in [(1, &self.process), (0, &self.culprit), (0, &vec![Instruction::Unreachable])] {
            let mut function = Function::new([(locals, ValType::I64)]);
            body.iter().chain([&Instruction::End]).for_each(|step| {
                function.instruction(step);
            });
            code.function(&function);
        }
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(DATA), self.data);
        let mut names = NameMap::new();
        names.append(PROCESS, "process");
        names.append(CULPRIT, "the_culprit");
        let mut named = NameSection::new();
        named.functions(&names);

        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&memories)
            .section(&globals)
            .section(&exports);
        if self.starts {
            module.section(&StartSection { function_index: CULPRIT });
        }
        module.section(&code).section(&data).section(&named);
        declare(module.finish(), self.kv)
    }
}

fn import(name: &str) -> u32 {
    IMPORTS.iter().position(|import| import.1 == name).expect("an imported function") as u32
}

/// Adds what says which world the module is for.
fn declare(mut module: Vec<u8>, kv: bool) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (contract, _) = resolve.push_dir(repository().join("wit/0.1.0")).expect("the contract");
    let world = if kv {
        let text = "package test:guest; world wanting { include hookyard:plugin/processor@0.1.0; \
                    include hookyard:plugin/with-kv@0.1.0; }";
        let own = resolve.push_str("guest.wit", text).expect("a world");
        resolve.select_world(&[own], Some("wanting"))
    } else {
        resolve.select_world(&[contract], Some("processor"))
    };
    let world = world.expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a section");
    module
}
