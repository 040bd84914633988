//! The interfaces that a plugin exports, each with the macro that makes a component of it. Generated.

pub mod delivery;
pub mod handler;
pub mod lifecycle;
pub mod verification;
