//! Bodies that are not JSON: read as if they were, delivered as they are.

use hookyard_tests::{Answer, Guest, Plan, Yard};

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// A message as Twilio tells of it.
const SMS: &str = "ToCountry=US&SmsStatus=received&Body=Hello+%F0%9F%91%8B%20there&From=%2B14155551234&NumMedia=0\
                   &MessageSid=SM1&MediaUrl=a&MediaUrl=b";

const ORDER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<order kind='paid' xmlns:s=\"urn:s\">\n  <id>7</id>\n  \
                     <s:line n=\"2\">Tea &amp; milk</s:line>\n  <s:line n=\"1\">Cup</s:line>\n</order>\n";

/// A source `shop` of which anybody sends, with these further lines, and what else there is.
fn shop(lines: &str, rest: &str) -> String {
    format!("[sources.shop]\nverify = \"none\"\n{lines}\n{rest}")
}

/// A route `name` from `shop` to `sink` with these further lines.
fn route(name: &str, lines: &str) -> String {
    format!("[routes.{name}]\nsource = \"shop\"\nto = [\"sink\"]\n{lines}\n")
}

async fn post(yard: &Yard, content_type: &str, body: &str) -> Answer {
    let headers = [("content-type", content_type)];
    yard.client.send(yard.client.request("POST", "/in/shop", &headers, body.to_owned())).await
}

/// P4, P12
#[tokio::test]
async fn a_form_is_routed_by_its_fields_and_arrives_as_it_came() {
    let fields = "event_type = \"body:/SmsStatus\"\ndelivery_id = \"body:/MessageSid\"";
    let routes = [
        route(
            "ours",
            "match = { \"/From\" = \"+1415*\", \"/MediaUrl/1\" = \"b\" }\nordering = \"body:/From\"",
        ),
        route("by-type", "events = [\"received\"]"),
        route("theirs", "match = { \"/From\" = \"+49*\" }"),
    ];
    let yard = Yard::start(&shop(fields, &routes.join(""))).await;
    for _ in 0..2 {
        assert_eq!(post(&yard, FORM, SMS).await.status, 202);
    }
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.duplicates, ledger.delivered), (1, 1, 2));
    for got in yard.sink.several(2).await {
        assert_eq!((got.text(), got.header("content-type")), (SMS, FORM));
        assert_eq!(got.header("hookyard-event-type"), "received");
    }
}

/// P12
#[tokio::test]
async fn xml_is_routed_by_its_elements_and_arrives_as_it_came() {
    let ours = "match = { \"/order/s:line/0/#text\" = \"Tea & milk\", \"/order/id\" = \"7\" }";
    let yard = Yard::start(&shop("event_type = \"body:/order/@kind\"", &route("ours", ours))).await;
    assert_eq!(post(&yard, "application/xml", ORDER).await.status, 202);
    let got = yard.sink.next().await;
    assert_eq!((got.text(), got.header("hookyard-event-type")), (ORDER, "paid"));

    assert_eq!(post(&yard, "text/xml", "<order><id>7</id>").await.status, 202);
    let (reason, event) = yard.unrouted().await.remove(0);
    assert!(reason.contains("it ends inside <order> (content type \"text/xml\")"), "{reason}");
    assert_eq!(&event.bytes()[..], b"<order><id>7</id>");
}

#[tokio::test]
async fn a_plugin_reads_a_form() {
    let plugin = "[plugins.reshape]\npath = \"{dist}/reshape.wasm\"\n\
                  config = { fields = { text = \"{/From}: {/Body}\", media = \"{/MediaUrl}\" } }\n";
    let yard = Yard::start(&shop("", &[plugin, &route("all", "plugins = [\"reshape\"]")].concat())).await;
    post(&yard, FORM, SMS).await;
    let got = yard.sink.next().await;
    assert_eq!(got.text(), r#"{"media":["a","b"],"text":"+14155551234: Hello 👋 there"}"#);
    assert_eq!(got.header("content-type"), "application/json");
}

#[tokio::test]
async fn an_edit_of_what_is_not_json_is_refused_and_nothing_leaves() {
    let plugin = "[plugins.redact]\npath = \"{dist}/redact.wasm\"\non_error = \"dead-letter\"\nconfig = { mask = [\"/From\", \"/order/id\"] }\n";
    let toml = shop("", &[plugin, &route("all", "plugins = [\"redact\"]")].concat());
    for (content_type, body, what) in
        [(FORM, SMS, "a form"), (FORM, "x=1", "a form"), ("application/xml", ORDER, "XML")]
    {
        let yard = Yard::start(&toml).await;
        post(&yard, content_type, body).await;
        let cause = yard.dead_letter().await.detail.unwrap();
        assert!(cause.contains(&format!("the body is not JSON: it is {what}")), "{cause}");
        assert!(yard.sink.received().is_empty());
    }
}

#[tokio::test]
async fn what_a_plugin_makes_of_a_form_is_read_by_the_next_as_what_it_is() {
    let tables = "[plugins.first]\npath = \"first.wasm\"\n[plugins.second]\npath = \"{dist}/reshape.wasm\"\n\
                  config = { fields = { b = \"{/b}\" } }\n";
    let first = Guest::new().set_header("content-type", "text/xml").set_body("<b>1</b>").forward();
    let toml = shop("", &[tables, &route("all", "plugins = [\"first\", \"second\"]")].concat());
    let yard = Plan::new().await.file("first.wasm", first).start(&toml).await;
    post(&yard, FORM, "b=0").await;
    assert_eq!(yard.sink.next().await.text(), r#"{"b":"1"}"#);
}

/// From one source to another, the body is what its headers say there.
#[tokio::test]
async fn a_form_is_a_form_at_the_next_source() {
    let next = "[sources.next]\nverify = \"internal\"\nevent_type = \"body:/SmsStatus\"\n\
                [destinations.next]\ntype = \"source\"\nsource = \"next\"\n\
                [routes.on]\nsource = \"shop\"\nto = [\"next\"]\n\
                [routes.end]\nsource = \"next\"\nmatch = { \"/NumMedia\" = 0 }\nto = [\"sink\"]\n\
                [routes.there]\nsource = \"next\"\nmatch = { \"/NumMedia\" = \"0\" }\nto = [\"sink\"]\n";
    let yard = Yard::start(&shop("", next)).await;
    post(&yard, FORM, SMS).await;
    let got = yard.sink.next().await;
    assert_eq!((got.text(), got.header("hookyard-event-type")), (SMS, "received"));
    assert_eq!(yard.settled().await.delivered, 2, "a field is a text, not a number");
}
