//! What a plugin is for.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// What a plugin is for: the base worlds of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// It takes part in a route's chain.
    Processor,
    /// It verifies the requests of a source.
    Verifier,
    /// It is a destination.
    Sink,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Processor, Self::Verifier, Self::Sink];

    /// As the contract calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Verifier => "verifier",
            Self::Sink => "sink",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for World {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|world| world.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::other(format!("there is no world `{text}`, but {names}"))
        })
    }
}
