//! The keys of a destination that is an HTTP receiver.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Uri};

use super::table::Table;
use super::value::Value;
use super::{Authorization, DestinationTls, HttpDestination, Location, Network, SecretRef};
use super::{reach, retry, sign, url};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that belong to the connection or are written by the client itself.
const RESERVED: [&str; 11] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

pub(super) fn read(table: &Table<'_>, retry: Option<&Table<'_>>) -> Option<HttpDestination> {
    let url = match table.get("url") {
        Some(value) => value.parse(url::absolute).map(|url| (value, url)),
        None => {
            table.error(format!("{} lacks `url`", table.shown()), |error| {
                error.label("a key is missing here");
            });
            None
        }
    };
    let methods = [("POST", &Method::POST), ("PUT", &Method::PUT), ("PATCH", &Method::PATCH)];
    let method = table.get("method").and_then(|value| value.choice(&methods));
    let authorization = Authorization::read(table);
    let (headers, secret_headers) = headers(table);
    if secret_headers.iter().any(|(name, ..)| name == "authorization") {
        refuse_authorization_twice(table);
    }
    let sign = sign::read(table);
    let tls = table.get("tls").map_or_else(|| Some(DestinationTls::default()), DestinationTls::read);
    let network = table.get("network").map_or(Some(Network::Public), reach::read);
    let (place, url) = url?;
    if let (Some(tls), Some("http")) = (table.get("tls"), url.scheme_str()) {
        tls.error("`tls` has no effect on an address that begins with `http://`", |_| ());
    }
    let network = network?;
    reachable(place, &url, &network);
    Some(HttpDestination {
        url,
        method: method.unwrap_or(&Method::POST).clone(),
        headers,
        secret_headers,
        authorization,
        sign: sign?,
        timeout: table.get("timeout").and_then(Value::duration).unwrap_or(TIMEOUT),
        network,
        tls: tls?,
        permanent: retry.map(retry::permanent).unwrap_or_default(),
    })
}

fn refuse_authorization_twice(table: &Table<'_>) {
    for value in [table.get("bearer"), table.get("basic")].into_iter().flatten() {
        let key = value.key;
        value.error(format!("`{key}` and the header `Authorization` exclude each other"), |_| ());
    }
}

type SecretHeader = (HeaderName, Location, SecretRef);

fn headers(table: &Table<'_>) -> (Vec<(HeaderName, HeaderValue)>, Vec<SecretHeader>) {
    let (mut plain, mut secret) = (Vec::new(), Vec::new());
    for entry in table.get("headers").and_then(Value::map).unwrap_or_default() {
        let Some(name) = header_name(entry) else { continue };
        if entry.is_table() {
            secret.extend(SecretRef::parse(entry).map(|(at, reference)| (name, at, reference)));
        } else if matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie") {
            // The value is the secret that is not to be written here.
            SecretRef::parse(entry);
        } else {
            plain.extend(header_value(entry).map(|value| (name, value)));
        }
    }
    (plain, secret)
}

fn header_name(entry: Value<'_>) -> Option<HeaderName> {
    let problem = match HeaderName::try_from(entry.key) {
        Ok(name) if RESERVED.contains(&name.as_str()) => {
            format!("the header `{}` is written by Hookyard itself", entry.key)
        }
        Ok(name) => return Some(name),
        Err(_) => format!("{:?} is not the name of a header", entry.key),
    };
    entry.context.gathered.error(entry.key_spot(), problem, |_| ());
    None
}

fn header_value(entry: Value<'_>) -> Option<HeaderValue> {
    entry.parse(|text| {
        HeaderValue::try_from(text)
            .map_err(|_| "a header's value cannot hold line breaks or control characters".to_owned())
    })
}

/// An address that the network setting can never allow would fail at each attempt; better to fail here.
fn reachable(place: Value<'_>, url: &Uri, network: &Network) {
    let host = url.host().unwrap_or_default();
    let address = literal_address(host);
    let private =
        host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| !is_public(address));
    match network {
        Network::Public if private => {
            place.error(format!("`{host}` is not on the public internet"), |error| {
                error.label("never connected to unless allowed").help(
                    "add network = \"private\", or a list of networks such as network = [\"10.0.0.0/8\"]",
                );
            })
        }
        Network::Public if url.scheme_str() == Some("http") => {
            let warning = format!("events travel to `{host}` unencrypted; use https");
            place.context.gathered.warn(&place.spot(), warning);
        }
        Network::Only(networks) => {
            if let Some(address) =
                address.filter(|address| !networks.iter().any(|network| network.contains(address)))
            {
                place.error(format!("{address} is in none of the networks in `network`"), |_| ());
            }
        }
        _ => {}
    }
}

fn literal_address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// A rough check for a helpful message; the one that protects is made at connect time.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Destination, DestinationKind, check};
    use super::*;

    fn destination(lines: &str) -> Destination {
        let mut config = check::read(&format!("[destinations.d]\n{lines}")).unwrap();
        config.destinations.remove("d").unwrap()
    }

    fn http(lines: &str) -> HttpDestination {
        match destination(lines).kind {
            DestinationKind::Http(http) => http,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_kind_follows_from_the_keys() {
        assert!(matches!(destination("type = \"console\"").kind, DestinationKind::Console));
        assert!(matches!(destination("url = \"https://a.example\"").kind, DestinationKind::Http(_)));
        let DestinationKind::File { path } = destination("path = \"out.jsonl\"").kind else {
            panic!("a file");
        };
        assert_eq!(path.to_str(), Some("/etc/hookyard/out.jsonl"));
    }

    #[test]
    fn what_is_written_is_read() {
        let destination = destination(
            r#"
            url = "http://10.1.2.3:9000/x?y=z"
            method = "PUT"
            headers = { X-Team = "a", X-Key = { env = "K" } }
            bearer = { file = "token" }
            timeout = "1s"
            network = ["10.0.0.0/8", "fd00::/8"]
            retry = { schedule = ["1s", "2s"], jitter = 0, max_retry_after = "1m", permanent = [400, 422] }
            concurrency = 2"#,
        );
        assert_eq!(destination.concurrency, 2);
        assert_eq!((destination.retry.max_attempts, destination.retry.jitter), (3, 0.0));
        let DestinationKind::Http(http) = destination.kind else { panic!("http") };
        assert_eq!(http.method, Method::PUT);
        assert_eq!(http.permanent, [400, 422]);
        assert_eq!(http.headers, [(HeaderName::from_static("x-team"), HeaderValue::from_static("a"))]);
        assert_eq!(http.secret_headers[0].2, SecretRef::Env("K".to_owned()));
        assert_eq!(
            http.authorization.map(|authorization| authorization.secret().1.clone()),
            Some(SecretRef::File("/etc/hookyard/token".into()))
        );
        assert_eq!(
            http.network,
            Network::Only(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
        );
    }

    #[test]
    fn defaults() {
        let http = http("url = \"https://a.example\"");
        assert_eq!((http.method, http.timeout, http.network), (Method::POST, TIMEOUT, Network::Public));
        assert_eq!(destination("type = \"console\"").retry, crate::retry::RetryPolicy::default());
        let deaf = destination("type = \"console\"\nretry = { honor_retry_after = false }").retry;
        let next = |asked| deaf.next(1, Duration::ZERO, asked, 0.5);
        assert_eq!(next(Some(Duration::from_secs(3600))), next(None));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("", "nothing says what [destinations.d] is"),
            ("type = \"http\"", "[destinations.d] lacks `url`"),
            ("type = \"file\"", "[destinations.d] lacks `path`"),
            (
                "type = \"console\"\nurl = \"https://a.example\"",
                "`url` belongs to a destination of type \"http\"",
            ),
            ("url = \"https://a.example\"\npath = \"x\"", "not both"),
            ("url = \"ci.example.com\"", "begins with `https://`"),
            ("url = \"https://u:p@ci.example.com\"", "credentials in an address"),
            ("url = \"http://localhost:9000\"", "add network = \"private\""),
            ("url = \"http://192.168.0.1\"", "not on the public internet"),
            ("url = \"http://[::1]/\"", "not on the public internet"),
            ("url = \"http://192.168.0.1\"\nnetwork = [\"10.0.0.0/8\"]", "in none of the networks"),
            ("url = \"https://a.example\"\nmethod = \"GET\"", "`method` cannot be \"GET\""),
            ("url = \"https://a.example\"\nnetwork = \"internal\"", "`network` cannot be \"internal\""),
            ("url = \"https://a.example\"\nnetwork = []", "can never be connected to"),
            ("url = \"https://a.example\"\nnetwork = [\"10.0.0.1\"]", "write \"10.0.0.1/32\""),
            ("url = \"https://a.example\"\nnetwork = [\"10/8\"]", "is not a network"),
            ("url = \"https://a.example\"\nheaders = { Host = \"b\" }", "written by Hookyard itself"),
            ("url = \"https://a.example\"\nheaders = { \"a b\" = \"b\" }", "not the name of a header"),
            ("url = \"https://a.example\"\nheaders = { a = \"b\\n\" }", "line breaks"),
            (
                "url = \"https://a.example\"\nheaders = { Authorization = \"b\" }",
                "cannot be written in the configuration",
            ),
            ("url = \"https://a.example\"\nbearer = \"b\"", "cannot be written in the configuration"),
            ("url = \"https://a.example\"\nbearer = { generated = true }", "issued by somebody else"),
            ("type = \"console\"\nretry = { schedule = [] }", "write max_attempts = 1"),
            ("type = \"console\"\nretry = { jitter = 2 }", "expected 0 to 1"),
            ("type = \"console\"\nretry = { max_attempts = 0 }", "expected 1 to 1000"),
            ("type = \"console\"\nretry = { permanent = [400] }", "only that has statuses"),
            ("url = \"https://a.example\"\nretry = { permanent = [200] }", "expected 400 to 599"),
            (
                "type = \"console\"\nretry = { honor_retry_after = false, max_retry_after = \"1m\" }",
                "without `honor_retry_after` there is nothing to bound",
            ),
        ] {
            check::fails(&format!("[destinations.d]\n{lines}"), expected);
        }
    }

    #[test]
    fn plain_http_to_a_public_host_is_warned_about() {
        let config = check::read("[destinations.d]\nurl = \"http://a.example\"").unwrap();
        assert!(config.warnings.iter().any(|(_, warning)| warning.contains("unencrypted")));
    }
}
