//! `bearer` and `basic` of a destination: what the header `Authorization` says.

use super::field::{Element, Field, Format, Shape};
use super::secret::{self, GIVEN_SECRET};
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef};

/// What the header `Authorization` says.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// A token.
    Bearer {
        /// Where it is found.
        token: (Location, SecretRef),
    },
    /// A user and a password.
    Basic {
        /// Without a colon or control characters.
        user: String,
        /// Where it is found.
        password: (Location, SecretRef),
    },
}

pub(super) static BASIC: Element = Element {
    name: "basic",
    doc: "A user and a password sent as `Authorization: Basic …`.",
    fields: &[
        Field::new("user", Shape::Text(Format::free("a user's name")), "The user's name.")
            .required()
            .example(r#""hookyard""#),
        Field::new("password", Shape::Table(&GIVEN_SECRET), "Where the password is found.")
            .required()
            .example(r#"{ env = "CI_PASSWORD" }"#),
    ],
    instead: &[
        ("username", "it is called `user`"),
        ("name", "it is called `user`"),
        ("pass", "it is called `password`"),
        ("secret", "it is called `password`"),
    ],
};

impl Authorization {
    /// Where its secret is found.
    pub fn secret(&self) -> &(Location, SecretRef) {
        match self {
            Authorization::Bearer { token } => token,
            Authorization::Basic { password, .. } => password,
        }
    }

    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let (bearer, basic) = (table.get("bearer"), table.get("basic"));
        // Both are read, so that a secret in either is masked.
        let token = bearer.and_then(SecretRef::parse).map(|token| Authorization::Bearer { token });
        let pair = basic.and_then(user_and_password);
        match (bearer, basic) {
            (Some(_), Some(value)) => {
                value.fail("`bearer` and `basic` exclude each other: both are the header `Authorization`")
            }
            _ => token.or(pair),
        }
    }
}

fn user_and_password(value: Value<'_>) -> Option<Authorization> {
    if !value.is_table() {
        // Perhaps `user:password`.
        value.mask();
        return value.fail(r#"`basic` takes a table: { user = "…", password = { env = "NAME" } }"#);
    }
    let table = value.table_titled("basic".to_owned())?;
    secret::mask_strangers(value, &table);
    let user = table.required("user").and_then(|user| {
        user.parse(|text| match text {
            text if text.contains(':') => {
                // Perhaps `user:password`.
                user.mask();
                Err("a user's name cannot hold a colon".to_owned())
            }
            text if text.chars().any(char::is_control) => {
                Err("a user's name cannot hold control characters".to_owned())
            }
            text => Ok(text.to_owned()),
        })
    });
    let password = table.required("password").and_then(SecretRef::parse);
    Some(Authorization::Basic { user: user?, password: password? })
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const URL: &str = "[destinations.d]\nurl = \"https://a.example\"\n";

    fn read(line: &str) -> Option<Authorization> {
        let mut config = check::read(&format!("{URL}{line}")).unwrap();
        match config.destinations.remove("d").unwrap().kind {
            super::super::DestinationKind::Http(http) => http.authorization,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert!(read("").is_none());
        let Some(Authorization::Bearer { token }) = read("bearer = { env = \"T\" }") else { panic!() };
        assert_eq!(token.1, SecretRef::Env("T".to_owned()));
        let read = read("basic = { user = \"me\", password = { file = \"p\" } }");
        let Some(Authorization::Basic { user, password }) = read else { panic!("{read:?}") };
        assert_eq!((user.as_str(), password.1), ("me", SecretRef::File("/etc/hookyard/p".into())));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("basic = {}", "[basic] lacks `user`"),
            ("basic = { user = \"a\" }", "[basic] lacks `password`"),
            ("basic = { user = \"a:b\", password = { env = \"P\" } }", "cannot hold a colon"),
            ("basic = { user = \"a\\n\", password = { env = \"P\" } }", "cannot hold control characters"),
            ("basic = { user = \"a\", password = { generated = true } }", "issued by somebody else"),
            (
                "bearer = { env = \"T\" }\nbasic = { user = \"a\", password = { env = \"P\" } }",
                "`bearer` and `basic` exclude each other",
            ),
            (
                "headers = { authorization = { env = \"T\" } }\nbasic = { user = \"a\", password = { env = \"P\" } }",
                "`basic` and the header `Authorization` exclude each other",
            ),
            (
                "headers = { authorization = { env = \"T\" } }\nbearer = { env = \"P\" }",
                "`bearer` and the header `Authorization` exclude each other",
            ),
        ] {
            check::fails(&format!("{URL}{lines}"), expected);
        }
    }

    /// P9
    #[test]
    fn a_literal_is_refused_and_never_shown() {
        for line in [
            "basic = \"me:hunter2\"",
            "basic = [\"me\", \"hunter2\"]",
            "basic = { user = \"me\", password = \"hunter2\" }",
            "basic = { user = \"me\", pass = \"hunter2\" }",
            "basic = { user = \"me:hunter2\", password = { env = \"P\" } }",
            "basic = { user = 1, password = \"hunter2\" }",
            "[destinations.d.basic]\nuser = \"me\"\npass = \"hunter2\"",
            "type = \"console\"\n[destinations.d.basic]\nuser = \"me\"\npassword = \"hunter2\"",
            "bearer = { env = \"T\" }\nbasic = { user = \"me\", password = \"hunter2\" }",
            "type = \"console\"\nbasic = { user = \"me\", password = \"hunter2\" }",
            "type = \"console\"\nbearer = \"hunter2\"",
        ] {
            let errors = check::errors(&format!("{URL}{line}"));
            let shown = format!("{errors}{errors:?}{}", errors.coloured());
            assert!(!shown.contains("hunter2"), "{line}: {shown}");
        }
    }
}
