//! Whether a contract has only grown since it was published.
//!
//! A plugin that was built for what was published must run on every later host of the same version, and none of them may
//! want more of it than it has. So what it can import may become more, and what it has to export may not.

use super::shape::Shape;

/// How a contract differs from what was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    /// Items that are new and may be.
    pub(super) added: Vec<String>,
    /// What may not be, a sentence each.
    pub(super) broken: Vec<String>,
}

/// What has become of what was published.
pub(super) fn compare(published: &Shape, current: &Shape) -> Growth {
    let mut growth = Growth::default();
    if published.package != current.package {
        growth.broken.push(format!("the package was {}, and is {}", published.package, current.package));
    }
    for (name, was) in &published.items {
        match current.items.get(name) {
            None => growth.broken.push(format!("{name} is gone; it was {was}")),
            Some(is) if is != was => growth.broken.push(format!("{name} was {was}, and is {is}")),
            Some(_) => {}
        }
    }
    for (name, is) in &current.items {
        if published.items.contains_key(name) {
            continue;
        }
        match forbidden(name, published) {
            None => growth.added.push(format!("{name}: {is}")),
            Some(why) => growth.broken.push(format!("{name} is new: {why}")),
        }
    }
    growth
}

/// Why an item may not be added.
fn forbidden(name: &str, published: &Shape) -> Option<&'static str> {
    let (kind, path) = name.split_once(' ').unwrap_or((name, ""));
    match kind {
        "world" if path.starts_with("with-") => None,
        "world" => Some("plugins of a world of its own are another contract"),
        "interface" => None,
        _ => {
            let interface = path.split('.').next().unwrap_or_default();
            let role = published.items.get(&format!("interface {interface}"));
            (role.map(String::as_str) == Some("exported"))
                .then_some("plugins that export the interface do not have it")
        }
    }
}

#[cfg(test)]
mod tests {
    use wit_parser::Resolve;

    use super::*;

    const BEFORE: &str = "package a:b@0.1.0;
interface values { record header { name: string, value: string } variant failure { later(string), never } enum level { low, high } }
interface reads { use values.{header}; resource event { id: func() -> string; } find: func(name: string) -> option<header>; }
interface handler { use values.{failure}; use reads.{event}; process: func(event: event) -> result<_, failure>; }
world plugin { import reads; export handler; }";

    fn shape(text: &str) -> Shape {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("a.wit", text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        Shape::of(&resolve, package)
    }

    /// Replaces a part of the contract; what is added, or a part of what is wrong.
    fn check(part: &str, by: &str, expected: Result<&[&str], &str>) {
        assert!(BEFORE.contains(part), "{part}");
        let (before, after) = (shape(BEFORE), shape(&BEFORE.replacen(part, by, 1)));
        let growth = compare(&before, &after);
        match expected {
            Ok(added) => {
                assert_eq!(growth.broken, Vec::<String>::new(), "{by}");
                assert_eq!(
                    growth
                        .added
                        .iter()
                        .map(|item| item.split(": ").next().unwrap_or_default())
                        .collect::<Vec<_>>(),
                    added,
                    "{by}"
                );
            }
            Err(part) => {
                assert!(
                    growth.broken.iter().any(|broken| broken.contains(part)),
                    "{by}: {:?}",
                    growth.broken
                );
            }
        }
    }

    #[test]
    fn what_plugins_import_may_become_more() {
        check("interface", "/// Told better.\ninterface", Ok(&[]));
        check(
            "resource event {",
            "resource event { kind: func() -> string;",
            Ok(&["func reads.[method]event.kind"]),
        );
        check("find: func", "count: func() -> u32; find: func", Ok(&["func reads.count"]));
        check(
            "find: func",
            "record page { at: u32 } pages: func() -> list<page>; find: func",
            Ok(&["func reads.pages", "type reads.page"]),
        );
        check(
            "world plugin",
            "interface kv { get: func(); } world with-kv { import kv; } world plugin",
            Ok(&["func kv.get", "interface kv", "world with-kv"]),
        );
        check(
            "world plugin",
            "interface checks { check: func(); } world with-checks { export checks; } world plugin",
            Ok(&["func checks.check", "interface checks", "world with-checks"]),
        );
    }

    #[test]
    fn what_plugins_export_may_not() {
        check(
            "process: func",
            "describe: func() -> string; process: func",
            Err("func handler.describe is new"),
        );
        check("use values.{failure};", "use values.{failure, level};", Err("type handler.level is new"));
        check(
            "export handler;",
            "export handler; export reads;",
            Err("interface reads was imported, and is exported"),
        );
    }

    #[test]
    fn nothing_may_change() {
        check(
            "find: func(name: string)",
            "find: func(key: string)",
            Err("func reads.find was func(name: string)"),
        );
        check("find: func(name: string)", "find: func(name: string, limit: u32)", Err("func reads.find was"));
        check("-> option<header>", "-> header", Err("and is func(name: string) -> values.header"));
        check("find: func(name: string) -> option<header>;", "", Err("func reads.find is gone"));
        check("id: func() -> string;", "id: func() -> u64;", Err("func reads.[method]event.id was"));
        check("value: string }", "value: list<u8> }", Err("type values.header was record"));
        check("value: string }", "value: string, line: u32 }", Err("type values.header was record"));
        check("low, high", "low, middle, high", Err("type values.level was enum { low, high }"));
        check("later(string), never", "never, later(string)", Err("type values.failure was variant"));
        check("later(string), never", "later(string), never, drop", Err("type values.failure was variant"));
        check("result<_, failure>", "result<u32, failure>", Err("func handler.process was"));
        check("import reads;", "import reads; import values;", Ok(&[]));
        check(
            "world plugin",
            "interface kv { get: func(); } world plugin",
            Ok(&["func kv.get", "interface kv"]),
        );
        check("import reads;", "import reads; import tell: func();", Err("world plugin was"));
        check("world plugin {", "world other { export handler; } world plugin {", Err("world other is new"));
        check("package a:b@0.1.0;", "package a:b@0.1.1;", Err("the package was a:b@0.1.0"));
    }

    #[test]
    fn a_shape_can_be_written_and_read() {
        let shape = shape(BEFORE);
        assert_eq!(format!("# of a:b\n{shape}").parse::<Shape>().ok(), Some(shape));
    }
}
