//! A plugin that was just started builds, in every language whose tools are here, and asks for no more than it uses.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where it failed")]

use std::collections::BTreeSet;
use std::path::Path;

use hookyard_toolchain::{Error, Language, Workbench, World};
use wit_component::DecodedWasm;
use wit_parser::WorldKey;

/// What the components of the templates import of the contract and export, in every language.
fn expected(world: World) -> (BTreeSet<String>, &'static str) {
    let (imports, export) = match world {
        World::Processor => (["events", "output"].as_slice(), "handler"),
        World::Verifier => (["config", "events", "secrets"].as_slice(), "verification"),
        World::Sink => (["config", "events", "http"].as_slice(), "delivery"),
    };
    (imports.iter().map(|name| (*name).to_owned()).collect(), export)
}

fn try_language(language: Language) {
    let folder = tempfile::tempdir().unwrap();
    for world in World::ALL {
        let name = format!("{}-{world}", language.name()).parse().unwrap();
        hookyard_toolchain::create(folder.path(), &name, language, world).unwrap();
        let project = folder.path().join(name.as_str());
        // One for the three, since all build the same dependencies.
        #[cfg(unix)]
        {
            std::fs::create_dir_all(folder.path().join("target")).unwrap();
            std::os::unix::fs::symlink("../target", project.join("target")).unwrap();
        }
        let bench = Workbench::new(&project, |command| eprintln!("$ {command}")).unwrap();
        match hookyard_toolchain::build(&bench) {
            Ok(component) => check(language, world, &component),
            Err(error @ Error::Missing { .. }) => return left_out(language, &error),
            Err(error) => panic!("{language}, {world}: {error}"),
        }
    }
}

fn left_out(language: Language, error: &Error) {
    let required = std::env::var_os("HOOKYARD_REQUIRE_LANGUAGES").is_some_and(|value| value == "1");
    assert!(!required, "{error}");
    eprintln!("!! NOT TRIED: {language}: {error}");
}

fn check(language: Language, world: World, component: &[u8]) {
    let (resolve, id) = match wit_component::decode(component).unwrap() {
        DecodedWasm::Component(resolve, id) => (resolve, id),
        DecodedWasm::WitPackage(..) => panic!("{language}, {world}: a text of the contract, not a component"),
    };
    let decoded = &resolve.worlds[id];
    let name = |key: &WorldKey| resolve.name_world_key(key);
    let ours = |key: &WorldKey| {
        let name = name(key);
        let interface = name.strip_prefix("hookyard:plugin/")?.strip_suffix("@0.1.0")?;
        (interface != "types").then(|| interface.to_owned())
    };
    let imports: BTreeSet<_> = decoded.imports.keys().filter_map(ours).collect();
    let (expected, export) = expected(world);
    // Some toolchains import the whole of a world that the author has named; that is its base world, which needs no grant.
    let free: BTreeSet<String> = ["logging", "config", "output"].map(str::to_owned).into();
    let asked: BTreeSet<_> = imports.difference(&free).cloned().collect();
    assert_eq!(asked, expected.difference(&free).cloned().collect(), "{language}, {world}");
    assert!(imports.is_superset(&expected), "{language}, {world}: {imports:?}");
    assert!(decoded.exports.keys().filter_map(ours).any(|found| found == export), "{language}, {world}");
}

macro_rules! languages {
    ($($test:ident: $language:ident,)*) => {
        $(
            #[test]
            fn $test() {
                try_language(Language::$language);
            }
        )*

        #[test]
        fn every_language_is_tried() {
            assert_eq!(Language::ALL.len(), [$(Language::$language),*].len());
        }
    };
}

languages! {
    a_plugin_in_rust_builds_as_it_is_started: Rust,
    a_plugin_in_typescript_builds_as_it_is_started: TypeScript,
    a_plugin_in_javascript_builds_as_it_is_started: JavaScript,
    a_plugin_in_python_builds_as_it_is_started: Python,
    a_plugin_in_go_builds_as_it_is_started: Go,
    a_plugin_in_c_builds_as_it_is_started: C,
}

#[test]
fn what_is_no_plugin_is_not_built() {
    let bench = Workbench::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), |_| {}).unwrap();
    let error = hookyard_toolchain::build(&bench).unwrap_err().to_string();
    assert!(error.contains("is no plugin's folder"), "{error}");
}
