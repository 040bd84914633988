//! The keys of a destination that is a stock `wasi:http` component or a plugin of the world `sink`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::context::Kind;
use super::field::{Element, Field, Shape};
use super::grants::ORIGIN;
use super::table::Table;
use super::value::Value;
use super::{DestinationKind, Location, Network};
use super::{plugin, reach, url};

/// A component that answers HTTP requests, as `wasmtime serve` and Spin run them.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentDestination {
    /// The component file, resolved against the configuration file that names it.
    pub path: PathBuf,
    /// Where the path stands.
    pub path_at: Location,
    /// The SHA-256 that the file must have, in lower-case hex.
    pub digest: Option<String>,
    /// Path and query of the request that it gets; begins with `/`.
    pub target: String,
    /// Time by the clock on the wall for one message.
    pub timeout: Duration,
    /// Origins that it may send requests to.
    pub origins: Vec<String>,
    /// Which addresses they may be at.
    pub network: Network,
    /// What one message may cost.
    pub limits: ComponentLimits,
}

/// What one message may cost a stock component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentLimits {
    /// Processor time.
    pub cpu: Duration,
    /// Linear memory, in bytes.
    pub memory: usize,
    /// Bytes of its answer, and of each request that it sends.
    pub output: usize,
    /// Requests that it may send.
    pub http_calls: u32,
    /// Bytes of an answer that it gets.
    pub http_response: usize,
}

impl Default for ComponentLimits {
    fn default() -> Self {
        ComponentLimits {
            cpu: Duration::from_millis(500),
            memory: 64 * 1024 * 1024,
            output: 4 * 1024 * 1024,
            http_calls: 32,
            http_response: 4 * 1024 * 1024,
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) static COMPONENT_ALLOW: Element = Element {
    name: "allow of a component",
    doc: "What a component may reach beyond the message. Nothing unless granted: it sees no files, no environment, no sockets.",
    fields: &[Field::new(
        "http",
        Shape::List(&ORIGIN),
        "Origins that it may send requests to; anything else is refused before a connection is made.",
    )
    .default("[]")
    .example(r#"["https://api.example.com"]"#)],
    instead: &[("network", "it is called `http`")],
};

pub(super) static COMPONENT_LIMITS: Element = Element {
    name: "limits of a component",
    doc: "What one message may cost a component. An attempt that exceeds a limit is stopped and repeated later.",
    fields: &[
        Field::new("cpu", Shape::millis(1, 600_000), "Processor time.").default(r#""500ms""#),
        Field::new(
            "memory",
            Shape::Size { min: 64 << 10, max: 4 << 30 },
            "Linear memory. Components in JavaScript, Python or Go need some tens of MiB.",
        )
        .default(r#""64MiB""#),
        Field::new(
            "output",
            Shape::Size { min: 1 << 10, max: 1 << 30 },
            "Bytes of its answer, and of each request that it sends.",
        )
        .default(r#""4MiB""#),
        Field::new("http_calls", Shape::Integer { min: 1, max: 10_000 }, "Requests that it may send.")
            .default("32"),
        Field::new(
            "http_response",
            Shape::Size { min: 1 << 10, max: 1 << 30 },
            "Bytes of an answer that it gets.",
        )
        .default(r#""4MiB""#),
    ],
    instead: &[("time", "it is called `timeout` and stands beside `limits`")],
};

pub(super) fn read_component(table: &Table<'_>) -> Option<DestinationKind> {
    let Some(path) = table.get("path") else {
        table.error(format!("{} lacks `path`", table.shown()), |error| {
            error.label("a key is missing here").help("for example: path = \"component.wasm\"");
        });
        return None;
    };
    let allow = table.table("allow");
    let listed = allow.as_ref().and_then(|allow| allow.get("http")).and_then(Value::items);
    let origins =
        listed.unwrap_or_default().into_iter().filter_map(|value| value.parse(url::origin)).collect();
    let target = table.get("target").and_then(|value| value.parse(target));
    Some(DestinationKind::Component(ComponentDestination {
        path: path.path()?,
        path_at: path.at(),
        digest: table.get("digest").and_then(|value| value.parse(plugin::digest)),
        target: target.unwrap_or_else(|| "/".to_owned()),
        timeout: timeout(table),
        origins,
        network: table.get("network").map_or(Some(Network::Public), reach::read)?,
        limits: table.table("limits").map(|table| ComponentLimits::read(&table)).unwrap_or_default(),
    }))
}

pub(super) fn read_plugin(table: &Table<'_>) -> Option<DestinationKind> {
    let Some(value) = table.get("plugin") else {
        table.error(format!("{} lacks `plugin`", table.shown()), |error| {
            error
                .label("a key is missing here")
                .help("for example: plugin = \"chat\", of a table [plugins.chat]");
        });
        return None;
    };
    let plugin: Arc<str> = value.reference(Kind::Plugin)?;
    Some(DestinationKind::Plugin { plugin, plugin_at: value.at(), timeout: timeout(table) })
}

fn timeout(table: &Table<'_>) -> Duration {
    table.get("timeout").and_then(Value::duration).unwrap_or(TIMEOUT)
}

fn target(text: &str) -> Result<String, String> {
    let parsed = text.parse::<http::uri::PathAndQuery>();
    match parsed {
        Ok(_) if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not the path of a request, such as \"/hooks\"")),
    }
}

impl ComponentLimits {
    fn read(table: &Table<'_>) -> Self {
        let default = ComponentLimits::default();
        let calls =
            table.get("http_calls").and_then(Value::count).and_then(|calls| u32::try_from(calls).ok());
        ComponentLimits {
            cpu: table.get("cpu").and_then(Value::duration).unwrap_or(default.cpu),
            memory: table.get("memory").and_then(Value::size).unwrap_or(default.memory),
            output: table.get("output").and_then(Value::size).unwrap_or(default.output),
            http_calls: calls.unwrap_or(default.http_calls),
            http_response: table.get("http_response").and_then(Value::size).unwrap_or(default.http_response),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn kind(lines: &str) -> DestinationKind {
        let text = format!("[destinations.d]\n{lines}\n[plugins.chat]\npath = \"chat.wasm\"");
        check::read(&text).unwrap().destinations.remove("d").unwrap().kind
    }

    #[test]
    fn what_is_written_is_read() {
        let DestinationKind::Component(least) = kind("type = \"component\"\npath = \"c.wasm\"") else {
            panic!("a component");
        };
        assert_eq!(least.path.to_str(), Some("/etc/hookyard/c.wasm"));
        assert_eq!((least.target.as_str(), least.timeout), ("/", TIMEOUT));
        assert_eq!((least.limits, least.network), (ComponentLimits::default(), Network::Public));

        let DestinationKind::Component(full) = kind(
            r#"
            type = "component"
            path = "/opt/c.wasm"
            digest = "sha256:9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            target = "/hooks?x=1"
            timeout = "2s"
            allow = { http = ["https://API.example.com:443"] }
            network = "private"
            limits = { cpu = "1s", memory = "128MiB", output = "1MiB", http_calls = 2, http_response = "8KiB" }"#,
        ) else {
            panic!("a component");
        };
        assert_eq!(full.origins, ["https://api.example.com"]);
        assert_eq!((full.target.as_str(), full.network), ("/hooks?x=1", Network::Private));
        assert_eq!(
            (full.limits.memory, full.limits.http_calls, full.limits.http_response),
            (128 << 20, 2, 8192)
        );

        let DestinationKind::Plugin { plugin, timeout, .. } =
            kind("type = \"plugin\"\nplugin = \"chat\"\ntimeout = \"3s\"")
        else {
            panic!("a plugin");
        };
        assert_eq!((&*plugin, timeout), ("chat", Duration::from_secs(3)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("type = \"component\"", "[destinations.d] lacks `path`"),
            ("type = \"plugin\"", "[destinations.d] lacks `plugin`"),
            ("type = \"plugin\"\nplugin = \"chatt\"", "there is no plugin `chatt`: did you mean `chat`?"),
            ("type = \"plugin\"\nplugin = \"chat\"\nurl = \"https://a.example\"", "`url` belongs to"),
            ("type = \"plugin\"\nplugin = \"chat\"\nnetwork = \"private\"", "`network` belongs to"),
            ("type = \"component\"\npath = \"c\"\nplugin = \"chat\"", "`plugin` belongs to"),
            ("type = \"component\"\npath = \"c\"\ntarget = \"hooks\"", "is not the path of a request"),
            ("type = \"component\"\npath = \"c\"\ndigest = \"12\"", "64 hexadecimal digits"),
            ("type = \"component\"\npath = \"c\"\nlimits = { time = \"1s\" }", "it is called `timeout`"),
            ("type = \"component\"\npath = \"c\"\nallow = { kv = true }", "unknown key `kv`"),
            ("path = \"c\"\nallow = { http = [] }", "`allow` belongs to a destination of type \"component\""),
        ] {
            check::fails(
                &format!("[plugins.chat]\npath = \"chat.wasm\"\n[destinations.d]\n{lines}"),
                expected,
            );
        }
    }
}
