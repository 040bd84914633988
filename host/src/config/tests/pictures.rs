//! What an operator sees.

use super::*;

fn picture(text: &str) -> String {
    check::errors(text).to_string()
}

#[test]
fn a_misspelt_key() {
    insta::assert_snapshot!(picture("[server]\nlitsen = \"127.0.0.1:8080\""));
}

#[test]
fn a_number_where_a_duration_is_meant() {
    insta::assert_snapshot!(picture("[server]\nbody_timeout = 30"));
}

#[test]
fn a_literal_secret() {
    insta::assert_snapshot!(picture("[sources.github]\nsecret = \"hunter2\" # do not tell"));
}

#[test]
fn a_secret_that_is_missing() {
    insta::assert_snapshot!(picture("[sources.github]\n"));
}

#[test]
fn an_unknown_sender() {
    insta::assert_snapshot!(picture("[sources.acme]\nsecret = { env = \"ACME\" }"));
}

#[test]
fn an_unknown_reference() {
    insta::assert_snapshot!(picture(
        "[sources.a]\nverify = \"none\"\n[routes.r]\nsource = \"a\"\nto = [\"consol\"]\n[destinations.console]\ntype = \"console\""
    ));
}

#[test]
fn an_expression_that_is_none() {
    insta::assert_snapshot!(picture(
        "[sources.a]\nverify = \"none\"\n[routes.r]\nsource = \"a\"\nto = \"c\"\nmatch = { \"/ref\" = { regex = \"v(\\\\d+\" } }\n[destinations.c]\ntype = \"console\""
    ));
}

#[test]
fn a_condition_on_what_is_not_there() {
    insta::assert_snapshot!(picture(
        "[sources.a]\nverify = \"none\"\n[routes.r]\nsource = \"a\"\nto = \"c\"\nwhen = '''\nbody.amount > 1000\n  && evnt.kind == \"paid\"'''\n[destinations.c]\ntype = \"console\""
    ));
}

#[test]
fn an_address_inside_the_house() {
    insta::assert_snapshot!(picture("[destinations.ci]\nurl = \"http://localhost:9000/hooks\""));
}

#[test]
fn text_that_is_no_toml() {
    insta::assert_snapshot!(picture("[server]\nlisten = 127.0.0.1:8080\n\n[store\npath = \"x\"\n"));
}

#[test]
fn many_errors_at_once() {
    insta::assert_snapshot!(picture(
        r#"
[server]
listen = "localhost"
max_head = "1GiB"

[sources.github]
provider = "githib"

[plugins.redact]
path = "redact.wasm"
limits = { memory = "64 megabytes" }
on_error = "ignore"

[routes.prs]
source = "github"
events = []
plugins = ["redcat"]
to = "ci"

[destinations.ci]
url = "https://user:hunter2@ci.example.com"
retry = { schedule = [5, "1m"] }
"#
    ));
}
