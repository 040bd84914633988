//! Holds the code to the storeys of `docs/ARCHITECTURE.md`: what may name what. Read as text, since every rule here is
//! about names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use hookyard_tests::repository;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storey {
    Pure,
    Config,
    Edge,
    /// Edges that only the assembly may use.
    Shared,
    Assembly,
}

/// The rooms of `host/src`. Whatever is not here is assembly.
const ROOMS: [(&str, Storey); 16] = [
    ("event", Storey::Pure),
    ("peer", Storey::Pure),
    ("rate", Storey::Pure),
    ("breaker", Storey::Pure),
    ("retry", Storey::Pure),
    ("delivery", Storey::Pure),
    ("routing", Storey::Pure),
    ("signature", Storey::Pure),
    ("provider", Storey::Pure),
    ("config", Storey::Config),
    ("store", Storey::Edge),
    ("destination", Storey::Edge),
    ("plugin", Storey::Edge),
    ("quarantine", Storey::Edge),
    ("clock", Storey::Shared),
    ("metrics", Storey::Shared),
];

/// Words that only some places may use: the word, where, and why.
const WORDS: [(&str, &[&str], &str); 7] = [
    ("wasmtime", &["plugin/wasm/"], "one place knows the sandbox"),
    ("cel::", &["routing/when/"], "one place knows CEL"),
    (
        "StatusCode",
        // A receiver's status is what the HTTP destination is about.
        &["ingest/", "admin", "destination/http/"],
        "what a sender is told is decided in one place",
    ),
    ("SystemTime::now", &["clock.rs"], "time is passed in"),
    // A log line says when it was written, whatever clock the gateway is given.
    ("Timestamp::now", &["clock.rs", "cli/log.rs"], "time is passed in"),
    ("todo!", &[], "nothing unfinished is committed"),
    ("unimplemented!", &[], "nothing unfinished is committed"),
];

/// Words of SQL, which no other engine's code has a use for, nor have tests that are written for all engines.
const SQL: [&str; 7] =
    ["rusqlite", "SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "CREATE TABLE", "PRAGMA "];

/// Where it is at home.
const SQL_ROOM: &str = "store/sqlite/";

/// Pure rooms know none of these.
const IMPURE: [&str; 7] =
    ["tokio::", "hyper::", "std::fs", "std::net", "std::thread", "std::env", "Instant::now"];

const MAX_LINES: usize = 600;

/// Longer files, and those without a head, with the reason.
const LONG: [(&str, &str); 5] = [
    ("sdk/rust/src/bindings.rs", "generated"),
    ("sdk/rust/src/exports/delivery.rs", "generated"),
    ("sdk/rust/src/exports/handler.rs", "generated"),
    ("sdk/rust/src/exports/lifecycle.rs", "generated"),
    ("sdk/rust/src/exports/verification.rs", "generated"),
];

fn storey(room: &str) -> Storey {
    ROOMS.iter().find(|(name, _)| *name == room).map_or(Storey::Assembly, |(_, storey)| *storey)
}

fn may_name(from: &str, to: &str) -> bool {
    let (above, below) = (storey(from), storey(to));
    match above {
        _ if from == to => true,
        Storey::Assembly => true,
        Storey::Edge => matches!(below, Storey::Pure),
        Storey::Config | Storey::Pure | Storey::Shared => below == Storey::Pure,
    }
}

/// What is wrong with a file of `host/src`; `path` is relative to that.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let room = path.split(['/', '.']).next().unwrap_or_default();
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{path}: no head that says what it is for"));
    }
    let code = code(text);
    for to in crate_paths(&code) {
        // What the crate exports at its top is for others.
        let is_room = to.starts_with(|letter: char| letter.is_lowercase());
        if is_room && !may_name(room, &to) {
            found.push(format!("{path}: `{room}` names `{to}`, which is not below it"));
        }
    }
    let is_test = path.contains("tests") || path.contains("conformance") || path.contains("sample");
    for (word, places, reason) in WORDS {
        if code.contains(word) && !places.iter().any(|place| path.starts_with(place)) && !is_test {
            found.push(format!("{path}: `{word}`, but {reason}"));
        }
    }
    if !path.starts_with(SQL_ROOM) {
        let sql = SQL.into_iter().filter(|word| code.contains(word));
        found.extend(sql.map(|word| format!("{path}: `{word}`, but one place knows SQL")));
    }
    if storey(room) == Storey::Pure && !is_test {
        let impure = IMPURE.into_iter().filter(|word| code.contains(word));
        found.extend(impure.map(|word| format!("{path}: `{word}` in a pure room")));
    }
    found
}

/// The text without comments and without the unit tests at its end, which may use what they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut code = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let _ = writeln!(code, "{line}");
    }
    code
}

/// The rooms that are named by `crate::room` and `use crate::{room, …}`.
fn crate_paths(code: &str) -> Vec<String> {
    let name = |text: &str| {
        text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>()
    };
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => named.push(name(rest)),
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (at, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        letter if letter.is_whitespace() => {}
                        _ if start => {
                            named.push(name(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    named
}

/// All Rust files under a folder of the repository, with their text.
fn files(folder: &str) -> BTreeMap<String, String> {
    fn gather(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(repository()).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    gather(&repository().join(folder), &mut found);
    found
}

#[test]
fn the_storeys_hold() {
    let files = files("host/src");
    assert!(files.len() > 50, "only {} files were found", files.len());
    let breaches: Vec<String> =
        files.iter().flat_map(|(path, text)| breaches(path.trim_start_matches("host/src/"), text)).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_room_is_declared() {
    let declared = std::fs::read_to_string(repository().join("host/src/lib.rs")).unwrap();
    for (room, _) in ROOMS {
        assert!(declared.contains(&format!("mod {room};")), "`{room}` is in the table and not in lib.rs");
    }
}

#[test]
fn files_are_short_and_have_a_head() {
    let mut wrong = Vec::new();
    for folder in ["host", "wit", "sdk/rust", "sdk/toolchain/src", "tests", "xtask", "plugins"] {
        for (path, text) in files(folder) {
            let lines = text.lines().count();
            if lines > MAX_LINES && !LONG.iter().any(|(long, _)| *long == path) {
                wrong.push(format!("{path} has {lines} lines"));
            }
            let generated = LONG.iter().any(|(long, reason)| *long == path && *reason == "generated");
            if !text.starts_with("//!") && !generated {
                wrong.push(format!("{path} has no head that says what it is for"));
            }
        }
    }
    for (path, _) in LONG {
        assert!(repository().join(path).exists(), "{path} is excused and does not exist");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_breach_is_noticed() {
    let check = |path: &str, code: &str, expected: &[&str]| {
        let found = breaches(path, &format!("//! A head.\n{code}\n"));
        assert_eq!(found.len(), expected.len(), "{code}: {found:?}");
        for (found, part) in found.iter().zip(expected) {
            assert!(found.contains(part), "{code}: {found}");
        }
    };
    check("ingest/mod.rs", "use crate::store::Store;\nuse crate::config;", &[]);
    check("event/json.rs", "use crate::event::Headers;", &[]);
    check("event/json.rs", "use crate::config::Config;", &["`event` names `config`"]);
    check("retry.rs", "fn f() { crate::store::open() }", &["`retry` names `store`"]);
    check("config/mod.rs", "use crate::{event::Event, plugin::{Call, Fault}, routing};", &["names `plugin`"]);
    check(
        "store/mod.rs",
        "use crate::{\n    app,\n    delivery::{self, RunId},\n    clock,\n};",
        &["`app`", "`clock`"],
    );
    check("destination/http/mod.rs", "use crate::plugin::Call;", &["names `plugin`"]);
    check("destination/http/mod.rs", "use http::StatusCode;", &[]);
    check("dispatch/mod.rs", "use http::StatusCode;", &["`StatusCode`"]);
    check("dispatch/mod.rs", "use wasmtime::Engine;", &["`wasmtime`"]);
    check("plugin/wasm/mod.rs", "use wasmtime::Engine;", &[]);
    check("dispatch/mod.rs", "let now = std::time::SystemTime::now();", &["`SystemTime::now`"]);
    check("store/memory/books.rs", "use rusqlite::Connection;", &["`rusqlite`"]);
    check("store/conformance/kit.rs", "const COUNT: &str = \"SELECT count(*) FROM runs\";", &["`SELECT `"]);
    check("store/sqlite/tests/plans.rs", "use rusqlite::Connection;\nconst ALL: &str = \"SELECT 1\";", &[]);
    check("dispatch/mod.rs", "// wasmtime is named in a comment only", &[]);
    check("delivery.rs", "use tokio::sync::Mutex;", &["pure room"]);
    check("app.rs", "todo!()", &["`todo!`"]);
    check("retry.rs", "#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}", &[]);
    assert_eq!(breaches("app.rs", "fn f() {}"), ["app.rs: no head that says what it is for"]);
}
