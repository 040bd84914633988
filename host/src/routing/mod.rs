//! Which routes an event takes. Compiled once when a configuration loads; looking is pure.

mod condition;
mod glob;
mod router;

pub use condition::{Condition, Scalar, Subject, Test};
pub use glob::Glob;
pub use router::{Routed, Router, Rule};
