//! `hookyard plugin inspect`, `test` and `bench`, and `hookyard plugins`, on the starter plugins.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Serving, address, run, text};

/// A starter plugin's file.
fn starter(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dist =
        std::env::var_os("HOOKYARD_PLUGINS_DIST").map_or_else(|| root.join("plugins/dist"), Into::into);
    dist.join(name).with_extension("wasm")
}

/// An empty directory with a copy of a starter plugin, which is called `p.wasm` there.
fn with(name: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(starter(name), directory.path().join("p.wasm")).unwrap();
    directory
}

/// The exit code, and what is said.
pub(super) fn said(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(directory, arguments);
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// The document on standard output.
pub(super) fn document(directory: &Path, arguments: &[&str]) -> Value {
    let output = run(directory, arguments);
    let shown = text(&output.stdout);
    serde_json::from_str(&shown).unwrap_or_else(|_| panic!("{shown}{}", text(&output.stderr)))
}

#[test]
fn a_file_is_inspected() {
    let directory = with("threshold");
    let here = directory.path();
    let (code, shown) = said(here, &["plugin", "inspect", "p.wasm"]);
    assert_eq!(code, Some(0), "{shown}");
    for expected in [
        "p.wasm: a plugin of world processor + with-kv",
        "Emits an alert once so many events of a kind have come",
        "a component of 3 modules",
        "checked against the JSON Schema that it brings: ",
        "hookyard:plugin/handler@0.1.0    a route calls it for each message",
        "hookyard:plugin/kv@0.1.0",
        "needs a grant",
        "[plugins.p]\npath = \"p.wasm\"\ndigest = \"sha256:",
        "\nallow = { kv = true }\n",
    ] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    // What it proposes is a configuration that loads.
    let (_, config) = shown.split_once("to use it:").unwrap();
    let rest = "[plugins.p.config]\ncount = 1\nwindow = 1\n";
    fs::write(here.join("config.toml"), format!("{config}{rest}")).unwrap();
    let (code, checked) = said(here, &["check"]);
    assert_eq!(code, Some(0), "{checked}");

    let view = document(here, &["plugin", "inspect", "p.wasm", "--output", "json"]);
    assert_eq!((&view["loads"], &view["problem"]), (&json!(true), &Value::Null));
    assert_eq!(view["size"], fs::metadata(here.join("p.wasm")).unwrap().len());
    assert!(view["config_schema"]["properties"]["window"].is_object(), "{view}");
    assert!(view["initial_memory"].as_u64().unwrap() >= 65_536, "{view}");
}

#[test]
fn a_stock_component_is_inspected() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stock/stock.wasm");
    fs::copy(stock, here.join("answer.wasm")).unwrap();
    let (code, shown) = said(here, &["plugin", "inspect", "answer.wasm"]);
    assert_eq!(code, Some(0), "{shown}");
    for expected in [
        "answer.wasm: a stock component of world wasi:http/proxy, which answers HTTP requests",
        "\nsize ",
        "\ndigest     sha256:",
        "\nmemory ",
        "\n  wasi:http/incoming-handler@0.2.",
        "a destination of type \"component\" calls it",
        "requests to origins",
        "needs a grant",
        "there is nothing behind them: no files, no network, no environment",
        "[destinations.answer]\ntype = \"component\"\npath = \"answer.wasm\"\ndigest = \"sha256:",
        "\nallow = { http = [\"https://api.example.com\"] }\n",
    ] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    // What it proposes is a configuration that loads.
    let (_, config) = shown.split_once("to use it:").unwrap();
    let rest = "[sources.github]\nsecret = { generated = true }\n[routes.all]\nsource = \"github\"\nto = \"answer\"\n";
    fs::write(here.join("config.toml"), format!("{config}{rest}")).unwrap();
    let (code, checked) = said(here, &["check"]);
    assert_eq!(code, Some(0), "{checked}");

    let view = document(here, &["plugin", "inspect", "answer.wasm", "--output", "json"]);
    assert_eq!((&view["loads"], &view["problem"]), (&json!(true), &Value::Null));
    assert_eq!(
        (&view["configured_as"], &view["worlds"]),
        (&json!("component"), &json!(["wasi:http/proxy"])),
        "{view}"
    );
    assert!(view["config"].as_str().unwrap().starts_with("[destinations.answer]"), "{view}");

    // Cut short it cannot be used, and says so.
    let whole = fs::read(here.join("answer.wasm")).unwrap();
    fs::write(here.join("half.wasm"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(said(here, &["plugin", "inspect", "half.wasm"]).0, Some(78));
}

#[test]
fn a_file_that_cannot_be_loaded_says_why() {
    let directory = with("redact");
    let here = directory.path();
    let whole = fs::read(here.join("p.wasm")).unwrap();
    for (name, content, expected) in [
        ("text.wasm", &b"hello"[..], "is not a WebAssembly component"),
        ("half.wasm", &whole[..whole.len() / 2], "unexpected end"),
        ("empty.wasm", &[], "is not a WebAssembly component"),
        ("bare.wasm", b"\0asm\x01\0\0\0", "without a component-type section"),
        ("nothing.wasm", b"\0asm\x0d\0\x01\0", "it exports nothing"),
    ] {
        fs::write(here.join(name), content).unwrap();
        for command in ["inspect", "bench"] {
            let (code, shown) = said(here, &["plugin", command, name]);
            assert_eq!(code, Some(78), "{name}: {shown}");
            assert!(shown.contains(expected), "{name}: {shown}");
        }
    }
    // What can be read of it is told nevertheless.
    let view = document(here, &["plugin", "inspect", "nothing.wasm", "--output", "json"]);
    assert_eq!((&view["loads"], &view["worlds"]), (&json!(false), &json!([])));
    let (code, shown) = said(here, &["plugin", "inspect", "none.wasm"]);
    assert_eq!(code, Some(2), "{shown}");
}

#[test]
fn an_event_is_shown_before_and_after() {
    let directory = with("redact");
    let here = directory.path();
    let test = |more: &[&str]| said(here, &[&["plugin", "test", "p.wasm", "--event"], more].concat());
    let masks = ["--set", "mask=[\"/sender/login\"]", "--set", "remove=[\"/pull_request/body\"]"];
    let (code, shown) = test(&[&["github.pull_request.opened"][..], &masks].concat());
    assert_eq!(code, Some(0), "{shown}");
    for expected in
        ["forward\n", "of processor time", "- /pull_request/body: ", "~ /sender/login: \"", "→ \"***\""]
    {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    fs::write(here.join("order.json"), r#"{"a":1,"text":"x"}"#).unwrap();
    let (code, shown) = test(&["order.json", "--set", "remove=[\"/a\"]"]);
    assert_eq!((code, shown.contains("- /a: 1")), (Some(0), true), "{shown}");
    fs::write(here.join("case.json"), r#"{"body": {"a": 1, "b": 2}, "config": {"remove": ["/b"]}}"#).unwrap();
    let (code, shown) = test(&["case.json"]);
    assert_eq!((code, shown.contains("- /b: 2")), (Some(0), true), "{shown}");
    // The command line counts more than the case.
    let (code, shown) = test(&["case.json", "--set", "remove=[]"]);
    assert_eq!((code, shown.contains("as it came")), (Some(0), true), "{shown}");
    let (code, shown) = test(&["case.json", "--set", "nonsense=1"]);
    let told = "not-loaded: config/nonsense: unknown key";
    assert_eq!((code, shown.contains(told)), (Some(1), true), "{shown}");
    for (arguments, expected) in [
        (&["nowhere.json"][..], "nowhere.json is neither a file, nor the id of an event, nor a sample"),
        (&["github.pul"], "there is no sample `pul`"),
        (&["order.json", "--call", "verification"], "it exports no verification"),
        (&["order.json", "--set", "mask"], "`=`"),
    ] {
        let (code, shown) = test(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {shown}");
        assert!(shown.contains(expected), "{arguments:?}: {shown}");
    }
}

#[test]
fn other_kinds_of_results_are_told_apart() {
    let reply = with("reply");
    let event = ["plugin", "test", "p.wasm", "--event", "github.push"];
    let answered = [&event[..], &["--set", "body={\"seen\": true}", "--set", "status=201"]].concat();
    let (code, shown) = said(reply.path(), &answered);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("reply 201\n") && shown.contains("{\"seen\":true}"), "{shown}");
    let verifier = with("verify-acme");
    let (code, shown) = said(verifier.path(), &event);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("rejected: acme-time is missing"), "{shown}");
    let counting = with("threshold");
    let alert = ["--set", "count=2", "--set", "window=60"];
    let view = document(counting.path(), &[&event[..], &alert, &["--output", "json"]].concat());
    let result = &view["result"];
    assert_eq!((&result["outcome"], &result["reason"]), (&json!("discard"), &json!("below the threshold")));
    assert_eq!(result["kv"]["set"]["count:"]["ttl_seconds"], 60, "{view}");
    assert!(view["peak_memory"].as_u64().unwrap() >= 65_536, "{view}");
    // With what the first has left behind, the second is one too many.
    let kept = result["kv"]["set"]["count:"]["value"].as_str().unwrap();
    let kept = format!("count:={kept}");
    let (code, shown) = said(counting.path(), &[&event[..], &alert, &["--kv", &kept]].concat());
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with("forward\n") && shown.contains("message 1 of 1"), "{shown}");
    // As the host, it does not run a plugin whose settings are wrong.
    let (_, shown) = said(counting.path(), &[&event[..], &["--set", "windo=60"]].concat());
    assert!(shown.contains("not-loaded: ") && shown.contains("did you mean `window`?"), "{shown}");
}

#[test]
fn cases_say_what_is_expected() {
    let directory = with("redact");
    let here = directory.path();
    fs::create_dir_all(here.join("target")).unwrap();
    fs::create_dir_all(here.join("tests")).unwrap();
    fs::rename(here.join("p.wasm"), here.join("target/p.wasm")).unwrap();
    let masked =
        r#"{"about": "addresses go", "body": {"email": "a@b.c", "n": 1}, "config": {"mask": ["/email"]}}"#;
    fs::write(here.join("tests/masks.json"), masked).unwrap();
    fs::write(here.join("tests/text.json"), r#"{"text": "no JSON", "config": {"mask": ["/email"]}}"#)
        .unwrap();
    let test = |more: &[&str]| said(here, &[&["plugin", "test", "."], more].concat());
    let expected = || fs::read_to_string(here.join("tests/masks.expected.json")).ok();

    let (code, shown) = test(&[]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("new      masks") && shown.ends_with("2 cases, 0 as expected\n"), "{shown}");
    assert_eq!(expected(), None, "nothing is written unless asked for");
    let (code, shown) = test(&["--update"]);
    assert_eq!(code, Some(0), "{shown}");
    let written: Value = serde_json::from_str(&expected().unwrap()).unwrap();
    assert_eq!(written, json!({"outcome": "forward", "messages": [{"body": {"email": "***", "n": 1}}]}));
    let by_file = ["plugin", "test", "target/p.wasm"];
    let (code, shown) = said(here, &by_file);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("ok       masks") && shown.contains("forward  addresses go"), "{shown}");
    assert!(shown.contains("ok       text") && shown.contains("permanent-failure"), "{shown}");

    fs::write(here.join("tests/masks.json"), masked.replace("\"n\": 1", "\"n\": 2")).unwrap();
    let (code, shown) = said(here, &by_file);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("DIFFERS  masks") && shown.contains("~ /messages/0/body/n: 1 → 2"), "{shown}");
    let shown = text(&run(here, &["plugin", "test", ".", "--output", "json"]).stdout);
    let views: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<&Value> = views.iter().map(|view| &view["expected"]).collect();
    assert_eq!(expected, [&json!(false), &json!(true)], "{shown}");

    let golden = ["plugin", "test", ".", "--event", "tests/masks.json", "--golden", "g.json"];
    assert_eq!(said(here, &golden).0, Some(1));
    assert_eq!(said(here, &[&golden[..], &["--update"]].concat()).0, Some(0));
    assert_eq!(said(here, &golden).0, Some(0));
    fs::write(here.join("tests/bad.json"), "{\"bodi\": 1}").unwrap();
    let (code, shown) = test(&[]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("bad.json: unknown field `bodi`"), "{shown}");
}

#[test]
fn a_component_that_is_older_than_its_sources_is_told_of() {
    let outer = with("redact");
    let folder = outer.path().join("mine");
    fs::create_dir_all(folder.join("target")).unwrap();
    fs::rename(outer.path().join("p.wasm"), folder.join("target/mine.wasm")).unwrap();
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"mine\"\n").unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    let changed = |file: &str, seconds: u64| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000 + seconds);
        fs::OpenOptions::new().write(true).open(folder.join(file)).unwrap().set_modified(at).unwrap();
    };
    let warned = |directory: &Path, plugin: &str| {
        let output = run(directory, &["plugin", "test", plugin, "--event", "github.push"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).starts_with("forward\n"), "{}", text(&output.stdout));
        text(&output.stderr)
    };
    for file in ["Cargo.toml", "src/lib.rs", "target/mine.wasm"] {
        changed(file, 0);
    }
    assert_eq!(warned(&folder, "."), "");
    changed("src/lib.rs", 1);
    let older = |file: &str, source: &str, build: &str| {
        format!("warning: {file} is older than {source}; to build it again: hookyard plugin build {build}\n")
    };
    assert_eq!(warned(&folder, "."), older("target/mine.wasm", "src/lib.rs", "."));
    assert_eq!(warned(&folder, "target/mine.wasm"), older("target/mine.wasm", "src/lib.rs", "."));
    assert_eq!(warned(outer.path(), "mine"), older("mine/target/mine.wasm", "mine/src/lib.rs", "mine"));
    fs::create_dir(folder.join("target/release")).unwrap();
    fs::rename(folder.join("target/mine.wasm"), folder.join("target/release/m.wasm")).unwrap();
    let file = "mine/target/release/m.wasm";
    let build = format!("mine --output {file}");
    assert_eq!(warned(outer.path(), file), older(file, "mine/src/lib.rs", &build));
    // Elsewhere, nothing is known about where it comes from.
    fs::rename(folder.join("target/release/m.wasm"), outer.path().join("m.wasm")).unwrap();
    assert_eq!(warned(outer.path(), "m.wasm"), "");
}

#[test]
fn calls_are_measured() {
    let directory = with("redact");
    let bench = ["plugin", "bench", "p.wasm", "--calls", "30", "--output", "json"];
    let view = document(directory.path(), &bench);
    for kind in ["fresh", "reused"] {
        let measured = &view[kind];
        assert_eq!(
            (&measured["calls"], &measured["outcomes"]["forward"]),
            (&json!(30), &json!(30)),
            "{view}"
        );
        assert!(measured["cpu_us"].as_f64().unwrap() > 0.0, "{view}");
        assert!(measured["p50_us"].as_f64() <= measured["p99_us"].as_f64(), "{view}");
    }
    let (code, shown) = said(directory.path(), &["plugin", "bench", "p.wasm", "--seconds", "0.05"]);
    assert_eq!((code, shown.contains("reused instance")), (Some(0), true), "{shown}");
}

/// A gateway whose plugin counts, and is granted more than it needs.
pub(super) fn yard() -> tempfile::TempDir {
    let directory = with("threshold");
    let config = format!(
        r#"
[server]
listen = "{}"
[sources.github]
secret = {{ generated = true }}
[secrets]
token = {{ file = "token" }}
[plugins.p]
path = "p.wasm"
allow = {{ kv = true, secrets = ["token"], metrics = true }}
[plugins.p.config]
count = 2
window = 60
[routes.all]
source = "github"
plugins = ["p"]
to = "file"
[destinations.file]
path = "events.jsonl"
"#,
        address()
    );
    fs::write(directory.path().join("config.toml"), config).unwrap();
    fs::write(directory.path().join("token"), "secret").unwrap();
    directory
}

#[test]
fn what_is_granted_is_held_against_what_is_used() {
    let directory = yard();
    let here = directory.path();
    let (code, shown) = said(here, &["plugins"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("no gateway is running") && shown.contains("route all"), "{shown}");
    assert!(shown.contains("granted secrets, not imported; granted metrics, not imported"), "{shown}");
    assert!(!here.join("state").exists(), "nothing was made");

    let mut serving = Serving::start(here);
    assert!(run(here, &["send", "github", "push"]).status.success());
    serving.wait_for("discarded");
    let view = document(here, &["plugins", "p", "--output", "json"]);
    assert_eq!((&view["calls"]["made"], &view["calls"]["failed"]), (&json!(1), &json!(0)), "{view}");
    let kv = view["capabilities"].as_array().unwrap().iter().find(|one| one["capability"] == "kv").unwrap();
    assert_eq!(
        (&kv["imported"], &kv["granted"], &kv["advice"]),
        (&json!(true), &json!(true), &json!([])),
        "{view}"
    );
    let names: Vec<&Value> = kv["used"].as_array().unwrap().iter().map(|used| &used["name"]).collect();
    assert_eq!(names, ["get", "set"], "{view}");
    let (code, shown) = said(here, &["plugins", "p"]);
    assert_eq!(code, Some(0), "{shown}");
    for expected in [
        "p: Emits an alert",
        "used by   route all",
        "1 call, of which 0 failed",
        "kv: imported, granted\n",
        "  set  1 times, ",
    ] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    let (code, shown) = said(here, &["plugins", "q"]);
    assert_eq!((code, shown.contains("there is no plugin `q`; there are: p")), (Some(1), true), "{shown}");

    // An event of the store can be run again, as often as one likes, without a trace.
    let listed = text(&run(here, &["events", "list", "--output", "json"]).stdout);
    let event: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let id = event["id"].as_str().unwrap();
    let tried = document(
        here,
        &[
            "plugin", "test", "p.wasm", "--event", id, "--set", "count=1", "--set", "window=1", "--output",
            "json",
        ],
    );
    assert_eq!(tried["result"]["outcome"], "forward", "{tried}");
    assert_eq!(document(here, &["plugins", "p", "--output", "json"])["calls"]["made"], 1);
}

#[test]
fn settings_are_checked_where_they_stand() {
    let directory = yard();
    let here = directory.path();
    let config = fs::read_to_string(here.join("config.toml")).unwrap();
    for (from, to, place, expected) in [
        (
            "count = 2",
            "count = \"two\"",
            "config.toml:12:1",
            "config/count: expected an integer, found a string",
        ),
        (
            "window = 60",
            "windw = 60",
            "config.toml:13:1",
            "config/windw: unknown key: did you mean `window`?",
        ),
        ("window = 60", "", "config.toml:11:", "config: lacks `window`"),
        // What no schema can say, the plugin says itself.
        ("count = 2", "count = 2\nkey = \"{/a\"", "config.toml:11:", "plugin `p`: config: "),
    ] {
        fs::write(here.join("config.toml"), config.replace(from, to)).unwrap();
        let (code, shown) = said(here, &["check"]);
        assert_eq!(code, Some(78), "{shown}");
        assert!(shown.contains(place) && shown.contains(expected), "{expected} at {place} in:\n{shown}");
    }
}

#[test]
fn requests_are_answered_by_the_case() {
    let directory = with("expand");
    let here = directory.path();
    let case = json!({
        "body": {"items": [{"id": 7}, {"id": "8"}]},
        "config": {"items": "/items", "key": "/id", "url": "https://api.example.com/items/{}"},
        "http": [
            {"url": "https://api.example.com/items/7", "method": "GET", "body": {"price": 3}},
            {"url": "https://api.example.com/items/8", "status": 404}
        ]
    });
    let test = |case: &Value, more: &[&str]| {
        fs::write(here.join("case.json"), case.to_string()).unwrap();
        let event = ["plugin", "test", "p.wasm", "--event", "case.json", "--output", "json"];
        document(here, &[&event[..], more].concat())["result"].clone()
    };
    let result = test(&case, &[]);
    assert_eq!(result["outcome"], "forward", "{result}");
    let found: Vec<&Value> =
        result["messages"].as_array().unwrap().iter().map(|one| &one["body"]["found"]).collect();
    assert_eq!(found, [&json!({"price": 3}), &Value::Null], "{result}");
    let urls: Vec<&Value> =
        result["http"].as_array().unwrap().iter().map(|request| &request["url"]).collect();
    assert_eq!(urls, ["https://api.example.com/items/7", "https://api.example.com/items/8"], "{result}");
    let mut unanswered = case.clone();
    unanswered["http"] = json!([]);
    let result = test(&unanswered, &[]);
    assert_eq!(result["outcome"], "permanent-failure", "{result}");
    assert!(result["reason"].as_str().unwrap().contains("the case has no answer"), "{result}");
    // A real request, to nobody.
    let origin = format!("http://{}", address());
    unanswered["config"]["url"] = format!("{origin}/{{}}").into();
    let result = test(&unanswered, &["--allow-http", &origin]);
    assert_eq!(result["outcome"], "failure", "{result}");
}

#[test]
fn the_requests_of_a_sink_are_shown_without_its_secrets() {
    let directory = with("pagerduty");
    let here = directory.path();
    fs::create_dir(here.join("tests")).unwrap();
    let case = json!({
        "id": "00000000-0000-0000-0000-000000000007",
        "body": {"check": "disk"},
        "config": {"routing_key": "page", "summary": "{/check} is full of s3cret", "source": "here"},
        "secrets": {"page": "s3cret"},
        "http": [{"url": "https://events.pagerduty.com/v2/enqueue", "method": "POST", "status": 202, "body": {}}]
    });
    fs::write(here.join("tests/pages.json"), case.to_string()).unwrap();
    let event = ["plugin", "test", "p.wasm", "--event", "tests/pages.json"];
    let (code, shown) = said(here, &event);
    assert_eq!(code, Some(0), "{shown}");
    let (_, requests) = shown.split_once("\nrequests\n").unwrap();
    let lines: Vec<&str> = requests.lines().collect();
    assert_eq!(lines[0], "  POST https://events.pagerduty.com/v2/enqueue", "{shown}");
    assert_eq!(lines[1], "    content-type: application/json", "{shown}");
    assert!(lines[2].starts_with("    {") && lines[2].contains("disk is full of ***"), "{shown}");

    let view = document(here, &[&event[..], &["--output", "json"]].concat());
    let request = &view["result"]["http"][0];
    assert_eq!((&request["method"], &request["body"]["routing_key"]), (&json!("POST"), &json!("***")));
    assert_eq!(request["headers"], json!({"content-type": ["application/json"]}));
    assert!(!shown.contains("s3cret") && !view.to_string().contains("s3cret"), "{view}");

    // All of it is expected to be the same the next time, unless a line is all that is expected.
    let cases = ["plugin", "test", "p.wasm"];
    assert_eq!(said(here, &[&cases[..], &["--update"]].concat()).0, Some(0));
    let file = here.join("tests/pages.expected.json");
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), view["result"]);
    fs::write(&file, written.replace("disk", "disc")).unwrap();
    let (code, shown) = said(here, &cases);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("~ /http/0/body/payload/summary: \"disc is full of ***\" → \"disk"), "{shown}");
    let mut short = view["result"].clone();
    short["http"] = json!(["POST https://events.pagerduty.com/v2/enqueue"]);
    fs::write(&file, short.to_string()).unwrap();
    assert_eq!(said(here, &cases).0, Some(0));
    fs::write(&file, short.to_string().replace("POST", "PUT")).unwrap();
    assert_eq!(said(here, &cases).0, Some(1));
}

#[test]
fn every_outcome_has_its_word() {
    let directory = with("conformance");
    let here = directory.path();
    for (steps, more, expected) in [
        (json!([{"op": "forward"}]), json!({}), "forward"),
        (json!([{"op": "discard", "value": "no"}]), json!({}), "discard"),
        (json!([{"op": "retryable", "value": "later"}]), json!({}), "failure"),
        (json!([{"op": "permanent", "value": "never"}]), json!({}), "permanent-failure"),
        (json!([{"op": "trap"}]), json!({}), "trap"),
        (json!([{"op": "loop"}]), json!({"cpu": "20ms"}), "deadline"),
        (json!([{"op": "allocate"}]), json!({"memory": "8MiB"}), "memory"),
        (json!([{"op": "set-header", "name": "a b", "value": ""}]), json!({}), "invalid-output"),
    ] {
        let case = json!({"text": "", "headers": {"x-do": "s"}, "config": {"s": steps}, "limits": more});
        fs::write(here.join("case.json"), case.to_string()).unwrap();
        let view = document(here, &["plugin", "test", "p.wasm", "--event", "case.json", "--output", "json"]);
        assert_eq!(view["result"]["outcome"], expected, "{view}");
        // What may be other each time is not written down.
        let is_stable = !["trap", "deadline", "memory"].contains(&expected);
        assert_eq!(
            view["fault"].is_string() && !is_stable,
            view["result"]["reason"].is_null() && expected != "forward",
            "{view}"
        );
    }
    let steps = json!([{"op": "log", "level": "warn", "value": "s3cret"}, {"op": "count", "name": "seen", "delta": 2},
        {"op": "secret", "name": "token"}, {"op": "report"}]);
    let case =
        json!({"text": "", "headers": {"x-do": "s"}, "config": {"s": steps}, "secrets": {"token": "s3cret"}});
    fs::write(here.join("case.json"), case.to_string()).unwrap();
    let view = document(here, &["plugin", "test", "p.wasm", "--event", "case.json", "--output", "json"]);
    assert_eq!(view["result"]["logs"], json!([{"level": "warn", "message": "***"}]), "{view}");
    assert_eq!(view["result"]["metrics"], json!({"seen": {"count": 2}}), "{view}");
}
