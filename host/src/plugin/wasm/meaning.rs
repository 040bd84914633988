//! What an import or an export means to an operator.

/// What stands behind an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It gives no power over anything outside the call.
    Nothing,
    /// A power that the configuration grants with this line.
    Grant(&'static str),
    /// It is linked, and finds an empty world.
    EmptyWorld,
    /// It is not there, so that the file cannot be loaded.
    Unknown,
}

/// What an import is for, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// For people.
    pub text: &'static str,
    /// What stands behind it.
    pub behind: Behind,
}

/// The interfaces of the contract.
const CONTRACT: [(&str, &str, Behind); 9] = [
    ("types", "records that the other interfaces share", Behind::Nothing),
    ("events", "reads the event", Behind::Nothing),
    ("output", "changes the event, and says where it goes", Behind::Nothing),
    ("logging", "writes lines to the log", Behind::Nothing),
    ("config", "reads its own table of the configuration", Behind::Nothing),
    ("secrets", "reads secrets by name", Behind::Grant("secrets = [\"name\"]")),
    ("kv", "keeps values between events", Behind::Grant("kv = true")),
    ("metrics", "counts and observes", Behind::Grant("metrics = true")),
    ("http", "sends requests to origins", Behind::Grant("http = [\"https://api.example.com\"]")),
];

/// The beginnings of WASI's interfaces. All are linked, since toolchains import them whether they use them or not.
const WASI: [(&str, &str); 12] = [
    ("wasi:cli/environment", "no variables, no arguments"),
    ("wasi:cli/exit", "ends the call as a trap"),
    ("wasi:cli/stdin", "empty"),
    ("wasi:cli/", "written to nowhere"),
    ("wasi:clocks/", "the time of day, and time that passes"),
    ("wasi:filesystem/", "no files"),
    ("wasi:io/poll", "waiting is denied"),
    ("wasi:io/", "streams of which there are none"),
    ("wasi:random/", "random numbers"),
    ("wasi:sockets/", "no network"),
    ("wasi:http/", "no requests; a plugin imports hookyard:plugin/http"),
    ("wasi:", "nothing"),
];

/// What stands behind the same names for a stock component: it is asked by HTTP, it may wait, and it may send requests.
const STOCK: [(&str, &str, Behind); 6] = [
    (
        "wasi:http/outgoing-handler",
        "sends requests to origins",
        Behind::Grant("http = [\"https://api.example.com\"]"),
    ),
    ("wasi:http/", "requests and answers", Behind::Nothing),
    ("wasi:io/poll", "waits for what it has asked for", Behind::Nothing),
    ("wasi:io/", "bodies as streams", Behind::Nothing),
    ("wasi:clocks/", "the time of day, and time that passes", Behind::Nothing),
    ("wasi:random/", "random numbers", Behind::Nothing),
];

/// What is linked for stock components beside those, with nothing behind it.
const EMPTY_FOR_STOCK: [&str; 3] = ["wasi:cli/", "wasi:filesystem/", "wasi:sockets/"];

/// What an import of a plugin means.
pub fn of_import(name: &str) -> Meaning {
    let path = name.split_once('@').map_or(name, |(path, _)| path);
    if let Some(interface) = path.strip_prefix("hookyard:plugin/") {
        let known = CONTRACT.iter().find(|(known, ..)| *known == interface);
        return match known {
            Some((_, text, behind)) => Meaning { text, behind: *behind },
            None => Meaning { text: "not in this version of the contract", behind: Behind::Unknown },
        };
    }
    match WASI.iter().find(|(start, _)| path.starts_with(start)) {
        Some((_, text)) => Meaning { text, behind: Behind::EmptyWorld },
        None => Meaning { text: "unknown to Hookyard", behind: Behind::Unknown },
    }
}

/// What an import of a stock component means.
pub fn of_import_of_stock(name: &str) -> Meaning {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    if version.starts_with("0.2.") {
        if let Some((_, text, behind)) = STOCK.iter().find(|(start, ..)| path.starts_with(start)) {
            return Meaning { text, behind: *behind };
        }
        if EMPTY_FOR_STOCK.iter().any(|start| path.starts_with(start)) {
            return of_import(name);
        }
    }
    Meaning { text: "unknown to Hookyard", behind: Behind::Unknown }
}

/// Who calls an export, and the world of the contract that it belongs to; None for what nobody calls.
pub fn of_export(name: &str) -> Option<(&'static str, &'static str)> {
    let path = name.split_once('@').map_or(name, |(path, _)| path);
    Some(match path {
        "hookyard:plugin/handler" => ("a route calls it for each message", "processor"),
        "hookyard:plugin/verification" => ("a source calls it for each request", "verifier"),
        "hookyard:plugin/delivery" => ("a destination calls it for each delivery", "sink"),
        "hookyard:plugin/lifecycle" => {
            ("called when it is loaded: checks its configuration", "with-lifecycle")
        }
        "wasi:http/incoming-handler" => ("a destination of type \"component\" calls it", "wasi:http/proxy"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_explained() {
        for (name, text, behind) in [
            ("hookyard:plugin/kv@0.1.0", "keeps values between events", Behind::Grant("kv = true")),
            ("hookyard:plugin/events@0.1.0", "reads the event", Behind::Nothing),
            ("hookyard:plugin/mail@0.1.0", "not in this version of the contract", Behind::Unknown),
            ("wasi:cli/stdout@0.2.3", "written to nowhere", Behind::EmptyWorld),
            ("wasi:cli/environment@0.2.3", "no variables, no arguments", Behind::EmptyWorld),
            ("wasi:nn/tensor", "nothing", Behind::EmptyWorld),
            ("env", "unknown to Hookyard", Behind::Unknown),
        ] {
            assert_eq!(of_import(name), Meaning { text, behind }, "{name}");
        }
    }

    #[test]
    fn imports_of_a_stock_component_are_explained() {
        for (name, text, behind) in [
            (
                "wasi:http/outgoing-handler@0.2.0",
                "sends requests to origins",
                Behind::Grant("http = [\"https://api.example.com\"]"),
            ),
            ("wasi:http/types@0.2.4", "requests and answers", Behind::Nothing),
            ("wasi:io/poll@0.2.0", "waits for what it has asked for", Behind::Nothing),
            ("wasi:sockets/tcp@0.2.0", "no network", Behind::EmptyWorld),
            ("wasi:cli/stdout@0.2.3", "written to nowhere", Behind::EmptyWorld),
            ("wasi:http/types@0.3.0", "unknown to Hookyard", Behind::Unknown),
            ("wasi:keyvalue/store@0.2.0-draft", "unknown to Hookyard", Behind::Unknown),
            ("fermyon:spin/key-value@2.0.0", "unknown to Hookyard", Behind::Unknown),
            ("hookyard:plugin/kv@0.1.0", "unknown to Hookyard", Behind::Unknown),
        ] {
            assert_eq!(of_import_of_stock(name), Meaning { text, behind }, "{name}");
        }
    }
}
