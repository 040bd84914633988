//! Why the admin API does not do what it is asked, as a status and a sentence that says what to do.

use http::StatusCode;

use crate::store::StoreError;

/// Why something was not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    /// The request makes no sense.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// There is no such thing.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Refusal { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    /// Something stands in the way.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Refusal { status: StatusCode::CONFLICT, message: message.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
            StoreError::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            StoreError::Unknown(_) | StoreError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal { status, message: error.to_string() }
    }
}
