//! One file of JavaScript, without types and with all it imports from elsewhere, and what it uses of the contract.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::contract::Used;
use crate::error::Error;
use crate::folder;
use crate::workbench::Workbench;

use super::Package;
use super::engine::Engine;

pub(super) const ESBUILD: Package = Package { name: "esbuild", version: "0.28.2", command: Some("esbuild") };

/// Globals of ours, by file. The manifest lets esbuild leave out what a plugin does not use.
const GLOBALS: [(&str, &str); 3] = [
    ("package.json", include_str!("../../../../javascript/package.json")),
    ("console.js", include_str!("../../../../javascript/console.js")),
    ("quickjs.js", include_str!("../../../../javascript/quickjs.js")),
];

/// A plugin in one file.
pub(super) struct Bundle {
    /// Where it is.
    pub(super) file: PathBuf,
    /// What it uses of the contract.
    pub(super) used: Used,
}

impl Bundle {
    pub(super) fn of(bench: &Workbench, main: &str, engine: Engine) -> Result<Self, Error> {
        let scratch = bench.scratch()?;
        let (file, account) = (scratch.join("plugin.js"), scratch.join("bundle.json"));
        let mut esbuild = bench.command("esbuild");
        esbuild.args([main, "--bundle", "--format=esm", "--target=es2023", "--log-level=warning"]);
        // Neither a browser nor Node.js: nothing is assumed but the language, and packages are taken as modules.
        esbuild.args(["--platform=neutral", "--main-fields=module,main", "--external:hookyard:*"]);
        for global in globals(&scratch, engine)? {
            esbuild.arg(format!("--inject:{}", bench.below(&global).display()));
        }
        esbuild.arg(format!("--outfile={}", bench.below(&file).display()));
        esbuild.arg(format!("--metafile={}", bench.below(&account).display()));
        bench.run(&mut esbuild)?;
        let used = used(&folder::read(&account)?)?;
        Ok(Bundle { file, used })
    }
}

/// Writes the globals down, and says which of the files this engine lacks.
fn globals(scratch: &Path, engine: Engine) -> Result<Vec<PathBuf>, Error> {
    let home = scratch.join("globals");
    for (name, text) in GLOBALS {
        folder::write(&home.join(name), text.as_bytes())?;
    }
    Ok(engine.lacks().iter().map(|file| home.join(file)).collect())
}

/// What the one output imports from outside, and exports, in esbuild's account of it.
fn used(account: &[u8]) -> Result<Used, Error> {
    let unreadable = || Error::other("esbuild's account of the bundle is not as expected");
    let account: Value = serde_json::from_slice(account).map_err(|_| unreadable())?;
    let output =
        account["outputs"].as_object().and_then(|outputs| outputs.values().next()).ok_or_else(unreadable)?;
    let (imports, exports) = (output["imports"].as_array(), output["exports"].as_array());
    let mut used = Used::default();
    for import in imports.into_iter().flatten() {
        used.import(import["path"].as_str().unwrap_or_default())?;
    }
    for export in exports.into_iter().flatten() {
        used.export(export.as_str().unwrap_or_default());
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_names_what_is_used() {
        let check = |imports: &str, exports: &str, expected: Option<(&[&str], &[&str])>| {
            let account =
                format!(r#"{{"outputs":{{"plugin.js":{{"imports":{imports},"exports":{exports}}}}}}}"#);
            let expected = expected.map(|(imports, exports)| {
                let mut used = Used::default();
                imports.iter().for_each(|name| used.import(name).unwrap());
                exports.iter().for_each(|name| used.export(name));
                used
            });
            assert_eq!(used(account.as_bytes()).ok(), expected, "{account}");
        };
        let kv = r#"[{"path":"hookyard:plugin/kv@0.1.0","kind":"import-statement","external":true}]"#;
        check("[]", r#"["handler"]"#, Some((&[], &["handler"])));
        check(kv, r#"["handler","lifecycle","VERSION"]"#, Some((&["kv"], &["handler", "lifecycle"])));
        check(&kv.replace("/kv@", "/fs@"), r#"["handler"]"#, None);
        assert!(used(b"{}").is_err());
    }
}
