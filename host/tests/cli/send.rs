//! `hookyard send`: every sample, through the program, to a gateway that has a source for each scheme of each provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use super::{Serving, run, text};

/// Names every scheme of every provider.
const VECTORS: &str = include_str!("../../src/provider/vectors.json");

/// Schemes with the names of their providers.
fn schemes() -> Vec<(String, String)> {
    let entries: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let name = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let all = entries.iter().map(|entry| (name(entry, "scheme"), name(entry, "provider")));
    all.collect()
}

/// A gateway with a source for each scheme, called as the scheme is.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://hooks.example.com\"\n\
         [store]\ntype = \"memory\"\n\
         [routes.none]\nsource = \"github\"\nevents = [\"nothing\"]\nto = [\"archive\"]\n\
         [destinations.archive]\npath = \"archive.jsonl\"\n"
    );
    for (scheme, provider) in schemes() {
        let secret = match &*scheme {
            "alertmanager-basic" => "{ file = \"password\" }",
            "paypal" => "{ file = \"certificate\" }\nwebhook_id = \"WH-1\"",
            "asana" => "{ handshake = true }",
            "sns" => "{ file = \"certificate\" }",
            _ => "{ generated = true }",
        };
        let more = match &*scheme {
            "meta" => "verify_token = { file = \"token\" }",
            "cloudevents" | "eventgrid" => "allowed_origins = [\"*\"]",
            _ => "",
        };
        let _ = writeln!(
            config,
            "[sources.{scheme}]\nprovider = \"{provider}\"\nscheme = \"{scheme}\"\nsecret = {secret}\n{more}"
        );
    }
    fs::write(directory.path().join("config.toml"), config).unwrap();
    fs::write(directory.path().join("password"), "user:password").unwrap();
    fs::write(directory.path().join("token"), "hookyard").unwrap();
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["sender.example".to_owned()]).unwrap();
    let certificate = pem("CERTIFICATE", certificate.self_signed(&key).unwrap().der());
    fs::write(directory.path().join("certificate"), certificate).unwrap();
    fs::write(directory.path().join("key"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    directory
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
}

/// The private key that a sample is signed with, where the configuration does not have it.
fn private(scheme: &str) -> &'static [&'static str] {
    if matches!(scheme, "paypal" | "sns") { &["--secret-file", "key"] } else { &[] }
}

/// The samples of a provider.
fn listed(directory: &Path, provider: &str) -> Vec<Value> {
    let output = run(directory, &["send", provider, "--output", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_sample_arrives_and_is_what_it_says() {
    let directory = directory();
    let path = directory.path();
    let _serving = Serving::start(path);
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (scheme, provider) in schemes() {
        let mut samples = listed(path, &provider);
        // Asana brings the secret with which its events are signed.
        samples.sort_by_key(|sample| sample["handshake"] != true);
        for sample in samples {
            let of = sample["schemes"].as_array().unwrap();
            let event = sample["event"].as_str().unwrap();
            // Confirming a subscription would call Amazon.
            if event == "SubscriptionConfirmation" || !(of.is_empty() || of.iter().any(|of| *of == *scheme)) {
                continue;
            }
            let command = ["send", &scheme, event, "--output", "json"];
            let sent = run(path, &[&command, private(&scheme)].concat());
            let answer: Value = serde_json::from_slice(&sent.stdout).unwrap_or_default();
            if !sent.status.success() || answer["expected"] != true {
                wrong.push(format!("{scheme} {event}: {answer} {}", text(&sent.stderr)));
            }
            if sample["handshake"] != true {
                let kind = sample["event_type"].as_str().unwrap().to_owned();
                expected.entry(scheme.clone()).or_default().insert(kind);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (scheme, mut kinds) in expected {
        let output = run(path, &["events", "list", "--source", &scheme, "--output", "json"]);
        let events = text(&output.stdout);
        let types = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone());
        let stored: BTreeSet<String> = types.map(|kind| kind.as_str().unwrap().to_owned()).collect();
        // The second events of the lists that these send.
        match &*scheme {
            "sendgrid" => kinds.extend(["bounce".to_owned()]),
            "hubspot-v1" | "hubspot-v2" | "hubspot-v3" => kinds.extend(["contact.propertyChange".to_owned()]),
            _ => {}
        }
        assert_eq!(stored, kinds, "{scheme}");
    }
}

#[test]
fn what_is_bad_is_refused_or_cannot_be() {
    let directory = directory();
    let path = directory.path();
    let _serving = Serving::start(path);
    let check = |line: &str, code: i32, said: &str| {
        let arguments: Vec<&str> = [&["send"][..], &line.split_whitespace().collect::<Vec<_>>()].concat();
        let sent = run(path, &arguments);
        let output = format!("{}{}", text(&sent.stdout), text(&sent.stderr));
        assert_eq!(sent.status.code(), Some(code), "{line}: {output}");
        assert!(output.contains(said), "{line}: {said:?} is not in {output}");
    };
    check("asana handshake", 0, "→ 200");
    for (scheme, provider) in schemes() {
        let samples = listed(path, &provider);
        let fits = |sample: &&Value| {
            let of = sample["schemes"].as_array().unwrap();
            of.is_empty() || of.iter().any(|of| *of == *scheme)
        };
        let event = samples.iter().find(fits).unwrap()["event"].as_str().unwrap();
        let private = private(&scheme).join(" ");
        check(&format!("{scheme} {event} --bad wrong-key {private}"), 0, "→ 401");
    }
    check("stripe invoice.paid --bad stale", 0, "→ 401");
    let refused = run(path, &["quarantine", "list", "--source", "stripe", "--reason", "stale_timestamp"]);
    assert!(text(&refused.stdout).contains("stale_timestamp"), "{}", text(&refused.stdout));
    check("stripe invoice.paid --bad tampered", 0, "→ 401");
    check("zendesk zen:event-type:ticket.created --bad stale", 0, "→ 401");
    check("github push --bad stale", 2, "signs no time");
    check("sendgrid delivered --bad stale", 2, "signs no time");
    check("mailgun delivered --bad tampered", 2, "does not cover the body");
    check("nagios PROBLEM --bad tampered", 2, "does not cover the body");
    check("stripe invoice.paid --set /data/object/amount_due=7 --set /id=evt_7", 0, "→ 202");
    check("stripe invoice.paid --set /none/of/this=7", 2, "--set /none/of/this");
    check("stripe invoice.pais", 2, "did you mean `invoice.paid`?");
    check("nobody push", 2, "there is no provider or source \"nobody\"");
    check("gitlab push", 2, "name one: gitlab-signing, gitlab-token");
    check("alertmanager-bearer", 0, "  firing.CraneStandsStill\n");
}

#[test]
fn without_a_configuration_the_address_and_the_secret_are_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let check = |line: &str, code: i32, said: &[&str]| {
        let arguments: Vec<&str> = [&["send"][..], &line.split_whitespace().collect::<Vec<_>>()].concat();
        let sent = run(path, &arguments);
        let output = format!("{}{}", text(&sent.stdout), text(&sent.stderr));
        assert_eq!(sent.status.code(), Some(code), "{line}: {output}");
        for said in said {
            assert!(output.contains(said), "{line}: {said:?} is not in {output}");
        }
    };
    let github = "github push --to http://127.0.0.1:1/in/github --secret hunter2";
    check(github, 69, &["http://127.0.0.1:1/in/github does not answer"]);
    check(
        &format!("{github} --dry-run -H X-GitHub-Delivery:pinned"),
        0,
        &[
            "curl --request POST 'http://127.0.0.1:1/in/github'",
            "--header 'x-github-event: push'",
            "--header 'x-github-delivery: pinned'",
            "--header 'x-hub-signature-256: sha256=",
            "--data-binary '{\"ref\":\"refs/heads/main\"",
        ],
    );
    check("github push", 2, &["config.toml has no source of provider github", "--to URL", "--secret-file"]);
    check("github push --to http://127.0.0.1:1/", 2, &["no secret is given"]);
    check(
        "meta subscribe --to http://h/in/meta --dry-run --set hub.verify_token=x",
        0,
        &["curl --request GET 'http://h/in/meta?hub.mode=subscribe&hub.challenge=", "&hub.verify_token=x'"],
    );
    check("trello head --to http://h/ --dry-run", 0, &["curl --head 'http://h/'"]);
    check("discord ping --to http://h/ --secret hunter2", 2, &["the secret cannot be used"]);
    for to in ["ftp://h/", "foo"] {
        check(&format!("github push --to {to} --secret x"), 2, &["an address such as https://"]);
    }
    check("mailgun", 0, &["  delivered-form   (scheme mailgun-form)\n"]);
    check("mailgun delivered-form --to http://h/ --secret x --dry-run", 0, &["&signature="]);
    let sent =
        run(path, &github.split_whitespace().fold(vec!["send"], |words, word| [words, vec![word]].concat()));
    assert!(!text(&sent.stderr).contains("Start the gateway"), "{}", text(&sent.stderr));
}

#[test]
fn a_sample_that_its_source_does_not_take_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("secret"), "hunter2").unwrap();
    let config = "[sources.mailgun]\nsecret = { file = \"secret\" }\n\
                  [routes.all]\nsource = \"mailgun\"\nto = [\"archive\"]\n\
                  [destinations.archive]\npath = \"archive.jsonl\"\n";
    fs::write(directory.path().join("config.toml"), config).unwrap();
    for (arguments, code, expected) in [
        (&[][..], 2, "is signed by the scheme `mailgun-form`, and source `mailgun` takes `mailgun`"),
        (&["--scheme", "mailgun-form", "--dry-run"], 0, "signature="),
        (&["--to", "http://h/", "--dry-run"], 0, "signature="),
    ] {
        let sent = run(directory.path(), &[&["send", "mailgun", "delivered-form"], arguments].concat());
        let output = format!("{}{}", text(&sent.stdout), text(&sent.stderr));
        assert_eq!((sent.status.code(), output.contains(expected)), (Some(code), true), "{output}");
    }
}

#[test]
fn a_public_key_of_the_sender_signs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let key = "a".repeat(64);
    fs::write(directory.path().join("public"), &key).unwrap();
    let config = "[sources.discord]\nsecret = { file = \"public\" }\n\
                  [routes.all]\nsource = \"discord\"\nto = [\"archive\"]\n\
                  [destinations.archive]\npath = \"archive.jsonl\"\n";
    fs::write(directory.path().join("config.toml"), config).unwrap();
    let sent = run(directory.path(), &["send", "discord", "ping"]);
    assert_eq!(sent.status.code(), Some(2));
    let said = text(&sent.stderr);
    assert!(said.contains("by a public key") && said.contains("generated = true"), "{said}");
    assert!(!said.contains(&key), "{said}");
}
