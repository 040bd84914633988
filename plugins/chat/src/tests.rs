//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::testing::{Host, Ran};
use hookyard_plugin::{Failure, Header, Receipt, Response, http};

use super::{deliver, validate};

const BODY: &str = r#"{"who": "<!here> & [x](y)", "what": "opened \"it\""}"#;

fn send(config: &str, answer: Result<Response, http::Error>) -> Ran<Result<Receipt, Failure>> {
    let config = format!(r#"{{"webhook": "chat", {config}}}"#);
    let mut host = Host::new().config(config).secret("chat", "https://hooks.example.com/T0/B1\n");
    host = host.http(move |_| answer.clone());
    host.deliver(deliver, BODY, 1)
}

#[test]
fn a_message_is_posted() {
    for (config, expected) in [
        (
            r#""service": "slack", "text": "{/who} {/what}""#,
            r#"{"text":"&lt;!here&gt; &amp; [x](y) opened \"it\""}"#,
        ),
        (
            r#""service": "slack", "title": "<https://example.com|{/gone}>", "text": "*{event.source}*""#,
            r#"{"text":"*<https://example.com|>*\n*test*"}"#,
        ),
        (
            r#""service": "slack", "payload": {"blocks": [{"type": "header", "text": "{/what}"}], "n": 1}"#,
            r#"{"blocks":[{"type":"header","text":"opened \"it\""}],"n":1}"#,
        ),
        (
            r#""service": "teams", "title": "T", "text": "**{/who}**""#,
            concat!(
                r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":"#,
                r#"{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":["#,
                r#"{"type":"TextBlock","wrap":true,"text":"T","weight":"bolder","size":"medium"},"#,
                r#"{"type":"TextBlock","wrap":true,"text":"**<!here> & \\[x\\](y)**"}"#,
                "]}}]}",
            ),
        ),
    ] {
        let ran = send(config, Ok(Response::new(200, "ok")));
        assert_eq!(ran.result, Ok(Receipt::new(200, "ok")));
        let [request] = &ran.requests[..] else { panic!("one request: {:?}", ran.requests) };
        assert_eq!((&*request.method, &*request.url), ("POST", "https://hooks.example.com/T0/B1"));
        assert_eq!(
            request.headers,
            [Header { name: "content-type".into(), value: "application/json".into() }]
        );
        assert_eq!(String::from_utf8_lossy(&request.body), expected);
    }
}

#[test]
fn what_may_go_better_is_tried_again() {
    let slow = Response {
        headers: vec![Header { name: "retry-after".into(), value: "30".into() }],
        ..Response::new(429, "")
    };
    let connector =
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
    for (service, answer, expected) in [
        ("slack", Ok(slow), Failure::retryable("answered 429, to be tried again after 30")),
        ("slack", Ok(Response::new(500, "rollup_error")), Failure::retryable("answered 500: rollup_error")),
        ("slack", Err(http::Error::Timeout), Failure::retryable("no complete response in time")),
        (
            "slack",
            Ok(Response::new(404, "channel_not_found")),
            Failure::permanent("answered 404: channel_not_found"),
        ),
        ("slack", Err(http::Error::Denied("no".into())), Failure::permanent("no")),
        ("teams", Ok(Response::new(200, connector)), Failure::retryable(connector)),
    ] {
        assert_eq!(send(&format!(r#""service": "{service}", "text": """#), answer).result, Err(expected));
    }
}

#[test]
fn a_secret_that_is_not_granted_is_named() {
    let ran = Host::new()
        .config(r#"{"service": "slack", "webhook": "chat", "text": ""}"#)
        .deliver(deliver, BODY, 1);
    let reason = "the secret `chat` is not granted: allow = { secrets = [\"chat\"] }";
    assert_eq!(ran.result, Err(Failure::permanent(reason)));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"service": "teams", "webhook": "chat", "text": "a"}"#), Vec::<String>::new());
    for (config, problems) in [
        (
            "{}",
            &[
                "`service`, \"slack\" or \"teams\", is missing",
                "`webhook`, the name of the secret that holds the webhook's address, is missing",
                "`text`, what the message says, is missing",
            ][..],
        ),
        (
            r#"{"service": "irc", "webhook": "https://a", "text": "", "payload": {}}"#,
            &[
                "`payload` takes the place of `text`: one of them must go",
                "`webhook` is the name of a secret, not the address: whoever knows that can post",
                "`service` must be \"slack\" or \"teams\"",
            ],
        ),
    ] {
        assert_eq!(validate(config), problems, "{config}");
    }
}
