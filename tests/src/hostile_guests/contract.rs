//! Components that ask for, or offer, what is not in the contract.

use super::wat::{Wat, declared, declared_by};
use super::{Fate, HostileGuest, bytes};

/// A contract of the same name with other types in it.
const OTHER_TYPES: &str = "package hookyard:plugin@0.1.0 {
  interface handler { process: func(event: u32) -> u32; }
  interface output { set-header: func(name: string); }
  interface logging { log: func(level: u32, message: string); shout: func(); }
}";

pub(super) fn guests() -> Vec<HostileGuest> {
    let contract = |name: &str, does: &str, part, module: fn() -> Vec<u8>, wit: &'static str| {
        bytes(name, does, Fate::Refused(part), move || {
            let own = if wit.contains("OTHER") { OTHER_TYPES } else { "" };
            declared_by(module(), &wit.replace("OTHER", own))
        })
    };
    let process =
        || core("", "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)");
    vec![
        contract(
            "import-unknown",
            "imports an interface of somebody else",
            "which Hookyard does not know",
            || core(r#"(import "test:other/api" "call" (func))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { include hookyard:plugin/processor@0.1.0; import test:other/api; }
             package test:other { interface api { call: func(); } }",
        ),
        contract(
            "import-without-interface",
            "imports a function that belongs to no interface",
            "which Hookyard does not know",
            || core(r#"(import "$root" "call" (func))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { include hookyard:plugin/processor@0.1.0; import call: func(); }",
        ),
        contract(
            "import-of-a-later-version",
            "imports an interface of a later version of the contract",
            "serves version 0.1.x",
            || core(r#"(import "hookyard:plugin/power@0.2.0" "take" (func))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { include hookyard:plugin/processor@0.1.0; import hookyard:plugin/power@0.2.0; }
             package hookyard:plugin@0.2.0 { interface power { take: func(); } }",
        ),
        contract(
            "import-not-granted",
            "imports the key-value store, which it is not granted",
            "hookyard:plugin/kv@0.1.0",
            || core(
                r#"(import "hookyard:plugin/kv@0.1.0" "remove" (func (param i32 i32 i32)))"#,
                "hookyard:plugin/handler@0.1.0#process",
                "(param i32) (result i32)",
                "(i32.const 16)",
            ),
            "package test:guest; world guest { include hookyard:plugin/processor@0.1.0; include hookyard:plugin/with-kv@0.1.0; }",
        ),
        contract(
            "import-of-wasi-http",
            "imports the HTTP client of WASI",
            "wasi:http/outgoing-handler@0.2.0",
            || core(r#"(import "wasi:http/outgoing-handler@0.2.0" "handle" (func))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { include hookyard:plugin/processor@0.1.0; import wasi:http/outgoing-handler@0.2.0; }
             package wasi:http@0.2.0 { interface outgoing-handler { handle: func(); } }",
        ),
        contract(
            "import-of-another-type",
            "imports `set-header` with one parameter",
            "hookyard:plugin/output@0.1.0",
            || core(r#"(import "hookyard:plugin/output@0.1.0" "set-header" (func (param i32 i32)))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { import hookyard:plugin/output@0.1.0; export hookyard:plugin/handler@0.1.0; } OTHER",
        ),
        contract(
            "import-of-a-function-that-is-not-there",
            "imports `logging.shout`",
            "hookyard:plugin/logging@0.1.0",
            || core(r#"(import "hookyard:plugin/logging@0.1.0" "shout" (func))"#, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"),
            "package test:guest; world guest { import hookyard:plugin/logging@0.1.0; export hookyard:plugin/handler@0.1.0; } OTHER",
        ),
        contract(
            "export-of-another-type",
            "exports a `process` that takes a number and returns one",
            "process",
            process,
            "package test:guest; world guest { export hookyard:plugin/handler@0.1.0; } OTHER",
        ),
        contract(
            "export-without-process",
            "exports a `handler` without `process`",
            "process",
            || core("", "hookyard:plugin/handler@0.1.0#handle", "", ""),
            "package test:guest; world guest { export hookyard:plugin/handler@0.1.0; }
             package hookyard:plugin@0.1.0 { interface handler { handle: func(); } }",
        ),
        contract("export-nothing", "exports nothing", "another world", || core("", "memory2", "", ""), "package test:guest; world guest {}"),
        contract(
            "export-a-function",
            "exports `process` beside any interface",
            "another world",
            || core("", "process", "", ""),
            "package test:guest; world guest { export process: func(); }",
        ),
        contract(
            "export-of-a-later-version",
            "exports the `handler` of a later version of the contract",
            "another world",
            || core("", "hookyard:plugin/handler@0.2.0#process", "", ""),
            "package test:guest; world guest { export hookyard:plugin/handler@0.2.0; }
             package hookyard:plugin@0.2.0 { interface handler { process: func(); } }",
        ),
        bytes("metadata-absent", "is a core module that does not say which component it is", Fate::Refused("component-type"), || {
            Wat::new("").core()
        }),
        bytes("metadata-lies", "says that it is a plugin, and exports nothing of one", Fate::Refused("not a WebAssembly component"), || {
            declared(core("", "nothing", "", ""), "everything")
        }),
        bytes("metadata-garbage", "says in no language which component it is", Fate::Refused("not a WebAssembly component"), || {
            let mut module = Wat::new("").core();
            module.extend(custom("component-type:guest", b"\x00garbage\xff"));
            module
        }),
        bytes("metadata-cut", "says half of which component it is", Fate::Refused("not a WebAssembly component"), || {
            let (module, whole) = (Wat::new("").core(), Wat::new("").build());
            let section = &whole[module.len()..];
            let mut cut = module.clone();
            cut.extend(custom("component-type:guest", &section[section.len() / 3..section.len() * 2 / 3]));
            cut
        }),
        bytes(
            "metadata-of-other-types",
            "imports `set-header` with parameters that are not those of the interface that it names",
            Fate::Refused("not a WebAssembly component"),
            || {
                let import = r#"(import "hookyard:plugin/output@0.1.0" "set-header" (func (param f64)))"#;
                declared(core(import, "hookyard:plugin/handler@0.1.0#process", "(param i32) (result i32)", "(i32.const 16)"), "everything")
            },
        ),
        bytes(
            "metadata-in-a-circle",
            "says that its package needs another one, which needs the first; reading it would use up the stack",
            Fate::Refused("need each other in a circle"),
            || {
                let mut module = Wat::new("").core();
                module.extend(custom("component-type:guest", &circle()));
                module
            },
        ),
        bytes("metadata-twice", "says twice which component it is", Fate::Harmless, || declared(Wat::new("").build(), "everything")),
        bytes("command", "is a program for WASI's first version, no component", Fate::Refused("component-type"), || {
            core(r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#, "_start", "", "")
        }),
    ]
}

/// A world whose interface `a:a/two` uses a type of `b:b/one`, which uses one of `a:a/one`.
fn circle() -> Vec<u8> {
    let text = r#"(component (type (component (type (component
  (type (instance (type (record (field "x" u8))) (export "t" (type (eq 0)))))
  (import "a:a/one" (instance (type 0)))
  (alias export 0 "t" (type))
  (type (instance (alias outer 1 1 (type)) (export "t" (type (eq 0)))))
  (import "b:b/one" (instance (type 2)))
  (alias export 1 "t" (type))
  (type (instance (alias outer 1 3 (type)) (export "t" (type (eq 0)))))
  (import "a:a/two" (instance (type 4)))
)) (export "c:c/guest" (component (type 0))))) (export "guest" (type 0)))"#;
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A module with these imports and one exported function.
fn core(imports: &str, export: &str, kind: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {imports} (memory (export "memory") 2)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "{export}") {kind} {body}))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// A custom section of less than 127 bytes in all, or more.
pub(super) fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    module.section(&wasm_encoder::CustomSection { name: name.into(), data: content.into() });
    module.finish()[8..].to_vec()
}
