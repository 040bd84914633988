//! The plugins that are not in Rust: `plugins/LANGUAGE/NAME`, built into `target/plugins/LANGUAGE/NAME.wasm`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use hookyard_toolchain::{Error, Language, Workbench};

use crate::tools;

/// Where the components go. Not committed: they are larger than what they are made of, some by far.
const BUILT: &str = "target/plugins";

/// Builds the plugins of one language, or, for `all`, of every language. A language whose tools are not installed is left out
/// with a line for each that says how it would be, unless everything is required.
pub(crate) fn build(root: &Path, language: &str, required: bool) -> Result<()> {
    let languages = match language {
        "all" => Language::ALL.into_iter().filter(|language| *language != Language::Rust).collect(),
        name => vec![name.parse::<Language>()?],
    };
    let mut left_out = Vec::new();
    for language in languages {
        if !all_of(root, language)? {
            left_out.push(language.to_string());
        }
    }
    if required && !left_out.is_empty() {
        bail!("not built: the plugins in {}", left_out.join(", "));
    }
    Ok(())
}

/// Whether the tools were there.
fn all_of(root: &Path, language: Language) -> Result<bool> {
    for folder in folders(&root.join("plugins").join(language.name()))? {
        let bench = Workbench::new(&folder, |command| eprintln!("$ {command}"))?;
        let component = match hookyard_toolchain::build(&bench) {
            Ok(component) => component,
            Err(error @ Error::Missing { .. }) => {
                eprintln!("{error}");
                return Ok(false);
            }
            Err(error) => return Err(error).with_context(|| format!("failed to build {}", folder.display())),
        };
        let path = root.join(BUILT).join(language.name()).join(format!("{}.wasm", bench.name()));
        tools::write(&path, &component)?;
        eprintln!("{} {} bytes", path.display(), component.len());
    }
    Ok(true)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(parent).with_context(|| format!("failed to list {}", parent.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
