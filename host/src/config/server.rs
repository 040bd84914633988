//! `[server]`: where webhooks come in and what one may cost.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::field::{Element, Field, Format, Shape};
use super::network::{NETWORK, networks};
use super::server_tls::{SERVER_TLS, ServerTls};
use super::table::Table;
use super::url;
use super::value::Value;

/// Listening and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The certificate that senders see; none where HTTP is spoken in the clear.
    pub tls: Option<ServerTls>,
    /// Proxies that are believed when they say who the client is.
    pub trusted_proxies: Vec<IpNet>,
    /// The path under which sources are found, without a trailing slash: source `github` is at `/in/github`.
    pub base_path: String,
    /// The address that senders use, without a trailing slash, where it is not the one that is listened on.
    pub public_url: Option<String>,
    /// Bytes of a request's head.
    pub max_head: usize,
    /// Time to send a request's head.
    pub head_timeout: Duration,
    /// Time to send a request's body.
    pub body_timeout: Duration,
    /// Connections at once; further ones wait in the operating system's queue.
    pub max_connections: usize,
    /// Bytes of all bodies being received or waiting to be stored; beyond, senders get 503 with Retry-After.
    pub max_in_flight: usize,
    /// Time that a shutdown waits for requests, runs and deliveries under way.
    pub drain_timeout: Duration,
    /// Threads that run plugins; one for each processor unless set.
    pub guest_threads: usize,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            tls: None,
            trusted_proxies: Vec::new(),
            base_path: "/in".to_owned(),
            public_url: None,
            max_head: 64 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_in_flight: 256 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
            guest_threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }
}

static ADDRESS: Shape = Shape::Text(Format::free("an address and port such as \"127.0.0.1:8080\""));

const MIB: u64 = 1 << 20;

pub(super) static SERVER: Element = Element {
    name: "server",
    doc: "Where webhooks come in, and what one may cost.",
    fields: &[
        Field::new("listen", Shape::OneOrMore(&ADDRESS), "Addresses to listen on.")
            .default("\"127.0.0.1:8080\"")
            .example("[\"0.0.0.0:8080\", \"[::]:8080\"]"),
        Field::new("tls", Shape::Table(&SERVER_TLS), "HTTPS, with this certificate.")
            .otherwise("HTTP in the clear")
            .example(r#"{ cert = "fullchain.pem", key = "privkey.pem" }"#),
        Field::new(
            "trusted_proxies",
            Shape::OneOrMore(&NETWORK),
            "Proxies that are believed when they say who the client is, in `X-Forwarded-For` or `Forwarded`: it is the \
             rightmost address there that is none of these. Each of them has to add the address that it was called \
             from. Where both headers are there and disagree, or cannot be read, it is the proxy. Decides about \
             `ip_allow` of a source.",
        )
        .otherwise("nobody is believed")
        .example(r#"["10.0.0.0/8", "fd00::1"]"#),
        Field::new(
            "base_path",
            Shape::Text(Format {
                what: "a path such as \"/in\"",
                pattern: "^/",
            }),
            "The path under which sources are found: source `github` is at `/in/github`.",
        )
        .default("\"/in\""),
        Field::new(
            "public_url",
            Shape::Text(Format {
                what: "an address such as \"https://hooks.example.com\"",
                pattern: "^https?://",
            }),
            "The address that senders use, where it is not the one that is listened on. Shown in instructions, and signed by some senders.",
        )
        .example("\"https://hooks.example.com\""),
        Field::new(
            "max_head",
            Shape::Size { min: 8 << 10, max: MIB },
            "The largest request line with headers.",
        )
        .default("\"64KiB\""),
        Field::new("head_timeout", Shape::millis(100, 300_000), "Time to send a request's head.").default("\"10s\""),
        Field::new("body_timeout", Shape::millis(100, 3_600_000), "Time to send a request's body.").default("\"30s\""),
        Field::new(
            "max_connections",
            Shape::Integer { min: 1, max: 1_000_000 },
            "Connections at once; further ones wait in the operating system's queue.",
        )
        .default("10000"),
        Field::new(
            "max_in_flight",
            Shape::Size { min: MIB, max: 1 << 40 },
            "Bytes of all bodies being received or waiting to be stored. Beyond, senders get 503 with Retry-After.",
        )
        .default("\"256MiB\""),
        Field::new(
            "drain_timeout",
            Shape::millis(0, 3_600_000),
            "Time that a shutdown waits for requests, runs and deliveries under way.",
        )
        .default("\"30s\""),
        Field::new("guest_threads", Shape::Integer { min: 1, max: 1024 }, "Threads that run plugins.")
            .otherwise("one for each processor"),
    ],
    instead: &[
        ("port", "write it in `listen`: listen = \"127.0.0.1:8080\""),
        ("host", "write it in `listen`: listen = \"127.0.0.1:8080\""),
        ("address", "it is called `listen`"),
        ("bind", "it is called `listen`"),
        ("https", "it is called `tls`"),
        ("trusted_proxy", "it is called `trusted_proxies`"),
        ("max_body", "it is set for each source: [sources.NAME] max_body"),
    ],
};

impl Server {
    /// What the addresses speak: `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Server::default();
        Server {
            listen: table.get("listen").and_then(listen).unwrap_or(default.listen),
            tls: ServerTls::read(table),
            trusted_proxies: table
                .get("trusted_proxies")
                .and_then(|value| networks(value, "an empty list has no effect; leave it out"))
                .unwrap_or_default(),
            base_path: table
                .get("base_path")
                .and_then(|value| value.parse(base_path))
                .unwrap_or(default.base_path),
            public_url: table.get("public_url").and_then(|value| value.parse(public_url)),
            max_head: table.get("max_head").and_then(Value::size).unwrap_or(default.max_head),
            head_timeout: table.get("head_timeout").and_then(Value::duration).unwrap_or(default.head_timeout),
            body_timeout: table.get("body_timeout").and_then(Value::duration).unwrap_or(default.body_timeout),
            max_connections: table
                .get("max_connections")
                .and_then(Value::count)
                .unwrap_or(default.max_connections),
            max_in_flight: table.get("max_in_flight").and_then(Value::size).unwrap_or(default.max_in_flight),
            drain_timeout: table
                .get("drain_timeout")
                .and_then(Value::duration)
                .unwrap_or(default.drain_timeout),
            guest_threads: table.get("guest_threads").and_then(Value::count).unwrap_or(default.guest_threads),
        }
    }
}

fn listen(value: Value<'_>) -> Option<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for item in value.items()? {
        let address = item.parse(address)?;
        if addresses.contains(&address) {
            return item.fail(format!("{address} is listed twice"));
        }
        addresses.push(address);
    }
    if addresses.is_empty() {
        return value.fail("nothing could be received without an address");
    }
    Some(addresses)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let problem = || format!("{text:?} is not an address and port");
    text.parse().map_err(|_| match text.rsplit_once(':') {
        Some(("localhost", port)) => format!("{}; write \"127.0.0.1:{port}\"", problem()),
        Some(("" | "*", port)) => format!("{}; for every interface write \"0.0.0.0:{port}\"", problem()),
        _ => format!("{} such as \"127.0.0.1:8080\"", problem()),
    })
}

fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if !text.starts_with('/') {
        Err("a path begins with `/`".to_owned())
    } else if !path.bytes().all(plain) || path.contains("//") {
        Err("a path is made of letters, digits and `-._~`, between single slashes".to_owned())
    } else {
        Ok(path.to_owned())
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let uri = url::absolute(text)?;
    if uri.query().is_some() {
        return Err("the address that senders use has no query".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn server(text: &str) -> Result<Server, Vec<String>> {
        check::read(text).map(|config| config.server)
    }

    #[test]
    fn what_is_written_is_read() {
        let text = r#"
            [server]
            listen = ["0.0.0.0:80", "[::1]:8080"]
            trusted_proxies = ["10.1.2.3", "fd00::/8"]
            base_path = "/hooks/"
            public_url = "https://hooks.example.com/"
            max_head = "16KiB"
            head_timeout = "5s"
            max_connections = 10
            guest_threads = 3"#;
        let expected = Server {
            listen: vec!["0.0.0.0:80".parse().unwrap(), "[::1]:8080".parse().unwrap()],
            trusted_proxies: vec!["10.1.2.3/32".parse().unwrap(), "fd00::/8".parse().unwrap()],
            base_path: "/hooks".to_owned(),
            public_url: Some("https://hooks.example.com".to_owned()),
            max_head: 16 * 1024,
            head_timeout: Duration::from_secs(5),
            max_connections: 10,
            guest_threads: 3,
            ..Server::default()
        };
        assert_eq!(server(text), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("listen = 8080", "expected an address and port such as \"127.0.0.1:8080\", found an integer"),
            ("listen = \":8080\"", "for every interface write \"0.0.0.0:8080\""),
            ("listen = \"localhost:1\"", "write \"127.0.0.1:1\""),
            ("listen = []", "nothing could be received"),
            ("listen = [\"[::]:1\", \"[::]:1\"]", "[::]:1 is listed twice"),
            ("trusted_proxies = []", "leave it out"),
            ("trusted_proxies = \"proxy\"", "neither a network"),
            ("base_path = \"in\"", "a path begins with `/`"),
            ("base_path = \"/a//b\"", "between single slashes"),
            ("base_path = \"/{x}\"", "letters, digits"),
            ("public_url = \"hooks.example.com\"", "begins with"),
            ("max_head = \"1KiB\"", "`max_head` is out of range: expected 8KiB to 1MiB"),
            ("head_timeout = 10", "write \"10s\" for seconds"),
            ("guest_threads = 0", "`guest_threads` is out of range: expected 1 to 1024"),
            ("guest_threads = -1", "out of range"),
            ("port = 80", "unknown key `port` in [server]: write it in `listen`"),
        ] {
            check::fails(&format!("[server]\n{line}"), expected);
        }
    }
}
