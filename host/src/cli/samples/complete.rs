//! Samples of the senders that are complete: every family of events has one.

use super::sample::{Headers, Sample, form, json};

pub(super) static SAMPLES: &[Sample] = &[
    json("stripe", "payment_intent.succeeded", include_str!("stripe/payment_intent.succeeded.json")),
    json(
        "stripe",
        "payment_intent.payment_failed",
        include_str!("stripe/payment_intent.payment_failed.json"),
    ),
    json("stripe", "charge.refunded", include_str!("stripe/charge.refunded.json")),
    json("stripe", "charge.dispute.created", include_str!("stripe/charge.dispute.created.json")),
    json("stripe", "checkout.session.completed", include_str!("stripe/checkout.session.completed.json")),
    json(
        "stripe",
        "customer.subscription.created",
        include_str!("stripe/customer.subscription.created.json"),
    ),
    json(
        "stripe",
        "customer.subscription.updated",
        include_str!("stripe/customer.subscription.updated.json"),
    ),
    json(
        "stripe",
        "customer.subscription.deleted",
        include_str!("stripe/customer.subscription.deleted.json"),
    ),
    json("stripe", "invoice.paid", include_str!("stripe/invoice.paid.json")),
    json("stripe", "invoice.payment_failed", include_str!("stripe/invoice.payment_failed.json")),
    json(
        "stripe",
        "radar.early_fraud_warning.created",
        include_str!("stripe/radar.early_fraud_warning.created.json"),
    ),
    json(
        "stripe",
        "v1.billing.meter.error_report_triggered",
        include_str!("stripe/v1.billing.meter.error_report_triggered.json"),
    ),
    json("github", "pull_request.opened", include_str!("github/pull_request.opened.json")).headers(GITHUB),
    json("github", "pull_request.closed", include_str!("github/pull_request.closed.json")).headers(GITHUB),
    json(
        "github",
        "pull_request_review.submitted",
        include_str!("github/pull_request_review.submitted.json"),
    )
    .headers(GITHUB),
    json("github", "issues.opened", include_str!("github/issues.opened.json")).headers(GITHUB),
    json("github", "issue_comment.created", include_str!("github/issue_comment.created.json"))
        .headers(GITHUB),
    json("github", "push", include_str!("github/push.json")).headers(GITHUB),
    form("github", "push-form", include_str!("github/push-form.form")).kind("push").headers(GITHUB),
    json("github", "release.published", include_str!("github/release.published.json")).headers(GITHUB),
    json("github", "workflow_run.completed", include_str!("github/workflow_run.completed.json"))
        .headers(GITHUB),
    json("github", "check_run.completed", include_str!("github/check_run.completed.json")).headers(GITHUB),
    json("github", "deployment_status.created", include_str!("github/deployment_status.created.json"))
        .headers(GITHUB),
    json("github", "ping", include_str!("github/ping.json")).headers(GITHUB),
    form("twilio", "message.received", include_str!("twilio/message.received.form")).headers(TWILIO),
    form("twilio", "message.delivered", include_str!("twilio/message.delivered.form")).headers(TWILIO),
    form("twilio", "message.failed", include_str!("twilio/message.failed.form")).headers(TWILIO),
    form("twilio", "call.received", include_str!("twilio/call.received.form"))
        .headers(TWILIO)
        .kind("call.ringing"),
    form("twilio", "call.completed", include_str!("twilio/call.completed.form")).headers(TWILIO),
    json("twilio", "event-streams", include_str!("twilio/event-streams.json"))
        .headers(TWILIO)
        .kind("com.twilio.messaging.message.delivered"),
    json("pagerduty", "incident.triggered", include_str!("pagerduty/incident.triggered.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "incident.acknowledged", include_str!("pagerduty/incident.acknowledged.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "incident.resolved", include_str!("pagerduty/incident.resolved.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "incident.priority_updated", include_str!("pagerduty/incident.priority_updated.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "incident.escalated", include_str!("pagerduty/incident.escalated.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "incident.annotated", include_str!("pagerduty/incident.annotated.json"))
        .headers(PAGERDUTY),
    json("pagerduty", "pagey.ping", include_str!("pagerduty/pagey.ping.json")).headers(PAGERDUTY),
    json("shopify", "orders/create", include_str!("shopify/orders_create.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "orders/paid", include_str!("shopify/orders_paid.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "orders/cancelled", include_str!("shopify/orders_cancelled.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "products/update", include_str!("shopify/products_update.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "inventory_levels/update", include_str!("shopify/inventory_levels_update.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "customers/create", include_str!("shopify/customers_create.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "refunds/create", include_str!("shopify/refunds_create.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "app/uninstalled", include_str!("shopify/app_uninstalled.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "customers/redact", include_str!("shopify/customers_redact.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "fulfillments/create", include_str!("shopify/fulfillments_create.json"))
        .headers(SHOPIFY)
        .schemes(&["shopify"]),
    json("shopify", "product.update", include_str!("shopify/product.update.json"))
        .kind("Product.update")
        .headers(&[
            ("Shopify-Topic", "Product"),
            ("Shopify-Action", "update"),
            ("Shopify-Shop-Domain", "harbour-example.myshopify.com"),
            ("Shopify-API-Version", "unstable"),
            ("Shopify-Webhook-Id", "{{uuid}}"),
            ("Shopify-Event-Id", "{{uuid2}}"),
            ("Shopify-Triggered-At", "{{rfc3339}}"),
        ])
        .schemes(&["shopify-events"]),
];

const SHOPIFY: Headers = &[
    ("X-Shopify-Topic", "{{type}}"),
    ("X-Shopify-Shop-Domain", "harbour-example.myshopify.com"),
    ("X-Shopify-API-Version", "2026-07"),
    ("X-Shopify-Webhook-Id", "{{uuid}}"),
    ("X-Shopify-Event-Id", "{{uuid2}}"),
    ("X-Shopify-Triggered-At", "{{rfc3339}}"),
];

const GITHUB: Headers = &[
    ("User-Agent", "GitHub-Hookshot/sample"),
    ("X-GitHub-Event", "{{family}}"),
    ("X-GitHub-Delivery", "{{uuid}}"),
    ("X-GitHub-Hook-ID", "501"),
];

const PAGERDUTY: Headers = &[("X-Webhook-Id", "{{uuid}}"), ("X-Webhook-Subscription", "PSUBSCR")];

const TWILIO: Headers = &[("User-Agent", "TwilioProxy/1.1"), ("I-Twilio-Idempotency-Token", "{{uuid}}")];
