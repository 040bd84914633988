//! `verify = { type = "hmac", … }`: how a sender proves itself, in the same words as the built-in providers.

use std::time::Duration;

use crate::event::Pointer;
use crate::signature::{
    Algorithm, Encoding, Hash, KeyEncoding, Place, Scheme, SignatureField, Signed, Template, TimestampField,
    TimestampFormat, TimestampPlace, Token,
};

use super::field::{Choice, Element, Field, Format, Shape};
use super::jwt;
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
    doc: "How a sender proves itself: by a signature over parts of the request, or by a secret that it sends along.",
    fields: &[
        Field::new(
            "type",
            Shape::Choice(&[
                word("hmac", "a hash keyed with the secret (RFC 2104)"),
                word("digest", "a plain hash over a template that names `{secret}`"),
                word("ed25519", "the secret is the sender's public key, in hex, base64 or PEM"),
                word("ecdsa-p256", "with SHA-256; the secret is the sender's public key, in base64 or PEM"),
                word("token", "the secret itself, at the place that `token` names"),
                word("bearer", "the secret itself, as in `Authorization: Bearer …`"),
                word("basic", "basic authentication; the secret is `user:password`"),
                word("jwt", "a JSON Web Token under a key that does not change, as in `Authorization: Bearer …`"),
            ]),
            "The kind of proof.",
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
            Shape::Text(Format { what: "a template such as \"{timestamp}.{body}\"", pattern: "\\{body[}:]" }),
            "What is signed: text with `{body}`, `{timestamp}`, `{id}`, `{method}`, `{url}` (what the sender calls, see \
             `[server] public_url`), `{url-decoded}` (the same with its percent escapes decoded), `{secret}` (for type \
             \"digest\") and `{body:/POINTER}` (a text or number of the body) in it.",
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
        .otherwise("\"verbatim\"; for a public key \"base64\""),
        Field::new("key_prefix", TEXT, "Text before the encoded key that is not part of it.")
            .example("\"whsec_\""),
        Field::new("signature", Shape::Table(&SIGNATURE), "Where the signature stands. Required for every signature.")
            .example("{ header = \"X-Signature\" }"),
        Field::new("token", Shape::Table(&TOKEN), "Where the secret or the token stands. Required for type \"token\".")
            .example("{ header = \"X-Api-Key\" }"),
        Field::new(
            "timestamp",
            Shape::Table(&TIMESTAMP),
            "Where the time of signing stands, if it is signed.",
        )
        .example("{ header = \"X-Timestamp\" }"),
        Field::new("id_header", HEADER, "The header with the id that `{id}` stands for.")
            .example("\"webhook-id\""),
        Field::new("empty_body", Shape::Boolean, "Whether an empty body may be genuine.").default("true"),
        jwt::ALGORITHMS,
        jwt::ISSUER,
        jwt::AUDIENCE,
        jwt::LEEWAY,
        jwt::MAX_AGE,
        jwt::BODY,
    ],
    instead: &[
        ("header", "it belongs to `signature`: signature = { header = \"…\" }"),
        ("algorithm", "it is called `hash`"),
        ("encoding", "it belongs to `signature`: signature = { header = \"…\", encoding = \"hex\" }"),
    ],
};

static HEADERS: Shape = Shape::Text(Format {
    what: "the name of a header, or the beginning of several such as \"X-Signature-*\"",
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
});

const NODE: Shape = Shape::Text(Format { what: "a JSON pointer such as \"/signature\"", pattern: "^/" });

const PARAMETER: Shape = Shape::Text(Format::free("the name of a query parameter"));

pub(super) static SIGNATURE: Element = Element {
    name: "signature",
    doc: "Where the signature stands and how it is written. It stands in one of `header`, `query` and `body`.",
    fields: &[
        Field::new(
            "header",
            Shape::OneOrMore(&HEADERS),
            "The header's name. Of several, each that is there is tried; `X-Signature-*` stands for `X-Signature-1` and \
             so on.",
        )
        .example("\"X-Signature\""),
        Field::new("query", PARAMETER, "A query parameter.").example("\"sig\""),
        Field::new("body", NODE, "A node of the body's JSON view.").example("\"/signature\""),
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
    instead: &[("headers", "it is called `header`, and takes a list"), ("json", "it is called `body`")],
};

pub(super) static TOKEN: Element = Element {
    name: "token",
    doc: "Where a secret stands that is sent along: in one of `header`, `query` and `body`.",
    fields: &[
        Field::new("header", HEADER, "The header's name.").example("\"X-Api-Key\""),
        Field::new("query", PARAMETER, "A query parameter.").example("\"code\""),
        Field::new(
            "body",
            NODE,
            "A node of the body's JSON view. One `*` stands for every item of a list: all of them have to be right.",
        )
        .example("\"/value/*/clientState\""),
        Field::new("prefix", TEXT, "Text before the secret.").default("\"\"").example("\"Token \""),
    ],
    instead: &[],
};

pub(super) static TIMESTAMP: Element = Element {
    name: "timestamp",
    doc: "Where the time of signing stands: in a header of its own, in a field of the signature header, or in the body.",
    fields: &[
        Field::new("header", HEADER, "The header that carries it.").example("\"X-Timestamp\""),
        Field::new(
            "field",
            Shape::Text(Format::free("the name of a field")),
            "The field of the signature header that carries it.",
        )
        .example("\"t\""),
        Field::new("body", NODE, "A node of the body's JSON view.").example("\"/timestamp\""),
        Field::new(
            "format",
            Shape::Choice(&[
                word("unix", "seconds since 1970"),
                word("unix_ms", "milliseconds since 1970"),
                word("rfc3339", "such as 2026-01-31T12:00:00Z"),
            ]),
            "How it is written.",
        )
        .default("\"unix\""),
        Field::new(
            "tolerance",
            Shape::millis(0, 86_400_000),
            "How far it may be from now. \"0s\" does not check.",
        )
        .default("\"5m\""),
        Field::new(
            "future_tolerance",
            Shape::millis(0, 86_400_000),
            "How far it may lie in the future. \"0s\" does not check.",
        )
        .otherwise("`tolerance`"),
    ],
    instead: &[],
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hmac,
    Digest,
    Ed25519,
    EcdsaP256,
    Token,
    Bearer,
    Basic,
    Jwt,
}

/// Reads the scheme under a key of that source.
pub(super) fn read(value: Value<'_>, source: &Table<'_>) -> Option<Scheme> {
    of(&value.table_titled(source.subtitle(value.key))?)
}

/// The scheme that a table describes, which may hold more than that.
pub(super) fn of(table: &Table<'_>) -> Option<Scheme> {
    let kinds = [
        ("hmac", Kind::Hmac),
        ("digest", Kind::Digest),
        ("ed25519", Kind::Ed25519),
        ("ecdsa-p256", Kind::EcdsaP256),
        ("token", Kind::Token),
        ("bearer", Kind::Bearer),
        ("basic", Kind::Basic),
        ("jwt", Kind::Jwt),
    ];
    let kind = table.get("type").map_or(Some(Kind::Hmac), |value| value.choice(&kinds));
    if kind != Some(Kind::Jwt)
        && let Some(unused) = jwt::KEYS.into_iter().find_map(|key| table.get(key))
    {
        return unused.fail(format!("`{}` belongs to type \"jwt\"", unused.key));
    }
    // Of an unknown type nobody knows what it lacks.
    if kind.is_none() && table.get("signature").is_none() {
        return None;
    }
    match kind {
        Some(Kind::Token | Kind::Bearer | Kind::Basic) => token(table, kind?).map(Scheme::Token),
        Some(Kind::Jwt) => jwt::read(table, token(table, Kind::Jwt)).map(Scheme::Jwt),
        _ => signed(table, kind).map(Scheme::Signed),
    }
}

fn token(table: &Table<'_>, kind: Kind) -> Option<Token> {
    for key in [
        "hash",
        "template",
        "key_encoding",
        "key_prefix",
        "signature",
        "timestamp",
        "id_header",
        "empty_body",
    ] {
        if let Some(unused) = table.get(key) {
            return unused.fail(format!("`{key}` has no effect, because nothing is signed"));
        }
    }
    let place = table.get("token");
    if let (Some(unused), Kind::Bearer | Kind::Basic) = (place, kind) {
        return unused
            .fail("the secret stands in the header Authorization; remove `token`, or choose type \"token\"");
    }
    let authorization = |prefix: &str, base64| Token {
        place: Place::Header("Authorization".to_owned()),
        prefix: prefix.to_owned(),
        base64,
    };
    match kind {
        Kind::Jwt if place.is_none() => Some(authorization("Bearer ", false)),
        Kind::Bearer => Some(authorization("Bearer ", false)),
        Kind::Basic => Some(authorization("Basic ", true)),
        _ => {
            let value = table.needed("token")?;
            let token = value.table_titled(value.key.to_owned())?;
            let prefix = token.get("prefix").map_or(Some(""), Value::text)?.to_owned();
            let header = |value: Value<'_>| value.header_name().map(|name| vec![Place::Header(name)]);
            let place = place_of(&token, value, header, token_node)?.pop()?;
            if let (Kind::Jwt, Place::BodyEach { .. }) = (kind, &place) {
                return value.fail("a JSON Web Token stands in one place; `*` is for type \"token\"");
            }
            Some(Token { place, prefix, base64: false })
        }
    }
}

fn signed(table: &Table<'_>, kind: Option<Kind>) -> Option<Signed> {
    if let Some(unused) = table.get("token") {
        return unused.fail("`token` has no effect beside a signature; it belongs to type \"token\"");
    }
    // Every part is read before any is missed, so that all errors are told at once.
    let hashes = [("sha256", Hash::Sha256), ("sha1", Hash::Sha1), ("sha512", Hash::Sha512)];
    let hash = table.get("hash").map_or(Some(Hash::Sha256), |value| value.choice(&hashes));
    let encodings =
        [("verbatim", KeyEncoding::Verbatim), ("hex", KeyEncoding::Hex), ("base64", KeyEncoding::Base64)];
    let usual = match kind {
        Some(Kind::Ed25519 | Kind::EcdsaP256) => KeyEncoding::Base64,
        _ => KeyEncoding::Verbatim,
    };
    let key_encoding = table.get("key_encoding").map_or(Some(usual), |value| value.choice(&encodings));
    let key_prefix = table.get("key_prefix").map_or(Some(""), Value::text);
    let signature = table.needed("signature").and_then(signature);
    let timestamp = table.get("timestamp").map(timestamp);
    let id_header = table.get("id_header").map(Value::header_name);
    let template = template(table, kind);
    let empty_body = table.get("empty_body").map_or(Some(true), Value::boolean);
    let algorithm = match kind? {
        Kind::Ed25519 => Algorithm::Ed25519,
        Kind::EcdsaP256 => Algorithm::EcdsaP256,
        Kind::Digest => Algorithm::Digest(hash?),
        _ => Algorithm::Hmac(hash?),
    };
    let scheme = Signed {
        algorithm,
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
        rejects_empty_body: !empty_body?,
    };
    timestamp_in_a_field_needs_fields(table, &scheme)?;
    what_is_not_covered_proves_nothing(table, &scheme)?;
    warn_of_the_template(table, &scheme);
    Some(scheme)
}

fn template(table: &Table<'_>, kind: Option<Kind>) -> Option<Template> {
    let digest = kind == Some(Kind::Digest);
    let Some(value) = table.get("template") else {
        if digest {
            table.error(format!("{} lacks `template`", table.shown()), |error| {
                error.label("a key is missing here").help("for example: template = \"{secret}{body}\"");
            });
            return None;
        }
        return Some(Template::body());
    };
    let template = value.parse(|text| text.parse::<Template>().map_err(|problem| problem.to_string()))?;
    if template.names_timestamp() && table.get("timestamp").is_none() {
        return value.fail("the template names {timestamp}, but no `timestamp` says where it stands");
    }
    if template.names_id() && table.get("id_header").is_none() {
        return value.fail("the template names {id}, but no `id_header` says where it stands");
    }
    match (digest, template.names_secret()) {
        (true, false) => value.fail("a plain hash without {secret} proves nothing"),
        (false, true) => value.fail("{secret} stands in the template of type \"digest\" only"),
        _ => Some(template),
    }
}

/// What one of `header`, `query` and `body` says.
fn place_of<'a>(
    table: &Table<'a>,
    value: Value<'a>,
    header: impl FnOnce(Value<'a>) -> Option<Vec<Place>>,
    node: impl FnOnce(&str) -> Result<Place, String>,
) -> Option<Vec<Place>> {
    match (table.get("header"), table.get("query"), table.get("body")) {
        (Some(value), None, None) => header(value),
        (None, Some(value), None) => Some(vec![Place::Query(value.text()?.to_owned())]),
        (None, None, Some(value)) => value.parse(node).map(|place| vec![place]),
        (None, None, None) => {
            table.error(format!("{} lacks `header`", table.shown()), |error| {
                error.label("it stands in a `header`, in a `query` parameter or in the `body`");
            });
            None
        }
        _ => value.fail("it stands in one place: name one of `header`, `query` and `body`"),
    }
}

fn pointer(text: &str) -> Result<Pointer, String> {
    Pointer::new(text).map_err(|problem| problem.to_string())
}

fn token_node(text: &str) -> Result<Place, String> {
    match text.split_once("/*") {
        None => pointer(text).map(Place::Body),
        Some((list, item)) => Ok(Place::BodyEach { list: pointer(list)?, item: pointer(item)? }),
    }
}

fn signature_headers(value: Value<'_>) -> Option<Vec<Place>> {
    let place = |item: Value<'_>| {
        item.parse(|text| {
            let (name, series) = text.strip_suffix('*').map_or((text, false), |prefix| (prefix, true));
            http::HeaderName::try_from(name).map_err(|_| format!("{text:?} is not the name of a header"))?;
            Ok(if series { Place::HeaderSeries(name.to_owned()) } else { Place::Header(name.to_owned()) })
        })
    };
    let places: Vec<Place> = value.items()?.into_iter().map(place).collect::<Option<_>>()?;
    if places.is_empty() { value.fail("an empty list names no header") } else { Some(places) }
}

fn signature(value: Value<'_>) -> Option<SignatureField> {
    let table = value.table_titled(value.key.to_owned())?;
    let places = place_of(&table, value, signature_headers, |text| pointer(text).map(Place::Body));
    let prefix = table.get("prefix").map_or(Some(""), Value::text);
    let separator = table.get("separator").map(character);
    let assignment = table.get("assignment").map(character);
    let fields = table.get("fields").map_or(Some(Vec::new()), texts);
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = table.get("encoding").map_or(Some(Encoding::Hex), |value| value.choice(&encodings));
    let field = SignatureField {
        places: places?,
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
    let place = match (table.get("header"), table.get("field"), table.get("body")) {
        (Some(header), None, None) => header.header_name().map(TimestampPlace::Header),
        (None, Some(field), None) => field.text().map(|name| TimestampPlace::Field(name.to_owned())),
        (None, None, Some(body)) => body.parse(pointer).map(TimestampPlace::Body),
        _ => value.fail(
            "the time stands in a `header`, in a `field` of the signature header or in the `body`: name one",
        ),
    };
    let formats = [
        ("unix", TimestampFormat::Unix),
        ("unix_ms", TimestampFormat::UnixMillis),
        ("rfc3339", TimestampFormat::Rfc3339),
    ];
    let format = table.get("format").map_or(Some(TimestampFormat::Unix), |value| value.choice(&formats));
    let tolerance = table.get("tolerance").map_or(Some(Some(300)), |value| value.duration().map(seconds));
    let future =
        table.get("future_tolerance").map_or(Some(tolerance?), |value| value.duration().map(seconds));
    Some(TimestampField { place: place?, format: format?, tolerance: tolerance?, future_tolerance: future? })
}

/// A tolerance in seconds, rounded up; only zero does not check.
pub(super) fn seconds(tolerance: Duration) -> Option<u32> {
    let seconds = tolerance.as_millis().div_ceil(1000);
    Some(u32::try_from(seconds).unwrap_or(u32::MAX)).filter(|seconds| *seconds > 0)
}

fn timestamp_in_a_field_needs_fields(table: &Table<'_>, scheme: &Signed) -> Option<()> {
    let in_field =
        matches!(&scheme.timestamp, Some(timestamp) if matches!(timestamp.place, TimestampPlace::Field(_)));
    if in_field && scheme.signature.assignment.is_none() {
        return table
            .get("timestamp")?
            .fail("the time stands in a field, but `signature` has no `assignment` to find fields by");
    }
    Some(())
}

/// Whoever replays a request chooses a time or an id that is not signed.
fn what_is_not_covered_proves_nothing(table: &Table<'_>, scheme: &Signed) -> Option<()> {
    let template = &scheme.template;
    let time_is_covered = |time: &TimestampField| {
        template.names_timestamp()
            || matches!(&time.place, TimestampPlace::Body(pointer) if template.covers_node(pointer))
    };
    if !scheme.timestamp.as_ref().is_none_or(time_is_covered) {
        return table.get("timestamp")?.fail(
            "the template does not cover this time, so that anybody could write another; add {timestamp} where the \
             sender signs it, or remove `timestamp`",
        );
    }
    if scheme.id_header.is_some() && !template.names_id() {
        return table.get("id_header")?.fail(
            "the template does not cover this id: add {id} where the sender signs it, or remove `id_header`",
        );
    }
    Some(())
}

fn warn_of_the_template(table: &Table<'_>, scheme: &Signed) {
    let Some(value) = table.get("template") else { return };
    let warn = |warning: &str| table.context.gathered.warn(&value.spot(), warning.to_owned());
    if scheme.template.has_touching_parts() {
        warn(
            "parts of this template touch each other, so that bytes could move from one into the next under the same \
             signature; prefer a sender's scheme with something between them",
        );
    }
    if scheme.template.names_secret() && !scheme.template.ends_with_secret() {
        warn(
            "a plain hash of a text that does not end with {secret} can be continued: whoever has seen one request can \
             sign it with more at its end; prefer type \"hmac\" where the sender has it",
        );
    }
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
            "[sources.github]\nprovider = \"github\"\nsecret = {{ env = \"A\" }}\nverify = {verify}\n\
             public_url = \"https://hooks.example.com/in/github\"\n{}",
            check::ROUTE
        );
        check::read(&text).map(|config| match &config.sources["github"].verification {
            Verification::Proof { scheme, .. } => scheme.clone(),
            _ => panic!("verified"),
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
        let Scheme::Signed(found) = scheme(verify).unwrap() else { panic!("signed") };
        assert_eq!(found.signature.fields, ["v1", "v2"]);
        assert_eq!(found.id_header.as_deref(), Some("I"));
        let expected = TimestampField {
            place: TimestampPlace::Field("t".to_owned()),
            format: TimestampFormat::UnixMillis,
            tolerance: Some(60),
            future_tolerance: Some(60),
        };
        assert_eq!(found.timestamp, Some(expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let header = "signature = { header = \"S\" }";
        for (inside, expected) in [
            ("", "[sources.github.verify] lacks `signature`"),
            ("signature = {}", "[signature] lacks `header`: it stands in a `header`"),
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

    #[test]
    fn proofs_of_every_kind() {
        let placed = "signature = { header = \"S\" }";
        for (inside, name) in [
            (format!("type = \"digest\", template = \"{{secret}}{{body}}\", {placed}"), "sha256"),
            (format!("type = \"ed25519\", {placed}"), "ed25519"),
            (format!("type = \"ecdsa-p256\", {placed}"), "ecdsa-p256"),
            ("type = \"token\", token = { header = \"X-Api-Key\" }".to_owned(), "token"),
            ("type = \"token\", token = { query = \"code\" }".to_owned(), "token"),
            ("type = \"token\", token = { body = \"/value/*/clientState\" }".to_owned(), "token"),
            ("type = \"bearer\"".to_owned(), "bearer"),
            ("type = \"basic\"".to_owned(), "basic"),
            (
                "signature = { header = [\"A\", \"B-*\"] }, template = \"{body}{url}\"".to_owned(),
                "hmac-sha256",
            ),
            (
                "signature = { body = \"/s\" }, timestamp = { body = \"/t\", format = \"rfc3339\" }"
                    .to_owned(),
                "hmac-sha256",
            ),
        ] {
            assert_eq!(scheme(&format!("{{ {inside} }}")).map(|scheme| scheme.name()), Ok(name), "{inside}");
        }
    }

    #[test]
    fn a_tolerance_is_rounded_up() {
        for (millis, expected) in
            [(0, None), (1, Some(1)), (1000, Some(1)), (1001, Some(2)), (300_000, Some(300))]
        {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }

    #[test]
    fn a_weak_template_is_warned_about() {
        let signature = "signature = { header = \"S\" }";
        for (inside, expected) in [
            ("template = \"{body}\"", None),
            ("timestamp = { header = \"T\" }, template = \"{timestamp}.{body}\"", None),
            ("timestamp = { header = \"T\" }, template = \"{timestamp}{body}\"", Some("touch each other")),
            ("type = \"digest\", template = \"{body}{secret}\"", None),
            ("type = \"digest\", template = \"{secret}{body}\"", Some("can be continued")),
        ] {
            let text = format!(
                "[sources.github]\nsecret = {{ env = \"A\" }}\nverify = {{ {signature}, {inside} }}\n{}",
                check::ROUTE
            );
            let warnings = check::read(&text).unwrap().warnings;
            let told: Vec<&str> = warnings.iter().map(|(_, warning)| &**warning).collect();
            assert_eq!(told.len(), usize::from(expected.is_some()), "{inside}: {told:?}");
            assert!(told.join("").contains(expected.unwrap_or_default()), "{inside}: {told:?}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        for (inside, expected) in [
            ("type = \"nosuch\"", "nosuch"),
            ("signature = { header = \"S\" }, timestamp = { header = \"T\" }", "does not cover this time"),
            (
                "signature = { header = \"S\", assignment = \"=\", fields = \"v1\" }, timestamp = { field = \"t\" }",
                "does not cover this time",
            ),
            (
                "signature = { header = \"S\" }, template = \"{body:/a}\", timestamp = { body = \"/t\" }",
                "does not cover this time",
            ),
            ("signature = { header = \"S\" }, id_header = \"I\"", "does not cover this id"),
            ("type = \"token\"", "[sources.github.verify] lacks `token`"),
            ("type = \"token\", token = {}", "[token] lacks `header`"),
            ("type = \"token\", token = { header = \"A\", query = \"b\" }", "it stands in one place"),
            ("type = \"token\", token = { body = \"a\" }", "is not a JSON pointer"),
            ("type = \"bearer\", token = { header = \"A\" }", "stands in the header Authorization"),
            ("type = \"bearer\", hash = \"sha1\"", "`hash` has no effect"),
            ("type = \"digest\", signature = { header = \"S\" }", "[sources.github.verify] lacks `template`"),
            ("type = \"digest\", template = \"{body}\", signature = { header = \"S\" }", "proves nothing"),
            ("template = \"{secret}{body}\", signature = { header = \"S\" }", "type \"digest\" only"),
            ("signature = { header = \"S\" }, token = { header = \"T\" }", "beside a signature"),
            ("signature = { header = [] }", "names no header"),
            ("signature = { header = \"a b\" }", "is not the name of a header"),
            ("signature = { header = \"S\", query = \"s\" }", "it stands in one place"),
        ] {
            let problems = scheme(&format!("{{ {inside} }}")).unwrap_err().join("\n");
            assert!(problems.contains(expected), "{inside}: {problems}");
        }
    }
}
