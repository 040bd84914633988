//! What is wrong with an expression, and where in it.

use std::ops::Range;

/// The first thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhenFault {
    /// Where, in bytes of the expression.
    pub at: Range<usize>,
    /// What, in one line.
    pub message: String,
    /// A few words at the place itself.
    pub label: Option<String>,
    /// How to put it right.
    pub help: Option<String>,
    /// A name that does not exist, for a suggestion.
    pub near: Option<Box<Near>>,
}

/// A name that does not exist, and those that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// As written.
    pub written: String,
    /// What could have been meant.
    pub known: Vec<&'static str>,
}

impl WhenFault {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        WhenFault { at, message: message.into(), label: None, help: None, near: None }
    }

    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    pub(super) fn near(mut self, written: &str, known: impl IntoIterator<Item = &'static str>) -> Self {
        let known = known.into_iter().collect();
        self.near = Some(Box::new(Near { written: written.to_owned(), known }));
        self
    }
}
