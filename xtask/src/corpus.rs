//! `cargo xtask corpus`: real GitHub webhook payloads, for tests and benchmarks that want more than made-up ones.
//!
//! They are somebody else's files, so they are fetched rather than committed; the digests pin what is fetched.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

const PACKAGE: &str = "@octokit/webhooks-examples@7.6.1";
const ARCHIVE: &str = "octokit-webhooks-examples-7.6.1.tgz";
const ARCHIVE_SHA256: &str = "89e6cb1c6345d32e3dd775617fa54effbdc26c859e514898d7728e95e9738280";
/// 329 payloads as a list of `{ name, description, examples }`.
const PAYLOADS: &str = "package/api.github.com/index.json";
const PAYLOADS_SHA256: &str = "09d8f0c617876ae9dad22e26fea5510bfcaad50ee7e602659f6db25b87b25815";

/// Fetches what is not there yet.
pub(crate) fn run() -> Result<()> {
    let folder = tools::repository().join("corpus/github");
    let payloads = folder.join("index.json");
    if !is(&payloads, PAYLOADS_SHA256) {
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        fetch(&folder)?;
        if !is(&payloads, PAYLOADS_SHA256) {
            bail!("{} is not what {PACKAGE} is known to hold", payloads.display());
        }
    }
    eprintln!("{}", payloads.display());
    Ok(())
}

/// Programs that everybody with Node has, instead of crates that only this task would need.
fn fetch(folder: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["pack", PACKAGE, "--silent", "--pack-destination"]).arg(folder);
    tools::output(&mut npm, "install Node.js, which brings it, and run `cargo xtask corpus` again")?;
    let archive = folder.join(ARCHIVE);
    if !is(&archive, ARCHIVE_SHA256) {
        bail!("{} is not the {PACKAGE} that is known: not unpacking it", archive.display());
    }
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(folder).args(["--strip-components=2", PAYLOADS]);
    tools::output(&mut tar, "install tar and run `cargo xtask corpus` again")?;
    std::fs::remove_file(&archive).with_context(|| format!("failed to remove {}", archive.display()))
}

fn is(path: &Path, sha256: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| tools::sha256(&bytes) == sha256)
}
