//! What package.json says about building.

use serde_json::Value;

use crate::error::Error;
use crate::folder;
use crate::workbench::Workbench;

use super::engine::Engine;

/// What package.json says about building.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The source to begin with.
    pub(super) main: Option<String>,
    /// `"hookyard": { "engine": "…" }`.
    pub(super) engine: Engine,
}

impl Manifest {
    pub(super) fn of(bench: &Workbench) -> Result<Self, Error> {
        let path = bench.project().join("package.json");
        if !path.exists() {
            return Ok(Manifest::default());
        }
        Self::parse(&folder::read(&path)?)
            .map_err(|error| Error::other(format!("failed to read {}: {error}", path.display())))
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let manifest: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let main = manifest["main"].as_str().map(str::to_owned);
        let hookyard = match &manifest["hookyard"] {
            Value::Null => return Ok(Manifest { main, engine: Engine::default() }),
            Value::Object(hookyard) => hookyard,
            _ => return Err("`hookyard` must be an object".to_owned()),
        };
        if let Some(unknown) = hookyard.keys().find(|key| *key != "engine") {
            return Err(format!("`hookyard` has no `{unknown}`, but `engine`"));
        }
        let engine =
            hookyard.get("engine").map(|engine| engine.as_str().unwrap_or_default().parse()).transpose()?;
        Ok(Manifest { main, engine: engine.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_and_main_may_be_named() {
        let check = |text: &str, main: Option<&str>, engine: Engine| {
            let expected = Manifest { main: main.map(str::to_owned), engine };
            assert_eq!(Manifest::parse(text.as_bytes()), Ok(expected), "{text}");
        };
        check("{}", None, Engine::QuickJs);
        check(r#"{ "main": "src/app.ts", "hookyard": {} }"#, Some("src/app.ts"), Engine::QuickJs);
        check(r#"{ "hookyard": { "engine": "quickjs" } }"#, None, Engine::QuickJs);
        check(r#"{ "hookyard": { "engine": "starlingmonkey" } }"#, None, Engine::StarlingMonkey);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |text: &str, problem: &str| {
            let error = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        };
        check("{", "line 1");
        check(r#"{ "hookyard": "starlingmonkey" }"#, "must be an object");
        check(r#"{ "hookyard": { "engin": "quickjs" } }"#, "has no `engin`");
        check(r#"{ "hookyard": { "engine": "v8" } }"#, "quickjs, starlingmonkey");
        check(r#"{ "hookyard": { "engine": 1 } }"#, "quickjs, starlingmonkey");
    }
}
