//! What is small as a file, and large once somebody makes something of it: structures that multiply, and code that takes
//! a compiler long.

use super::wat::Wat;
use super::{Fate, HostileGuest, bytes, text, trap};

const TOO_MUCH: Fate = Fate::Refused("too much for the compiler");

pub(super) fn guests() -> Vec<HostileGuest> {
    let component = |name: &str, does: &str, part, make: fn() -> String| {
        bytes(name, does, Fate::Refused(part), move || {
            wat::parse_str(make()).unwrap_or_else(|error| panic!("{error}"))
        })
    };
    let code = |name: &str, does: &str, fate, wat: Wat| text(name, does, fate, wat);
    vec![
        code(
            "nested-blocks",
            "has blocks nested 5,000 deep",
            Fate::Harmless,
            Wat::new(nested("block", 5_000)),
        ),
        code("nested-loops", "has loops nested 5,000 deep", TOO_MUCH, Wat::new(nested("loop", 5_000))),
        bytes("many-functions", "has a million functions", TOO_MUCH, || {
            let nothing = wasm_encoder::Function::new([]);
            with_functions(&mut (0..1_000_000).map(|_| ended(nothing.clone())))
        }),
        code(
            "many-globals",
            "has 30,000 globals",
            Fate::Refused("instance size does not fit"),
            Wat::new("").with("(global (mut i32) (i32.const 0))".repeat(30_000)),
        ),
        bytes("many-types", "has 100,000 types of functions", TOO_MUCH, || with_types(100_000)),
        code(
            "many-exports",
            "exports 5,000 functions",
            Fate::Harmless,
            Wat::new("")
                .with((0..5_000).map(|at| format!("(export \"f{at}\" (func $process))")).collect::<String>()),
        ),
        bytes("many-custom-sections", "has 20,000 custom sections", Fate::Harmless, || {
            let mut module = Wat::new("").build();
            let section = super::contract::custom("x", b"y");
            (0..20_000).for_each(|_| module.extend(&section));
            module
        }),
        code(
            "many-operands",
            "puts 20,000 values on the stack before it uses one",
            Fate::Harmless,
            Wat::new(operands(20_000)),
        ),
        code(
            "many-locals",
            "has a function with 50,000 variables",
            Fate::Harmless,
            Wat::new("(call $f)").with(format!("(func $f (local {}))", "i64 ".repeat(50_000))),
        ),
        bytes(
            "many-locals-many-times",
            "has 10,000 functions of nothing but 50,000 variables, six bytes each",
            TOO_MUCH,
            || {
                with_functions(
                    &mut (0..10_000)
                        .map(|_| ended(wasm_encoder::Function::new([(50_000, wasm_encoder::ValType::I64)]))),
                )
            },
        ),
        code(
            "locals-times-loops",
            "has 2,000 variables that change in each of 500 loops, so that each loop has to pass on every one",
            TOO_MUCH,
            Wat::new("(call $f (i32.const 0))").with(locals_times_loops(2000, 500)),
        ),
        code(
            "results-times-calls",
            "has 2,000 calls, each with 1,000 results, in a few kilobytes",
            TOO_MUCH,
            Wat::new("").with(results_times_calls(2000)),
        ),
        bytes("long-function", "has a function of three million instructions", TOO_MUCH, || {
            with_functions(&mut std::iter::once(long_function()))
        }),
        code(
            "wide-branch",
            "has a branch to 200,000 places",
            Fate::Refused("br_table"),
            Wat::new("").with(format!(
                "(func (param i32) block block local.get 0 br_table {} end end)",
                "0 1 ".repeat(100_000)
            )),
        ),
        bytes(
            "nested-components",
            "is a component of components, one inside the other, 2,000 deep",
            TOO_MUCH,
            || {
                let mut inner = wasm_encoder::Component::new();
                for _ in 0..2000 {
                    let mut outer = wasm_encoder::Component::new();
                    outer.section(&wasm_encoder::NestedComponentSection(&inner));
                    inner = outer;
                }
                inner.finish()
            },
        ),
        component(
            "components-that-multiply",
            "is a component of twelve, each of which has the next one four times",
            "instances",
            multiplied,
        ),
        component("types-that-multiply", "has a type of 4²⁰ fields", "type", || {
            let mut types = "(type $t0 (tuple u8 u8 u8 u8))".to_owned();
            for at in 1..20 {
                let before = format!("$t{}", at - 1);
                types.push_str(&format!("(type $t{at} (tuple {before} {before} {before} {before}))"));
            }
            format!("(component {types})")
        }),
        component("types-nested", "has a type of a list of a list of a list, 5,000 deep", "type", || {
            let mut types = "(type $t0 (list u8))".to_owned();
            (1..5000).for_each(|at| types.push_str(&format!("(type $t{at} (list $t{}))", at - 1)));
            format!("(component {types})")
        }),
        component("instances-many", "has 1,001 instances", "instances", || {
            format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(1001))
        }),
        code(
            "stack-in-one-go",
            "calls itself without end, a thousand results of calls waiting in each frame",
            trap("call stack exhausted"),
            Wat::new("(drop (call $deep (i32.const 1)))").with(frame()),
        ),
    ]
}

fn long_function() -> wasm_encoder::Function {
    let mut function = wasm_encoder::Function::new([]);
    let add = [wasm_encoder::Instruction::I32Const(7), wasm_encoder::Instruction::I32Add];
    function.instruction(&wasm_encoder::Instruction::I32Const(1));
    (0..1_500_000).flat_map(|_| &add).for_each(|step| {
        function.instruction(step);
    });
    function.instruction(&wasm_encoder::Instruction::Drop).instruction(&wasm_encoder::Instruction::End);
    function
}

fn ended(mut function: wasm_encoder::Function) -> wasm_encoder::Function {
    function.instruction(&wasm_encoder::Instruction::End);
    function
}

/// A component of a module with nothing but these functions; it is refused before anybody asks what it is for.
fn with_functions(bodies: &mut dyn Iterator<Item = wasm_encoder::Function>) -> Vec<u8> {
    let (mut types, mut functions) = (wasm_encoder::TypeSection::new(), wasm_encoder::FunctionSection::new());
    let (mut code, mut module) = (wasm_encoder::CodeSection::new(), wasm_encoder::Module::new());
    types.ty().function([], []);
    for body in bodies {
        functions.function(0);
        code.function(&body);
    }
    module.section(&types).section(&functions).section(&code);
    component_of(&module)
}

/// The same with function types, of which no two are alike.
fn with_types(number: u32) -> Vec<u8> {
    let (mut types, mut module) = (wasm_encoder::TypeSection::new(), wasm_encoder::Module::new());
    for at in 0..number {
        let kind = |bit: u32| {
            if at >> bit & 1 == 0 { wasm_encoder::ValType::I32 } else { wasm_encoder::ValType::I64 }
        };
        types.ty().function((0..17).map(kind), []);
    }
    module.section(&types);
    component_of(&module)
}

fn component_of(module: &wasm_encoder::Module) -> Vec<u8> {
    let mut component = wasm_encoder::Component::new();
    component.section(&wasm_encoder::ModuleSection(module));
    component.finish()
}

fn results_times_calls(calls: usize) -> String {
    let (results, zeros) = ("i32 ".repeat(1000), "i32.const 0 ".repeat(1000));
    let calls = "call $take ".repeat(calls);
    format!(
        "(func $take (param {results}) (result {results}) {zeros}) (func (result {results}) {zeros} {calls})"
    )
}

fn nested(what: &str, depth: usize) -> String {
    format!("{} {}", format!("{what} ").repeat(depth), "end ".repeat(depth))
}

fn operands(number: usize) -> String {
    format!("{} {} drop", "local.get $event ".repeat(number), "i32.add ".repeat(number - 1))
}

fn locals_times_loops(locals: usize, loops: usize) -> String {
    let set: String =
        (1..=locals).map(|at| format!("local.get {at} i32.const {at} i32.add local.set {at} ")).collect();
    let (open, close) = ("loop ".repeat(loops), "local.get 0 br_if 0 end ".repeat(loops));
    format!("(func $f (param i32) {} {open} {set} {close})", "(local i32)".repeat(locals))
}

/// Each has four instances of the one inside it.
fn multiplied() -> String {
    let mut inner = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..11 {
        inner = format!("(component $c {inner} {})", "(instance (instantiate $c))".repeat(4));
    }
    format!("(component {inner} (instance (instantiate $c)))")
}

/// Recursion in frames of some kilobytes.
fn frame() -> String {
    let calls: String = (0..1000).map(|_| "(call $deep (local.get 0)) ".to_owned()).collect();
    let adds = "i32.add ".repeat(999);
    format!("(func $deep (param i32) (result i32) {calls} {adds})")
}
