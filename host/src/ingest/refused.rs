//! Why a request is not taken.

use http::StatusCode;

/// Why a request is not taken, with what the sender is told and what the operator reads.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) sender: &'static str,
    pub(super) operator: String,
    pub(super) retry_after: Option<u32>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { status, sender, operator: operator.into(), retry_after: None }
    }

    /// For what may go better in a moment.
    pub(super) fn later(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { status, sender, operator: operator.into(), retry_after: Some(1) }
    }
}
