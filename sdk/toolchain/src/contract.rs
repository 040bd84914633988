//! The contract as tools want it that read worlds: a folder with its text, and a world of just what a plugin uses.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::folder;

/// The contract that plugins are built against.
pub(crate) const CONTRACT: &str = include_str!("../plugin.wit");

const PACKAGE: &str = "hookyard:plugin";
const VERSION: &str = "0.1.0";

/// What [`Used::write`] calls its world.
pub(crate) const WORLD: &str = "guest";

/// The interfaces that plugins export.
const EXPORTED: [&str; 4] = ["handler", "verification", "delivery", "lifecycle"];

/// The interfaces of the contract that a plugin uses. So it asks for no capability that it does not use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Used {
    /// Adds an interface that is imported, by its name alone or as `hookyard:plugin/kv@0.1.0`.
    pub(crate) fn import(&mut self, interface: &str) -> Result<(), Error> {
        let name =
            interface.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/')).unwrap_or(interface);
        let name = name.strip_suffix(VERSION).and_then(|name| name.strip_suffix('@')).unwrap_or(name);
        if !is_interface(name) {
            return Err(Error::other(format!(
                "the plugin imports `{interface}`, which {PACKAGE}@{VERSION} does not have"
            )));
        }
        self.imports.insert(name.to_owned());
        Ok(())
    }

    /// Adds what is exported, if it is an interface that plugins export.
    pub(crate) fn export(&mut self, name: &str) {
        if EXPORTED.contains(&name) {
            self.exports.insert(name.to_owned());
        }
    }

    /// Writes the contract, and a world of what is used, into a folder of that name in `scratch`.
    pub(crate) fn write(&self, scratch: &Path) -> Result<PathBuf, Error> {
        let wit = scratch.join("wit");
        folder::write(&wit.join("deps/hookyard-plugin/plugin.wit"), CONTRACT.as_bytes())?;
        folder::write(&wit.join("world.wit"), self.world()?.as_bytes())?;
        Ok(wit)
    }

    /// The world, as text.
    pub(crate) fn world(&self) -> Result<String, Error> {
        if self.exports.is_empty() {
            return Err(Error::other(
                "the plugin exports nothing: it processes no events, verifies no requests and delivers no messages",
            ));
        }
        let mut text = format!("package local:plugin;\nworld {WORLD} {{\n");
        let imports = self.imports.iter().map(|interface| ("import", interface));
        for (word, interface) in imports.chain(self.exports.iter().map(|interface| ("export", interface))) {
            let _ = writeln!(text, "  {word} {PACKAGE}/{interface}@{VERSION};");
        }
        text.push_str("}\n");
        Ok(text)
    }
}

fn is_interface(name: &str) -> bool {
    CONTRACT
        .lines()
        .any(|line| line.strip_prefix("interface ").and_then(|rest| rest.strip_suffix(" {")) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_what_a_plugin_uses() {
        let mut used = Used::default();
        used.import("hookyard:plugin/output@0.1.0").unwrap();
        used.import("kv").unwrap();
        used.export("handler");
        used.export("helper");
        let expected = "package local:plugin;\nworld guest {\n  import hookyard:plugin/kv@0.1.0;\n  import \
                        hookyard:plugin/output@0.1.0;\n  export hookyard:plugin/handler@0.1.0;\n}\n";
        assert_eq!(used.world().unwrap(), expected);
        let folder = tempfile::tempdir().unwrap();
        let mut resolve = wit_parser::Resolve::default();
        let written = used.write(folder.path()).unwrap();
        let (package, _) = resolve.push_dir(written).unwrap();
        assert!(resolve.select_world(&[package], Some(WORLD)).is_ok());
    }

    #[test]
    fn what_the_contract_does_not_have_is_said() {
        let check = |interface: &str| {
            let error = Used::default().import(interface).unwrap_err().to_string();
            assert!(error.contains(interface), "{error}");
        };
        check("hookyard:plugin/kv@0.2.0");
        check("hookyard:plugin/files@0.1.0");
        check("hookyard:elsewhere/kv@0.1.0");
        assert!(Used::default().world().unwrap_err().to_string().contains("exports nothing"));
    }
}
