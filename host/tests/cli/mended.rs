//! What failed in a plugin, done once more after the plugin is mended.

use std::fs;

use serde_json::Value;

use super::{Serving, address, checkout, run, text};

fn dead_runs(directory: &std::path::Path, plugin: &str) -> Vec<Value> {
    let arguments = ["dead-letters", "list", "--failed-in", plugin, "--output", "json"];
    let listed = run(directory, &arguments);
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    text(&listed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn runs_that_failed_in_a_plugin_are_replayed() {
    let directory = checkout();
    let directory = directory.path();
    let config = |more: &str| {
        format!(
            "[server]\nlisten = \"{}\"\n[sources.github]\nsecret = {{ generated = true }}\n\
             [plugins.team]\npath = \"plugins/dist/lookup.wasm\"\nretry = {{ max_attempts = 1 }}\nbreaker = false\n\
             config = {{ key = \"{{/repository/full_name}}\", table = {{}}, on_missing = \"fail\"{more} }}\n\
             [routes.all]\nsource = \"github\"\nplugins = \"team\"\nto = \"archive\"\n\
             [destinations.archive]\npath = \"archive.jsonl\"\n",
            address()
        )
    };
    fs::write(directory.join("config.toml"), config("")).unwrap();
    let mut serving = Serving::start(directory);
    for event in ["push", "pull_request.opened"] {
        assert!(run(directory, &["send", "github", event]).status.success());
        serving.wait_for("run is dead");
    }
    assert_eq!(dead_runs(directory, "team").len(), 2);
    assert_eq!(dead_runs(directory, "other").len(), 0);
    let refused = run(directory, &["replay", "--failed-in", "team", "--state", "settled"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));

    drop(serving);
    fs::write(directory.join("config.toml"), config(", default = { team = \"none\" }")).unwrap();
    let _serving = Serving::start(directory);
    let nothing = run(directory, &["replay", "--failed-in", "other"]);
    assert_eq!(nothing.status.code(), Some(1));
    let replayed = run(directory, &["replay", "--failed-in", "team"]);
    assert!(replayed.status.success(), "{}", text(&replayed.stderr));
    let arrived = || fs::read_to_string(directory.join("archive.jsonl")).unwrap_or_default().lines().count();
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while arrived() < 2 {
        assert!(std::time::Instant::now() < deadline, "{} of 2 have arrived", arrived());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(dead_runs(directory, "team").len(), 0);
}
