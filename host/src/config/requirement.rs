//! `require` of a source: further proofs, all of which are needed.

use crate::signature::Scheme;

use super::field::{Element, Field, Shape};
use super::scheme::{self, SCHEME};
use super::source_secret::{self, REQUIRED_SECRET, SourceSecret};
use super::table::Table;
use super::value::Value;

/// A further proof.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// How the sender proves itself.
    pub scheme: Scheme,
    /// The active secrets, at least one.
    pub secrets: Vec<SourceSecret>,
}

static SECRET: Shape = Shape::Table(&REQUIRED_SECRET);

const SECRETS: [Field; 2] = [
    Field::new("secret", Shape::Table(&REQUIRED_SECRET), "The secret of this proof.")
        .example(r#"{ env = "PASSWORD" }"#),
    Field::new(
        "secrets",
        Shape::List(&SECRET),
        "Several secrets, all of them valid, while one replaces another.",
    )
    .example(r#"[{ file = "new" }, { file = "old", expires = 2026-12-01T00:00:00Z }]"#),
];

const COUNT: usize = SCHEME.fields.len() + SECRETS.len();

/// What a scheme has, and its secrets.
static FIELDS: [Field; COUNT] = {
    let mut fields = [SECRETS[0]; COUNT];
    let mut at = 0;
    while at < SCHEME.fields.len() {
        fields[at] = SCHEME.fields[at];
        at += 1;
    }
    fields[at] = SECRETS[0];
    fields[at + 1] = SECRETS[1];
    fields
};

pub(super) static REQUIREMENT: Element = Element {
    name: "requirement",
    doc: "A further proof that every request has to carry, in the words of `verify`, with secrets of its own.",
    fields: &FIELDS,
    instead: &[],
};

/// Reads `require`; none where it is left out.
pub(super) fn read(source: &Table<'_>) -> Option<Vec<Requirement>> {
    let Some(value) = source.get("require") else { return Some(Vec::new()) };
    let read: Vec<_> = value.items()?.into_iter().map(|item| requirement(item, source)).collect();
    read.into_iter().collect()
}

fn requirement(value: Value<'_>, source: &Table<'_>) -> Option<Requirement> {
    let table = value.table_titled(source.subtitle(value.key))?;
    let (scheme, secrets) = (scheme::of(&table), source_secret::read(&table));
    Some(Requirement { scheme: scheme?, secrets: secrets? })
}

#[cfg(test)]
mod tests {
    use super::super::{Verification, check};

    fn text(require: &str) -> String {
        let main = "[sources.github]\nsecret = { env = \"A\" }";
        format!("{main}\nrequire = {require}\n{}", check::ROUTE)
    }

    #[test]
    fn further_proofs_have_secrets_of_their_own() {
        let require = r#"[{ type = "basic", secret = { env = "B" } },
            { type = "token", token = { header = "X-Key" }, secrets = [{ file = "new" }, { file = "old" }] }]"#;
        let config = check::read(&text(require)).unwrap();
        let Verification::Proof { require, .. } = &config.sources["github"].verification else {
            panic!("verified");
        };
        let shown: Vec<_> = require.iter().map(|proof| (proof.scheme.name(), proof.secrets.len())).collect();
        assert_eq!(shown, [("basic", 1), ("token", 2)]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (require, expected) in [
            ("{}", "expected a list"),
            ("[{ type = \"basic\" }]", "[sources.github.require] lacks `secret`"),
            ("[{ type = \"basc\", secret = { env = \"B\" } }]", "did you mean \"basic\"?"),
            ("[{ type = \"basic\", secret = { generated = true } }]", "unknown key `generated`"),
            ("[{ type = \"basic\", secret = \"me:pw\" }]", "cannot be written in the configuration"),
        ] {
            check::fails(&text(require), expected);
        }
        let open = format!("[sources.github]\nverify = \"none\"\nrequire = []\n{}", check::ROUTE);
        check::fails(&open, "`require` has no effect beside verify");
    }
}
