//! What a component asks for, against what the operator grants. The import is the question, the configuration the
//! answer; nothing is granted by default.

use super::LoadError;

/// The interface that a route calls.
pub(super) const HANDLER: &str = "hookyard:plugin/handler";

/// The interface that a source calls.
pub(super) const VERIFICATION: &str = "hookyard:plugin/verification";

/// The interface that a destination calls.
pub(super) const DELIVERY: &str = "hookyard:plugin/delivery";

/// The import with which a call may wait for somebody outside.
const HTTP: &str = "hookyard:plugin/http";

/// The contract's versions that this host serves all have this prefix.
const SERVED: &str = "0.1.";

/// Imports that give no power over anything outside the call.
const ALWAYS: [&str; 5] = ["types", "events", "output", "logging", "config"];

/// Imports that this version can serve when granted.
const OFFERED: [&str; 4] = ["http", "kv", "metrics", "secrets"];

/// Powers beyond reading the event and writing the output, each off unless granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// `hookyard:plugin/http`
    pub http: bool,
    /// `hookyard:plugin/secrets`
    pub secrets: bool,
    /// `hookyard:plugin/kv`
    pub kv: bool,
    /// `hookyard:plugin/metrics`
    pub metrics: bool,
}

/// Checks the names of a component's imports.
pub(super) fn check_imports<'a>(
    imports: impl Iterator<Item = &'a str>,
    grants: Grants,
) -> Result<(), LoadError> {
    for import in imports {
        check_import(import, grants, &OFFERED).map_err(LoadError::Import)?;
    }
    Ok(())
}

fn check_import(import: &str, grants: Grants, offered: &[&str]) -> Result<(), String> {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    if path.starts_with("wasi:") {
        // Linked for every plugin with an empty world behind it: no files, no sockets, no environment.
        return Ok(());
    }
    let Some(interface) = path.strip_prefix("hookyard:plugin/") else {
        return Err(format!("imports {import}, which Hookyard does not know"));
    };
    if !version.starts_with(SERVED) {
        return Err(format!("imports {import}, but this Hookyard serves version {SERVED}x of the contract"));
    }
    let (granted, line) = match interface {
        interface if ALWAYS.contains(&interface) => return Ok(()),
        "http" => (grants.http, "allow.http = [\"https://api.example.com\"]"),
        "secrets" => (grants.secrets, "allow.secrets = [\"name\"]` or `allow.secrets = []"),
        "kv" => (grants.kv, "allow.kv = true"),
        "metrics" => (grants.metrics, "allow.metrics = true"),
        _ => return Err(format!("imports {import}, which version {version} of the contract does not have")),
    };
    if !offered.contains(&interface) {
        return Err(format!("imports {import}, which this version of Hookyard does not offer yet"));
    }
    if !granted {
        return Err(format!(
            "imports {import} and is not granted it; if it may have it, add `{line}` to its table"
        ));
    }
    Ok(())
}

/// Whether a component imports what lets a call wait for somebody outside.
pub(super) fn waits<'a>(mut imports: impl Iterator<Item = &'a str>) -> bool {
    imports.any(|import| import.split_once('@').is_some_and(|(path, _)| path == HTTP))
}

/// What a component exports that is called here; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exports {
    /// It takes part in routes.
    pub handler: bool,
    /// It verifies requests.
    pub verification: bool,
    /// It is a destination.
    pub delivery: bool,
}

impl Exports {
    /// Finds what is called here among the names of a component's exports.
    pub(super) fn among<'a>(exports: impl Iterator<Item = &'a str>) -> Result<Self, LoadError> {
        let names: Vec<&str> = exports.collect();
        let served = |interface: &str| {
            let is = |(path, version): (&str, &str)| path == interface && version.starts_with(SERVED);
            names.iter().any(|name| name.split_once('@').is_some_and(is))
        };
        let exports = Exports {
            handler: served(HANDLER),
            verification: served(VERIFICATION),
            delivery: served(DELIVERY),
        };
        if exports.handler || exports.verification || exports.delivery {
            return Ok(exports);
        }
        let found = match names.as_slice() {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        if names.iter().any(|name| name.starts_with("wasi:http/incoming-handler")) {
            return Err(LoadError::World(
                "answers HTTP requests: a destination is made of it, type = \"component\" with this path"
                    .to_owned(),
            ));
        }
        Err(LoadError::World(format!(
            "is of another world: a route calls {HANDLER}@{SERVED}x, a source {VERIFICATION}@{SERVED}x and a \
             destination {DELIVERY}@{SERVED}x; it exports {found}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_needs_a_grant() {
        let all = Grants { http: true, secrets: true, kv: true, metrics: true };
        let check = |import: &str, grants: Grants, offered: &[&str], expected: Result<(), &str>| match (
            check_import(import, grants, offered),
            expected,
        ) {
            (Ok(()), Ok(())) => {}
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (found, _) => panic!("{import}: {found:?}"),
        };
        check("hookyard:plugin/output@0.1.0", Grants::default(), &[], Ok(()));
        check("wasi:cli/environment@0.2.3", Grants::default(), &[], Ok(()));
        check("hookyard:plugin/kv@0.1.0", Grants::default(), &["kv"], Err("add `allow.kv = true`"));
        check("hookyard:plugin/kv@0.1.0", all, &["kv"], Ok(()));
        check("hookyard:plugin/kv@0.1.0", all, &[], Err("does not offer yet"));
        check("hookyard:plugin/http@0.1.0", Grants::default(), &["http"], Err("allow.http"));
        check("hookyard:plugin/output@0.2.0", all, &[], Err("serves version 0.1.x"));
        check("hookyard:plugin/nonsense@0.1.0", all, &[], Err("does not have"));
        check("other:thing/api@1.0.0", all, &[], Err("does not know"));
    }

    #[test]
    fn another_world_is_named() {
        let found = |exports: &[&'static str]| Exports::among(exports.iter().copied());
        let (handler, verification) = ("hookyard:plugin/handler@0.1.0", "hookyard:plugin/verification@0.1.0");
        let delivery = "hookyard:plugin/delivery@0.1.0";
        let none = Exports { handler: false, verification: false, delivery: false };
        assert_eq!(found(&[handler]), Ok(Exports { handler: true, ..none }));
        assert_eq!(found(&["a:b/c", verification]), Ok(Exports { verification: true, ..none }));
        assert_eq!(
            found(&[verification, handler]),
            Ok(Exports { handler: true, verification: true, ..none })
        );
        assert_eq!(found(&[delivery]), Ok(Exports { delivery: true, ..none }));
        for exports in
            [&[][..], &["wasi:http/incoming-handler@0.2.0"], &["hookyard:plugin/handler@0.2.0"], &["handler"]]
        {
            assert!(matches!(found(exports), Err(LoadError::World(_))), "{exports:?}");
        }
    }
}
