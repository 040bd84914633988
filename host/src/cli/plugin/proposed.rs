//! Lines of configuration with which a file is used, with examples where only the operator knows what to grant.

use std::path::Path;

use crate::config::ComponentLimits;
use crate::plugin::wasm::Anatomy;
use crate::plugin::wasm::meaning::Behind;

const MIB: u64 = 1024 * 1024;

/// A table that loads it.
pub(super) fn config(file: &Path, anatomy: &Anatomy) -> String {
    let name = file.file_stem().map(|stem| stem.to_string_lossy().replace(['_', ' '], "-"));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let name = name.filter(|name| !name.is_empty() && name.chars().all(plain));
    let name = name.as_deref().unwrap_or("NAME");
    let table = if anatomy.is_stock() {
        format!("[destinations.{name}]\ntype = \"component\"")
    } else {
        format!("[plugins.{name}]")
    };
    // As JSON quotes a text, so does TOML.
    let path = serde_json::Value::from(file.display().to_string());
    let mut text = format!("{table}\npath = {path}\ndigest = \"sha256:{}\"\n", anatomy.digest);
    let grants = anatomy.imports.iter().filter_map(|import| match anatomy.meaning_of(import).behind {
        Behind::Grant(line) => Some(line),
        Behind::Nothing | Behind::EmptyWorld | Behind::Unknown => None,
    });
    let grants: Vec<&str> = grants.collect();
    if !grants.is_empty() {
        text.push_str(&format!("allow = {{ {} }}\n", grants.join(", ")));
    }
    if anatomy.is_stock() && anatomy.initial_memory > ComponentLimits::default().memory as u64 {
        let room = anatomy.initial_memory.next_power_of_two().saturating_mul(2) / MIB;
        text.push_str(&format!("limits = {{ memory = \"{room}MiB\" }}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, initial_memory: u64, imports: &[&str], exports: &[&str], expected: &str) {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let anatomy = Anatomy {
            digest: "ab".to_owned(),
            initial_memory,
            imports: names(imports),
            exports: names(exports),
            ..Anatomy::default()
        };
        assert_eq!(config(Path::new(name), &anatomy), expected);
    }

    #[test]
    fn a_file_is_proposed_as_what_it_is() {
        let (kv, http) = ("hookyard:plugin/kv@0.1.0", "wasi:http/outgoing-handler@0.2.3");
        check(
            "a/my_one.wasm",
            0,
            &[kv, http],
            &["hookyard:plugin/handler@0.1.0"],
            "[plugins.my-one]\npath = \"a/my_one.wasm\"\ndigest = \"sha256:ab\"\nallow = { kv = true }\n",
        );
        let stock = ["wasi:http/incoming-handler@0.2.3"];
        let table = "[destinations.c]\ntype = \"component\"\npath = \"c.wasm\"\ndigest = \"sha256:ab\"\n";
        check("c.wasm", 64 << 20, &["wasi:http/types@0.2.3"], &stock, table);
        let granted = "allow = { http = [\"https://api.example.com\"] }\nlimits = { memory = \"256MiB\" }\n";
        check("c.wasm", 100 << 20, &[http], &stock, &format!("{table}{granted}"));
    }
}
