//! `include = [ … ]`: which files a pattern stands for.

use std::path::{Path, PathBuf};

use crate::routing::Glob;

use super::text::Spot;
use super::value::Value;

/// Files that all patterns together may stand for.
const MAX_FILES: usize = 1000;

/// The files in order, each with the place of its pattern. Directories that are looked into are added to `directories`.
pub(super) fn files(patterns: &[Value<'_>], directories: &mut Vec<PathBuf>) -> Vec<(PathBuf, Spot)> {
    let mut files = Vec::new();
    for &pattern in patterns {
        let Some(path) = pattern.path() else { continue };
        let found = match path.file_name().and_then(|name| name.to_str()) {
            Some(name) if name.contains('*') => matching(pattern, &path, name, directories),
            _ => vec![path],
        };
        files.extend(found.into_iter().map(|path| (path, pattern.spot())));
        if files.len() > MAX_FILES {
            pattern.error(format!("more than {MAX_FILES} files are included"), |_| ());
            files.truncate(MAX_FILES);
            break;
        }
    }
    files
}

/// Files of a directory by a pattern, in the order of their names; hidden ones are editors' business.
fn matching(pattern: Value<'_>, path: &Path, name: &str, directories: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if directory.to_string_lossy().contains('*') {
        pattern.error("`*` may stand in the last part of a path only", |_| ());
        return Vec::new();
    }
    directories.push(directory.to_owned());
    let glob = Glob::new(name);
    let matches = |name: &str| !name.starts_with('.') && glob.matches(name);
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<PathBuf> = names
        .filter(|name| matches(name))
        .map(|name| path.with_file_name(name))
        .filter(|path| !path.is_dir())
        .collect();
    found.sort();
    if found.is_empty() {
        let warning = format!("no file matches {}", path.display());
        pattern.context.gathered.warn(&pattern.spot(), warning);
    }
    found
}
