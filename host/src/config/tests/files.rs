//! Several files: includes, and what is said about them.

use std::fs;

use super::*;

/// A directory with these files; the first is the main one.
fn with_files(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Config, ConfigErrors>) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let loaded = load(&directory.path().join(files[0].0));
    (directory, loaded)
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let (directory, loaded) = with_files(files);
    let prefix = format!("{}/", directory.path().display());
    let errors = loaded.err().unwrap_or_else(|| panic!("this should be an error"));
    errors.summaries().map(|line| line.replace(&prefix, "")).collect()
}

const SOURCE: &str = "[sources.a]\nverify = \"none\"\n";
const ROUTE: &str = "[routes.r]\nsource = \"a\"\nto = \"c\"\n";
const CONSOLE: &str = "[destinations.c]\ntype = \"console\"\n";

#[test]
fn included_files_are_read_in_the_order_of_their_names() {
    let (directory, loaded) = with_files(&[
        ("main.toml", "include = [\"conf.d/*.toml\", \"more.toml\", \"conf.d/b.toml\"]"),
        ("conf.d/b.toml", ROUTE),
        ("conf.d/a.toml", SOURCE),
        ("conf.d/.hidden.toml", "not TOML"),
        ("conf.d/other.txt", "not TOML"),
        ("more.toml", &format!("{CONSOLE}[plugins.p]\npath = \"p.wasm\"")),
    ]);
    let config = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    let names = config.files.iter().map(|file| file.strip_prefix(directory.path()).unwrap());
    let names: Vec<String> = names.map(|name| name.display().to_string()).collect();
    assert_eq!(names, ["main.toml", "conf.d/a.toml", "conf.d/b.toml", "more.toml"]);
    assert_eq!(config.directories, [directory.path().join("conf.d")]);
    assert_eq!(config.plugins["p"].path, directory.path().join("p.wasm"));
    assert_eq!(config.store.path, directory.path().join("state"));
}

#[test]
fn a_pattern_may_match_nothing_but_a_name_must_be_there() {
    let (_directory, loaded) = with_files(&[("main.toml", "include = \"conf.d/*.toml\"")]);
    let config = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.warnings[0].1.starts_with("no file matches"));
    let missing = problems(&[("main.toml", "include = \"conf.d/a.toml\"")]);
    assert!(
        missing[0].starts_with("main.toml:1:11: cannot include conf.d/a.toml: No such file"),
        "{missing:?}"
    );
    let stars = problems(&[("main.toml", "include = \"conf.*/a*.toml\"")]);
    assert!(stars[0].contains("in the last part of a path only"), "{stars:?}");
}

#[test]
fn errors_of_all_files_are_told_together() {
    let found = problems(&[
        ("main.toml", &format!("include = [\"a.toml\", \"b.toml\"]\n{SOURCE}{ROUTE}")),
        ("a.toml", &format!("{ROUTE}[server]\nlisten = \"127.0.0.1:1\"")),
        ("b.toml", "[destinations.d]\n"),
    ]);
    assert_eq!(
        found,
        [
            "main.toml:6:6: there is no destination `c`: did you mean `d`?",
            "a.toml:1:9: route `r` is declared twice: first declared at main.toml:4:9",
            "a.toml:4:2: unknown key `server`: it belongs in the main file",
            "b.toml:1:15: nothing says what [destinations.d] is: a key is missing here",
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_does_not_make_references_wrong() {
    let found = problems(&[
        ("main.toml", &format!("include = \"a.toml\"\n{SOURCE}{ROUTE}")),
        ("a.toml", "[destinations.c\ntype = \"console\""),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a.toml:1:16"), "{found:?}");
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let errors = load(Path::new("/nowhere/config.toml")).unwrap_err();
    assert!(errors.summary().starts_with("/nowhere/config.toml:1:1: No such file"), "{}", errors.summary());
    assert_eq!(errors.files(), [PathBuf::from("/nowhere/config.toml")]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, b"a = \"\xff\"").unwrap();
    assert!(load(&path).unwrap_err().summary().ends_with("not UTF-8 at byte 5"));
    fs::write(&path, vec![b'#'; (8 << 20) + 1]).unwrap();
    assert!(load(&path).unwrap_err().summary().ends_with("larger than 8 MiB"));
    assert!(load(directory.path()).is_err());
}
