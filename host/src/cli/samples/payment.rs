//! Samples of payments and shops.

use super::sample::{Sample, json};

pub(super) static SAMPLES: &[Sample] = &[
    json("square", "payment.updated", include_str!("square/payment.updated.json")),
    json("paypal", "PAYMENT.CAPTURE.COMPLETED", include_str!("paypal/PAYMENT.CAPTURE.COMPLETED.json")),
    json("paddle", "transaction.completed", include_str!("paddle/transaction.completed.json")),
    json("adyen", "AUTHORISATION", include_str!("adyen/AUTHORISATION.json")).schemes(&["adyen-items"]),
    json(
        "adyen",
        "balancePlatform.transfer.created",
        include_str!("adyen/balancePlatform.transfer.created.json"),
    )
    .schemes(&["adyen-platform"]),
    json("razorpay", "payment.captured", include_str!("razorpay/payment.captured.json"))
        .headers(&[("x-razorpay-event-id", "{{hex2}}")]),
    json("paystack", "charge.success", include_str!("paystack/charge.success.json")),
    json("coinbase-commerce", "charge:confirmed", include_str!("coinbase-commerce/charge_confirmed.json")),
    json(
        "coinbase-cdp",
        "wallet.activity.detected",
        include_str!("coinbase-cdp/wallet.activity.detected.json"),
    ),
];
