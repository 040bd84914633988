//! What can go wrong under the store, and what follows from it.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

/// Why a piece of work did not come about.
#[derive(Debug)]
pub(super) enum Fault {
    /// What SQLite says.
    Sql(Error),
    /// A limit is reached; found out before anything was changed.
    Full(String),
    /// What is stored does not fit together.
    Broken(String),
}

/// What a fault means for the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// There is no room now; later there may be.
    Full,
    /// This piece of work cannot be done; others can.
    Refused,
    /// Nothing can be relied on any more.
    Fatal,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Sql(error)
    }
}

impl Fault {
    /// What follows.
    pub(super) fn severity(&self) -> Severity {
        match self {
            Fault::Full(_) => Severity::Full,
            Fault::Broken(_) => Severity::Fatal,
            Fault::Sql(error) => match error.sqlite_error_code() {
                // Somebody else writing to the file is waited for; when he takes too long, senders have to.
                Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    Severity::Full
                }
                Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
                    Severity::Refused
                }
                // Everything else, such as an I/O error or a damaged page, and mistakes of our own.
                _ => Severity::Fatal,
            },
        }
    }

    /// What whoever asked for the work is told, nothing of it having been stored.
    pub(super) fn answer(&self) -> StoreError {
        let detail = self.to_string();
        match self.severity() {
            Severity::Full => StoreError::Full(detail),
            Severity::Refused => StoreError::Unsupported(detail),
            Severity::Fatal => StoreError::Failed(detail),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => f.write_str("the disk is full"),
                Some(ErrorCode::DatabaseBusy) => {
                    f.write_str("another process is writing to the store's file")
                }
                _ => error.fmt(f),
            },
            Fault::Full(detail) | Fault::Broken(detail) => f.write_str(detail),
        }
    }
}
