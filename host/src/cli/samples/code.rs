//! Samples of code, deployments, identities, and what watches over them.

use super::sample::{Headers, Sample, bare, json};

pub(super) static SAMPLES: &[Sample] = &[
    json("gitlab", "push", include_str!("gitlab/push.json")).kind("Push Hook").headers(GITLAB),
    json("gitlab", "merge_request", include_str!("gitlab/merge_request.json"))
        .kind("Merge Request Hook")
        .headers(GITLAB),
    json("bitbucket", "repo:push", include_str!("bitbucket/repo_push.json")).headers(&[
        ("X-Event-Key", "{{type}}"),
        ("X-Request-UUID", "{{uuid}}"),
        ("X-Hook-UUID", "{{uuid3}}"),
        ("X-Attempt-Number", "1"),
    ]),
    json("jira", "jira:issue_created", include_str!("jira/jira_issue_created.json"))
        .headers(&[("X-Atlassian-Webhook-Identifier", "{{uuid}}")]),
    json("linear", "Issue.create", include_str!("linear/Issue.create.json"))
        .headers(&[("Linear-Event", "Issue"), ("Linear-Delivery", "{{uuid}}")]),
    json("vercel", "deployment.succeeded", include_str!("vercel/deployment.succeeded.json")),
    json("sentry", "issue.created", include_str!("sentry/issue.created.json")).headers(&[
        ("Sentry-Hook-Resource", "issue"),
        ("Sentry-Hook-Timestamp", "{{unix}}"),
        ("Request-ID", "{{hex32}}"),
    ]),
    json("okta", "user.session.start", include_str!("okta/user.session.start.json")),
    bare("GET", "okta", "verification")
        .kind("")
        .headers(&[("X-Okta-Verification-Challenge", "{{hex}}")])
        .handshake(),
    json("auth0", "s", include_str!("auth0/s.json")),
    json("msgraph", "created", include_str!("msgraph/created.json")),
    bare("POST", "msgraph", "validation")
        .kind("")
        .query("validationToken=Validation%3A+Testing+client+application+reachability+{{hex}}")
        .content_type("text/plain; charset=utf-8")
        .handshake()
        .unsigned(),
    json(
        "eventgrid",
        "Microsoft.Storage.BlobCreated",
        include_str!("eventgrid/Microsoft.Storage.BlobCreated.json"),
    )
    .headers(&[("aeg-event-type", "Notification"), ("aeg-delivery-count", "0")]),
    json(
        "eventgrid",
        "Microsoft.EventGrid.SubscriptionValidationEvent",
        include_str!("eventgrid/Microsoft.EventGrid.SubscriptionValidationEvent.json"),
    )
    .headers(&[("aeg-event-type", "SubscriptionValidation")])
    .handshake(),
    bare("OPTIONS", "eventgrid", "options")
        .kind("")
        .headers(&[("WebHook-Request-Origin", "eventgrid.azure.net"), ("WebHook-Request-Rate", "120")])
        .handshake()
        .unsigned(),
    json(
        "alertmanager",
        "firing.CraneStandsStill",
        include_str!("alertmanager/firing.CraneStandsStill.json"),
    ),
    json("datadog", "query_alert_monitor", include_str!("datadog/query_alert_monitor.json")),
    json("nagios", "PROBLEM", include_str!("nagios/PROBLEM.json")),
];

const GITLAB: Headers = &[
    ("X-Gitlab-Event", "{{type}}"),
    ("X-Gitlab-Instance", "https://gitlab.example.com"),
    ("X-Gitlab-Webhook-UUID", "{{uuid2}}"),
    ("X-Gitlab-Event-UUID", "{{uuid3}}"),
    ("Idempotency-Key", "{{uuid}}"),
];
