//! How much one evaluation may do. Whoever writes the body decides how long its lists are, so each look at a list, an
//! object or a long text is paid for, and an evaluation that has spent all is given up.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};

use cel::ExecutionError;
use cel::common::types::Type;
use cel::common::value::{StaticVal, Val};

/// Steps of one evaluation: items that loops go through, and so on. Ten thousand take some milliseconds.
pub(super) const MAX_STEPS: usize = 10_000;

/// Bytes of a text that are one step, and of whatever an expression makes: an evaluation makes 40 MB at most.
const TEXT_STEP: usize = 4096;

/// Members of an object that are looked through in one step.
const MEMBERS_STEP: usize = 64;

/// Containers inside each other that are compared.
const MAX_DEPTH: usize = 64;

static TYPE: Type = Type::new_unspecified_type("hookyard.steps");

/// What is left.
#[derive(Debug)]
pub(super) struct Steps {
    left: AtomicUsize,
    depth: AtomicUsize,
}

impl Steps {
    pub(super) fn new() -> Self {
        Steps { left: AtomicUsize::new(MAX_STEPS), depth: AtomicUsize::new(0) }
    }

    /// Whether the evaluation wanted more than it may have.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Pays for so many items.
    pub(super) fn take(&self, steps: usize) -> Result<(), ExecutionError> {
        // One thread evaluates; atomics are for the trait's sake.
        let left = self.left.load(Ordering::Relaxed).saturating_sub(steps.max(1));
        self.left.store(left, Ordering::Relaxed);
        if left == 0 { Err(ExecutionError::function_error("when", "too many steps")) } else { Ok(()) }
    }

    pub(super) fn take_text(&self, bytes: usize) -> Result<(), ExecutionError> {
        self.take(1 + bytes / TEXT_STEP)
    }

    /// Pays for a copy; a small one is free, since what made it was paid for.
    pub(super) fn take_copy(&self, bytes: usize) -> Result<(), ExecutionError> {
        match bytes / TEXT_STEP {
            0 => Ok(()),
            steps => self.take(steps),
        }
    }

    pub(super) fn take_members(&self, members: usize) -> Result<(), ExecutionError> {
        self.take(1 + members / MEMBERS_STEP)
    }

    /// Compares what is inside two containers, unless they are too deep.
    pub(super) fn deeper(&self, compare: impl FnOnce() -> bool) -> bool {
        if self.depth.fetch_add(1, Ordering::Relaxed) >= MAX_DEPTH {
            self.left.store(0, Ordering::Relaxed);
        }
        let equal = !self.is_spent() && compare();
        self.depth.fetch_sub(1, Ordering::Relaxed);
        equal
    }
}

impl Val for Steps {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        // Nobody gains steps by a copy.
        Box::new(Steps { left: AtomicUsize::new(0), depth: AtomicUsize::new(0) })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Steps {}
