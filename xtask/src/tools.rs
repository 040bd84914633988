//! Where the repository is, and how other programs are run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The repository's root. This binary only ever runs out of a checkout, through `cargo xtask`.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs a command to its end and returns what it printed. `missing` tells what to do where the program is not installed.
pub(crate) fn output(command: &mut Command, missing: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.stderr(std::process::Stdio::inherit()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("`{program}` is not installed: {missing}"),
        Err(error) => return Err(error).with_context(|| format!("failed to run `{program}`")),
    };
    if !output.status.success() {
        bail!("`{program}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` printed something other than text"))
}

/// Lower-case hex SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `std::fs::read` that names the file when it fails.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

/// `std::fs::write` that makes the folder and names the file when it fails.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}
