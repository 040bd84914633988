//! `sdk/go/internal`: one package for each interface, and one for the glue of each export.

use std::path::Path;

use anyhow::{Result, ensure};

use super::{EXPORTS, Generated, bindings};

/// What the bindings need at run time. The generator's own is a module of some other place; the SDK has the little that is
/// called, written for plugins, in itself.
const RUNTIME: (&str, &str) = ("go.bytecodealliance.org/pkg/wit/", "hookyard/plugin/internal/wit/");

/// Instead of Go's package `runtime`, of which the bindings use what keeps memory in its place and what drops a forgotten handle.
/// Both cost more than the call they protect, and neither is needed: the SDK collects garbage between calls only, and drops the
/// handle itself.
const PINNER: &str = "runtime \"hookyard/plugin/internal/wit/runtime\"\n";

const FOLDER: &str = "sdk/go/internal";

pub(super) fn generate(root: &Path) -> Result<Generated> {
    let mut generated = Generated::new();
    for export in EXPORTS {
        let options = wit_bindgen_go::Opts {
            pkg_name: Some("hookyard/plugin/internal".into()),
            // Go's own formatter need not be here, and the text has to be the same everywhere.
            format: wit_bindgen_go::Format::False,
            ..Default::default()
        };
        for (name, text) in bindings(root, &[export], options.build())? {
            let text = text.replace(RUNTIME.0, RUNTIME.1).replace("\"runtime\"\n", PINNER);
            let (name, text) = match name.strip_prefix("wit_exports/") {
                Some(file) => {
                    let package = format!("{export}_export");
                    (
                        format!("{package}/{file}"),
                        text.replace("package wit_exports", &format!("package {package}")),
                    )
                }
                None => (name, text),
            };
            let path = format!("{FOLDER}/{name}");
            let before = generated.insert(path, text.clone());
            // What is imported is the same whatever is exported.
            ensure!(before.is_none_or(|before| before == text), "{name} depends on what is exported");
        }
    }
    Ok(generated)
}
