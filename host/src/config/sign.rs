//! `sign = { … }` of a destination: how a receiver can tell that a request is ours.

use super::field::{Element, Field, Shape};
use super::secret::{self, SHARED_SECRET};
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef};

static KEY: Shape = Shape::Table(&SHARED_SECRET);

pub(super) static SIGN: Element = Element {
    name: "sign",
    doc: "How a receiver can tell that a request is ours. Every request carries `webhook-id`, the same on each attempt, \
          and `webhook-timestamp`, the time of the attempt, whether it is signed or not; those that a sender set go no \
          further, nor does its `webhook-signature`, which would not fit them.",
    fields: &[Field::new(
        "standard-webhooks",
        Shape::OneOrMore(&KEY),
        "Sign each attempt as Standard Webhooks 1.0 describes it (`v1`, HMAC-SHA256), in `webhook-signature`. A secret \
         is `whsec_`, which may be left out, and 24 to 64 bytes in base64. To rotate it, list the new and the old \
         one: a request is signed with each. `{ generated = true }` makes one of this form and keeps it in `secrets/` \
         of the state directory, as `NAME.signing`; the receiver has to be given it.",
    )
    .required()
    .example(r#"[{ env = "CI_SIGNING_SECRET" }, { env = "CI_SIGNING_SECRET_OLD" }]"#)],
    instead: &[
        ("standard_webhooks", "it is called `standard-webhooks`"),
        ("secret", "it is called `standard-webhooks`"),
        ("secrets", "it is called `standard-webhooks`"),
        ("key", "it is called `standard-webhooks`"),
    ],
};

/// Where the secrets are found; none without `sign`.
pub(super) fn read(table: &Table<'_>) -> Option<Vec<(Location, SecretRef)>> {
    let Some(value) = table.get("sign") else { return Some(Vec::new()) };
    if !value.is_table() {
        // Perhaps the secret itself.
        value.mask();
        return value.fail(r#"`sign` takes a table: { standard-webhooks = { env = "NAME" } }"#);
    }
    let table = value.table_titled("sign".to_owned())?;
    secret::mask_strangers(value, &table);
    let value = table.required("standard-webhooks")?;
    let read: Vec<_> = match value.node.get_ref().is_array() {
        true => value.items()?.into_iter().map(SecretRef::parse).collect(),
        false => vec![SecretRef::parse(value)],
    };
    let secrets = read.into_iter().collect::<Option<Vec<_>>>()?;
    unambiguous(value, secrets)
}

fn unambiguous(value: Value<'_>, secrets: Vec<(Location, SecretRef)>) -> Option<Vec<(Location, SecretRef)>> {
    let generated = secrets.iter().filter(|(_, reference)| *reference == SecretRef::Generated).count();
    match secrets.len() {
        0 => value.fail("without a secret nothing can be signed; leave out `sign` to send unsigned"),
        _ if generated > 1 => value.fail("a destination has one generated secret"),
        _ => Some(secrets),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DestinationKind, check};
    use super::*;

    const URL: &str = "[destinations.d]\nurl = \"https://a.example\"\n";

    fn read(line: &str) -> Vec<SecretRef> {
        let mut config = check::read(&format!("{URL}{line}")).unwrap();
        match config.destinations.remove("d").unwrap().kind {
            DestinationKind::Http(http) => http.sign.into_iter().map(|(_, reference)| reference).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let env = |name: &str| SecretRef::Env(name.to_owned());
        for (line, expected) in [
            ("", vec![]),
            ("sign = { standard-webhooks = { env = \"A\" } }", vec![env("A")]),
            ("sign = { standard-webhooks = [{ env = \"A\" }, { env = \"B\" }] }", vec![env("A"), env("B")]),
            (
                "sign = { standard-webhooks = [{ generated = true }, { env = \"B\" }] }",
                vec![SecretRef::Generated, env("B")],
            ),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("sign = {}", "[sign] lacks `standard-webhooks`"),
            ("sign = { standard_webhooks = { env = \"A\" } }", "it is called `standard-webhooks`"),
            ("sign = { standard-webhooks = [] }", "without a secret nothing can be signed"),
            (
                "sign = { standard-webhooks = [{ generated = true }, { generated = true }] }",
                "one generated secret",
            ),
            (
                "type = \"console\"\nsign = { standard-webhooks = { env = \"A\" } }",
                "`sign` belongs to a destination of type \"http\"",
            ),
            ("headers = { Webhook-Id = \"1\" }", "written by Hookyard itself"),
            ("headers = { webhook-signature = { env = \"A\" } }", "written by Hookyard itself"),
        ] {
            check::fails(&format!("{URL}{lines}"), expected);
        }
    }

    /// P9
    #[test]
    fn a_literal_is_refused_and_never_shown() {
        for line in [
            "sign = \"whsec_hunter2\"",
            "sign = [\"whsec_hunter2\"]",
            "sign = { standard-webhooks = \"whsec_hunter2\" }",
            "sign = { standard-webhooks = [\"whsec_hunter2\"] }",
            "sign = { standard-webhooks = [{ env = \"A\" }, \"whsec_hunter2\"] }",
            "sign = { standard_webhooks = \"whsec_hunter2\" }",
            "sign = { secret = \"whsec_hunter2\" }",
            "[destinations.d.sign]\nsecret = \"whsec_hunter2\"",
            "type = \"console\"\n[destinations.d.sign]\nstandard-webhooks = \"whsec_hunter2\"",
            "type = \"console\"\nsign = { standard-webhooks = \"whsec_hunter2\" }",
        ] {
            let errors = check::errors(&format!("{URL}{line}"));
            let shown = format!("{errors}{errors:?}{}", errors.coloured());
            assert!(!shown.contains("hunter2"), "{line}: {shown}");
        }
    }
}
