//! `hookyard plugins kv`: what plugins keep, in a gateway that runs and in its store.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::plugin::{document, said, yard};
use super::{Serving, run, text};

/// The keys that are listed.
fn keys(directory: &Path, more: &[&str]) -> Vec<String> {
    let listed = run(directory, &[&["plugins", "kv", "p", "--output", "json"], more].concat());
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let views = text(&listed.stdout);
    let views = views.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    views.map(|view| view["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_plugin_keeps_can_be_looked_at() {
    let directory = yard();
    let here = directory.path();
    let config = fs::read_to_string(here.join("config.toml")).unwrap();
    fs::write(
        here.join("config.toml"),
        config.replace("window = 60", "window = 600\nkey = \"{event.kind}\""),
    )
    .unwrap();
    let mut serving = Serving::start(here);
    let (code, shown) = said(here, &["plugins", "kv", "p"]);
    assert_eq!((code, shown.as_str()), (Some(0), "no keys\n"));
    for event in ["push", "issues.opened"] {
        assert!(run(here, &["send", "github", event]).status.success());
        serving.wait_for("discarded");
    }

    // Asked of the gateway, and of its store once there is none.
    let check = || {
        let all = keys(here, &[]);
        assert_eq!(all, ["count:issues.opened", "count:push"]);
        assert_eq!(keys(here, &["--prefix", "count:p"]), all[1..]);
        let (code, shown) = said(here, &["plugins", "kv", "p", "--limit", "1"]);
        assert_eq!((code, shown.contains("count:issues.opened")), (Some(0), true), "{shown}");
        let (_, next) = shown.trim_end().split_once("there may be more: --after ").unwrap();
        assert_eq!(keys(here, &["--after", next]), all[1..]);

        let view = document(here, &["plugins", "kv", "p", &all[1], "--output", "json"]);
        assert_eq!(
            (&view["key"], &view["value"]["truncated"]),
            (&json!("count:push"), &json!(false)),
            "{view}"
        );
        assert!(view["expires_at"].is_string() && view["value"]["size"].as_u64() > Some(0), "{view}");
        let (code, shown) = said(here, &["plugins", "kv", "p", &all[1]]);
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.starts_with("count:push: ") && shown.contains(" B, expires in "), "{shown}");

        for (arguments, code, expected) in [
            (&["kv", "p", "none"][..], 1, "nothing is kept for plugin `p` under the key \"none\""),
            (&["kv", "q"], 1, "there is no plugin `q` that keeps anything; those that may: p"),
            (&["kv", "p", "--after", "!"], 2, "give what `next` said"),
            (&["p", "kv", "p"], 2, "hookyard plugins kv NAME"),
            (&["kv", "p", "none", "--prefix", "n"], 2, "cannot be used with"),
        ] {
            let (found, shown) = said(here, &[&["plugins"], arguments].concat());
            assert_eq!(found, Some(code), "{arguments:?}: {shown}");
            assert!(shown.contains(expected), "{arguments:?}: {shown}");
        }
    };
    check();
    drop(serving);
    check();

    // What is kept outlives the plugin.
    let (config, _) = config.split_once("[plugins.p]").unwrap();
    fs::write(here.join("config.toml"), config).unwrap();
    assert_eq!(keys(here, &[]).len(), 2);
}
