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
    /// Whether it may be done nevertheless: it was asked for, and no answer came that can be read.
    pub(in crate::cli) perhaps_done: bool,
}

impl Failed {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Failed { code, message: message.into(), perhaps_done: false }
    }

    pub(in crate::cli) fn usage(message: impl Into<String>) -> Self {
        Failed::new(EXIT_USAGE, message)
    }

    pub(in crate::cli) fn unreachable(message: impl Into<String>) -> Self {
        Failed::new(EXIT_UNREACHABLE, message)
    }

    pub(in crate::cli) fn config(message: impl Into<String>) -> Self {
        Failed::new(EXIT_CONFIG, message)
    }

    pub(in crate::cli) fn not_all(message: impl Into<String>) -> Self {
        Failed::new(EXIT_NOT_ALL, message)
    }

    /// Says it.
    pub(in crate::cli) fn exit(self) -> ExitCode {
        let message = text::lines(self.message.trim_end());
        let label = if message.starts_with("error") { "" } else { "error: " };
        complain(&format!("{label}{message}\n"));
        ExitCode::from(self.code)
    }

    /// The gateway answered, and not that it is done.
    pub(in crate::cli) fn refused(code: u8, message: impl Into<String>) -> Self {
        Failed::new(code, message)
    }

    /// It was asked for, and nobody knows what came of it.
    pub(in crate::cli) fn unanswered(message: impl Into<String>) -> Self {
        Failed { perhaps_done: true, ..Failed::unreachable(message) }
    }
}
