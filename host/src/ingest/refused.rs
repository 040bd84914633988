//! Why a request is not taken.

use http::StatusCode;

use crate::signature::Refusal;

/// Why a request is not taken, with what the sender is told and what the operator reads.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) sender: &'static str,
    pub(super) operator: String,
    pub(super) retry_after: Option<u32>,
    /// The stable name of the reason, where its origin is not proven.
    pub(super) not_genuine: Option<&'static str>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { status, sender, operator: operator.into(), retry_after: None, not_genuine: None }
    }

    /// For what is not genuine.
    pub(super) fn forged(refusal: &Refusal) -> Self {
        let operator = format!("{}: {refusal}", refusal.code());
        let not_genuine = Some(refusal.code());
        let sender = match refusal {
            Refusal::WrongToken => "credentials refused",
            _ => "signature refused",
        };
        Refused { not_genuine, ..Refused::new(StatusCode::UNAUTHORIZED, sender, operator) }
    }

    /// For what may go better in a moment.
    pub(super) fn later(status: StatusCode, sender: &'static str, operator: impl Into<String>) -> Self {
        Refused { retry_after: Some(1), ..Refused::new(status, sender, operator) }
    }
}
