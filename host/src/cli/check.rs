//! `hookyard check`

use std::path::Path;
use std::process::ExitCode;

use crate::app::Gateway;

use super::{complain, fail, say};

pub(super) fn run(config: &Path) -> ExitCode {
    match Gateway::builder().config_file(config).check() {
        Ok(generation) => {
            for warning in &generation.warnings {
                complain(&format!("warning: {warning}\n"));
            }
            let counts = [
                (generation.sources.len(), "source"),
                (generation.plugins.len(), "plugin"),
                (generation.routes.len(), "route"),
                (generation.destinations.len(), "destination"),
            ];
            let counts =
                counts.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
            say(&format!("{} is good: {}\n", config.display(), counts.join(", ")));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}
