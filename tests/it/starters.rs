//! The starter plugins that redact, reshape, answer and look up, as an operator configures them.

use hookyard_tests::{Answer, Plan, Yard};

const FORM: &str = "application/x-www-form-urlencoded";
const ORDER: &str = r#"{ "id": 17, "customer": {"tier": "gold", "name": "a<b & \"c\""}, "note": null }"#;

/// A gateway on which anyone sends to source `any`, whose route has this plugin with this configuration.
async fn yard(plugin: &str, config: &str, route: &str) -> Yard {
    Yard::start(&format!(
        "[sources.any]\nverify = \"none\"\nevent_type = \"body:/kind\"\n\
         [plugins.starter]\npath = \"{{dist}}/{plugin}.wasm\"\non_error = \"dead-letter\"\n[plugins.starter.config]\n{config}\n\
         [routes.all]\nsource = \"any\"\nplugins = [\"starter\"]\nto = [\"sink\"]\n{route}\n"
    ))
    .await
}

async fn post(yard: &Yard, content_type: &str, body: &str) -> Answer {
    let headers = [("content-type", content_type), ("x-team", "quay")];
    yard.client.send(yard.client.request("POST", "/in/any", &headers, body.to_owned())).await
}

/// What the sender is told: status, content type, body.
async fn answered(config: &str, content_type: &str, body: &str) -> (u16, String, String) {
    let yard = yard("reply", config, "respond = \"plugin\"").await;
    let answer = post(&yard, content_type, body).await;
    assert_eq!(yard.sink.next().await.text(), body, "the event goes on as it came");
    (answer.status, answer.header("content-type").to_owned(), answer.text)
}

#[tokio::test]
async fn a_sender_is_answered_with_what_is_configured() {
    let check = async |config: &str, body: &str, expected: (u16, &str, &str)| {
        let kind = if body.starts_with('{') { "application/json" } else { FORM };
        let (status, content_type, text) = answered(config, kind, body).await;
        assert_eq!((status, &*content_type, &*text), expected, "{config}");
    };
    let xml =
        "content_type = \"text/xml\"\nbody = \"<R a='{/customer/name}'>{/note}{/id}{header:x-team}</R>\"";
    let escaped = "<R a='a&lt;b &amp; &quot;c&quot;'>17quay</R>";
    check(xml, ORDER, (200, "text/xml", escaped)).await;
    let text = "status = 201\nbody = \"{{{/customer/name}}}\"";
    check(text, ORDER, (201, "text/plain; charset=utf-8", "{a<b & \"c\"}")).await;
    let json = "body = { text = \"Hi {/customer/name}\", of = [\"{/customer}\", 1], gone = \"{/gone}\" }";
    let document =
        r#"{"gone":null,"of":[{"tier": "gold", "name": "a<b & \"c\""},1],"text":"Hi a<b & \"c\""}"#;
    check(json, ORDER, (200, "application/json", document)).await;
    check("body = \"\"\nstatus = 204", ORDER, (204, "", "")).await;

    let cases = "content_type = \"application/xml; charset=utf-8\"\nbody = \"<M>{/Body}</M>\"\nby = \"{/Body}\"\n\
                 cases = { Hours = \"<M>8 to 18</M>\", \"where are you\" = \"<M>Quay 7</M>\" }";
    let content_type = "application/xml; charset=utf-8";
    check(cases, "Body=+hOURS+", (200, content_type, "<M>8 to 18</M>")).await;
    check(cases, "Body=Where+are+you", (200, content_type, "<M>Quay 7</M>")).await;
    check(cases, "Body=hours%3F%3C/M%3E%01", (200, content_type, "<M>hours?&lt;/M&gt;\u{fffd}</M>")).await;
    check(cases, "From=1", (200, content_type, "<M></M>")).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_made_is_a_dead_letter_and_the_usual_answer() {
    for config in ["body = \"{/id}\"", "body = \"a\"\nby = \"{/id}\"\ncases = {}"] {
        let yard = yard("reply", config, "respond = \"plugin\"").await;
        let answer = post(&yard, "text/plain", "hello").await;
        assert_eq!(answer.status, 202, "{config}");
        let cause = yard.dead_letter().await.detail.unwrap();
        assert!(cause.contains("the body is not JSON, so there is nothing to take fields from"), "{cause}");
        assert!(yard.sink.received().is_empty());
    }
}

#[tokio::test]
async fn what_the_table_holds_is_added() {
    let check = async |config: &str, expected: &str| {
        let yard = yard("lookup", config, "").await;
        post(&yard, "application/json", ORDER).await;
        assert_eq!(yard.sink.next().await.text(), expected, "{config}");
    };
    let added = |at: &str, added: &str| ORDER.replacen(at, &format!("{at}{added}"), 1);
    let tier = "key = \"{/customer/tier}\"\ntable = { gold = { desk = { number = 1 }, \"a/~b\" = [true] } }";
    let (root, customer) = (r#""note": null"#, r#""name": "a<b & \"c\"""#);
    check(tier, &added(root, r#","a/~b":[true],"desk":{"number":1}"#)).await;
    let at = format!("{tier}\nat = \"/customer\"");
    check(&at, &added(customer, r#","a/~b":[true],"desk":{"number":1}"#)).await;
    let replaced = "key = \"{/id}-{header:x-team}\"\ntable = { 17-quay = { note = \"{/id}\" } }";
    check(replaced, &ORDER.replace(r#""note": null"#, r#""note": "{/id}""#)).await;
    let default = "key = \"{/gone}\"\ntable = { gold = { a = 1 } }\ndefault = { a = 2 }";
    check(default, &added(root, r#","a":2"#)).await;
    check("key = \"{/gone}\"\ntable = { gold = { a = 1 } }", ORDER).await;
}

#[tokio::test]
async fn what_cannot_be_looked_up_or_added_is_a_dead_letter() {
    let table = "table = { gold = { a = 1 } }";
    for (config, content_type, body, problem) in [
        ("key = \"{/id}\"\non_missing = \"fail\"", "application/json", ORDER, "the table has no \"17\""),
        ("key = \"gold\"\nat = \"/id\"", "application/json", ORDER, "no object at \"/id\""),
        ("key = \"gold\"", "application/json", "[]", "no object at \"\""),
        ("key = \"gold\"", "text/plain", "a", "the body is not JSON"),
        ("key = \"{/tier}\"", FORM, "tier=gold", "the body is not JSON: it is a form"),
    ] {
        let yard = yard("lookup", &format!("{config}\n{table}"), "").await;
        post(&yard, content_type, body).await;
        let cause = yard.dead_letter().await.detail.unwrap();
        assert!(cause.contains(problem), "{config}: {cause}");
        assert!(yard.sink.received().is_empty());
    }
}

/// Each of these tables, what is wrong with it, and in whose words: the schema's in the component, or the plugin's.
const MISTAKEN: [(&str, &str, &[&str]); 8] = [
    ("redact", "removed = [\"/a\"]", &["config/removed: unknown key: did you mean `remove`?"]),
    (
        "redact",
        "mask = [\"user\", \"/b\"]\nremove = [\"/a~2\"]",
        &[
            "`mask` has \"user\", which is not a JSON pointer",
            "`remove` has \"/a~2\", which is not a JSON pointer",
        ],
    ),
    (
        "reshape",
        "fields = \"{/a}\"\ncontent_type = 1",
        &["config/fields: expected", "config/content_type: expected"],
    ),
    (
        "reshape",
        "fields = { text = \"{/a\", list = [1, { who = \"{who}\" }] }",
        &[
            "`fields.text` is a text of which \"{/a\" has a brace without its partner",
            "`fields.list[1].who` is a text of which \"{who}\" has a placeholder that is none of",
        ],
    ),
    ("reply", "status = 199", &["config: lacks `body`", "config/status: expected at least 200"]),
    (
        "reply",
        "body = \"{}\"\ncontent_type = \"application/json\"\nby = \"{/id\"",
        &[
            "`by` and `cases` need each other",
            "`by` is a text of which \"{/id\" has a brace without its partner",
            "`body`: an answer in JSON is written as a table",
            "`body` is a text of which \"{}\" has a placeholder that is none of",
        ],
    ),
    (
        "lookup",
        "table = { a = 1 }\non_missing = \"drop\"",
        &["config: lacks `key`", "config/table/a: expected", "config/on_missing: expected"],
    ),
    (
        "lookup",
        "key = \"{id}\"\ntable = {}\nat = \"a\"",
        &[
            "`key` is a text of which \"{id}\" has a placeholder that is none of",
            "`at` must be a JSON pointer such as \"/customer\"",
        ],
    ),
];

#[tokio::test]
async fn mistakes_in_tables_are_named_before_they_are_used() {
    let mut toml = String::new();
    for (number, (plugin, config, _)) in MISTAKEN.iter().enumerate() {
        toml.push_str(&format!(
            "[plugins.p{number}]\npath = \"{{dist}}/{plugin}.wasm\"\n[plugins.p{number}.config]\n{config}\n"
        ));
    }
    let plugins: Vec<_> = (0..MISTAKEN.len()).map(|number| format!("p{number}")).collect();
    toml.push_str(&format!("[routes.all]\nsource = \"github\"\nplugins = {plugins:?}\nto = [\"sink\"]\n"));
    let refused = Plan::new().await.try_start(&toml).await.map(drop).unwrap_err().to_string();
    for (number, (plugin, config, problems)) in MISTAKEN.iter().enumerate() {
        for problem in *problems {
            let told = refused
                .lines()
                .any(|line| line.contains(&format!("plugin `p{number}`")) && line.contains(problem));
            assert!(told, "{plugin} with {config}: {problem} is missing in\n{refused}");
        }
    }
}
