//! The guest of the conformance suite: it does what it is told and says what it saw.
//!
//! There is one in every language, and one suite for all of them. The event's header `x-do` names a script in the
//! configuration, a list of steps, each with an operation and its arguments; the configuration is read by the host, so that
//! nothing is parsed here but numbers, and the event's body is free for anything. Each step leaves a line in a report.

mod operation;
mod outcome;
mod step;
mod text;

use std::sync::atomic::{AtomicU32, Ordering};

use hookyard_plugin::{Event, Failure, Verdict, plugin};

use operation::perform;
use outcome::{Next, end};
use step::Step;

plugin!(process);

/// How many calls this instance has been given.
static CALLS: AtomicU32 = AtomicU32::new(0);

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let Some(script) = event.header("x-do") else { return Ok(Verdict::Forward) };
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let mut report = String::new();
    for number in 0_u32.. {
        let step = Step::new(&script, number);
        let Some(operation) = step.argument("op") else { break };
        if let Next::End(outcome) = end(&operation, &step, &report) {
            return outcome;
        }
        let mut result = String::new();
        for _ in 0..step.number("times", 1) {
            result = match operation.as_str() {
                "report" => {
                    hookyard_plugin::output::set_body(&report);
                    text::nothing()
                }
                "calls" => calls.to_string(),
                operation => perform(operation, &step, &event)
                    .ok_or_else(|| Failure::permanent(["unknown op: ", operation].concat()))?,
            };
        }
        report.push_str(&result);
        report.push('\n');
    }
    Ok(Verdict::Forward)
}
