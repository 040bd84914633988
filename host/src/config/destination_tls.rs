//! `tls = { … }` of a destination: certificates of its own.

use std::path::PathBuf;

use super::field::{Element, Field, Format, Shape};
use super::secret::{self, GIVEN_SECRET};
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef};

/// Certificates of a destination.
#[derive(Clone, Debug, Default)]
pub struct DestinationTls {
    /// A PEM file of authorities to trust.
    pub ca: Option<(Location, PathBuf)>,
    /// Whether those of the system are not trusted.
    pub only: bool,
    /// Shown to a receiver that asks who we are.
    pub identity: Option<ClientCertificate>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// A PEM file: ours first, then those that vouch for it.
    pub cert: (Location, PathBuf),
    /// Where the private key is found, in PEM.
    pub key: (Location, SecretRef),
}

pub(super) static DESTINATION_TLS: Element = Element {
    name: "destination tls",
    doc: "Certificates for one destination. The files are read again when they change.",
    fields: &[
        Field::new(
            "ca",
            Shape::Text(Format::free("a path")),
            "A PEM file of certificates to trust in addition to those of the system: of a private authority, or the \
             receiver's own. Relative to this file.",
        )
        .example(r#""internal-ca.pem""#),
        Field::new("only", Shape::Boolean, "Trust only what is in `ca`, not what the system trusts.").default("false"),
        Field::new(
            "cert",
            Shape::Text(Format::free("a path")),
            "A PEM file with our certificate, then those that vouch for it, for a receiver that asks who we are \
             (mutual TLS). Relative to this file.",
        )
        .example(r#""hookyard.pem""#),
        Field::new("key", Shape::Table(&GIVEN_SECRET), "Where the private key of `cert` is found, in PEM.")
            .example(r#"{ file = "hookyard.key" }"#),
    ],
    instead: &[
        ("roots", "it is called `ca`"),
        ("ca_file", "it is called `ca`"),
        ("certificate", "it is called `cert`"),
        ("insecure", "there is no such thing; put the receiver's certificate into `ca`"),
        ("verify", "receivers are always verified; put the receiver's certificate into `ca`"),
    ],
};

impl DestinationTls {
    pub(super) fn read(value: Value<'_>) -> Option<Self> {
        let table = value.table_titled("tls".to_owned())?;
        secret::mask_strangers(value, &table);
        let only = table.get("only");
        let ca = table.get("ca");
        if let (Some(only), None) = (only, ca) {
            only.error("`only` without `ca` would trust nobody", |_| ());
        }
        let identity = identity(value, &table);
        Some(DestinationTls {
            ca: ca.and_then(path),
            only: only.and_then(Value::boolean).unwrap_or_default(),
            identity,
        })
    }
}

fn identity(value: Value<'_>, table: &Table<'_>) -> Option<ClientCertificate> {
    match (table.get("cert"), table.get("key")) {
        (Some(cert), Some(key)) => {
            let key = SecretRef::parse(key);
            Some(ClientCertificate { cert: path(cert)?, key: key? })
        }
        (None, None) => None,
        (_, key) => {
            key.map(SecretRef::parse);
            value.fail("`cert` and `key` go together: a certificate, and the private key of it")
        }
    }
}

fn path(value: Value<'_>) -> Option<(Location, PathBuf)> {
    Some((value.at(), value.path()?))
}

#[cfg(test)]
mod tests {
    use super::super::{DestinationKind, check};
    use super::*;

    const URL: &str = "[destinations.d]\nurl = \"https://a.example\"\n";

    #[test]
    fn what_is_written_is_read() {
        let read = |line: &str| {
            let mut config = check::read(&format!("{URL}{line}")).unwrap();
            match config.destinations.remove("d").unwrap().kind {
                DestinationKind::Http(http) => http.tls,
                other => panic!("{other:?}"),
            }
        };
        let none = read("");
        assert!(none.ca.is_none() && !none.only && none.identity.is_none());
        let all = read("tls = { ca = \"ca.pem\", only = true, cert = \"c.pem\", key = { env = \"K\" } }");
        assert_eq!((all.ca.unwrap().1, all.only), ("/etc/hookyard/ca.pem".into(), true));
        let identity = all.identity.unwrap();
        assert_eq!(identity.cert.1, PathBuf::from("/etc/hookyard/c.pem"));
        assert_eq!(identity.key.1, SecretRef::Env("K".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("tls = { only = true }", "would trust nobody"),
            ("tls = { ca = \"\" }", "a path cannot be empty"),
            ("tls = { cert = \"c.pem\" }", "`cert` and `key` go together"),
            ("tls = { key = { env = \"K\" } }", "`cert` and `key` go together"),
            ("tls = { cert = \"c.pem\", key = \"c.key\" }", "cannot be written in the configuration"),
            ("tls = { insecure = true }", "put the receiver's certificate into `ca`"),
            ("path = \"x\"\ntype = \"file\"\ntls = { ca = \"ca.pem\" }", "`tls` belongs to"),
        ] {
            check::fails(&format!("{URL}{lines}"), expected);
        }
        let http = "[destinations.d]\nurl = \"http://10.0.0.1\"\nnetwork = \"private\"\ntls = { ca = \"a\" }";
        check::fails(http, "`tls` has no effect");
    }
}
