//! References to secrets. A configuration never holds a secret itself, so that it can be kept under version control.

use std::fmt;
use std::path::PathBuf;

use super::Location;
use super::field::{Element, Field, Format, Shape};
use super::table::Table;
use super::value::Value;

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "path" }`: a file's content without a trailing line break; relative to the configuration file.
    File(PathBuf),
    /// `{ credential = "name" }`: a file of that name in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `{ generated = true }`: made at first start and kept in the state directory.
    Generated,
    /// `{ handshake = true }`: brought by the sender's first request and kept in the state directory.
    Handshake,
}

/// The reference, for people.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "env {name}"),
            SecretRef::File(path) => write!(f, "file {}", path.display()),
            SecretRef::Credential(name) => write!(f, "credential {name}"),
            SecretRef::Generated => f.write_str("generated"),
            SecretRef::Handshake => f.write_str("handshake"),
        }
    }
}

/// The references that an element takes.
fn references(value: Value<'_>) -> &'static str {
    let takes = |key: &'static str| {
        let table =
            |shape: &'static Shape| matches!(shape, Shape::Table(element) if element.field(key).is_some());
        value.shape.pick(&|shape| table(shape).then_some(()))
    };
    match takes("generated") {
        Some(()) => r#"{ env = "NAME" }, { file = "path" }, { credential = "name" } or { generated = true }"#,
        None => r#"{ env = "NAME" }, { file = "path" } or { credential = "name" }"#,
    }
}

pub(super) const ENV: Field = Field::new(
    "env",
    Shape::Text(Format { what: "the name of an environment variable", pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }),
    "An environment variable.",
)
.example(r#""GITHUB_WEBHOOK_SECRET""#);

pub(super) const FILE: Field = Field::new(
    "file",
    Shape::Text(Format::free("a path")),
    "A file, read without one trailing line break. Relative to this file.",
)
.example(r#""/run/secrets/github""#);

pub(super) const CREDENTIAL: Field = Field::new(
    "credential",
    Shape::Text(Format::free("the name of a credential")),
    "A file of that name in systemd's `$CREDENTIALS_DIRECTORY`.",
)
.example(r#""github""#);

pub(super) const GENERATED: Field = Field::new(
    "generated",
    Shape::Boolean,
    "Made at first start and kept in the state directory, in `secrets/` under the name of the source, or of the \
     destination followed by `.signing`. For a sender with a public key, a pair of keys for trying out: the private one is \
     in a file of the same name that ends in `.private`. Only `true`.",
)
.example("true");

/// What people write in place of a reference.
pub(super) const INSTEAD: &[(&str, &str)] = &[
    ("value", NO_LITERALS),
    ("literal", NO_LITERALS),
    ("name", "it is called `env`, `file` or `credential`"),
    ("path", "it is called `file`"),
];

const NO_LITERALS: &str = "a secret cannot be written in the configuration";

/// A secret that both sides agree on, which this side may therefore make.
pub(super) static SHARED_SECRET: Element = Element {
    name: "shared secret",
    doc: "Where a secret is found that both sides know: exactly one of these keys. A configuration never holds a \
          secret itself, so that it can be kept under version control.",
    fields: &[ENV, FILE, CREDENTIAL, GENERATED],
    instead: INSTEAD,
};

/// A secret that somebody else has made.
pub(super) static GIVEN_SECRET: Element = Element {
    name: "given secret",
    doc: "Where a secret that somebody else issued is found: exactly one of these keys.",
    fields: &[ENV, FILE, CREDENTIAL],
    instead: &[
        ("value", NO_LITERALS),
        ("literal", NO_LITERALS),
        ("name", "it is called `env`, `file` or `credential`"),
        ("path", "it is called `file`"),
        (
            "generated",
            "only a secret that both sides share can be made here; this one is issued by somebody else",
        ),
    ],
};

impl SecretRef {
    /// Reads a reference. Whatever else stands there may be the secret itself, so it is kept out of every message.
    pub(super) fn parse(value: Value<'_>) -> Option<(Location, Self)> {
        let table = open(value)?;
        SecretRef::of(value, &table).map(|reference| (value.at(), reference))
    }

    /// Reads the reference in a table that may say more about the secret.
    pub(super) fn of(value: Value<'_>, table: &Table<'_>) -> Option<Self> {
        let present: Vec<&str> = table.present().filter(|key| REFERENCES.contains(key)).collect();
        Some(match present.as_slice() {
            ["env"] => SecretRef::Env(table.get("env").and_then(variable)?),
            ["file"] => SecretRef::File(table.get("file").and_then(Value::path)?),
            ["credential"] => SecretRef::Credential(table.get("credential").and_then(credential)?),
            ["generated"] => only_true(table.get("generated")?, SecretRef::Generated)?,
            ["handshake"] => only_true(table.get("handshake")?, SecretRef::Handshake)?,
            [] => return value.fail(format!("a secret needs a reference: {}", references(value))),
            several => {
                return value.fail(format!("a secret has one reference, here are {}", several.join(" and ")));
            }
        })
    }
}

/// The keys that say where a secret is found.
const REFERENCES: [&str; 5] = ["env", "file", "credential", "generated", "handshake"];

/// The table of a reference.
pub(super) fn open(value: Value<'_>) -> Option<Table<'_>> {
    if !value.is_table() {
        return literal(value);
    }
    let table = value.table_titled(value.key.to_owned())?;
    mask_strangers(value, &table);
    Some(table)
}

fn literal<T>(value: Value<'_>) -> Option<T> {
    value.mask();
    value.error(format!("`{}` cannot be written in the configuration", value.key), |error| {
        error
            .label(format!("expected a reference: {}", references(value)))
            .help("a configuration is shared, committed and shown, so it names the place of a secret and never holds one");
    });
    None
}

/// Keeps what stands under undeclared keys out of every message: it may be the secret.
pub(super) fn mask_strangers(value: Value<'_>, table: &Table<'_>) {
    for (key, node) in value.node.get_ref().as_table().into_iter().flatten() {
        if table.element.field(key.get_ref()).is_none() {
            value.context.gathered.mask(value.context.spot(node.span()));
        }
    }
}

fn variable(value: Value<'_>) -> Option<String> {
    let name = value.text()?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.bytes().all(word) {
        value.mask();
        return value.fail("`env` takes the name of an environment variable: letters, digits and `_`");
    }
    Some(name.to_owned())
}

fn credential(value: Value<'_>) -> Option<String> {
    let name = value.text()?;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        value.mask();
        return value
            .fail("`credential` takes the name of a file in $CREDENTIALS_DIRECTORY, without a slash");
    }
    Some(name.to_owned())
}

fn only_true(value: Value<'_>, reference: SecretRef) -> Option<SecretRef> {
    match value.boolean()? {
        true => Some(reference),
        false => value.fail(format!(
            "`{}` is only ever `true`; leave it out where the secret comes from elsewhere",
            value.key
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SecretRef, Verification, check};

    fn secret(reference: &str) -> Result<SecretRef, Vec<String>> {
        let text = format!("[sources.github]\nsecret = {reference}\n{}", check::ROUTE);
        check::read(&text).map(|config| match &config.sources["github"].verification {
            Verification::Proof { secrets, .. } => secrets[0].reference.clone(),
            _ => panic!("verified"),
        })
    }

    #[test]
    fn references() {
        for (reference, expected) in [
            (r#"{ env = "A_1" }"#, SecretRef::Env("A_1".to_owned())),
            (r#"{ file = "s/github" }"#, SecretRef::File("/etc/hookyard/s/github".into())),
            (r#"{ file = "/run/s" }"#, SecretRef::File("/run/s".into())),
            (r#"{ credential = "github" }"#, SecretRef::Credential("github".to_owned())),
            ("{ generated = true }", SecretRef::Generated),
        ] {
            assert_eq!(secret(reference), Ok(expected), "{reference}");
        }
    }

    #[test]
    fn a_literal_is_refused_and_never_shown() {
        for reference in [
            r#""hunter2""#,
            r#"{ value = "hunter2" }"#,
            r#"{ secret = "hunter2" }"#,
            r#"{ env = "hunter2!" }"#,
            r#"{ credential = "/hunter2" }"#,
            r#"["hunter2"]"#,
            "'''hunter2'''",
            "\"hunter2\" x",
            "\"hunter2",
            "hunter2",
            "\"\"\"\nhunter2",
            "\"\"\"\nhunter2\"\"\"x",
            "'''\nhunter2\n'''x",
            "{ env = hunter2 }",
            "{ env = \"hunter2 }",
            "{\n  env = hunter2\n}",
            "{ env = \"A\", value = hunter2 }",
        ] {
            let errors = check::errors(&format!("[sources.github]\nsecret = {reference}"));
            let shown = format!("{errors}{errors:?}{}", errors.coloured());
            assert!(!shown.contains("hunter2"), "{reference}: {shown}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (reference, expected) in [
            (r#""hunter2""#, "`secret` cannot be written in the configuration: expected a reference"),
            ("{}", "a secret needs a reference"),
            (r#"{ env = "A", file = "b" }"#, "a secret has one reference, here are env and file"),
            ("{ generated = false }", "`generated` is only ever `true`"),
            (r#"{ environment = "A" }"#, "unknown key `environment` in [secret]"),
        ] {
            check::fails(&format!("[sources.github]\nsecret = {reference}"), expected);
        }
    }
}
