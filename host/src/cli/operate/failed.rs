//! Why a command did not do what it was asked, with its exit code.

use super::super::EXIT_CONFIG;

/// Nothing was found, or not everything could be done.
pub(super) const EXIT_NOT_ALL: u8 = 1;

/// The command line makes no sense; what clap exits with as well.
pub(super) const EXIT_USAGE: u8 = 2;

/// `EX_UNAVAILABLE` of sysexits.h: neither the gateway nor its store can be reached.
pub(super) const EXIT_UNREACHABLE: u8 = 69;

/// An exit code, and what is said on standard error.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) code: u8,
    pub(super) message: String,
    /// Whether it may be done nevertheless: it was asked for, and no answer came that can be read.
    pub(super) perhaps_done: bool,
}

impl Failed {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Failed { code, message: message.into(), perhaps_done: false }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Failed::new(EXIT_USAGE, message)
    }

    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Failed::new(EXIT_UNREACHABLE, message)
    }

    pub(super) fn config(message: impl Into<String>) -> Self {
        Failed::new(EXIT_CONFIG, message)
    }

    pub(super) fn not_all(message: impl Into<String>) -> Self {
        Failed::new(EXIT_NOT_ALL, message)
    }

    /// The gateway answered, and not that it is done.
    pub(super) fn refused(code: u8, message: impl Into<String>) -> Self {
        Failed::new(code, message)
    }

    /// It was asked for, and nobody knows what came of it.
    pub(super) fn unanswered(message: impl Into<String>) -> Self {
        Failed { perhaps_done: true, ..Failed::unreachable(message) }
    }
}
