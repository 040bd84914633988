//! The steps that end a call, in each of the ways in which a call can end.

use std::hint::black_box;

use hookyard_plugin::{Failure, Verdict};

use super::step::Step;

const MEBIBYTE: usize = 1 << 20;

/// What follows a step.
pub enum Next {
    /// The call's end.
    End(Result<Verdict, Failure>),
    /// The step is another kind of step.
    Other,
}

pub fn end(operation: &str, step: &Step, report: &str) -> Next {
    let words = || step.value().unwrap_or_else(|| report.to_owned());
    Next::End(match operation {
        "forward" => Ok(Verdict::Forward),
        "discard" => Ok(Verdict::Discard(words())),
        "retryable" => Err(Failure::retryable(words())),
        "permanent" => Err(Failure::permanent(words())),
        "trap" => panic!("told to"),
        "loop" => compute_for_ever(),
        "allocate" => allocate_for_ever(),
        _ => return Next::Other,
    })
}

fn compute_for_ever() -> ! {
    let mut number = 0_u32;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn allocate_for_ever() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; MEBIBYTE]));
    }
}
