//! How a destination proves who it is, and whom it trusts.

use hookyard::signature::{Secret, SigningKey, webhook_signature};
use hookyard_tests::{Plan, Received, Yard, eventually, payload};

const PLAIN: &str = r#"
[routes.all]
source = "github"
to = ["sink"]
"#;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Of nobody in particular, valid until 2126.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBPDCB76ADAgECAhQZlnjqs8GEbear8Mmu+QJl20SuIzAFBgMrZXAwEzERMA8G
A1UEAwwIaW50ZXJuYWwwIBcNMjYxMTIxMTMzNzQyWhgPMjEyNjEwMjgxMzM3NDJa
MBMxETAPBgNVBAMMCGludGVybmFsMCowBQYDK2VwAyEACywJRzDsTRWrUzC9UTRS
MiVBtB4KH92fAmyESeByVFWjUzBRMB0GA1UdDgQWBBQSLbavB5aQWUYbIIYdHzLB
VDBYlzAfBgNVHSMEGDAWgBQSLbavB5aQWUYbIIYdHzLBVDBYlzAPBgNVHRMBAf8E
BTADAQH/MAUGAytlcANBAIh8YBiJ3TRd1g0RbdWQzqlR8kz7Wp6erf2JXOMXBszz
T/BlwP57VIH1pp+5UuCVXRnOu3FH0TVfYmcf1PMTugA=
-----END CERTIFICATE-----
";

fn sink(lines: &str) -> String {
    format!(
        "[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\n\
         retry = {{ schedule = [\"1ms\"], max_attempts = 2 }}\n{lines}\n{PLAIN}"
    )
}

/// What the header says if these secrets have signed the request.
fn expected(received: &Received, secrets: &[&str]) -> String {
    let keys: Vec<_> = secrets.iter().map(|secret| SigningKey::new(&Secret::new(*secret)).unwrap()).collect();
    let seconds = received.header("webhook-timestamp").parse().unwrap();
    webhook_signature(&keys, received.header("webhook-id"), seconds, &received.body)
}

#[tokio::test]
async fn each_attempt_is_signed_with_every_secret() {
    let toml = sink("sign = { standard-webhooks = [{ file = \"new\" }, { file = \"old\" }] }");
    let yard = Plan::new().await.file("new", NEW).file("old", OLD).start(&toml).await;
    yard.sink.next_acts([500]);
    yard.send_github("push", payload()).await;
    let got = yard.sink.several(2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    for received in &got {
        assert_eq!(received.header("webhook-signature"), expected(received, &[NEW, OLD]));
        assert_eq!(received.header("webhook-signature").matches("v1,").count(), 2);
    }

    std::fs::write(yard.path("old"), NEW).unwrap();
    yard.generation(2).await;
    yard.send_github("push", payload()).await;
    let got = &yard.sink.several(3).await[2];
    assert_eq!(got.header("webhook-signature"), expected(got, &[NEW, NEW]));
}

/// A receiver that is a gateway itself, told how Standard Webhooks signs in the words of any sender's scheme.
async fn receiver(secret: &str) -> Yard {
    let toml = r#"
[sources.hookyard]
secret = { file = "secret" }
verify = { hash = "sha256", template = "{id}.{timestamp}.{body}", key_encoding = "base64", key_prefix = "whsec_",
    signature = { header = "webhook-signature", separator = " ", assignment = ",", fields = ["v1"], encoding = "base64" },
    timestamp = { header = "webhook-timestamp", tolerance = "5m" }, id_header = "webhook-id" }
[routes.all]
source = "hookyard"
to = ["sink"]
"#;
    Plan::new().await.file("secret", secret).start(toml).await
}

/// P9
#[tokio::test]
async fn a_generated_secret_is_one_that_a_receiver_takes() {
    let plan = Plan::new().await;
    let toml = |url: &str| sink("sign = { standard-webhooks = { generated = true } }").replace("{sink}", url);
    plan.configure(&toml("http://127.0.0.1:1/"));
    plan.builder().check().unwrap();
    assert!(!plan.path("state/secrets").exists(), "a check makes nothing");
    drop(plan.builder().build().await.unwrap());
    let secret = std::fs::read_to_string(plan.path("state/secrets/sink.signing")).unwrap();

    let friend = receiver(&secret).await;
    let url = format!("http://{}/in/hookyard", friend.client.address);
    let yard = plan.start(&toml(&url)).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 1);
    let got = friend.sink.next().await;
    assert_eq!(got.text(), payload());
    // What it sends on is its own word, and it signs nothing.
    assert_eq!(got.header("webhook-signature"), "");

    std::fs::write(friend.path("secret"), OLD).unwrap();
    friend.generation(2).await;
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    let detail = dead.detail.as_deref().unwrap_or_default();
    assert!(detail.contains("401"), "{detail}");
}

/// P9
#[tokio::test]
async fn a_secret_that_cannot_sign_is_told_and_not_shown() {
    for (secret, expected) in [
        ("whsec_hunter2!", "it is not base64"),
        ("whsec_aHVudGVyMg==", "it is shorter than 24 bytes"),
        (&"hunter2A".repeat(11), "it is longer than 64 bytes"),
    ] {
        let toml = sink("sign = { standard-webhooks = { file = \"signing\" } }");
        let started = Plan::new().await.file("signing", secret).try_start(&toml).await;
        let Err(error) = started else { panic!("{secret} was taken") };
        let error = error.to_string();
        assert!(error.contains("config.toml:5:") && error.contains(expected), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
    }
}

#[tokio::test]
async fn a_password_goes_out_and_follows_its_file() {
    let toml = sink("basic = { user = \"me\", password = { file = \"password\" } }");
    let yard = Plan::new().await.file("password", "one\n").start(&toml).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.header("authorization"), "Basic bWU6b25l");
    std::fs::write(yard.path("password"), "two\n").unwrap();
    yard.generation(2).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.header("authorization"), "Basic bWU6dHdv");
}

/// P3
#[tokio::test]
async fn the_operator_says_which_statuses_are_final() {
    let retry = "retry = { schedule = [\"1ms\"], max_attempts = 3, permanent = [422] }";
    let yard =
        Yard::start(&sink("").replace("retry = { schedule = [\"1ms\"], max_attempts = 2 }", retry)).await;
    yard.sink.next_acts([400, 404, 422]);
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!((dead.attempts, dead.detail.as_deref().unwrap_or_default()), (3, "422 Unprocessable Entity"));
    yard.sink.next_acts([422]);
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.deliveries_dead, 2);
    assert_eq!(yard.sink.received().len(), 4);
}

#[tokio::test]
async fn who_is_not_heeded_is_asked_again_on_schedule() {
    let retry = "retry = { schedule = [\"1ms\"], max_attempts = 2, honor_retry_after = false }";
    let yard =
        Yard::start(&sink("").replace("retry = { schedule = [\"1ms\"], max_attempts = 2 }", retry)).await;
    yard.sink.next_acts([hookyard_tests::Act::Header(429, "retry-after", "3600")]);
    yard.send_github("push", payload()).await;
    yard.sink.several(2).await;
    assert_eq!(yard.settled().await.delivered, 1);
}

/// P7
#[tokio::test]
async fn a_file_of_certificates_is_checked_and_watched() {
    let secure = "[destinations.secure]\nurl = \"https://ci.example.com/\"\ntls = { ca = \"ca.pem\" }\n";
    let toml = format!("{secure}{PLAIN}");
    for (content, expected) in
        [("", "it holds no certificate in PEM"), ("-----BEGIN CERTIFICATE-----\n!", "not well-formed PEM")]
    {
        let started = Plan::new().await.file("ca.pem", content).try_start(&toml).await;
        let Err(error) = started else { panic!("{content:?} was taken") };
        let error = error.to_string();
        assert!(error.contains("config.toml:3:") && error.contains("ca.pem: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let missing = Plan::new().await.try_start(&toml).await;
    assert!(missing.is_err_and(|error| error.to_string().contains("ca.pem: No such file")));

    let yard = Plan::new().await.file("ca.pem", CERTIFICATE).start(&toml).await;
    std::fs::write(yard.path("ca.pem"), "nothing").unwrap();
    let (failure, _) = eventually("the failure shows", || async { yard.gateway.reload_failure() }).await;
    assert!(failure.problems[0].contains("it holds no certificate"), "{:?}", failure.problems);
    std::fs::write(yard.path("ca.pem"), format!("{CERTIFICATE}{CERTIFICATE}")).unwrap();
    yard.generation(2).await;
}
