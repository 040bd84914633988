//! For the tests of each element: reading a text, and what is said about a bad one.

use std::path::Path;

use super::{Config, ConfigErrors, parse};

/// What makes a source `github` useful.
pub(super) const ROUTE: &str = r#"
[routes.all]
source = "github"
to = "console"
[destinations.console]
type = "console"
"#;

pub(super) fn read(text: &str) -> Result<Config, Vec<String>> {
    parse(text, "config.toml", Path::new("/etc/hookyard")).map_err(|errors| lines(&errors))
}

pub(super) fn errors(text: &str) -> ConfigErrors {
    match parse(text, "config.toml", Path::new("/etc/hookyard")) {
        Ok(_) => panic!("this should be an error: {text}"),
        Err(errors) => errors,
    }
}

#[track_caller]
pub(super) fn fails(text: &str, expected: &str) {
    let lines = lines(&errors(text));
    assert!(lines.iter().any(|line| line.contains(expected)), "{text}\nlacks: {expected}\nhas: {lines:#?}");
}

fn lines(errors: &ConfigErrors) -> Vec<String> {
    let line = |error: &super::Diagnostic| {
        format!("{} {}", error.summary(), error.help.as_deref().unwrap_or_default())
    };
    errors.errors().iter().map(line).collect()
}
