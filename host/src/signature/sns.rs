//! Amazon SNS: RSA over a list of names and values from the body, by a certificate of Amazon's.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>. It proves that SNS sent the message,
//! not for whom: anybody with an AWS account can have a topic. Which topics are ours, `topics` says.

use std::borrow::Cow;

use crate::event::{Document, UnixMillis};

use super::certificate::{CertificateUrl, RsaHash};
use super::encoding::Encoding;
use super::refusal::Refusal;
use super::request::SignedRequest;
use super::rsa;
use super::scheme::TimestampFormat;
use super::secret::Secret;
use super::sign::{CannotSign, Draft};
use super::signed::check_age;
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

/// What of Amazon SNS is taken for genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sns {
    /// Seconds that the message's time may lie away; None does not check.
    pub tolerance: Option<u32>,
    /// Names (ARNs) of the topics whose messages are taken; empty for every topic of everybody.
    pub topics: Vec<String>,
}

impl Default for Sns {
    /// Every topic, within an hour: SNS repeats a message for up to an hour.
    fn default() -> Self {
        Sns { tolerance: Some(3600), topics: Vec::new() }
    }
}

/// Members that each kind of message signs; those that are null or absent are left out where `true`.
const NOTIFICATION: [(&str, bool); 6] = [
    ("Message", false),
    ("MessageId", false),
    ("Subject", true),
    ("Timestamp", false),
    ("TopicArn", false),
    ("Type", false),
];
const CONFIRMATION: [(&str, bool); 7] = [
    ("Message", false),
    ("MessageId", false),
    ("SubscribeURL", false),
    ("Timestamp", false),
    ("Token", false),
    ("TopicArn", false),
    ("Type", false),
];

/// What a message says of itself.
struct Message<'r> {
    covered: String,
    hash: RsaHash,
    signature: Vec<u8>,
    topic: Cow<'r, str>,
    signed_at: UnixMillis,
    certificate: CertificateUrl,
}

pub(super) fn verify<T: Trace>(
    scheme: &Sns,
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let message = read(request, trace)?;
    let verified = verifier.certified(request, now, trace, |certificate| {
        certificate.made(message.hash, message.covered.as_bytes(), &message.signature)
    })?;
    if !scheme.topics.is_empty() && !scheme.topics.iter().any(|topic| *topic == message.topic) {
        return Err(Refusal::UnknownTopic(message.topic.chars().take(256).collect()));
    }
    check_age(message.signed_at, now, scheme.tolerance, scheme.tolerance).map(|()| verified)
}

/// Where the request's certificate is, for a request that may be genuine.
pub(super) fn certificate_url(request: SignedRequest<'_>) -> Result<CertificateUrl, Refusal> {
    read(request, &mut ()).map(|message| message.certificate)
}

fn read<'r, T: Trace>(request: SignedRequest<'r>, trace: &mut T) -> Result<Message<'r>, Refusal> {
    if request
        .headers
        .text("x-amz-sns-rawdelivery")
        .is_some_and(|raw| raw.trim().eq_ignore_ascii_case("true"))
    {
        return Err(Refusal::Unsigned("SNS does not sign raw deliveries; switch raw message delivery off"));
    }
    let missing = |name: &str| Refusal::MissingNode(format!("/{name}"));
    let document = request.body.json().map_err(|_| missing("Type"))?;
    let text = |name| member(document, name).filter(|text| !text.is_empty()).ok_or_else(|| missing(name));
    let names = match &*text("Type")? {
        "Notification" => &NOTIFICATION[..],
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => &CONFIRMATION[..],
        _ => return Err(missing("Type")),
    };
    let written = text("Signature")?;
    trace.candidate("/Signature of the body", &written);
    let hash = match &*text("SignatureVersion")? {
        "1" => RsaHash::Sha1,
        "2" => RsaHash::Sha256,
        _ => return Err(Refusal::NoSignatureOfExpectedVersion("/SignatureVersion of the body".to_owned())),
    };
    let certificate = pem(&text("SigningCertURL")?).ok_or(Refusal::UntrustedCertificateUrl)?;
    let covered = covered(document, names)?;
    if document.repeats_keys() {
        return Err(Refusal::RepeatedKey);
    }
    trace.covered(std::iter::once(Some(covered.as_bytes())));
    let signature = Encoding::Base64.decode(written.as_bytes()).filter(|bytes| !bytes.is_empty());
    Ok(Message {
        covered,
        hash,
        signature: signature
            .ok_or_else(|| Refusal::MalformedSignature("/Signature of the body".to_owned()))?,
        topic: text("TopicArn")?,
        signed_at: TimestampFormat::Rfc3339.read(&text("Timestamp")?).ok_or(Refusal::MalformedTimestamp)?,
        certificate,
    })
}

fn member<'d>(document: &'d Document, name: &str) -> Option<Cow<'d, str>> {
    document.string(document.find(&format!("/{name}"))?)
}

/// `Name`, line break, value, line break, for each member.
fn covered(document: &Document, names: &[(&str, bool)]) -> Result<String, Refusal> {
    let mut covered = String::new();
    for (name, optional) in names {
        let value = match member(document, name) {
            Some(value) => value,
            None if *optional => continue,
            None => return Err(Refusal::MissingNode(format!("/{name}"))),
        };
        // Else bytes could move from the message, which has line breaks, into others.
        if *name != "Message" && value.contains('\n') {
            return Err(Refusal::MissingNode(format!("/{name}")));
        }
        covered.extend([name, "\n", &value, "\n"]);
    }
    Ok(covered)
}

/// Where a certificate of SNS is, if it is one.
fn pem(url: &str) -> Option<CertificateUrl> {
    let (region, end, path) = endpoint(url)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    if !path.ends_with(".pem") || !path.bytes().all(is_plain) {
        return None;
    }
    // To whom AWS's own library for Java expects them to belong: SNS as a whole, or the region in one of several ways.
    let mut names = vec![
        "sns.amazonaws.com".to_owned(),
        format!("sns.{region}.{end}"),
        format!("sns-signing.{region}.{end}"),
        format!("sns-{region}.{end}"),
    ];
    if region.starts_with("us-gov-") {
        names.push("sns-us-gov-west-1.amazonaws.com".to_owned());
    }
    Some(CertificateUrl { url: url.to_owned(), names })
}

/// The region, the end of the host and what follows the host, of an address of SNS.
///
/// The host is matched as AWS's own libraries do (`^sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?$`), except that no region
/// begins with `s3`: in some regions a bucket called `sns` has such a host.
fn endpoint(url: &str) -> Option<(&str, &'static str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#'])?);
    let host = authority.strip_suffix(":443").unwrap_or(authority).strip_prefix("sns.")?;
    let (region, end) = ["amazonaws.com.cn", "amazonaws.com"]
        .into_iter()
        .find_map(|end| Some((host.strip_suffix(end)?.strip_suffix('.')?, end)))?;
    let is_region = region.len() >= 3
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !region.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("s3"));
    is_region.then_some((region, end, path))
}

/// The address that confirms a subscription, from the body of a genuine message of type `SubscriptionConfirmation`; None
/// for other messages. The error is that the address is not one of SNS.
pub fn sns_subscribe_url(body: &crate::event::Body) -> Result<Option<String>, Refusal> {
    let Ok(document) = body.json() else { return Ok(None) };
    if member(document, "Type").as_deref() != Some("SubscriptionConfirmation") {
        return Ok(None);
    }
    let url =
        member(document, "SubscribeURL").ok_or_else(|| Refusal::MissingNode("/SubscribeURL".to_owned()))?;
    match endpoint(&url) {
        Some(_) => Ok(Some(url.into_owned())),
        None => Err(Refusal::UntrustedSubscribeUrl),
    }
}

/// Signs as SNS does, in its version 2; `secret` is the private key in PEM. What the message lacks is filled in.
pub(super) fn sign(secret: &Secret, draft: &mut Draft, id: &str, now: UnixMillis) -> Result<(), CannotSign> {
    let absent = |draft: &Draft, name: &str| {
        draft.body.json().map_or(true, |document| member(document, name).is_none())
    };
    draft.set_text("/MessageId", id)?;
    draft.set_text("/Timestamp", &TimestampFormat::Rfc3339.write(now))?;
    draft.set_text("/SignatureVersion", "2")?;
    for (name, value) in [
        ("Type", "Notification"),
        ("TopicArn", "arn:aws:sns:us-east-1:123456789012:sample"),
        ("SigningCertURL", "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-sample.pem"),
    ] {
        if absent(draft, name) {
            draft.set_text(&format!("/{name}"), value)?;
        }
    }
    let (covered, kind, topic) = {
        let document = draft.body.json().map_err(|problem| CannotSign::Request(problem.to_string()))?;
        let kind = member(document, "Type").unwrap_or_default().into_owned();
        let names = if kind == "Notification" { &NOTIFICATION[..] } else { &CONFIRMATION[..] };
        let covered = covered(document, names).map_err(|refusal| CannotSign::Request(refusal.to_string()))?;
        (covered, kind, member(document, "TopicArn").unwrap_or_default().into_owned())
    };
    let signature = rsa::sign(secret, covered.as_bytes())?;
    draft.set_text("/Signature", &Encoding::Base64.encode(&signature))?;
    draft.set_header("x-amz-sns-message-type", &kind)?;
    draft.set_header("x-amz-sns-message-id", id)?;
    draft.set_header("x-amz-sns-topic-arn", &topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_come_from_sns_only() {
        let check = |url: &str, name: Option<&str>| {
            let found = pem(url);
            match name {
                Some(name) => assert!(found.unwrap().names.iter().any(|known| known == name), "{url}"),
                None => assert_eq!(found, None, "{url}"),
            }
        };
        check(
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
            Some("sns.amazonaws.com"),
        );
        check("https://sns.us-east-1.amazonaws.com:443/a.pem", Some("sns.us-east-1.amazonaws.com"));
        check("https://sns.af-south-1.amazonaws.com/a.pem", Some("sns-signing.af-south-1.amazonaws.com"));
        check("https://sns.cn-north-1.amazonaws.com.cn/a.pem", Some("sns-cn-north-1.amazonaws.com.cn"));
        check("https://sns.us-gov-east-1.amazonaws.com/a.pem", Some("sns-us-gov-west-1.amazonaws.com"));
        for url in [
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com:8443/a.pem",
            "https://sns.us-east-1.amazonaws.com/a.crt",
            "https://sns.us-east-1.amazonaws.com/a?b.pem",
            "https://sns.us-east-1.amazonaws.com/?a.pem",
            "https://sns.us-east-1.amazonaws.com",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
            "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
            "https://evil.sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://sns.us.amazonaws.com/a.pem",
            "https://sns.us-east-1.evil.amazonaws.com/a.pem",
            "https://sns.s3-us-west-2.amazonaws.com/a.pem",
            "https://xns.us-east-1.amazonaws.com/a.pem",
            "sns.us-east-1.amazonaws.com/a.pem",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn a_subscription_is_confirmed_at_sns_only() {
        let check = |text: &str, expected: Result<Option<&str>, Refusal>| {
            let body = crate::event::Body::from(bytes::Bytes::copy_from_slice(text.as_bytes()));
            assert_eq!(sns_subscribe_url(&body), expected.map(|url| url.map(str::to_owned)), "{text}");
        };
        let url = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=1";
        let of_type = |kind, url| format!(r#"{{"Type":"{kind}","SubscribeURL":"{url}"}}"#);
        check(&of_type("SubscriptionConfirmation", url), Ok(Some(url)));
        check(&of_type("Notification", url), Ok(None));
        check(&of_type("UnsubscribeConfirmation", url), Ok(None));
        check("hello", Ok(None));
        for url in ["http://sns.us-west-2.amazonaws.com/?a", "https://evil.example/", "https://10.0.0.1/?a"] {
            check(&of_type("SubscriptionConfirmation", url), Err(Refusal::UntrustedSubscribeUrl));
        }
    }
}
