//! Lists the files under `templates`, for `src/template.rs`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What building a plugin leaves in the folder of an SDK; never part of a template.
const LEFT_BEHIND: [&str; 5] = ["target", "node_modules", ".venv", "__pycache__", ".mypy_cache"];

fn main() -> std::io::Result<()> {
    // Asked for when it runs: a build that is moved elsewhere has other files.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let templates = Path::new(&package).join("templates");
    println!("cargo::rerun-if-changed=build.rs");
    let mut listing = String::from("static FILES: &[File] = &[\n");
    for file in files(&templates)? {
        println!("cargo::rerun-if-changed={}", file.display());
        let parts: Vec<_> = file
            .strip_prefix(&templates)
            .unwrap_or(&file)
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let [language, part, path @ ..] = parts.as_slice() else { continue };
        let (path, text) = (path.join("/"), file.display().to_string());
        let _ = writeln!(
            listing,
            "    File {{ language: {language:?}, part: {part:?}, path: {path:?}, text: {} }},",
            text_of(&file, &text)?
        );
    }
    listing.push_str("];\n");
    std::fs::write(
        PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("templates.rs"),
        listing,
    )
}

/// Every file below, through links, in the order of their names. Folders are watched, so that a new file is seen.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut entries: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() && !LEFT_BEHIND.contains(&name.as_str()) {
            found.extend(files(&entry)?);
        } else if entry.is_file() {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The expression for a file's text. The SDK's manifest inherits from a workspace, which a copy of it has not.
fn text_of(file: &Path, path: &str) -> std::io::Result<String> {
    if !file.ends_with("sdk/Cargo.toml.in") {
        return Ok(format!("include_str!({path:?})"));
    }
    let package = |key: &str| std::env::var(format!("CARGO_PKG_{key}")).unwrap_or_default();
    let manifest = std::fs::read_to_string(file)?
        .replace("rust-version.workspace = true", &format!("rust-version = {:?}", package("RUST_VERSION")))
        .replace("version.workspace = true", &format!("version = {:?}", package("VERSION")))
        .replace("edition.workspace = true", "edition = \"2024\"")
        .replace("license.workspace = true", &format!("license = {:?}", package("LICENSE")))
        .replace("[lints]\nworkspace = true\n\n", "");
    Ok(format!("{manifest:?}"))
}
