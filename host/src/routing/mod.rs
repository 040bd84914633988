//! Which routes an event takes. Compiled once when a configuration loads; looking is pure.

mod condition;
mod glob;
mod router;
mod subject;

pub use condition::{Condition, Scalar, Test};
pub use glob::Glob;
pub use router::{Routed, Router, Rule};
pub use subject::Subject;
