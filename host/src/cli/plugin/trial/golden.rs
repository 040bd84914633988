//! What is expected of a case, in a file beside it: compared, or written.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::asked::as_short_as;
use super::diff;

/// How what happened compares with what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It is the same.
    Same,
    /// It is not; line by line what is expected and not there, and what is there and not expected.
    Differs(Vec<diff::Line>),
    /// Nothing is expected yet.
    New,
    /// It has been written down.
    Written,
}

/// Where what is expected of a case stands.
pub(super) fn beside(case: &Path) -> PathBuf {
    case.with_extension("expected.json")
}

/// Compares with the file, or, if `update`, writes to it what differs.
pub(super) fn compare(file: &Path, found: &Value, update: bool) -> Result<Compared, String> {
    let named = |error: String| format!("{}: {error}", file.display());
    let expected: Option<Value> = match std::fs::read_to_string(file) {
        Ok(text) => {
            let parsed = serde_json::from_str(&text).map_err(|error| named(error.to_string()));
            // What cannot be read is written anew if that is asked for.
            if update { parsed.ok() } else { Some(parsed?) }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(named(error.to_string())),
    };
    let differences = match &expected {
        Some(expected) => diff::values(expected, &as_short_as(expected, found.clone())),
        None => Vec::new(),
    };
    match expected {
        Some(_) if differences.is_empty() => Ok(Compared::Same),
        _ if update => {
            let text = serde_json::to_string_pretty(found).map_err(|error| named(error.to_string()))?;
            hookyard_toolchain::write(file, (text + "\n").as_bytes()).map_err(|error| error.to_string())?;
            Ok(Compared::Written)
        }
        Some(_) => Ok(Compared::Differs(differences)),
        None => Ok(Compared::New),
    }
}

/// The cases in a folder, by name.
pub(super) fn cases(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let is_case = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".json") && !name.ends_with(".expected.json")
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_case).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_expected_is_compared_and_written() {
        let directory = tempfile::tempdir().unwrap();
        let case = directory.path().join("one.json");
        std::fs::write(&case, "{}").unwrap();
        let file = beside(&case);
        assert_eq!(file.file_name().unwrap(), "one.expected.json");
        let check = |found: &Value, update: bool, expected: Compared| {
            assert_eq!(compare(&file, found, update).unwrap(), expected, "{found}");
        };
        let (one, other) = (json!({"outcome": "forward"}), json!({"outcome": "discard", "reason": "x"}));
        check(&one, false, Compared::New);
        assert!(!file.exists());
        check(&one, true, Compared::Written);
        check(&one, false, Compared::Same);
        let lines = ["~ /outcome: \"forward\" → \"discard\"", "+ /reason: \"x\""].map(str::to_owned);
        check(&other, false, Compared::Differs(lines.to_vec()));
        check(&one, true, Compared::Same);
        check(&other, true, Compared::Written);
        check(&other, false, Compared::Same);
        assert_eq!(cases(directory.path()).unwrap(), [case]);
        std::fs::write(&file, "{").unwrap();
        assert!(compare(&file, &one, false).unwrap_err().contains("one.expected.json"));
        check(&one, true, Compared::Written);

        // What it leads to is somebody else's.
        let elsewhere = directory.path().join("elsewhere");
        std::fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        let before = std::fs::read(&elsewhere).unwrap();
        check(&other, true, Compared::Written);
        check(&other, false, Compared::Same);
        assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
        assert!(file.symlink_metadata().unwrap().is_file());
    }
}
