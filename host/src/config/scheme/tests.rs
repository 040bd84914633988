//! How senders prove themselves, as operators write it.

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
        ("signature = { header = [\"A\", \"B-*\"] }, template = \"{body}{url}\"".to_owned(), "hmac-sha256"),
        (
            "signature = { body = \"/s\" }, timestamp = { body = \"/t\", format = \"rfc3339\" }".to_owned(),
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
        ("type = \"nosuch\"", "nosuch"),
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
