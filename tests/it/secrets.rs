//! Which secrets and proofs a source accepts, and what is remembered of them.

use std::time::Duration;

use bytes::Bytes;
use hookyard::event::{Body, Headers};
use hookyard::generation::SourceEntry;
use hookyard::provider::preset;
use hookyard::signature::{Draft, Secret, sign as sign_as};
use hookyard_tests::{Answer, Guest, Plan, SECRET, Yard, payload, sign};

const ROUTE: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

async fn send(yard: &Yard, secret: &str) -> u16 {
    yard.client.send(yard.client.github("push", payload(), secret)).await.status
}

/// How often each secret was used, and whether it is known when.
fn uses(yard: &Yard) -> Vec<(u64, bool)> {
    let generation = yard.gateway.generation();
    let source: &SourceEntry = &generation.sources["github"];
    source.secrets().map(|secret| (secret.uses.count(), secret.uses.last().is_some())).collect()
}

/// The same for the secret in this file, as a scraper sees it.
async fn metric(yard: &Yard, file: &str) -> f64 {
    let found = format!("file {}", yard.path(file).display());
    yard.metric(&format!("hookyard_secret_uses_total{{source=\"github\",secret=\"{found}\"}}")).await
}

/// P9
#[tokio::test]
async fn the_uses_of_each_secret_are_counted_across_reloads() {
    let secrets = |lines: &str| format!("[sources.github]\nsecrets = [{lines}]\n{ROUTE}");
    let both = secrets("{ file = \"new\" }, { file = \"old\" }");
    let plan = Plan::new().await.file("new", "a new secret").file("old", "an old secret");
    let yard = plan.start(&both).await;
    for secret in ["an old secret", "a new secret", "an old secret"] {
        assert_eq!(send(&yard, secret).await, 202);
    }
    assert_eq!(send(&yard, "another").await, 401);
    assert_eq!(uses(&yard), [(1, true), (2, true)]);
    assert_eq!(metric(&yard, "old").await, 2.0);
    let reason = "hookyard_refusals_total{source=\"github\",reason=\"bad_signature\"}";
    assert_eq!(yard.metric(reason).await, 1.0);

    yard.configure(&secrets("{ file = \"old\" }, { file = \"new\" }, { file = \"secret\" }"));
    yard.gateway.reload().await;
    yard.generation(2).await;
    assert_eq!(uses(&yard), [(2, true), (1, true), (0, false)], "it goes by the reference");
    assert_eq!(yard.gateway.generation().sources["github"].refusals.counts()["bad_signature"], 1);
    assert_eq!((metric(&yard, "old").await, metric(&yard, "new").await), (2.0, 1.0));

    // Who takes the place of one that is removed does not take its count.
    yard.configure(&secrets("{ file = \"secret\" }, { file = \"new\" }"));
    yard.gateway.reload().await;
    yard.generation(3).await;
    assert_eq!(metric(&yard, "secret").await, 0.0);
    assert_eq!(send(&yard, SECRET).await, 202);
    assert_eq!((metric(&yard, "secret").await, metric(&yard, "old").await), (1.0, 2.0));
}

#[tokio::test]
async fn a_secret_proves_nothing_once_it_has_expired() {
    let text = |expires: &str| {
        format!(
            "[sources.github]\nsecrets = [{{ file = \"new\" }}, {{ file = \"secret\", expires = {expires} }}]\n{ROUTE}"
        )
    };
    let yard = Plan::new().await.file("new", "a new secret").start(&text("2099-01-01T00:00:00+02:00")).await;
    assert_eq!(send(&yard, SECRET).await, 202);
    assert!(yard.gateway.generation().warnings.iter().all(|warning| !warning.message.contains("expired")));
    yard.clock.forward(Duration::from_secs(100 * 366 * 24 * 3600));
    assert_eq!(send(&yard, SECRET).await, 401);
    assert_eq!(send(&yard, "a new secret").await, 202);
    yard.gateway.reload().await;
    yard.generation(2).await;
    let warnings = yard.gateway.generation().warnings.clone();
    let told = warnings.iter().find(|warning| warning.message.contains("has expired and proves nothing"));
    let told = told.unwrap();
    assert!(told.at.is_some() && told.message.ends_with("; remove it"), "{warnings:?}");
    let none_left = format!(
        "[sources.github]\nsecret = {{ file = \"secret\", expires = 2099-01-01T00:00:00+02:00 }}\n{ROUTE}"
    );
    yard.configure(&none_left);
    yard.gateway.reload().await;
    yard.generation(3).await;
    let warnings = yard.gateway.generation().warnings.clone();
    let told = warnings.iter().any(|warning| warning.message.contains("so that every request is refused"));
    assert!(told, "{warnings:?}");
}

/// What is made here is of no use to a sender that takes no secret from others.
#[tokio::test]
async fn a_made_secret_is_warned_about_where_the_sender_issues_its_own() {
    for (provider, expected) in [
        ("stripe", Some("makes the secret itself")),
        ("discord", Some("has a key pair of its own")),
        ("gitlab", None),
        ("standard-webhooks", None),
    ] {
        let source = format!("[sources.it]\nprovider = \"{provider}\"\nsecret = {{ generated = true }}\n");
        let yard = Yard::start(&format!("{source}{}", ROUTE.replace("github", "it"))).await;
        let generation = yard.gateway.generation();
        let told: Vec<&str> = generation.warnings.iter().map(|warning| &*warning.message).collect();
        let told: Vec<&str> = told.into_iter().filter(|told| told.contains("hookyard send")).collect();
        assert_eq!(told.len(), expected.into_iter().count(), "{provider}: {told:?}");
        assert!(told.iter().zip(expected).all(|(told, expected)| told.contains(expected)), "{told:?}");
    }
}

#[tokio::test]
async fn every_required_proof_is_needed() {
    let source = "[sources.github]\nsecret = { file = \"secret\" }\n\
                  require = [{ type = \"basic\", secret = { file = \"login\" } }, \
                             { type = \"token\", token = { query = \"key\" }, secrets = [{ file = \"k1\" }, { file = \"k2\" }] }]\n";
    let plan = Plan::new().await.file("login", "me:pass").file("k1", "one").file("k2", "two");
    let yard = plan.start(&format!("{source}{ROUTE}")).await;
    let send = async |signature: bool, basic: bool, key: &str| -> Answer {
        let mut headers =
            vec![("x-github-event", "push".to_owned()), ("x-github-delivery", format!("{key}{basic}"))];
        if signature {
            headers.push(("x-hub-signature-256", sign(SECRET, b"{}")));
        }
        if basic {
            headers.push(("authorization", "Basic bWU6cGFzcw==".to_owned()));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        yard.client.send(yard.client.request("POST", &format!("/in/github?key={key}"), &headers, "{}")).await
    };
    for (signature, basic, key) in
        [(false, true, "one"), (true, false, "one"), (true, true, "three"), (true, true, "")]
    {
        assert_eq!(send(signature, basic, key).await.status, 401, "{signature} {basic} {key}");
    }
    assert_eq!(uses(&yard), [(0, false); 4], "what did not hold together counts for none");
    assert_eq!(send(true, true, "two").await.status, 202);
    assert_eq!(uses(&yard), [(1, true), (1, true), (0, false), (1, true)]);
    assert_eq!((metric(&yard, "k1").await, metric(&yard, "k2").await), (0.0, 1.0));
    let letter =
        yard.gateway.store().events(Default::default(), hookyard::store::Page { after: None, limit: 1 });
    let proof = letter.await.unwrap()[0].proof.clone().unwrap();
    assert_eq!(&*proof, "hmac-sha256, github; basic; token, secret 2 of 2");
}

/// P9
#[tokio::test]
async fn a_secret_that_is_sent_along_goes_nowhere() {
    let source = |header: &str| {
        format!(
            "[sources.github]\nsecret = {{ file = \"secret\" }}\n\
             require = [{{ type = \"token\", token = {{ header = \"{header}\" }}, secret = {{ file = \"k1\" }} }}, \
                        {{ type = \"token\", token = {{ query = \"pass\" }}, secret = {{ file = \"k1\" }} }}]\n"
        )
    };
    const ROUTES: &str = "[sources.inner]\nverify = \"internal\"\n\
         [destinations.inner]\ntype = \"source\"\nsource = \"inner\"\n\
         [plugins.guest]\npath = \"guest.wasm\"\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\", \"inner\"]\n\
         [routes.second]\nsource = \"inner\"\nto = [\"sink\"]\n";
    let guest = Guest::new().set_header("X-Step", "1").forward();
    let plan = Plan::new().await.file("k1", "a token").file("guest.wasm", guest);
    let yard = plan.start(&format!("{}{ROUTES}", source("X-Company"))).await;
    let signature = sign(SECRET, b"{}");
    let headers = [
        ("x-github-event", "push"),
        ("x-hub-signature-256", &*signature),
        ("x-company", "a token"),
        ("x-kind", "a token"),
    ];
    let path = "/in/github?kind=2&p%61ss=a+token";
    let request = || yard.client.request("POST", path, &headers, "{}");
    assert_eq!(yard.client.send(request()).await.status, 202);
    assert_eq!(yard.settled().await.delivered, 3);
    for received in yard.sink.several(2).await {
        assert_eq!((received.header("x-company"), received.header("x-kind")), ("", "a token"));
        assert_eq!((received.header("x-step"), received.header("x-hub-signature-256")), ("1", &*signature));
    }
    let store = yard.gateway.store();
    let page = hookyard::store::Page { after: None, limit: 9 };
    for summary in store.events(Default::default(), page).await.unwrap() {
        let event = store.event(summary.id, 0).await.unwrap().unwrap().event.unwrap();
        let received = event.headers.first("x-company").is_some();
        match &*event.source {
            "inner" => assert_eq!((received, &*event.query), (false, "kind=2")),
            _ => assert_eq!((received, &*event.query), (true, "kind=2&p%61ss=a+token")),
        }
    }
}

#[tokio::test]
async fn a_sender_signs_the_address_that_it_was_told() {
    let trello = |public_url: &str, own: &str| {
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n{public_url}\n[sources.trello]\nsecret = {{ file = \"secret\" }}\n{own}\n\
             [routes.all]\nsource = \"trello\"\nto = [\"sink\"]\n"
        )
    };
    let ours = "public_url = \"https://hooks.example.com\"";
    let own = "public_url = \"https://elsewhere.example.com/a/?b=c\"";
    for (toml, url, query) in [
        (trello(ours, ""), "https://hooks.example.com/in/trello", ""),
        (trello(ours, ""), "https://hooks.example.com/in/trello?x=1", "?x=1"),
        (trello(ours, own), "https://elsewhere.example.com/a/?b=c", ""),
        (trello("", own), "https://elsewhere.example.com/a/?b=c", "?b=c"),
    ] {
        let yard = Yard::start(&toml).await;
        let mut draft = Draft::post(Body::new(Bytes::from_static(b"{}"), &Headers::new()));
        draft.url = Some(url.to_owned());
        let scheme = (preset("trello").unwrap().schemes[0].scheme)();
        sign_as(&scheme, &Secret::new(SECRET), &mut draft, "", 0).unwrap();
        let headers = [("x-trello-webhook", draft.headers.text("x-trello-webhook").unwrap())];
        let request = yard.client.request("POST", &format!("/in/trello{query}"), &headers, "{}");
        assert_eq!(yard.client.send(request).await.status, 200, "{url}");
    }
}
