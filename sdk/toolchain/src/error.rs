//! Why a plugin was not built.

use std::fmt;
use std::path::Path;

use crate::Language;

/// A tool that is not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its name, as the language's users know it.
    pub tool: &'static str,
    /// The one line that installs it.
    pub install: String,
}

/// Why a plugin was not built or created.
#[derive(Debug)]
pub enum Error {
    /// Tools of this language are not installed.
    Missing {
        /// What the plugin is written in.
        language: Language,
        /// All that is missing.
        tools: Vec<Missing>,
    },
    /// A command was run, and has itself said on standard error what is wrong.
    Failed {
        /// As it was printed.
        command: String,
        /// How it ended.
        status: String,
    },
    /// Anything else, as a sentence without its full stop.
    Other(String),
}

impl Error {
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    /// An error of the file system: `failed to read FILE: …`.
    pub(crate) fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::Other(format!("failed to {action} {}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { language, tools } => {
                write!(f, "building a plugin in {language} takes what is not installed here:")?;
                tools.iter().try_for_each(|missing| write!(f, "\n  {}: {}", missing.tool, missing.install))
            }
            Self::Failed { command, status } => write!(f, "`{command}` failed: {status}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
