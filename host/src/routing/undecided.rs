//! Why it cannot be told whether something holds of an event.

use std::fmt;

use crate::event::NotJson;

/// What stood against deciding. What cannot be decided does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// A condition asks for JSON, and the body has no such view.
    NotJson(NotJson),
    /// The expression in `when` fails for this event.
    When(String),
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecided::NotJson(not_json) => not_json.fmt(f),
            Undecided::When(reason) => write!(f, "`when` cannot be decided: {reason}"),
        }
    }
}
