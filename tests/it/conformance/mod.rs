//! One suite for plugins of every language; `docs/conformance.md` keeps what came of it.

mod case;
mod cases;
mod double;
mod gateway;
mod kept;
mod language;
mod many;
mod outcome;
mod run;
mod server;
mod starters;
mod table;
mod toml;
mod toolchain;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hookyard_tests::Guest;
use tokio::sync::Semaphore;

use self::case::Case;
use self::language::{LANGUAGES, Language};
use self::run::{PLUGINS, Rig, Settings};
use self::table::{Column, Judgement, Table};

/// Languages that are tried at once: as many as there are processors where it is slowest.
const AT_ONCE: usize = 2;

/// What takes longer is named.
const SLOW: Duration = Duration::from_secs(2);

/// P6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugins_do_the_same_in_every_language() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut trying = Vec::new();
    let mut missing = Vec::new();
    for language in LANGUAGES.into_iter().filter(is_chosen) {
        let absent: Vec<_> =
            PLUGINS.into_iter().filter(|plugin| language.component(plugin).is_none()).collect();
        if absent.contains(&"conformance") {
            eprintln!(
                "!! NOT TRIED: {}: `cargo xtask plugins --lang {}` builds it",
                language.title, language.name
            );
        } else {
            let room = room.clone();
            let column = async move {
                let _permit = room.acquire().await;
                try_language(language).await
            };
            trying.push((language, tokio::spawn(column)));
        }
        missing.extend(absent.iter().map(|plugin| format!("{}: {plugin} is not built", language.name)));
    }
    let mut table = Table::default();
    for (language, trying) in trying {
        table.0.insert(language.name, trying.await.unwrap());
    }
    table.print();
    let mut problems = table.failures();
    if std::env::var_os("HOOKYARD_REQUIRE_LANGUAGES").is_some_and(|value| value == "1") {
        problems.extend(missing);
    }
    keep(&table, &table::document(), &mut problems);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// `HOOKYARD_LANGUAGES=go,c` tries these and no others.
fn is_chosen(language: &Language) -> bool {
    std::env::var("HOOKYARD_LANGUAGES")
        .map_or(true, |chosen| chosen.split(',').any(|name| name == language.name))
}

/// What a guest that does nothing passes: nothing is asked for there. Every other case can fail.
const IDLE: [&str; 6] = [
    "verdict: forward, nothing asked",
    "verdict: forward",
    "body: 1 MiB, untouched",
    "redact: nothing to do",
    "redact: no JSON, to be forwarded",
    "redact: an empty body",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_does_nothing_fails_wherever_something_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for plugin in PLUGINS {
        std::fs::write(folder.path().join(format!("{plugin}.wasm")), Guest::new().forward()).unwrap();
    }
    let idle = Language { name: folder.path().to_str().unwrap().to_owned().leak(), title: "none" };
    let cases = all_cases();
    let settings = settings(&cases);
    let rig = Rig::start(idle, &settings).await.unwrap();
    let cells = try_cases(&rig, &cases, &settings).await;
    let passed: Vec<&str> =
        cells.iter().filter(|(_, judgement)| judgement.is_ok()).map(|(case, _)| &**case).collect();
    assert_eq!(passed, IDLE);
}

fn all_cases() -> Vec<Case> {
    let mut cases = cases::all();
    cases.extend(starters::all());
    cases
}

/// Usual settings, with every script in them.
fn settings(cases: &[Case]) -> Settings {
    let scripts = cases.iter().filter(|case| case.config.is_none());
    Settings::of(scripts.chain(&gateway::scripts()))
}

/// Writes the page where that is asked for, and holds it against the run.
fn keep(table: &Table, document: &Path, problems: &mut Vec<String>) {
    let page = std::fs::read_to_string(document).unwrap_or_default();
    if std::env::var_os("HOOKYARD_BLESS").is_some() {
        std::fs::write(document, table.page(&page)).unwrap();
        return;
    }
    let disagreements = table.disagreements(&page);
    if !disagreements.is_empty() {
        problems.extend(disagreements.iter().take(10).cloned());
        let (many, page) = (disagreements.len(), document.display());
        problems.push(format!("{page} is wrong in {many} places; HOOKYARD_BLESS=1 brings it up to date"));
    }
}

async fn try_language(language: Language) -> Column {
    let started = Instant::now();
    let toolchain = toolchain::of(language);
    let mut cases = all_cases();
    cases.retain(|case| language.component(case.plugin).is_some());
    let settings = settings(&cases);
    let cells = match Rig::start(language, &settings).await {
        Ok(rig) => {
            eprintln!("{}: ready after {:.1?}", language.name, started.elapsed());
            let mut cells = try_cases(&rig, &cases, &settings).await;
            cells.extend(many::try_all(&rig).await);
            cells.extend(gateway::try_all(&rig, &settings).await);
            cells
        }
        Err(error) => cases.iter().map(|case| (case.name.to_owned(), Err(error.clone()))).collect(),
    };
    for (case, problem) in
        cells.iter().filter_map(|(case, judgement)| Some((case, judgement.as_ref().err()?)))
    {
        eprintln!("{}: {case}: {problem}", language.name);
    }
    eprintln!("{}: {} cases done after {:.1?}", language.name, cells.len(), started.elapsed());
    Column { toolchain, cells }
}

/// Each case once, in a fresh instance.
async fn try_cases(rig: &Rig, cases: &[Case], usual: &Settings) -> Vec<(String, Judgement)> {
    let mut cells = Vec::new();
    let mut current = usual.clone();
    for case in cases {
        let mut wanted = Settings { setup: case.setup, configs: usual.configs.clone(), ..usual.clone() };
        if let Some(config) = &case.config {
            wanted.configs.insert(case.plugin.to_owned(), config.clone());
        }
        let mut loaded = Ok(());
        if wanted != current {
            loaded = rig.set(&wanted).await;
            current = wanted;
        }
        let started = Instant::now();
        let judgement = match loaded {
            Ok(()) => try_case(rig, case).await,
            Err(refusal) => {
                // The next refusal could not be told from this one.
                current = usual.clone();
                rig.set(usual).await.and_then(|()| case.judge_refusal(refusal))
            }
        };
        if started.elapsed() > SLOW {
            eprintln!("{}: {} took {:.1?}", rig.language.name, case.name, started.elapsed());
        }
        cells.push((case.name.to_owned(), judgement));
    }
    if let Err(error) = rig.set(usual).await {
        cells.push(("the usual settings again".to_owned(), Err(error)));
    }
    cells
}

async fn try_case(rig: &Rig, case: &Case) -> Judgement {
    let script = run::slug(case.name);
    let script = (case.config.is_none() && !case.script.is_empty()).then_some(&*script);
    rig.server.asked();
    let outcome = rig.call(case, script).await;
    case.judge(&outcome)?;
    let asked = rig.server.asked();
    match &case.asked {
        Some(expected) if asked != *expected => {
            Err(format!("it asked for {asked:?} instead of {expected:?}"))
        }
        _ => Ok(()),
    }
}
