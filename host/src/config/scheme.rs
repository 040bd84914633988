//! `verify = { type = "hmac", … }`: a signature scheme in the same words as the built-in providers.

use crate::signature::{
    Encoding, Hash, KeyEncoding, Scheme, SignatureField, Template, TimestampField, TimestampFormat,
    TimestampPlace,
};

use super::field::{Choice, Element, Field, Format, Shape};
use super::table::Table;
use super::value::Value;

const HEADER: Shape = Shape::Text(Format::free("the name of a header"));
const TEXT: Shape = Shape::Text(Format::free("a text"));
const CHARACTER: Shape = Shape::Text(Format { what: "one character", pattern: "^.$" });

static FIELD_NAME: Shape = Shape::Text(Format::free("the name of a field"));

const fn word(word: &'static str, doc: &'static str) -> Choice {
    Choice { word, doc }
}

pub(super) static SCHEME: Element = Element {
    name: "scheme",
    doc: "How a sender signs: a keyed hash over parts of the request.",
    fields: &[
        Field::new(
            "type",
            Shape::Choice(&[word("hmac", "a keyed hash (RFC 2104)")]),
            "The kind of signature.",
        )
        .default("\"hmac\""),
        Field::new(
            "hash",
            Shape::Choice(&[word("sha256", ""), word("sha1", ""), word("sha512", "")]),
            "The hash function.",
        )
        .default("\"sha256\""),
        Field::new(
            "template",
            Shape::Text(Format { what: "a template such as \"{timestamp}.{body}\"", pattern: "\\{body\\}" }),
            "What is hashed: text with `{body}`, `{timestamp}`, `{id}` and `{method}` in it.",
        )
        .default("\"{body}\"")
        .example("\"{timestamp}.{body}\""),
        Field::new(
            "key_encoding",
            Shape::Choice(&[
                word("verbatim", "the secret's own bytes"),
                word("hex", "hexadecimal digits"),
                word("base64", "standard alphabet"),
            ]),
            "How the secret becomes the key.",
        )
        .default("\"verbatim\""),
        Field::new("key_prefix", TEXT, "Text before the encoded key that is not part of it.")
            .example("\"whsec_\""),
        Field::new("signature", Shape::Table(&SIGNATURE), "Where the signature stands.")
            .required()
            .example("{ header = \"X-Signature\" }"),
        Field::new(
            "timestamp",
            Shape::Table(&TIMESTAMP),
            "Where the time of signing stands, if it is signed.",
        )
        .example("{ header = \"X-Timestamp\" }"),
        Field::new("id_header", HEADER, "The header with the id that `{id}` stands for.")
            .example("\"webhook-id\""),
    ],
    instead: &[
        ("header", "it belongs to `signature`: signature = { header = \"…\" }"),
        ("algorithm", "it is called `hash`"),
        ("encoding", "it belongs to `signature`: signature = { header = \"…\", encoding = \"hex\" }"),
    ],
};

pub(super) static SIGNATURE: Element = Element {
    name: "signature",
    doc: "Where the signature stands and how it is written.",
    fields: &[
        Field::new("header", HEADER, "The header's name.").required().example("\"X-Signature\""),
        Field::new("prefix", TEXT, "Text before the signature.").default("\"\"").example("\"sha256=\""),
        Field::new("separator", CHARACTER, "What separates several signatures or fields in the header.")
            .example("\",\""),
        Field::new("assignment", CHARACTER, "What separates a field's name from its value.").example("\"=\""),
        Field::new(
            "fields",
            Shape::OneOrMore(&FIELD_NAME),
            "Names of the fields that carry a signature; each is tried.",
        )
        .example("[\"v1\"]"),
        Field::new(
            "encoding",
            Shape::Choice(&[word("hex", ""), word("base64", "")]),
            "How the bytes are written.",
        )
        .default("\"hex\""),
    ],
    instead: &[],
};

pub(super) static TIMESTAMP: Element = Element {
    name: "timestamp",
    doc: "Where the time of signing stands: in a header of its own, or in a field of the signature header.",
    fields: &[
        Field::new("header", HEADER, "The header that carries it.").example("\"X-Timestamp\""),
        Field::new(
            "field",
            Shape::Text(Format::free("the name of a field")),
            "The field of the signature header that carries it.",
        )
        .example("\"t\""),
        Field::new(
            "format",
            Shape::Choice(&[word("unix", "seconds since 1970"), word("unix_ms", "milliseconds since 1970")]),
            "How it is written.",
        )
        .default("\"unix\""),
        Field::new(
            "tolerance",
            Shape::millis(0, 86_400_000),
            "How far it may be from now. \"0s\" does not check.",
        )
        .default("\"5m\""),
    ],
    instead: &[],
};

pub(super) fn read(value: Value<'_>) -> Option<Scheme> {
    let table = value.table_titled(value.key.to_owned())?;
    // Every part is read before any is missed, so that all errors are told at once.
    let kind = table.get("type").map_or(Some(()), |value| value.choice(&[("hmac", ())]));
    let hashes = [("sha256", Hash::Sha256), ("sha1", Hash::Sha1), ("sha512", Hash::Sha512)];
    let hash = table.get("hash").map_or(Some(Hash::Sha256), |value| value.choice(&hashes));
    let encodings =
        [("verbatim", KeyEncoding::Verbatim), ("hex", KeyEncoding::Hex), ("base64", KeyEncoding::Base64)];
    let key_encoding =
        table.get("key_encoding").map_or(Some(KeyEncoding::Verbatim), |value| value.choice(&encodings));
    let key_prefix = table.get("key_prefix").map_or(Some(""), Value::text);
    let signature = table.required("signature").and_then(signature);
    let timestamp = table.get("timestamp").map(timestamp);
    let id_header = table.get("id_header").map(Value::header_name);
    let template = template(&table);
    kind?;
    let scheme = Scheme {
        hash: hash?,
        key_encoding: key_encoding?,
        key_prefix: key_prefix?.to_owned(),
        template: template?,
        signature: signature?,
        timestamp: match timestamp {
            Some(timestamp) => Some(timestamp?),
            None => None,
        },
        id_header: match id_header {
            Some(name) => Some(name?),
            None => None,
        },
    };
    timestamp_in_a_field_needs_fields(&table, &scheme)?;
    Some(scheme)
}

fn template(table: &Table<'_>) -> Option<Template> {
    let Some(value) = table.get("template") else {
        return "{body}".parse().ok();
    };
    let text = value.text()?;
    if text.contains("{timestamp}") && table.get("timestamp").is_none() {
        return value.fail("the template names {timestamp}, but no `timestamp` says where it stands");
    }
    if text.contains("{id}") && table.get("id_header").is_none() {
        return value.fail("the template names {id}, but no `id_header` says where it stands");
    }
    value.parse(|text| text.parse::<Template>().map_err(|problem| problem.to_string()))
}

fn signature(value: Value<'_>) -> Option<SignatureField> {
    let table = value.table_titled(value.key.to_owned())?;
    let header = table.required("header").and_then(Value::header_name);
    let prefix = table.get("prefix").map_or(Some(""), Value::text);
    let separator = table.get("separator").map(character);
    let assignment = table.get("assignment").map(character);
    let fields = table.get("fields").map_or(Some(Vec::new()), texts);
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = table.get("encoding").map_or(Some(Encoding::Hex), |value| value.choice(&encodings));
    let field = SignatureField {
        header: header?,
        prefix: prefix?.to_owned(),
        separator: separator.map_or(Some(None), |read| read.map(Some))?,
        assignment: assignment.map_or(Some(None), |read| read.map(Some))?,
        fields: fields?,
        encoding: encoding?,
    };
    match (field.assignment, field.fields.is_empty()) {
        (Some(_), true) => {
            value.fail("`assignment` without `fields`: name the fields that carry a signature")
        }
        (None, false) => {
            value.fail("`fields` without `assignment`: say what separates a name from its value")
        }
        _ => Some(field),
    }
}

fn timestamp(value: Value<'_>) -> Option<TimestampField> {
    let table = value.table_titled(value.key.to_owned())?;
    let place = match (table.get("header"), table.get("field")) {
        (Some(header), None) => header.header_name().map(TimestampPlace::Header),
        (None, Some(field)) => field.text().map(|name| TimestampPlace::Field(name.to_owned())),
        _ => value.fail("the time stands in a `header` or in a `field` of the signature header: name one"),
    };
    let formats = [("unix", TimestampFormat::Unix), ("unix_ms", TimestampFormat::UnixMillis)];
    let format = table.get("format").map_or(Some(TimestampFormat::Unix), |value| value.choice(&formats));
    let tolerance = table.get("tolerance").map_or(Some(300), |value| Some(value.duration()?.as_secs()));
    Some(TimestampField {
        place: place?,
        format: format?,
        tolerance: u32::try_from(tolerance?).unwrap_or(u32::MAX),
    })
}

fn timestamp_in_a_field_needs_fields(table: &Table<'_>, scheme: &Scheme) -> Option<()> {
    let in_field =
        matches!(&scheme.timestamp, Some(timestamp) if matches!(timestamp.place, TimestampPlace::Field(_)));
    if in_field && scheme.signature.assignment.is_none() {
        return table
            .get("timestamp")?
            .fail("the time stands in a field, but `signature` has no `assignment` to find fields by");
    }
    Some(())
}

fn character(value: Value<'_>) -> Option<char> {
    value.parse(|text| {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(format!("{text:?} is not one character")),
        }
    })
}

fn texts(value: Value<'_>) -> Option<Vec<String>> {
    value.items()?.into_iter().map(|item| item.text().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Verification, check};
    use super::*;

    fn scheme(verify: &str) -> Result<Scheme, Vec<String>> {
        let text = format!(
            "[sources.github]\nprovider = \"github\"\nsecret = {{ env = \"A\" }}\nverify = {verify}\n{}",
            check::ROUTE
        );
        check::read(&text).map(|config| match &config.sources["github"].verification {
            Verification::Hmac { scheme, .. } => scheme.clone(),
            Verification::None | Verification::Internal => panic!("verified"),
        })
    }

    #[test]
    fn the_least_is_a_header() {
        let expected = Scheme::hex_of_body(Hash::Sha256, "X-Signature", "");
        assert_eq!(scheme("{ signature = { header = \"X-Signature\" } }"), Ok(expected));
    }

    #[test]
    fn the_most_is_a_scheme_with_fields_and_time() {
        let verify = r#"{ type = "hmac", hash = "sha512", template = "{timestamp}.{id}.{body}", key_encoding = "base64", key_prefix = "whsec_",
            signature = { header = "S", prefix = "x", separator = ",", assignment = "=", fields = ["v1", "v2"], encoding = "base64" },
            timestamp = { field = "t", format = "unix_ms", tolerance = "1m" }, id_header = "I" }"#;
        let found = scheme(verify).unwrap();
        assert_eq!(found.signature.fields, ["v1", "v2"]);
        assert_eq!(found.id_header.as_deref(), Some("I"));
        let expected = TimestampField {
            place: TimestampPlace::Field("t".to_owned()),
            format: TimestampFormat::UnixMillis,
            tolerance: 60,
        };
        assert_eq!(found.timestamp, Some(expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let header = "signature = { header = \"S\" }";
        for (inside, expected) in [
            ("", "[verify] lacks `signature`"),
            ("signature = {}", "[signature] lacks `header`"),
            ("header = \"S\"", "it belongs to `signature`"),
            (&format!("{header}, hash = \"md5\""), "`hash` cannot be \"md5\""),
            (&format!("{header}, template = \"{{timestamp}}{{body}}\""), "no `timestamp` says where"),
            (&format!("{header}, template = \"{{id}}{{body}}\""), "no `id_header` says where"),
            (&format!("{header}, template = \"{{nonce}}{{body}}\""), "there is no `{nonce}`"),
            (&format!("{header}, template = \"x\""), "would not prove the body"),
            (&format!("{header}, timestamp = {{}}"), "name one"),
            (&format!("{header}, timestamp = {{ field = \"t\" }}"), "no `assignment` to find fields by"),
            ("signature = { header = \"S\", fields = [\"v1\"] }", "`fields` without `assignment`"),
            ("signature = { header = \"S\", assignment = \"=\" }", "`assignment` without `fields`"),
            ("signature = { header = \"S\", separator = \", \" }", "is not one character"),
        ] {
            let problems = scheme(&format!("{{ {inside} }}")).unwrap_err().join("\n");
            assert!(problems.contains(expected), "{inside}: {problems}");
        }
    }
}
