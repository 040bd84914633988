//! WASI 0.1 with nothing behind it, made to measure for a core module: an adapter that answers what the module asks.
//!
//! Go's runtime asks WASI for its arguments, for the time, for sleep, and has its last words written, whether a plugin uses any of
//! it or not. The usual adapter passes all that on to the host. That is of no use in a plugin, and it is harmful: Go asks for the
//! time while the host copies a value into the plugin, when no question may leave it, and the call ends in a trap.
//!
//! Here nothing leaves but the question for random numbers: there is no file, no argument, no variable. Time begins at 1970 in
//! every instance, advances a little with every look at it, and jumps ahead where somebody sleeps. What is written is dropped.

use std::collections::BTreeMap;

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, InstructionSink, MemArg, MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{FuncType, Parser, Payload, TypeRef};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The module that WASI 0.1 is imported from.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// What the adapter itself imports.
const WORLD: &str = "package wasi:random@0.2.0;\n\
                     interface random { get-random-u64: func() -> u64; }\n\
                     world adapter { import random; }\n";

/// Its number: the first function. Those that are defined come after it.
const RANDOM: u32 = 0;

/// The global that is the time, in nanoseconds.
const NOW: u32 = 0;

/// What a look at the clock takes, in nanoseconds.
const LOOK: i64 = 1000;

/// Error numbers of WASI 0.1: no such file, and no such function.
const BADF: i32 = 8;
const NOSYS: i32 = 52;

/// The adapter for a core module; none where it imports nothing of WASI 0.1.
pub(crate) fn adapter(core: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let wanted = wanted(core)?;
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut adapter = module(&wanted).finish();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("adapter.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut adapter, &resolve, world, StringEncoding::UTF8)?;
    Ok(Some(adapter))
}

/// The imported functions with their types.
fn wanted(core: &[u8]) -> wasmparser::Result<BTreeMap<String, FuncType>> {
    let (mut types, mut wanted) = (Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(core) {
        match payload? {
            Payload::TypeSection(section) => {
                types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(index) = import.ty
                        && import.module == MODULE
                        && let Some(function) = types.get(index as usize)
                    {
                        wanted.insert(import.name.to_owned(), function.clone());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(wanted)
}

fn module(wanted: &BTreeMap<String, FuncType>) -> Module {
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    types.ty().function([], [ValType::I64]);
    let mut imports = ImportSection::new();
    imports.import("wasi:random/random@0.2.0", "get-random-u64", EntityType::Function(RANDOM));
    let memory =
        MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: None };
    imports.import("env", "memory", EntityType::Memory(memory));
    for (index, (name, function)) in (RANDOM + 1..).zip(wanted) {
        let encoded = |types: &[wasmparser::ValType]| types.iter().map(|ty| value(*ty)).collect::<Vec<_>>();
        types.ty().function(encoded(function.params()), encoded(function.results()));
        functions.function(index);
        exports.export(name, ExportKind::Func, index);
        // Room for what a function counts.
        let mut body = Function::new([(1, ValType::I32)]);
        let count = u32::try_from(function.params().len()).unwrap_or_default();
        answer(name, function, count, &mut body.instructions());
        code.function(&body);
    }
    let mut globals = GlobalSection::new();
    let time = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
    globals.global(time, &ConstExpr::i64_const(0));
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&globals);
    module.section(&exports).section(&code);
    module
}

fn value(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        // WASI 0.1 has no others.
        _ => ValType::I32,
    }
}

fn at(offset: u64, align: u32) -> MemArg {
    MemArg { offset, align, memory_index: 0 }
}

/// The body of a function. Parameters are the first locals; `count` is the one after them.
fn answer(name: &str, function: &FuncType, count: u32, code: &mut InstructionSink<'_>) {
    match name {
        "args_sizes_get" | "environ_sizes_get" => {
            code.local_get(0).i32_const(0).i32_store(at(0, 2));
            code.local_get(1).i32_const(0).i32_store(at(0, 2));
            code.i32_const(0).end();
        }
        "args_get" | "environ_get" | "sched_yield" => {
            code.i32_const(0).end();
        }
        "clock_time_get" => {
            code.global_get(NOW).i64_const(LOOK).i64_add().global_set(NOW);
            code.local_get(2).global_get(NOW).i64_store(at(0, 3));
            code.i32_const(0).end();
        }
        "fd_write" => written(count, code),
        "poll_oneoff" => slept(code),
        "random_get" => random(code),
        // Also `proc_exit`.
        _ if function.results().is_empty() => {
            code.unreachable().end();
        }
        _ if name.starts_with("fd_") => {
            code.i32_const(BADF).end();
        }
        _ => {
            code.i32_const(NOSYS).end();
        }
    }
}

/// `fd_write(fd, pieces, number of pieces, written)`: says that all has been written.
fn written(count: u32, code: &mut InstructionSink<'_>) {
    code.block(wasm_encoder::BlockType::Empty).loop_(wasm_encoder::BlockType::Empty);
    code.local_get(2).i32_eqz().br_if(1);
    code.local_get(1).i32_load(at(4, 2)).local_get(count).i32_add().local_set(count);
    code.local_get(1).i32_const(8).i32_add().local_set(1);
    code.local_get(2).i32_const(1).i32_sub().local_set(2);
    code.br(0).end().end();
    code.local_get(3).local_get(count).i32_store(at(0, 2));
    code.i32_const(0).end();
}

/// `poll_oneoff(subscriptions, events, number, number of events)`: time jumps by what the first one waits for, if that is a
/// while. There is nothing else that could happen.
fn slept(code: &mut InstructionSink<'_>) {
    code.local_get(0).i32_load8_u(at(8, 0)).if_(wasm_encoder::BlockType::Empty);
    code.i32_const(NOSYS).return_().end();
    code.global_get(NOW).local_get(0).i64_load(at(24, 3)).i64_add().global_set(NOW);
    // The event: whose it is, no error, a clock's.
    code.local_get(1).local_get(0).i64_load(at(0, 3)).i64_store(at(0, 3));
    code.local_get(1).i64_const(0).i64_store(at(8, 3));
    code.local_get(3).i32_const(1).i32_store(at(0, 2));
    code.i32_const(0).end();
}

/// `random_get(memory, length)`: eight bytes at a time, the rest one by one.
fn random(code: &mut InstructionSink<'_>) {
    code.block(wasm_encoder::BlockType::Empty).loop_(wasm_encoder::BlockType::Empty);
    code.local_get(1).i32_eqz().br_if(1);
    code.local_get(1).i32_const(8).i32_ge_u().if_(wasm_encoder::BlockType::Empty);
    code.local_get(0).call(RANDOM).i64_store(at(0, 0));
    step(8, code);
    code.else_();
    code.local_get(0).call(RANDOM).i64_store8(at(0, 0));
    step(1, code);
    code.end().br(0).end().end();
    code.i32_const(0).end();
}

fn step(bytes: i32, code: &mut InstructionSink<'_>) {
    code.local_get(0).i32_const(bytes).i32_add().local_set(0);
    code.local_get(1).i32_const(bytes).i32_sub().local_set(1);
}
