//! The starter plugins that ask and tell other services, as an operator configures them.

use hookyard_tests::{Act, Plan, Sink, Yard};
use serde_json::{Value, json};

/// A gateway whose source `any` takes anything, with plugin `starter`, which may send requests to this receiver and knows the secret
/// `key`. Then its configuration, and where it is used.
async fn yard(api: &Sink, plugin: &str, secret: &str, config: &str, used: &str) -> Yard {
    let toml = format!(
        "[sources.any]\nverify = \"none\"\n[secrets]\nkey = {{ file = \"key\" }}\n\
         [plugins.starter]\npath = \"{{dist}}/{plugin}.wasm\"\non_error = \"dead-letter\"\nnetwork = \"private\"\n\
         allow = {{ http = [\"{}\"], secrets = [\"key\"]{} }}\n{used}\n[plugins.starter.config]\n{config}\n",
        api.origin(),
        if plugin == "enrich" { ", kv = true" } else { "" },
    );
    Plan::new().await.file("key", secret).start(&toml).await
}

const IN_ROUTE: &str = "[routes.all]\nsource = \"any\"\nplugins = [\"starter\"]\nto = [\"sink\"]";

const AS_DESTINATION: &str = "[routes.all]\nsource = \"any\"\nto = [\"starter\"]\n\
                              [destinations.starter]\ntype = \"plugin\"\nplugin = \"starter\"\n\
                              retry = { schedule = [\"10ms\"], max_attempts = 3 }";

async fn post(yard: &Yard, body: &str) {
    let headers = [("content-type", "application/json")];
    let answer = yard.client.send(yard.client.request("POST", "/in/any", &headers, body.to_owned())).await;
    assert_eq!(answer.status, 202);
}

/// P12
#[tokio::test]
async fn what_a_service_knows_is_added_and_asked_for_once() {
    let api = Sink::start().await;
    api.always(Act::Text(200, r#"{"data": {"tier": "gold"}}"#.to_owned()));
    let config = format!(
        "url = \"{}/customers/{{/customer/id}}\"\nat = \"/customer/details\"\ntake = \"/data\"\nbearer = \"key\"",
        api.origin()
    );
    let yard = yard(&api, "enrich", "t0ken", &config, IN_ROUTE).await;
    for note in 1..=3 {
        post(&yard, &format!(r#"{{ "customer": {{"id": "a/7"}}, "note": {note} }}"#)).await;
        let expected =
            format!(r#"{{ "customer": {{"id": "a/7","details":{{"tier": "gold"}}}}, "note": {note} }}"#);
        assert_eq!(yard.sink.next().await.text(), expected);
        yard.settled().await;
    }
    let [asked] = &api.received()[..] else { panic!("asked {} times", api.received().len()) };
    assert_eq!((&*asked.method, &*asked.path), ("GET", "/customers/a%2F7"));
    assert_eq!(asked.header("authorization"), "Bearer t0ken");
}

#[tokio::test]
async fn a_service_that_fails_fails_the_event_or_is_done_without() {
    let api = Sink::start().await;
    api.always(Act::Text(503, "not well".to_owned()));
    let url = format!("{}/1", api.origin());
    let config = format!("url = \"{}/{{/id}}\"\nat = \"/known\"\n", api.origin());
    let strict = yard(&api, "enrich", "t0ken", &config, IN_ROUTE).await;
    post(&strict, r#"{"id":1}"#).await;
    let cause = strict.dead_letter().await.detail.unwrap();
    assert!(cause.ends_with(&format!("failure: {url} answered 503: not well")), "{cause}");
    let lenient = yard(&api, "enrich", "t0ken", &format!("{config}on_failure = \"forward\""), IN_ROUTE).await;
    post(&lenient, r#"{"id":1}"#).await;
    assert_eq!(lenient.sink.next().await.text(), r#"{"id":1}"#);
}

#[tokio::test]
async fn a_channel_gets_a_message() {
    let check = async |service: &str, expected: Value| {
        let api = Sink::start().await;
        api.next_acts([Act::Text(429, "slow".to_owned()), Act::Text(200, "ok".to_owned())]);
        let config =
            format!("service = \"{service}\"\nwebhook = \"key\"\ntext = \"{{/who}} *did* {{/what}}\"");
        let yard = yard(&api, "chat", &format!("{}/T0/B1\n", api.origin()), &config, AS_DESTINATION).await;
        post(&yard, r#"{"who": "<!here>", "what": "[x](y)"}"#).await;
        for asked in api.several(2).await {
            assert_eq!((&*asked.method, &*asked.path), ("POST", "/T0/B1"));
            assert_eq!(asked.header("content-type"), "application/json");
            let said: Value = serde_json::from_str(asked.text()).unwrap();
            assert_eq!(said, expected);
        }
        assert_eq!(yard.settled().await.delivered, 1);
    };
    check("slack", json!({ "text": "&lt;!here&gt; *did* [x](y)" })).await;
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": [{ "type": "TextBlock", "wrap": true, "text": "<!here> *did* \\[x\\](y)" }],
    });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
    check("teams", json!({ "type": "message", "attachments": [attachment] })).await;
}

/// P3, P9
#[tokio::test]
async fn an_incident_is_triggered_and_resolved() {
    let api = Sink::start().await;
    api.always(Act::Text(202, r#"{"status":"success","dedup_key":"web-1/disk"}"#.to_owned()));
    let config = format!(
        "url = \"{}/v2/enqueue\"\nrouting_key = \"key\"\nsummary = \"{{/check}} on {{/host}}\"\naction = \"{{/state}}\"\n\
         actions = {{ firing = \"trigger\", ok = \"resolve\" }}\ndedup_key = \"{{/host}}/{{/check}}\"",
        api.origin()
    );
    let yard = yard(&api, "pagerduty", "R0UT1NG", &config, AS_DESTINATION).await;
    let said = async |state: &str| -> Value {
        post(&yard, &format!(r#"{{"host":"web-1","check":"disk","state":"{state}"}}"#)).await;
        serde_json::from_str(api.next().await.text()).unwrap()
    };
    let alert = json!({ "summary": "disk on web-1", "source": "any", "severity": "error" });
    let about = json!({ "routing_key": "R0UT1NG", "dedup_key": "web-1/disk" });
    let mut triggered = about.clone();
    triggered["event_action"] = json!("trigger");
    triggered["payload"] = alert;
    assert_eq!(said("firing").await, triggered);
    let mut resolved = about;
    resolved["event_action"] = json!("resolve");
    assert_eq!(said("ok").await, resolved);
    assert_eq!(yard.settled().await.delivered, 2);

    api.always(Act::Text(400, "invalid routing key R0UT1NG".to_owned()));
    post(&yard, r#"{"state":"firing"}"#).await;
    let cause = yard.dead_letter().await.detail.unwrap();
    assert!(cause.ends_with("answered 400: invalid routing key ***"), "{cause}");
}

#[tokio::test]
async fn every_mistake_in_a_table_is_named_before_it_is_used() {
    let toml = "[plugins.starter]\npath = \"{dist}/fanout.wasm\"\n[plugins.starter.config]\nitems = \"/a\"\nto = \"{x}\"\n\
                headers = { a = \"{\" }\n\
                [routes.all]\nsource = \"github\"\nplugins = [\"starter\"]\nto = [\"sink\"]\n";
    let refused = Plan::new().await.try_start(toml).await.map(drop).unwrap_err().to_string();
    assert!(
        refused.contains("`to` is a text of which \"{x}\" has a placeholder that is none of"),
        "{refused}"
    );
    assert!(
        refused.contains("`headers` is a text of which \"{\" has a brace without its partner"),
        "{refused}"
    );
    let toml = toml.replace("to = \"{x}\"\n", "on_empty = \"explode\"\n");
    let refused = Plan::new().await.try_start(&toml).await.map(drop).unwrap_err().to_string();
    assert!(
        refused.contains("on_empty") && refused.contains("discard"),
        "by the schema in the component: {refused}"
    );
}
