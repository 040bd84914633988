//! What of a source belongs to one sender or to few: its account there, the time that it signs.

use crate::signature::{PayPal, Scheme};

use super::field::{Format, Shape};
use super::scheme;
use super::table::Table;
use super::value::Value;

pub(super) static TOPIC: Shape =
    Shape::Text(Format { what: "the name of a topic (arn:aws:sns:…)", pattern: "^arn:.+" });

/// What tells the sender's messages to us from those to others.
pub(super) fn set_account(name: &str, scheme: &mut Scheme, table: &Table<'_>) -> Option<()> {
    let (webhook_id, topics) = (table.get("webhook_id"), table.get("topics"));
    match scheme {
        Scheme::PayPal(PayPal { webhook_id, .. }) => {
            *webhook_id = table.needed("webhook_id")?.text()?.to_owned();
        }
        _ => no_effect(webhook_id, "PayPal")?,
    }
    match scheme {
        Scheme::Sns(sns) => match topics {
            Some(topics) => {
                let pattern = |text: &str| match text.strip_prefix("arn:") {
                    Some(_) => Ok(text.to_owned()),
                    None => Err(format!("{text:?} is not the name of a topic (arn:aws:sns:…)")),
                };
                sns.topics =
                    topics.items()?.into_iter().map(|item| item.parse(pattern)).collect::<Option<_>>()?;
                if sns.topics.is_empty() {
                    return topics.fail("an empty list names no topic");
                }
            }
            None => {
                let warning = format!(
                    "anyone with an AWS account can send to source `{name}`, because it does not name its `topics`"
                );
                table.context.gathered.warn(&table.spot(), warning);
            }
        },
        _ => no_effect(topics, "Amazon SNS")?,
    }
    Some(())
}

fn no_effect(value: Option<Value<'_>>, whose: &str) -> Option<()> {
    match value {
        Some(value) => value.fail(format!("`{}` has no effect, because it belongs to {whose}", value.key)),
        None => Some(()),
    }
}

/// Sets how far the signed time may be from now.
pub(super) fn set_tolerance(scheme: &mut Scheme, value: Value<'_>) {
    let Some(tolerance) = value.duration() else { return };
    let timestamp = match scheme {
        Scheme::Signed(signed) => signed.timestamp.as_mut(),
        Scheme::Sns(sns) => {
            sns.tolerance = scheme::seconds(tolerance);
            return;
        }
        Scheme::PayPal(paypal) => {
            paypal.tolerance = scheme::seconds(tolerance);
            return;
        }
        _ => None,
    };
    match timestamp {
        Some(timestamp) => {
            let tolerance = scheme::seconds(tolerance);
            // Some senders sign in the future, as far as their own libraries look; others have no bounds until now.
            let one_sided = timestamp.tolerance.is_some() && timestamp.future_tolerance.is_none();
            timestamp.future_tolerance = tolerance.filter(|_| !one_sided);
            timestamp.tolerance = tolerance;
        }
        None => value.error("`tolerance` has no effect, because this sender signs no time", |_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Verification, check};
    use super::*;

    #[test]
    fn a_tolerance_has_two_sides_unless_the_sender_looks_at_one() {
        for (provider, written, expected) in [
            ("stripe", "1m", (Some(60), Some(60))),
            ("stripe", "10ms", (Some(1), Some(1))),
            ("stripe", "0s", (None, None)),
            ("sendgrid", "1m", (Some(60), Some(60))),
            ("paddle", "1m", (Some(60), None)),
        ] {
            let route = check::ROUTE.replace("github", provider);
            let source =
                format!("[sources.{provider}]\nsecret = {{ env = \"A\" }}\ntolerance = \"{written}\"");
            let mut config = check::read(&format!("{source}\n{route}")).unwrap();
            let Verification::Proof { scheme: Scheme::Signed(signed), .. } =
                config.sources.remove(provider).unwrap().verification
            else {
                panic!("{provider}")
            };
            let timestamp = signed.timestamp.unwrap();
            assert_eq!((timestamp.tolerance, timestamp.future_tolerance), expected, "{provider} {written}");
        }
    }

    #[test]
    fn a_certificate_that_is_fetched_needs_no_secret() {
        let route = check::ROUTE.replace("github", "sender");
        let read = |lines: &str| check::read(&format!("[sources.sender]\n{lines}\n{route}")).unwrap();
        let mut config = read("provider = \"paypal\"\nwebhook_id = \"W\"\ntolerance = \"1d\"");
        let found = config.sources.remove("sender").unwrap().verification;
        let Verification::Proof { scheme: Scheme::PayPal(paypal), secrets, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!((&*paypal.webhook_id, paypal.tolerance, secrets.len()), ("W", Some(86_400), 0));

        let topic = "arn:aws:sns:us-east-1:1:x";
        let mut config = read(&format!("provider = \"sns\"\ntopics = \"{topic}\"\ntolerance = \"5m\""));
        let found = config.sources.remove("sender").unwrap().verification;
        let Verification::Proof { scheme: Scheme::Sns(sns), secrets, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!((&sns.topics[..], sns.tolerance, secrets.len()), (&[topic.to_owned()][..], Some(300), 0));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);

        let warnings = read("provider = \"sns\"").warnings;
        assert!(warnings[0].1.contains("does not name its `topics`"), "{warnings:?}");
    }
}
