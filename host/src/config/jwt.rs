//! `verify = { type = "jwt", … }`: what a signed token has to be and to say.

use crate::signature::{BodyHash, Encoding, Hash, Jwt, JwtAlgorithm, Token};

use super::field::{Choice, Element, Field, Format, Shape};
use super::scheme::seconds;
use super::table::Table;
use super::value::Value;

const TEXT: Shape = Shape::Text(Format::free("a text"));

const fn word(word: &'static str, doc: &'static str) -> Choice {
    Choice { word, doc }
}

static ALGORITHM: Shape = Shape::Choice(&[
    word("HS256", "HMAC with SHA-256; the secret is shared"),
    word("HS384", "HMAC with SHA-384; the secret is shared"),
    word("HS512", "HMAC with SHA-512; the secret is shared"),
    word("RS256", "RSA; the secret is the sender's public key, in PEM"),
    word("PS256", "RSA with the padding PSS; the secret is the sender's public key, in PEM"),
    word("ES256", "ECDSA on P-256; the secret is the sender's public key, in PEM"),
    word("EdDSA", "Ed25519; the secret is the sender's public key, in PEM"),
]);

/// The keys of a scheme that have a meaning for tokens only.
pub(super) const KEYS: [&str; 6] = ["algorithms", "issuer", "audience", "leeway", "max_age", "body_hash"];

pub(super) const ALGORITHMS: Field = Field::new(
    "algorithms",
    Shape::OneOrMore(&ALGORITHM),
    "How a token may be signed; what the token says of itself does not count. Several have to take the same kind of \
     key. Required for type \"jwt\".",
)
.example("\"RS256\"");

pub(super) const ISSUER: Field = Field::new("issuer", TEXT, "What the token's claim `iss` has to say.")
    .example("\"https://acme.example\"");

pub(super) const AUDIENCE: Field =
    Field::new("audience", TEXT, "What the token's claim `aud` has to say, or one of what it says.")
        .example("\"https://hooks.example.com/in/acme\"");

pub(super) const LEEWAY: Field = Field::new(
    "leeway",
    Shape::millis(0, 3_600_000),
    "By how much the clocks may differ when a token's `exp`, `nbf` and `iat` are looked at.",
)
.otherwise("\"1m\" for type \"jwt\"");

pub(super) const MAX_AGE: Field = Field::new(
    "max_age",
    Shape::millis(1_000, 86_400_000),
    "How old a token may be, by its claim `iat`, for senders whose tokens have no `exp`.",
)
.otherwise("a token has to have `exp`")
.example("\"5m\"");

pub(super) const BODY: Field = Field::new(
    "body_hash",
    Shape::Table(&BODY_HASH),
    "The token's claim that carries a hash of the body. Without it a token proves who sent it, and not what.",
)
.example("{ claim = \"payload_hash\" }");

pub(super) static BODY_HASH: Element = Element {
    name: "body_hash",
    doc: "The claim of a token that carries a hash of the body.",
    fields: &[
        Field::new("claim", TEXT, "Its name.").required().example("\"payload_hash\""),
        Field::new(
            "hash",
            Shape::Choice(&[word("sha256", ""), word("sha1", ""), word("sha512", "")]),
            "The hash function.",
        )
        .default("\"sha256\""),
        Field::new("encoding", Shape::Choice(&[word("hex", ""), word("base64", "")]), "How it is written.")
            .default("\"hex\""),
    ],
    instead: &[],
};

/// What a token that stands at this place has to be.
pub(super) fn read(table: &Table<'_>, token: Option<Token>) -> Option<Jwt> {
    // Every part is read before any is missed, so that all errors are told at once.
    let algorithms = table.needed("algorithms").and_then(algorithms);
    let text =
        |key| table.get(key).map_or(Some(None), |value| value.text().map(|text| Some(text.to_owned())));
    let (issuer, audience) = (text("issuer"), text("audience"));
    let leeway = table.get("leeway").map_or(Some(Some(60)), |value| value.duration().map(seconds));
    let max_age = table.get("max_age").map_or(Some(None), |value| value.duration().map(seconds));
    let body_hash = table.get("body_hash").map_or(Some(None), |value| body_hash(value).map(Some));
    let jwt = Jwt {
        token: token?,
        algorithms: algorithms?,
        issuer: issuer?,
        audience: audience?,
        leeway: leeway?.unwrap_or_default(),
        max_age: max_age?,
        body_hash: body_hash?,
    };
    if jwt.body_hash.is_none() {
        let warning = "a token without `body_hash` proves who sent a request, and not what: whoever has seen one can \
                       send another body with it until it expires";
        table.context.gathered.warn(&table.spot(), warning);
    }
    Some(jwt)
}

fn algorithms(value: Value<'_>) -> Option<Vec<JwtAlgorithm>> {
    let known = JwtAlgorithm::ALL.map(|algorithm| (algorithm.name(), algorithm));
    let algorithms: Vec<_> =
        value.items()?.into_iter().map(|item| item.choice(&known)).collect::<Option<_>>()?;
    let Some(first) = algorithms.first() else { return value.fail("an empty list names no algorithm") };
    if let Some(other) = algorithms.iter().find(|algorithm| algorithm.family() != first.family()) {
        return value.fail(format!(
            "{} and {} take different kinds of keys; a source has one kind",
            first.name(),
            other.name()
        ));
    }
    Some(algorithms)
}

fn body_hash(value: Value<'_>) -> Option<BodyHash> {
    let table = value.table_titled(value.key.to_owned())?;
    let hashes = [("sha256", Hash::Sha256), ("sha1", Hash::Sha1), ("sha512", Hash::Sha512)];
    let hash = table.get("hash").map_or(Some(Hash::Sha256), |value| value.choice(&hashes));
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = table.get("encoding").map_or(Some(Encoding::Hex), |value| value.choice(&encodings));
    let claim = table.required("claim").and_then(Value::text);
    Some(BodyHash { claim: claim?.to_owned(), hash: hash?, encoding: encoding? })
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Verification, check};
    use super::*;
    use crate::signature::{Place, Scheme};

    fn config(verify: &str) -> Result<Config, Vec<String>> {
        let text =
            format!("[sources.github]\nsecret = {{ env = \"A\" }}\nverify = {verify}\n{}", check::ROUTE);
        check::read(&text)
    }

    fn jwt(config: &Config) -> Jwt {
        match &config.sources["github"].verification {
            Verification::Proof { scheme: Scheme::Jwt(jwt), .. } => jwt.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_least_is_an_algorithm() {
        let config = config(r#"{ type = "jwt", algorithms = "RS256" }"#).unwrap();
        let found = jwt(&config);
        assert_eq!(found.token.place, Place::Header("Authorization".to_owned()));
        assert_eq!((&*found.token.prefix, found.leeway, found.max_age), ("Bearer ", 60, None));
        let [(at, warning)] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
        assert_eq!(at.to_string(), "config.toml:3:1");
        assert!(warning.contains("and not what"), "{warning}");
    }

    #[test]
    fn everything_can_be_said() {
        let config = config(
            r#"{ type = "jwt", algorithms = ["HS256", "HS512"], token = { header = "X-Jwt" }, issuer = "i", audience = "a",
            leeway = "0s", max_age = "5m", body_hash = { claim = "h", hash = "sha512", encoding = "base64" } }"#,
        );
        let config = config.unwrap();
        let found = jwt(&config);
        assert_eq!(found.algorithms, [JwtAlgorithm::Hs256, JwtAlgorithm::Hs512]);
        assert_eq!((found.issuer.as_deref(), found.audience.as_deref()), (Some("i"), Some("a")));
        assert_eq!((found.leeway, found.max_age), (0, Some(300)));
        assert_eq!((found.token.place, &*found.token.prefix), (Place::Header("X-Jwt".to_owned()), ""));
        let body_hash = BodyHash { claim: "h".to_owned(), hash: Hash::Sha512, encoding: Encoding::Base64 };
        assert_eq!(found.body_hash, Some(body_hash));
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (inside, expected) in [
            ("", "[sources.github.verify] lacks `algorithms`"),
            ("algorithms = \"none\"", "`algorithms` cannot be \"none\""),
            ("algorithms = []", "names no algorithm"),
            ("algorithms = [\"HS256\", \"RS256\"]", "HS256 and RS256 take different kinds of keys"),
            ("algorithms = \"HS256\", hash = \"sha256\"", "`hash` has no effect"),
            ("algorithms = \"HS256\", signature = { header = \"S\" }", "`signature` has no effect"),
            ("algorithms = \"HS256\", body_hash = {}", "[body_hash] lacks `claim`"),
            ("algorithms = \"HS256\", token = { body = \"/items/*/jwt\" }", "stands in one place"),
        ] {
            let problems = config(&format!("{{ type = \"jwt\", {inside} }}")).unwrap_err().join("\n");
            assert!(problems.contains(expected), "{inside}: {problems}");
        }
        let problems = config("{ signature = { header = \"S\" }, issuer = \"i\" }").unwrap_err().join("\n");
        assert!(problems.contains("`issuer` belongs to type \"jwt\""), "{problems}");
    }
}
