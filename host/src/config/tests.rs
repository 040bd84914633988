//! What holds for the configuration as a whole: pictures of errors, files that are kept current, and that nothing
//! panics.

mod files;
mod pictures;
mod schema;

use std::path::{Path, PathBuf};

use super::*;

const EXAMPLE: &str = include_str!("../../../config.toml");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The example with its commented-out lines put in force, but for prose.
fn everything_on() -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(rest)
            if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) =>
        {
            format!("{rest}\n")
        }
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

#[test]
fn the_example_is_without_errors_and_warnings() {
    let config = load(&root().join("config.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.warnings, []);
    assert_eq!(config.routes.len(), 3);
    assert_eq!(config.plugins["redact"].path, root().join("plugins/dist/redact.wasm"));
}

#[test]
fn what_the_example_shows_in_comments_is_known_too() {
    let errors = match parse(&everything_on(), "config.toml", &root()) {
        Ok(_) => return,
        Err(errors) => errors,
    };
    // Alternatives shown side by side become keys written twice; nothing else may be wrong.
    for error in errors.errors() {
        assert!(error.message.contains("duplicate key"), "{}", error.summary());
    }
}

/// The declared defaults of an element, as they would be written.
fn defaults(element: &field::Element) -> String {
    let defaults = element.fields.iter().filter_map(|field| match field.presence {
        field::Presence::Default(toml) => Some(format!("{} = {toml}\n", field.key)),
        _ => None,
    });
    defaults.collect()
}

#[test]
fn declared_defaults_are_the_defaults() {
    let all = format!(
        "[server]\n{}[store]\n{}[quarantine]\n{}[reload]\n{}[telemetry]\n{}[plugins.p]\npath = \"p\"\n{}[plugins.p.limits]\n{}[plugins.p.allow]\n{}[destinations.d]\nurl = \"https://a.example\"\n{}[destinations.d.retry]\n{}[destinations.e]\ntype = \"console\"\n[destinations.e.retry.backoff]\n{}[destinations.e.breaker]\n{}[destinations.c]\ntype = \"component\"\npath = \"c\"\n[destinations.c.allow]\n{}[destinations.c.limits]\n{}",
        defaults(&server::SERVER),
        defaults(&store::STORE),
        defaults(&quarantine::QUARANTINE),
        defaults(&reload::RELOAD),
        defaults(&telemetry::TELEMETRY),
        defaults(&plugin::PLUGIN),
        defaults(&limits::LIMITS),
        defaults(&grants::ALLOW),
        defaults(&destination::DESTINATION),
        defaults(&retry::RETRY),
        defaults(&retry::BACKOFF),
        defaults(&breaker::BREAKER),
        defaults(&component::COMPONENT_ALLOW),
        defaults(&component::COMPONENT_LIMITS),
    );
    let least = "[plugins.p]\npath = \"p\"\n[destinations.d]\nurl = \"https://a.example\"\n\
                 [destinations.e]\ntype = \"console\"\nretry = { backoff = {} }\n\
                 [destinations.c]\ntype = \"component\"\npath = \"c\"";
    let shown = |text: &str| {
        let mut config = check::read(text).unwrap();
        config.warnings.clear();
        let plugin = config.plugins.remove("p").unwrap();
        let destination = config.destinations.remove("d").unwrap();
        let plugin =
            (plugin.limits, plugin.allow, plugin.network, plugin.on_error, plugin.instances, plugin.config);
        let other = config.destinations.remove("e").unwrap();
        let DestinationKind::Component(mut component) = config.destinations.remove("c").unwrap().kind else {
            panic!("a component");
        };
        component.path_at = Location::default();
        let destination = (
            destination.kind,
            destination.retry,
            destination.concurrency,
            destination.breaker,
            other.retry,
            other.breaker,
            component,
        );
        format!("{config:#?} {plugin:#?} {destination:#?}")
    };
    assert_eq!(shown(&all), shown(least));
}

#[test]
fn declared_defaults_of_a_scheme_are_the_defaults() {
    let verification = |hash: &str, encoding: &str, time: &str| {
        let text = format!(
            "[sources.github]\nsecret = {{ env = \"A\" }}\n[sources.github.verify]\n{hash}\n\
             [sources.github.verify.signature]\nheader = \"S\"\n{encoding}\n\
             [sources.github.verify.timestamp]\nbody = \"/t\"\n{time}\n{}",
            check::ROUTE
        );
        let mut config = check::read(&text).unwrap();
        config.sources.remove("github").map(|source| match source.verification {
            Verification::Proof { scheme, .. } => scheme,
            _ => panic!("verified"),
        })
    };
    let all = [&scheme::SCHEME, &scheme::SIGNATURE, &scheme::TIMESTAMP].map(defaults);
    assert!(all.iter().all(|text| !text.is_empty()));
    assert_eq!(verification(&all[0], &all[1], &all[2]), verification("", "", ""));
}

#[test]
fn names_of_elements_are_unique() {
    // The schema and the reference refer to elements by name.
    let mut names: Vec<String> = reference()
        .lines()
        .filter(|line| line.starts_with("##"))
        .map(|line| line.trim_start_matches('#').to_owned())
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// A small generator, so that a failure is the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

#[test]
fn no_text_makes_it_panic() {
    let text = everything_on();
    let words: Vec<&str> =
        text.split_inclusive([' ', '\n', '"', '[', ']', '{', '}', '=', '.', ',']).collect();
    let strange = [
        "\"",
        "'''",
        "\u{1b}",
        "é",
        "\u{202e}",
        "nan",
        "1979-05-27",
        "[",
        "{",
        "= ",
        "\0",
        "\r",
        "9e999",
        "-",
    ];
    for seed in 1..=400 {
        let mut random = Random(seed);
        let mut words = words.clone();
        for _ in 0..=random.below(6) {
            let (at, other) = (random.below(words.len()), random.below(words.len()));
            match random.below(4) {
                0 => words.swap(at, other),
                1 => words[at] = strange[random.below(strange.len())],
                2 => words[at] = words[other],
                _ => drop(words.remove(at)),
            }
        }
        let text = words.concat();
        if let Err(errors) = parse(&text, "config.toml", Path::new("/etc/hookyard")) {
            assert!(!errors.errors().is_empty(), "seed {seed}");
            let shown = format!("{errors}{}", errors.summary());
            assert!(!shown.contains('\u{1b}'), "seed {seed}: {shown}");
        }
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let dots = vec!["a"; 100_000].join(".");
    let arrays = "[".repeat(100_000);
    let tables = "{a=".repeat(100_000);
    for text in [
        format!("{dots} = 1"),
        format!("[{dots}]"),
        format!("x = {{ {dots} = 1 }}"),
        format!("[plugins.p]\nconfig = {arrays}"),
        format!("[plugins.p]\nconfig = {tables}"),
        format!(
            "[plugins.p]\npath = \"p\"\nconfig = {}1{}",
            format!("{{ {} = ", vec!["a"; 80].join(".")).repeat(79),
            " }".repeat(79)
        ),
        (1..200).map(|at| format!("[{}]\n", vec!["a"; at * 10].join("."))).collect(),
    ] {
        assert!(parse(&text, "config.toml", Path::new("")).is_err());
    }
}
