//! What a file is, for people.

use std::fmt::Write as _;

use crate::plugin::wasm::RESIDENT_MEMORY;

use super::super::operate::text;
use super::inspect::View;

pub(super) fn text(view: &View) -> String {
    let mut shown = format!("{}: {}\n", text::line(&view.file), kind(view));
    if let Some(description) = &view.description {
        let _ = writeln!(shown, "{}", text::line(description));
    }
    let memory = format!(
        "{} KiB at first; {} KiB stay ready between calls",
        view.initial_memory / 1024,
        RESIDENT_MEMORY / 1024
    );
    let compiled = view.compile_ms.map(|took| format!("compiled in {took} ms"));
    let facts = [
        ("size", format!("{}, {}", text::size(view.size as u64), form(view))),
        ("digest", format!("sha256:{}", view.sha256)),
        ("memory", memory),
        ("made with", text::line(&view.made_with.join(", "))),
        ("loading", compiled.unwrap_or_else(|| "it cannot be loaded".to_owned())),
        ("settings", settings(view)),
    ];
    shown.push('\n');
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        let _ = writeln!(shown, "{name:<10} {fact}");
    }
    let exports = view.exports.iter().map(|export| {
        (export.name.as_str(), export.meaning.unwrap_or("nobody calls it").to_owned(), String::new())
    });
    section(&mut shown, "exports", exports.collect());
    let imports = view.imports.iter().map(|import| {
        let needs = match import.needs {
            "grant" => "needs a grant",
            "unknown" => "not there",
            "empty world" => "empty world",
            _ => "",
        };
        (import.name.as_str(), import.meaning.to_owned(), needs.to_owned())
    });
    section(&mut shown, "imports", imports.collect());
    for warning in &view.warnings {
        let _ = writeln!(shown, "\nwarning: {}", text::line(warning));
    }
    if view.loads {
        let _ = write!(shown, "\nto use it:\n\n{}", text::lines(&view.config));
    }
    shown
}

fn kind(view: &View) -> String {
    match (view.worlds.as_slice(), view.configured_as) {
        ([], _) => "of no world that Hookyard knows".to_owned(),
        (worlds, Some("component")) => {
            format!("a stock component of world {}, which answers HTTP requests", worlds.join(" + "))
        }
        (worlds, _) => format!("a plugin of world {}", worlds.join(" + ")),
    }
}

fn form(view: &View) -> String {
    match view.form {
        "module" => "a core module, of which a component is made when it is loaded".to_owned(),
        _ => format!("a component of {}", text::count(view.core_modules.into(), "module", "modules")),
    }
}

/// The members that the schema of the configuration names.
fn settings(view: &View) -> String {
    let Some(schema) = &view.config_schema else { return String::new() };
    let names: Vec<&str> = schema["properties"]
        .as_object()
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(": {}", text::line(&names.join(", "))),
    };
    format!("checked against the JSON Schema that it brings{names}")
}

/// Lines below a title, in columns.
fn section(shown: &mut String, title: &str, lines: Vec<(&str, String, String)>) {
    if lines.is_empty() {
        return;
    }
    let widest = |width: fn(&(&str, String, String)) -> usize| lines.iter().map(width).max().unwrap_or(0);
    let (names, meanings) = (widest(|line| line.0.chars().count()), widest(|line| line.1.chars().count()));
    let _ = writeln!(shown, "\n{title}");
    for (name, meaning, needs) in &lines {
        let line = format!("  {:<names$}  {meaning:<meanings$}  {needs}", text::line(name));
        let _ = writeln!(shown, "{}", line.trim_end());
    }
}
