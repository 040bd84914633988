//! Plugins that mean harm: a short run of the proofs, in processes of their own, since their memory is looked at. `cargo
//! xtask prove hostile` and `cargo xtask prove loader` run them at length.

use std::process::Command;

use hookyard_tests::hostile_guests::{self, families};
use hookyard_tests::{Random, repository};

/// P3, P6, P7, P10
#[test]
fn each_gets_what_it_has_to_get() {
    prove(&["hostile", "--calls", "10"]);
}

/// P6, P10
#[test]
fn damaged_components_harm_nobody() {
    let seed = Random::seed();
    eprintln!("HOOKYARD_SEED={seed}");
    prove(&["loader", "--mutants", "400", "--seed", &seed.to_string()]);
}

fn prove(arguments: &[&str]) {
    let proof = Command::new(env!("CARGO_BIN_EXE_hookyard-prove")).args(arguments).output().unwrap();
    let figures = String::from_utf8_lossy(&proof.stdout);
    eprintln!("{figures}");
    assert!(proof.status.success(), "{figures}{}", String::from_utf8_lossy(&proof.stderr));
}

/// `docs/hostile-plugins.md` lists what is tested; `HOOKYARD_BLESS=1` writes it anew.
#[test]
fn the_documentation_lists_them_all() {
    let path = repository().join("docs/hostile-plugins.md");
    let expected = hostile_guests::page();
    if std::env::var_os("HOOKYARD_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &expected).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == expected,
        "HOOKYARD_BLESS=1 cargo test -p hookyard-tests hostile_plugins:: writes it anew"
    );
}

#[test]
fn their_names_are_their_own() {
    let mut names: Vec<String> =
        families().into_iter().flat_map(|(_, guests)| guests).map(|guest| guest.name).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all >= 60, "{all}");
}
