//! `[routes.x]`: which events take which plugins to which destinations.

use std::sync::Arc;
use std::time::Duration;

use crate::routing::Rule;

use super::Location;

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// What makes it fire.
    pub rule: Rule,
    /// Names of plugins, in the order they run.
    pub plugins: Vec<Arc<str>>,
    /// Names of destinations; may be empty where a plugin answers.
    pub to: Vec<Arc<str>>,
    /// What the sender is told.
    pub respond: Respond,
}

/// What the sender is told, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Respond {
    /// 202 as soon as the event is stored.
    #[default]
    Accepted,
    /// What the plugins reply, if they do so within the deadline; otherwise 202 when it passes.
    Plugin {
        /// Time from storing to the answer.
        deadline: Duration,
    },
}
