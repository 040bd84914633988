//! `cargo xtask contract`: a published version of the contract only grows, and only where no plugin and no host that
//! knows less can notice.
//!
//! What was published stands in `wit/VERSION/published.txt`, a line for each item without its documentation.

mod growth;
mod shape;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use wit_parser::Resolve;

use self::growth::{Growth, compare};
use self::shape::Shape;
use crate::tools;

const PUBLISHED: &str = "published.txt";

/// Runs the task with the words after `cargo xtask contract`.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let root = tools::repository();
    let publish = match options {
        ["--check"] => false,
        ["--publish"] => true,
        _ => bail!("usage: cargo xtask contract --check | --publish"),
    };
    for version in versions(&root)? {
        let (shape, growth) = look(&version)?;
        if publish {
            let line = format!(
                "# {}, as published by `cargo xtask contract --publish`. Not for editing.\n",
                shape.package
            );
            tools::write(&version.join(PUBLISHED), format!("{line}{shape}").as_bytes())?;
        }
        let verb = if publish { "published" } else { "not published yet" };
        growth.added.iter().for_each(|item| eprintln!("{verb}: {item}"));
    }
    Ok(())
}

/// A version as it is, and how it differs from what was published. Fails where it may not.
fn look(version: &Path) -> Result<(Shape, Growth)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(version).with_context(|| format!("{}", version.display()))?;
    let shape = Shape::of(&resolve, package);
    let folder = version.file_name().unwrap_or_default().to_string_lossy();
    ensure!(
        shape.package.ends_with(&format!("@{folder}")),
        "{} holds {}: a directory is called as the version in it",
        version.display(),
        shape.package
    );
    let published = version.join(PUBLISHED);
    if !published.exists() {
        return Ok((shape, Growth::default()));
    }
    let published = String::from_utf8(tools::read(&published)?)?.parse::<Shape>()?;
    let growth = compare(&published, &shape);
    ensure!(
        growth.broken.is_empty(),
        "{} is published and may not change like this:\n  {}\n\
         What may be added to it: functions and types of interfaces that plugins import, interfaces, and worlds called \
         `with-…`. Anything else goes into a new directory of wit/, and the host serves both.",
        version.display(),
        growth.broken.join("\n  ")
    );
    Ok((shape, growth))
}

/// The directories of `wit/`, one for each version.
fn versions(root: &Path) -> Result<Vec<PathBuf>> {
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(root.join("wit")).context("wit/")? {
        let path = entry?.path();
        let numbered = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(|c: char| c.is_ascii_digit()));
        if numbered && path.is_dir() {
            versions.push(path);
        }
    }
    ensure!(!versions.is_empty(), "wit/ holds no version");
    versions.sort();
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_what_was_published() -> Result<()> {
        for version in versions(&tools::repository())? {
            ensure!(
                version.join(PUBLISHED).exists(),
                "{}: cargo xtask contract --publish",
                version.display()
            );
            look(&version)?;
        }
        Ok(())
    }
}
