//! `secret` and `secrets` of a source: what proves requests, and until when.

use crate::event::UnixMillis;

use super::field::{Element, Field, Shape};
use super::secret::{self, CREDENTIAL, ENV, FILE, GENERATED, INSTEAD};
use super::table::Table;
use super::value::Value;
use super::{Location, SecretRef};

/// A secret that proves requests, for as long as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSecret {
    /// Where the reference stands.
    pub at: Location,
    /// Where the secret is found.
    pub reference: SecretRef,
    /// From then on it proves nothing any more.
    pub expires: Option<UnixMillis>,
}

const EXPIRES: Field = Field::new(
    "expires",
    Shape::Moment,
    "From then on this secret proves nothing any more. `hookyard sources` shows when one was used last.",
)
.example("2026-12-01T00:00:00Z");

/// A secret of a source, which this side may have made.
pub(super) static SOURCE_SECRET: Element = Element {
    name: "source secret",
    doc: "Where a secret is found with which a sender proves itself: exactly one of the keys but for `expires`. A \
          configuration never holds a secret itself, so that it can be kept under version control.",
    fields: &[
        ENV,
        FILE,
        CREDENTIAL,
        GENERATED,
        Field::new(
            "handshake",
            Shape::Boolean,
            "Brought by the sender itself, as Asana does: the first request with `X-Hook-Secret` is believed, and what \
             it says is kept in the state directory, in `secrets/` under the name of the source. Removing that file \
             lets another one be brought. Only `true`.",
        )
        .example("true"),
        EXPIRES,
    ],
    instead: INSTEAD,
};

/// A secret of a further proof.
pub(super) static REQUIRED_SECRET: Element = Element {
    name: "required secret",
    doc: "Where the secret of a further proof is found: exactly one of the keys but for `expires`.",
    fields: &[ENV, FILE, CREDENTIAL, EXPIRES],
    instead: INSTEAD,
};

impl SourceSecret {
    fn parse(value: Value<'_>) -> Option<Self> {
        let table = secret::open(value)?;
        let reference = SecretRef::of(value, &table);
        let expires = table.get("expires").map(Value::moment);
        Some(SourceSecret {
            at: value.at(),
            reference: reference?,
            expires: expires.map_or(Some(None), |read| read.map(Some))?,
        })
    }
}

/// Reads `secret` or `secrets`, of which there is one with at least one secret.
pub(super) fn read(table: &Table<'_>) -> Option<Vec<SourceSecret>> {
    let (one, several) = (table.get("secret"), table.get("secrets"));
    let read: Vec<_> = match (one, several) {
        (Some(value), None) => vec![SourceSecret::parse(value)],
        (None, Some(value)) if value.node.get_ref().is_array() => {
            value.items()?.into_iter().map(SourceSecret::parse).collect()
        }
        (None, Some(value)) => vec![SourceSecret::parse(value)],
        (Some(_), Some(value)) => {
            return value.fail("`secret` and `secrets` exclude each other; list them all in `secrets`");
        }
        (None, None) => return no_secret(table),
    };
    let secrets = read.into_iter().collect::<Option<Vec<_>>>()?;
    let count = |reference: SecretRef| secrets.iter().filter(|secret| secret.reference == reference).count();
    match several {
        Some(value) if secrets.is_empty() => value.fail("without a secret nothing can be verified"),
        Some(value) if count(SecretRef::Generated) > 1 => value.fail("a source has one generated secret"),
        Some(value) if secrets.len() > 1 && count(SecretRef::Handshake) > 0 => {
            value.fail("a secret that the sender brings is the only one of its source")
        }
        _ => Some(secrets),
    }
}

fn no_secret<T>(table: &Table<'_>) -> Option<T> {
    table.error(format!("{} lacks `secret`", table.shown()), |error| {
        let generated = match table.element.field("provider") {
            Some(_) => ", or secret = { generated = true } to have one made",
            None => "",
        };
        error
            .label("a key is missing here")
            .help(format!("add secret = {{ env = \"NAME\" }} with the sender's secret{generated}"));
    });
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Verification, check};
    use super::*;

    fn secrets(lines: &str) -> Result<Vec<SourceSecret>, Vec<String>> {
        let text = format!("[sources.github]\n{lines}\n{}", check::ROUTE);
        check::read(&text).map(|config| match &config.sources["github"].verification {
            Verification::Proof { secrets, .. } => secrets.clone(),
            _ => panic!("verified"),
        })
    }

    #[test]
    fn a_secret_expires_when_it_is_told() {
        for (written, expected) in [
            ("2026-12-01T00:00:00Z", 1_796_083_200_000),
            ("2026-12-01T00:00:00.5Z", 1_796_083_200_500),
            ("2026-12-01 02:00:00+02:00", 1_796_083_200_000),
        ] {
            let lines =
                format!("secrets = [{{ file = \"new\" }}, {{ file = \"old\", expires = {written} }}]");
            let expires: Vec<_> = secrets(&lines).unwrap().iter().map(|secret| secret.expires).collect();
            assert_eq!(expires, [None, Some(expected)], "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, expected) in [
            (
                "secret = { env = \"A\", expires = 2026-12-01T00:00:00 }",
                "in which time zone 2026-12-01T00:00:00 is: for UTC write 2026-12-01T00:00:00Z",
            ),
            (
                "secret = { env = \"A\", expires = 2026-12-01 }",
                "for midnight in UTC write 2026-12-01T00:00:00Z",
            ),
            ("secret = { env = \"A\", expires = 12:00:00 }", "a date is missing"),
            (
                "secret = { env = \"A\", expires = \"2026-12-01T00:00:00Z\" }",
                "expected a date and time without quotes such as 2026-12-01T00:00:00Z, found a string",
            ),
            ("secret = { expires = 2026-12-01T00:00:00Z }", "a secret needs a reference"),
            ("secret = { handshake = false }", "`handshake` is only ever `true`"),
            ("secrets = [{ handshake = true }, { env = \"A\" }]", "is the only one of its source"),
            ("secret = { env = \"A\", expiry = 1 }", "did you mean `expires`?"),
        ] {
            check::fails(&format!("[sources.github]\n{line}\n{}", check::ROUTE), expected);
        }
    }
}
