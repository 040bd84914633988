//! Whether a component is older than what it is built from.
//!
//! Knows sources by their names, as the languages have it. What a plugin includes beside them (a file of data, a crate
//! elsewhere) is not looked at: a component may be older than that without a word, and is never called so without a cause.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Language;

/// Ends of the names of sources, in whatever language: a plugin may be of several.
const ENDINGS: [&str; 14] =
    ["rs", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "py", "go", "c", "h", "wit"];

/// Other files that decide what is built.
const MANIFESTS: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "config.schema.json",
    "go.mod",
    "go.sum",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "tsconfig.json",
];

/// Folders of what is built, installed or tested, but no source. So are those that begin with a dot.
const OTHER_FOLDERS: [&str; 7] =
    ["__pycache__", "benches", "dist", "examples", "node_modules", "target", "tests"];

/// Files that are looked at; a folder with more is none that a plugin has.
const MAX_FILES: usize = 10_000;

/// How deep folders are looked into.
const MAX_DEPTH: usize = 16;

/// The source of the plugin in this folder that was changed last, if that was after `built`. None where nothing is known about
/// sources: the folder is no plugin's, or cannot be read. Links are not followed.
pub fn newer_source(folder: &Path, built: SystemTime) -> Option<PathBuf> {
    is_plugin(folder)
        .then(|| Newest::below(folder))?
        .filter(|(changed, _)| *changed > built)
        .map(|(_, file)| file)
}

/// A cargo workspace has the mark of a plugin in Rust, and its members are somebody else's.
fn is_plugin(folder: &Path) -> bool {
    match Language::of(folder) {
        Ok(Language::Rust) => std::fs::read_to_string(folder.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[package]")),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// The file that was changed last of those that have been looked at.
#[derive(Default)]
struct Newest {
    file: Option<(SystemTime, PathBuf)>,
    seen: usize,
}

impl Newest {
    fn below(folder: &Path) -> Option<(SystemTime, PathBuf)> {
        let mut newest = Newest::default();
        newest.look_into(folder, 0);
        newest.file
    }

    fn look_into(&mut self, folder: &Path, depth: usize) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            self.seen += 1;
            if self.seen > MAX_FILES {
                return;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < MAX_DEPTH && has_sources(&name) {
                self.look_into(&entry.path(), depth + 1);
            } else if kind.is_file()
                && is_source(&name)
                && let Ok(changed) = entry.metadata().and_then(|metadata| metadata.modified())
                && self.file.as_ref().is_none_or(|(newest, _)| changed > *newest)
            {
                self.file = Some((changed, entry.path()));
            }
        }
    }
}

fn has_sources(folder: &str) -> bool {
    !folder.starts_with('.') && !OTHER_FOLDERS.contains(&folder)
}

fn is_source(file: &str) -> bool {
    let is_test = file == "tests.rs" || file.ends_with("_test.go");
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    let known = ending.is_some_and(|ending| ENDINGS.contains(&ending)) || MANIFESTS.contains(&file);
    known && !is_test && !file.starts_with('.')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Files, of which `changed` was changed after the component was built and the others before.
    fn check(files: &[(&str, &str)], changed: &str, expected: bool) {
        let folder = tempfile::tempdir().unwrap();
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (name, text) in files {
            let file = folder.path().join(name);
            crate::write(&file, text.as_bytes()).unwrap();
            let later = Duration::from_secs(u64::from(*name == changed));
            let file = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
            file.set_modified(built + later).unwrap();
        }
        let found = newer_source(folder.path(), built);
        assert_eq!(found, expected.then(|| folder.path().join(changed)), "{changed}");
        assert_eq!(newer_source(folder.path(), built + Duration::from_secs(1)), None, "{changed}");
    }

    #[test]
    fn a_changed_source_is_newer_and_nothing_else() {
        let rust = [
            ("Cargo.toml", "[package]\nname = \"p\"\n"),
            ("src/lib.rs", ""),
            ("src/deep/er.rs", ""),
            ("src/tests.rs", ""),
            ("tests/one.rs", ""),
            ("tests/one.json", ""),
            ("README.md", ""),
            ("order.json", ""),
            ("target/hookyard/shim.c", ""),
            (".hidden.rs", ""),
        ];
        for changed in ["Cargo.toml", "src/lib.rs", "src/deep/er.rs"] {
            check(&rust, changed, true);
        }
        for (changed, _) in &rust[3..] {
            check(&rust, changed, false);
        }
        check(&[("plugin.c", ""), ("sdk/sink.h", "")], "sdk/sink.h", true);
        check(&[("go.mod", ""), ("main.go", ""), ("main_test.go", "")], "main_test.go", false);
        check(&[("package.json", ""), ("plugin.js", "")], "plugin.js", true);
        check(&[("package.json", ""), ("node_modules/a/a.js", "")], "node_modules/a/a.js", false);
        check(&[("pyproject.toml", ""), ("plugin.py", "")], "plugin.py", true);
    }

    #[test]
    fn of_other_folders_nothing_is_known() {
        check(&[("main.rs", "")], "main.rs", false);
        check(&[("Cargo.toml", "[workspace]\n"), ("one/src/lib.rs", "")], "one/src/lib.rs", false);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        crate::write(&folder.path().join("plugin.c"), b"").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        let found = newer_source(folder.path(), SystemTime::UNIX_EPOCH);
        assert_eq!(found, Some(folder.path().join("plugin.c")));
    }
}
