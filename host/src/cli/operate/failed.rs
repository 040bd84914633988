//! Why a command did not do what it was asked, with its exit code.

use std::process::ExitCode;

use super::super::{EXIT_CONFIG, complain};
use super::text;

/// Nothing was found, or not everything could be done.
pub(in crate::cli) const EXIT_NOT_ALL: u8 = 1;

/// The command line makes no sense; what clap exits with as well.
pub(in crate::cli) const EXIT_USAGE: u8 = 2;

/// `EX_UNAVAILABLE` of sysexits.h: neither the gateway nor its store can be reached.
pub(in crate::cli) const EXIT_UNREACHABLE: u8 = 69;

/// An exit code, and what is said on standard error.
#[derive(Debug)]
pub(in crate::cli) struct Failed {
    pub(in crate::cli) code: u8,
    pub(in crate::cli) message: String,
}

impl Failed {
    pub(in crate::cli) fn usage(message: impl Into<String>) -> Self {
        Failed { code: EXIT_USAGE, message: message.into() }
    }

    pub(in crate::cli) fn unreachable(message: impl Into<String>) -> Self {
        Failed { code: EXIT_UNREACHABLE, message: message.into() }
    }

    pub(in crate::cli) fn config(message: impl Into<String>) -> Self {
        Failed { code: EXIT_CONFIG, message: message.into() }
    }

    /// Says it.
    pub(in crate::cli) fn exit(self) -> ExitCode {
        let message = text::lines(self.message.trim_end());
        let label = if message.starts_with("error") { "" } else { "error: " };
        complain(&format!("{label}{message}\n"));
        ExitCode::from(self.code)
    }

    pub(in crate::cli) fn not_all(message: impl Into<String>) -> Self {
        Failed { code: EXIT_NOT_ALL, message: message.into() }
    }
}
