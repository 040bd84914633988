//! Samples of standards that many senders follow.

use super::sample::{Headers, Sample, bare, json};

pub(super) static SAMPLES: &[Sample] = &[
    json("standard-webhooks", "berth.booked", include_str!("standard-webhooks/berth.booked.json")),
    json("svix", "berth.booked", include_str!("svix/berth.booked.json")),
    json(
        "cloudevents",
        "com.example.berth.booked",
        include_str!("cloudevents/com.example.berth.booked.json"),
    )
    .content_type("application/cloudevents+json"),
    json("cloudevents", "binary", include_str!("cloudevents/binary.json"))
        .kind("com.example.berth.booked")
        .headers(&[
            ("ce-specversion", "1.0"),
            ("ce-id", "{{uuid}}"),
            ("ce-source", "/harbour/berths"),
            ("ce-type", "{{type}}"),
            ("ce-time", "{{rfc3339}}"),
        ]),
    json("cloudevents", "batch", include_str!("cloudevents/batch.json"))
        .kind("com.example.berth.booked")
        .content_type("application/cloudevents-batch+json"),
    bare("OPTIONS", "cloudevents", "options")
        .kind("")
        .headers(&[("WebHook-Request-Origin", "events.example.com"), ("WebHook-Request-Rate", "120")])
        .handshake()
        .unsigned(),
    json("sns", "Notification", include_str!("sns/Notification.json"))
        .headers(SNS)
        .content_type("text/plain; charset=UTF-8"),
    json("sns", "SubscriptionConfirmation", include_str!("sns/SubscriptionConfirmation.json"))
        .headers(SNS)
        .content_type("text/plain; charset=UTF-8")
        .handshake(),
];

const SNS: Headers = &[
    ("x-amz-sns-message-type", "{{type}}"),
    ("x-amz-sns-message-id", "{{uuid}}"),
    ("x-amz-sns-topic-arn", "arn:aws:sns:eu-central-1:123456789012:harbour"),
];
