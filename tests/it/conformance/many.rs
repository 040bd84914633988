//! 10,000 calls in a row, in fresh instances and in one that is reused.

use std::sync::Arc;
use std::time::Instant;

use hookyard::plugin::{FaultKind, Processor};

use super::case::{Case, Expected, nothing};
use super::cases;
use super::kept::Nothing;
use super::outcome::Outcome;
use super::run::{self, Rig, Settings};
use super::table::Judgement;

const CALLS: usize = 10_000;

/// What is called in turn: reads, edits, text, bytes, and messages.
const TURNS: [&str; 6] = [
    "json: kinds",
    "output: headers",
    "text: out of the body",
    "body: every byte",
    "output: emitted messages",
    "kv: set, get, remove",
];

/// Further scripts for this.
fn scripts() -> Vec<Case> {
    vec![
        Case::new("calls of an instance").gives("calls", nothing(), ""),
        Case::new("a trap for an instance").does("trap", nothing()).fails(FaultKind::Trap, ""),
    ]
}

pub(super) async fn try_all(rig: &Rig) -> Vec<(String, Judgement)> {
    // With few scripts, since the host looks for each argument among all of them.
    let settings = Settings::of(turns().iter().chain(&scripts()));
    let mut cells = vec![("10,000 calls: settings".to_owned(), rig.set(&settings).await)];
    cells.push(("10,000 calls: a fresh instance each".to_owned(), calls(rig, first_call).await));
    let reused = Settings { reuse: true, ..settings };
    cells.push(("reuse: settings".to_owned(), rig.set(&reused).await));
    cells.push(("10,000 calls: one instance reused".to_owned(), calls(rig, some_call).await));
    cells.push(("reuse: a trap ends the instance".to_owned(), trap(rig).await));
    cells
}

fn turns() -> Vec<Case> {
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| TURNS.contains(&case.name)).collect();
    assert_eq!(cases.len(), TURNS.len());
    cases
}

/// A fresh instance has been given one call.
fn first_call(report: &str) -> bool {
    report == "1\n"
}

/// One that is reused has been given several, unless it has just been replaced.
fn some_call(report: &str) -> bool {
    report.trim_end().parse::<u32>().is_ok_and(|calls| calls > 0)
}

/// Makes the calls on one thread, since instances are kept for each.
async fn calls(rig: &Rig, is_right: fn(&str) -> bool) -> Judgement {
    let (plugin, language, started) = (rig.plugin("conformance"), rig.language.name, Instant::now());
    tokio::task::spawn_blocking(move || {
        let cases = turns();
        for number in 0..CALLS {
            let case = &cases[number % cases.len()];
            let outcome = call(&*plugin, case);
            case.judge(&outcome).map_err(|problem| format!("call {number}, {}: {problem}", case.name))?;
        }
        eprintln!("{language}: {CALLS} calls took {:.1?}", started.elapsed());
        let report = calls_of_instance(&*plugin)?;
        if is_right(&report) {
            Ok(())
        } else {
            Err(format!("the instance says that this is its call {report}"))
        }
    })
    .await
    .unwrap()
}

async fn trap(rig: &Rig) -> Judgement {
    let plugin: Arc<dyn Processor> = rig.plugin("conformance");
    tokio::task::spawn_blocking(move || {
        let (first, second) = (calls_of_instance(&*plugin)?, calls_of_instance(&*plugin)?);
        if first == second {
            return Err(format!("twice in a row it is its call {first}"));
        }
        let scripts = scripts();
        scripts[1].judge(&call(&*plugin, &scripts[1]))?;
        match calls_of_instance(&*plugin)? {
            report if first_call(&report) => Ok(()),
            report => Err(format!("after the trap it is its call {report}")),
        }
    })
    .await
    .unwrap()
}

fn calls_of_instance(plugin: &dyn Processor) -> Result<String, String> {
    let outcome = call(plugin, &scripts()[0]);
    match outcome.messages() {
        [message] => Ok(String::from_utf8_lossy(message.body.bytes()).into_owned()),
        _ => Err(outcome.to_string()),
    }
}

fn call(plugin: &dyn Processor, case: &Case) -> Outcome {
    debug_assert!(!matches!(case.expected, Expected::Discarded(_)));
    run::process(plugin, run::call(&case.event, Some(&run::slug(case.name))), Arc::new(Nothing))
}
