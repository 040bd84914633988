//! Which routes fire, and what becomes of an event for which none does.

use hookyard_tests::{SECRET, Yard, payload};

#[tokio::test]
async fn every_matching_route_fires() {
    let route =
        |name: &str, rest: &str| format!("[routes.{name}]\nsource = \"github\"\nto = [\"sink\"]\n{rest}\n");
    let toml = [
        route("by-type", "events = [\"pull_request.*\"]"),
        route("by-body", "match = { \"/sender/login\" = \"octo*\", \"/number\" = { gt = 1 } }"),
        route("by-header", "match = { \"header:X-GitHub-Event\" = \"pull_request\" }"),
        route("another-type", "events = [\"push\"]"),
        route("another-body", "match = { \"/number\" = { gt = 2 } }"),
        route("rest", "fallback = true"),
    ];
    let yard = Yard::start(&toml.join("")).await;
    assert_eq!(yard.send_github("pull_request", payload()).await.status, 202);
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.delivered), (1, 3));
    let mut ids: Vec<_> =
        yard.sink.received().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each delivery has an id of its own");

    assert_eq!(yard.send_github("issues", "{\"action\":\"opened\"}").await.status, 202);
    assert_eq!(yard.settled().await.delivered, 4);
    assert_eq!(yard.metric("hookyard_runs_total{route=\"rest\",outcome=\"forwarded\"}").await, 1.0);
}

const BY_BODY: &str = r#"
[routes.opened]
source = "github"
match = { "/action" = "opened" }
to = ["sink"]
"#;

#[tokio::test]
async fn an_event_that_is_not_json_is_kept_with_the_reason() {
    let yard = Yard::start(BY_BODY).await;
    assert_eq!(yard.send_github("push", "certainly not JSON").await.status, 202);
    assert_eq!(yard.send_github("push", "{\"action\":\"closed\"}").await.status, 202);
    let kept = yard.unrouted().await;
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0].0, "no route matches");
    assert!(kept[1].0.contains("JSON") && kept[1].0.contains("opened"), "{}", kept[1].0);
    assert_eq!(&kept[1].1.bytes()[..], b"certainly not JSON");
    let ledger = yard.ledger().await;
    assert_eq!((ledger.accepted, ledger.unrouted), (2, 2));
}

#[tokio::test]
async fn an_event_that_is_not_json_falls_to_the_fallback() {
    let yard = Yard::start(&format!(
        "{BY_BODY}[routes.rest]\nsource = \"github\"\nfallback = true\nto = [\"sink\"]\n"
    ))
    .await;
    assert_eq!(yard.send_github("push", "certainly not JSON").await.status, 202);
    assert_eq!(yard.sink.next().await.text(), "certainly not JSON");
    assert_eq!(yard.metric("hookyard_runs_total{route=\"rest\",outcome=\"forwarded\"}").await, 1.0);
}

const BY_EXPRESSION: &str = r#"
[routes.large]
source = "github"
when = 'body.action == "opened" && body.lines.exists(line, line.price * line.count > 100)'
to = ["sink"]
[routes.by-header]
source = "github"
events = ["push*"]
when = 'headers["x-github-event"] == "push" && !has(body.dry_run)'
to = ["sink"]
"#;

#[tokio::test]
async fn a_route_takes_what_its_expression_is_true_of() {
    let yard = Yard::start(BY_EXPRESSION).await;
    let order = |price: u32| {
        format!(
            "{{\"action\":\"opened\",\"lines\":[{{\"price\":1,\"count\":5}},{{\"price\":{price},\"count\":2}}]}}"
        )
    };
    assert_eq!(yard.send_github("order", order(51)).await.status, 202);
    assert_eq!(yard.settled().await.delivered, 1);
    assert_eq!(yard.send_github("order", order(50)).await.status, 202);
    assert_eq!(yard.send_github("push", "{\"dry_run\":true,\"action\":\"closed\"}").await.status, 202);
    assert_eq!(yard.send_github("push", "{\"action\":\"closed\"}").await.status, 202);
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.delivered, ledger.unrouted), (4, 2, 2));
    assert_eq!(yard.metric("hookyard_runs_total{route=\"large\",outcome=\"forwarded\"}").await, 1.0);
    assert_eq!(yard.metric("hookyard_runs_total{route=\"by-header\",outcome=\"forwarded\"}").await, 1.0);
    assert_eq!(yard.metric("hookyard_route_undecided_total{route=\"large\"}").await, 0.0);
}

#[tokio::test]
async fn an_event_for_which_an_expression_fails_is_kept_with_the_reason_and_counted() {
    let yard = Yard::start(BY_EXPRESSION).await;
    assert_eq!(yard.send_github("order", "{\"action\":\"opened\"}").await.status, 202);
    assert_eq!(yard.send_github("order", "certainly not JSON").await.status, 202);
    assert_eq!(yard.send_github("order", "{\"action\":\"closed\"}").await.status, 202);
    let kept = yard.unrouted().await;
    let reasons: Vec<&str> = kept.iter().map(|(reason, _)| &**reason).collect();
    assert_eq!(reasons[0], "no route matches");
    assert!(reasons[1].starts_with("route large: the body is not JSON"), "{reasons:?}");
    assert_eq!(reasons[2], "route large: `when` cannot be decided: there is no `lines`");
    assert_eq!(yard.metric("hookyard_route_undecided_total{route=\"large\"}").await, 2.0);
    assert_eq!(yard.metric("hookyard_route_undecided_total{route=\"by-header\"}").await, 0.0);
}

/// P4
#[tokio::test]
async fn a_repeated_delivery_is_one_event_with_one_answer() {
    let yard = Yard::start("[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n").await;
    let request = || yard.client.github_again("72d3162e", "push", payload(), SECRET);
    let first = yard.client.send(request()).await;
    let mut again = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (client, request) = (yard.client, request());
        again.spawn(async move { client.send(request).await });
    }
    for answer in again.join_all().await {
        assert_eq!((answer.status, answer.text), (202, first.text.clone()));
        assert_eq!(answer.headers.get("hookyard-event-id"), first.headers.get("hookyard-event-id"));
    }
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.duplicates, ledger.delivered), (1, 8, 1));
    assert_eq!(yard.metric("hookyard_requests_total{source=\"github\",outcome=\"duplicate\"}").await, 8.0);
    assert_eq!(yard.sink.received().len(), 1);
}
