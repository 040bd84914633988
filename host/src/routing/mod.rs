//! Which routes an event takes, behind which others it waits, and which one it repeats. Compiled once when a
//! configuration loads; looking is pure.

mod condition;
mod explain;
mod fields;
mod glob;
mod key;
mod router;
mod subject;
mod undecided;
mod when;

pub use condition::{Condition, Scalar, Test};
pub use explain::{Explanation, Found, Looked, Part, Predicate, RouteExplanation};
pub use fields::{Field, FieldError, Fields};
pub use glob::Glob;
pub use key::{DedupeBy, DedupeRule, OrderBy, Ordering, bounded_key};
pub use router::{Routed, Router, Rule};
pub use subject::{Subject, parameter, query, query_without, scalar};
pub use undecided::Undecided;
pub use when::{Near, When, WhenFault};
