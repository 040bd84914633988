//! `when = "…"`: a condition in the [Common Expression Language](https://github.com/google/cel-spec).
//!
//! An expression is checked as far as it can be when the configuration loads: syntax, names, types, size. What remains is
//! in the event, and an expression that cannot be decided for one does not hold. It sees the event where it lies: only
//! what it names is read, and a loop takes a bounded number of steps.

mod check;
mod expression;
mod fault;
mod functions;
mod node;
mod parse;
mod prepare;
mod steps;
mod types;
mod variables;

pub use expression::When;
pub use fault::{Near, WhenFault};

#[cfg(test)]
mod tests;
