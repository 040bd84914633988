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
}

impl Failed {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Failed { code: EXIT_USAGE, message: message.into() }
    }

    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Failed { code: EXIT_UNREACHABLE, message: message.into() }
    }

    pub(super) fn config(message: impl Into<String>) -> Self {
        Failed { code: EXIT_CONFIG, message: message.into() }
    }

    pub(super) fn not_all(message: impl Into<String>) -> Self {
        Failed { code: EXIT_NOT_ALL, message: message.into() }
    }
}
