//! `hookyard verify`: every request with a known result, through the program, and what operators are told.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::{hookyard, text};

/// Requests with known results, as the library's own tests read them.
const VECTORS: &str = include_str!("../../src/provider/vectors.json");

fn verify(directory: &Path, arguments: &[String], body: &[u8]) -> Output {
    let mut command = hookyard(directory);
    command.arg("verify").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who refuses the command line reads no body.
    let _ = child.stdin.take().unwrap().write_all(body);
    child.wait_with_output().unwrap()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn secrets(vector: &Value) -> Vec<String> {
    match &vector["secret"] {
        Value::Array(several) => several.iter().map(string).collect(),
        one => vec![string(one)],
    }
}

fn arguments(entry: &Value, vector: &Value) -> Vec<String> {
    let mut arguments = vec![string(&entry["provider"])];
    let mut option = |name: &str, value: String| arguments.push(format!("--{name}={value}"));
    option("scheme", string(&entry["scheme"]));
    option("output", "json".to_owned());
    secrets(vector).into_iter().for_each(|secret| option("secret", secret));
    for name in ["url", "method", "webhook_id"] {
        if let Some(value) = vector[name].as_str() {
            option(&name.replace('_', "-"), value.to_owned());
        }
    }
    if let Some(now) = vector["now"].as_i64() {
        option("now", now.to_string());
    }
    for field in vector["headers"].as_array().unwrap() {
        option("header", format!("{}: {}", string(&field[0]), string(&field[1])));
    }
    arguments
}

fn body(vector: &Value) -> String {
    match &vector["body_gen"] {
        Value::Object(parts) => {
            let repeated = string(&parts["repeat"]).repeat(parts["count"].as_u64().unwrap() as usize);
            format!("{}{repeated}{}", string(&parts["prefix"]), string(&parts["suffix"]))
        }
        _ => string(&vector["body"]),
    }
}

/// Vectors whose stated event type or id belongs to another body than theirs.
const MISDESCRIBED: [&str; 2] = ["hubspot-010", "docusign-005"];

/// Their secrets are public keys and certificates.
const PUBLIC: [&str; 4] = ["discord", "sendgrid", "paypal", "sns"];

/// What is wrong with what the program says of a vector.
fn difference(directory: &Path, entry: &Value, vector: &Value) -> Option<String> {
    let output = verify(directory, &arguments(entry, vector), body(vector).as_bytes());
    let printed = text(&output.stdout);
    let Ok(said) = serde_json::from_str::<Value>(&printed) else {
        return Some(format!("not one JSON object: {printed}{}", text(&output.stderr)));
    };
    let genuine = vector["valid"] == true;
    let reason = if genuine { &Value::Null } else { &vector["reason"] };
    let key = said["key"].as_u64().is_some_and(|key| (key as usize) < secrets(vector).len());
    let code = output.status.code();
    // A public key is no secret, and a word of a few letters stands anywhere.
    let shared = secrets(vector).into_iter().filter(|secret| secret.len() > 15);
    let shown = shared
        .into_iter()
        .any(|secret| !PUBLIC.contains(&entry["provider"].as_str().unwrap()) && printed.contains(&secret));
    let id = vector["id"].as_str().unwrap();
    let same =
        |name: &str| vector[name].is_null() || said[name] == vector[name] || MISDESCRIBED.contains(&id);
    let right = said["valid"] == genuine
        && same("event_type")
        && (!genuine || same("event_id"))
        && (reason.is_null() == genuine && said["reason"] == *reason)
        && key == genuine
        && code == Some(if genuine { 0 } else { 1 })
        && !shown;
    let (kind, id) = (&vector["event_type"], &vector["event_id"]);
    (!right).then(|| format!("expected {genuine} {reason} {kind} {id}, found exit {code:?} {printed}"))
}

#[test]
fn every_vector_has_its_known_result() {
    let directory = tempfile::tempdir().unwrap();
    let entries: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let (mut checked, mut wrong) = (0, Vec::new());
    for entry in &entries {
        for vector in entry["vectors"].as_array().unwrap() {
            wrong.extend(
                difference(directory.path(), entry, vector)
                    .map(|difference| format!("{}: {difference}", vector["id"])),
            );
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 200, "only {checked} vectors");
}

/// The exit code and the words that are on standard output or standard error.
fn check(directory: &Path, line: &str, body: &str, code: i32, expected: &[&str]) {
    let output = verify(directory, &words(line), body.as_bytes());
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    for expected in expected {
        assert!(said.contains(expected), "{line}: {expected:?} is not in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

/// HMACs of `{"a": 1}` under `hunter2hunter2`.
const BODY: &str = "{\"a\": 1}";

fn github(body: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"hunter2hunter2");
    let tag = aws_lc_rs::hmac::sign(&key, body.as_bytes());
    format!("-HX-Hub-Signature-256:sha256={}", hex::encode(tag))
}

#[test]
fn what_would_make_it_genuine_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let check = |secret: &str, signed: &str, given: &str, hint: &str| {
        let line = format!("github --secret={secret} {}", github(signed));
        let expected = ["not genuine", "(bad_signature)", "it would be genuine if", hint];
        check(directory.path(), &line, given, 1, &expected);
    };
    let secret = "hunter2hunter2";
    check(secret, BODY, &format!("{BODY}\n"), "the body did not end in a line break");
    check(secret, &format!("{BODY}\n"), BODY, "the body ended in a line break");
    check(secret, "{\"a\":1}", BODY, "the JSON of the body had no blanks between its parts");
    check(secret, "{\n  \"a\": 1\n}", BODY, "the JSON of the body were indented by two");
    check(secret, "payload=%7B%22a%22%3A+1%7D", BODY, "the form that was sent");
    check(secret, BODY, "payload=%7B%22a%22%3A+1%7D", "the decoded payload of its form");
    check("aHVudGVyMmh1bnRlcjI=", BODY, BODY, "secret 0 were decoded from base64");
    check("68756e7465723268756e74657232", BODY, BODY, "secret 0 were decoded from hexadecimal");
}

#[test]
fn what_is_to_be_said_on_the_command_line_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let told = |line: &str, code: i32, expected: &[&str]| check(directory.path(), line, BODY, code, expected);
    told("twilio --secret hunter2 -HX-Twilio-Signature:aGk=", 1, &["say with --url which", "(unknown_url)"]);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"hunter2hunter2");
    let tag = hex::encode(aws_lc_rs::hmac::sign(&key, format!("1700000000.{BODY}").as_bytes()));
    let stripe = format!("stripe --secret hunter2hunter2 -HStripe-Signature:t=1700000000,v1={tag}");
    told(&stripe, 1, &["(stale_timestamp)", "it would be genuine if", "--now 1700000000 says"]);
    told(&format!("{stripe} --now 1600000000"), 1, &["(future_timestamp)", "--now 1700000000 says"]);
    let gitlab = "gitlab --secret hunter2 -HX-Gitlab-Token:other";
    told(gitlab, 1, &["the sender's token or password is not the secret here", "(bad_signature)"]);
}

#[test]
fn secrets_come_from_files_variables_or_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let signature = github(BODY);
    let told = |line: &str, code: i32, expected: &[&str]| {
        check(path, &format!("{line} {signature}"), BODY, code, expected);
    };
    std::fs::write(path.join("good"), "hunter2hunter2\n").unwrap();
    std::fs::write(path.join("other"), "hunter2").unwrap();
    told("github --secret-file other --secret-file good", 0, &["secret       1 (--secret-file good): fits"]);
    told("github --secret-file none", 2, &["none", "No such file"]);
    told("github --secret-env HOOKYARD_NO_SUCH_VARIABLE", 2, &["HOOKYARD_NO_SUCH_VARIABLE is not set"]);
    told("github", 2, &["no secret is given", "--secret-file"]);
    let config = "[sources.hub]\nprovider = \"github\"\nsecret = { file = \"good\" }\n\
                  [routes.all]\nsource = \"hub\"\nto = [\"console\"]\n[destinations.console]\ntype = \"console\"\n";
    std::fs::write(path.join("config.toml"), config).unwrap();
    told("github", 0, &["source hub", "result       genuine"]);
    told("hub", 0, &["github of github"]);
    told("stripe", 2, &["has no source of provider stripe"]);
}

#[test]
fn everything_that_a_source_requires_is_checked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("good"), "hunter2hunter2\n").unwrap();
    std::fs::write(path.join("token"), "hunter2token\n").unwrap();
    let config = "[sources.hub]\nprovider = \"github\"\nsecret = { file = \"good\" }\nsplit = \"/items\"\n\
                  event_type = \"body:/kind\"\n\
                  require = [{ type = \"token\", token = { header = \"X-Token\" }, secret = { file = \"token\" } }]\n\
                  [routes.all]\nsource = \"hub\"\nto = [\"console\"]\n[destinations.console]\ntype = \"console\"\n";
    std::fs::write(path.join("config.toml"), config).unwrap();
    let body = r#"{"items":[{"kind":"first"},{"kind":"second"}]}"#;
    let told = |token: &str, code: i32, expected: &[&str]| {
        check(path, &format!("hub {} {token}", github(body)), body, code, expected);
    };
    let missing =
        "not genuine: `require` asks for token: header X-Token is missing or empty (missing_header)";
    told("", 1, &["required     token: does not hold", missing, "event type   first"]);
    told("-HX-Token:other", 1, &["required     token: does not hold", "(bad_signature)"]);
    told(
        "-HX-Token:other --output=json",
        1,
        &["\"valid\":false", "\"require\":[{\"algorithm\":\"token\",\"valid\":false"],
    );
    std::fs::write(path.join("token"), "another-token\n").unwrap();
    told("-HX-Token:another-token", 0, &["required     token: holds", "result       genuine"]);
}

#[test]
fn a_wrong_command_line_exits_2() {
    let directory = tempfile::tempdir().unwrap();
    let told = |line: &str, expected: &str| check(directory.path(), line, BODY, 2, &[expected]);
    told("gihub --secret x", "did you mean \"github\"?");
    told("Standard_Webhook --secret x", "did you mean \"standard-webhooks\"?");
    told("banana --secret x", "known providers are adyen, ");
    told("github --secret x --scheme nope", "there is github, github-sha1-legacy");
    told("github --secret x --header nonsense", "expected \"Name: value\"");
    told("discord --secret hunter2", "secret 0 (--secret) cannot be used");
    told("github --secret=", "--secret is empty");
}

#[test]
fn a_terminal_is_not_steered_and_what_is_long_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let body = format!("\x1b[2J{}", "a".repeat(5_000));
    let line = format!("github --secret hunter2hunter2 {}", github(&body));
    let shown = "\\u{1b}[2Jaaaa";
    check(directory.path(), &line, &body, 0, &["5004 bytes of", shown, " … 4204 bytes … "]);
}
