//! `[server] tls = { … }`: the certificate that senders see.

use std::path::{Path, PathBuf};

use super::field::{Element, Field, Format, Shape};
use super::secret::{self, GIVEN_SECRET};
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef};

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerTls {
    /// A PEM file: ours first, then those that vouch for it.
    pub cert: (Location, PathBuf),
    /// Where the private key is found, in PEM.
    pub key: (Location, SecretRef),
}

pub(super) static SERVER_TLS: Element = Element {
    name: "server tls",
    doc: "HTTPS instead of HTTP on every address in `listen`: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. The files are read \
          again when they change: new connections get the new certificate, and those under way go on. A pair that \
          cannot be used leaves the old one in place, and with it the whole configuration as it was, until it is mended.",
    fields: &[
        Field::new(
            "cert",
            Shape::Text(Format::free("a path")),
            "A PEM file with the server's certificate, then those that vouch for it. Relative to this file.",
        )
        .required()
        .example(r#""/etc/hookyard/fullchain.pem""#),
        Field::new(
            "key",
            Shape::Either(&[Shape::Text(Format::free("a path")), Shape::Table(&GIVEN_SECRET)]),
            "A PEM file with the private key of `cert`, not encrypted; or where else the key is found. Relative to this \
             file.",
        )
        .required()
        .example(r#""/etc/hookyard/privkey.pem""#),
    ],
    instead: &[
        ("certificate", "it is called `cert`"),
        ("chain", "it belongs into `cert`, after the server's own certificate"),
        ("ca", "what vouches for the server's certificate belongs into `cert`, after it"),
        ("private_key", "it is called `key`"),
    ],
};

impl ServerTls {
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let value = table.get("tls")?;
        let tls = value.table_titled(table.subtitle("tls"))?;
        secret::mask_strangers(value, &tls);
        let (cert, key) = (tls.required("cert"), tls.required("key"));
        let (cert, key) = (cert.and_then(path), key.and_then(key_of));
        Some(ServerTls { cert: cert?, key: key? })
    }

    /// Files that are named.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let key = match &self.key.1 {
            SecretRef::File(path) => Some(path.as_path()),
            SecretRef::Env(_) | SecretRef::Credential(_) | SecretRef::Generated | SecretRef::Handshake => {
                None
            }
        };
        [self.cert.1.as_path()].into_iter().chain(key)
    }
}

fn path(value: Value<'_>) -> Option<(Location, PathBuf)> {
    if value.node.get_ref().as_str().is_some_and(|text| text.contains("-----BEGIN")) {
        value.mask();
        return value.fail(format!("`{}` is the path of a PEM file, not its content", value.key));
    }
    Some((value.at(), value.path()?))
}

fn key_of(value: Value<'_>) -> Option<(Location, SecretRef)> {
    if value.is_table() {
        return SecretRef::parse(value);
    }
    path(value).map(|(at, path)| (at, SecretRef::File(path)))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn tls(line: &str) -> Option<ServerTls> {
        check::read(&format!("[server]\n{line}")).unwrap().server.tls
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(tls(""), None);
        let read = tls("tls = { cert = \"c.pem\", key = \"k.pem\" }").unwrap();
        assert_eq!(read.cert.1, PathBuf::from("/etc/hookyard/c.pem"));
        assert_eq!(read.key.1, SecretRef::File("/etc/hookyard/k.pem".into()));
        assert_eq!(read.files().count(), 2);
        assert_eq!(read.cert.0.to_string(), "config.toml:2:16");
        let read = tls("tls = { cert = \"/c.pem\", key = { credential = \"tls\" } }").unwrap();
        assert_eq!(read.key.1, SecretRef::Credential("tls".to_owned()));
        assert_eq!(read.files().collect::<Vec<_>>(), [Path::new("/c.pem")]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            ("tls = true", "expected a table"),
            ("tls = {}", "lacks `cert`"),
            ("tls = { cert = \"c.pem\" }", "[server.tls] lacks `key`"),
            ("tls = { key = \"k.pem\" }", "[server.tls] lacks `cert`"),
            ("tls = { cert = \"\", key = \"k.pem\" }", "a path cannot be empty"),
            ("tls = { cert = \"c.pem\", key = { generated = true } }", "issued by somebody else"),
            ("tls = { cert = \"c.pem\", key = \"k.pem\", ca = \"a\" }", "belongs into `cert`, after it"),
        ] {
            check::fails(&format!("[server]\n{line}"), expected);
        }
    }

    #[test]
    fn a_key_that_was_pasted_is_not_shown() {
        let pasted = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIJ\\n-----END PRIVATE KEY-----";
        let errors = check::errors(&format!("[server]\ntls = {{ cert = \"c.pem\", key = \"{pasted}\" }}"));
        let shown = errors.to_string();
        assert!(
            shown.contains("the path of a PEM file, not its content") && !shown.contains("MC4C"),
            "{shown}"
        );
    }
}
