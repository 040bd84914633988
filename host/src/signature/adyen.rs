//! Adyen's standard webhooks: every item of the list carries an HMAC of eight of its own fields.
//!
//! <https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures>. Whatever else an item holds, and what
//! stands around the list, is not signed: who is between Adyen and here can alter it.

use aws_lc_rs::hmac;

use crate::event::{Document, Node, UnixMillis};

use super::encoding::{Encoding, Hash, KeyEncoding};
use super::refusal::Refusal;
use super::request::SignedRequest;
use super::secret::Secret;
use super::sign::{CannotSign, Draft};
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

const ITEMS: &str = "/notificationItems";

/// What an item's content stands under.
const CONTENT: &str = "/NotificationRequestItem";

const SIGNATURE: &str = "/additionalData/hmacSignature";

/// What is signed, joined by colons; Adyen's libraries escape none that stand in the values.
const SIGNED: [&str; 8] = [
    "/pspReference",
    "/originalReference",
    "/merchantAccountCode",
    "/merchantReference",
    "/amount/value",
    "/amount/currency",
    "/eventCode",
    "/success",
];

pub(super) fn verify<T: Trace>(
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let missing = || Refusal::MissingNode(ITEMS.to_owned());
    let document = request.body.json().map_err(|_| missing())?;
    let items = document.find(ITEMS).and_then(|list| document.items(list)).ok_or_else(missing)?;
    let mut signed = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let place = || format!("{ITEMS}/{at}{CONTENT}{SIGNATURE}");
        let content = document.find_in(item, CONTENT);
        let written = content
            .and_then(|content| document.scalar_of(document.find_in(content, SIGNATURE)?))
            .filter(|text| !text.is_empty());
        let (Some(content), Some(written)) = (content, written) else {
            return Err(Refusal::MissingNode(place()));
        };
        trace.candidate(&place(), &written);
        let signature = Encoding::Base64.decode(written.as_bytes()).filter(|bytes| !bytes.is_empty());
        let signature = signature.ok_or_else(|| Refusal::MalformedSignature(place()))?;
        signed.push((covered(document, content), [signature]));
    }
    if signed.is_empty() {
        return Err(missing());
    }
    if document.repeats_keys() {
        return Err(Refusal::RepeatedKey);
    }
    trace.covered(signed.iter().map(|(text, _)| Some(text.as_bytes())));
    let makes_all = |key: &super::key::Key| {
        signed.iter().all(|(text, signature)| key.makes(std::iter::once(text.as_bytes()), signature))
    };
    verifier.first(now, trace, makes_all)
}

fn covered(document: &Document, content: &Node) -> String {
    let value = |pointer: &&str| {
        let text = document.find_in(content, pointer).and_then(|node| document.scalar_of(node));
        text.unwrap_or_default().into_owned()
    };
    SIGNED.iter().map(value).collect::<Vec<_>>().join(":")
}

pub(super) fn key(secret: &Secret) -> Result<Vec<u8>, &'static str> {
    KeyEncoding::Hex.decode(secret.expose().trim_ascii())
}

/// Fills in the signature of every item.
pub(super) fn sign(secret: &Secret, draft: &mut Draft) -> Result<(), CannotSign> {
    let key = hmac::Key::new(Hash::Sha256.hmac(), &key(secret).map_err(CannotSign::Secret)?);
    let texts: Vec<String> = {
        let no_items = || CannotSign::Request(format!("the body has no list {ITEMS}"));
        let document = draft.body.json().map_err(|_| no_items())?;
        let items = document.find(ITEMS).and_then(|list| document.items(list)).ok_or_else(no_items)?;
        let contents = items.iter().filter_map(|item| document.find_in(item, CONTENT));
        contents.map(|content| covered(document, content)).collect()
    };
    for (at, text) in texts.iter().enumerate() {
        let content = format!("{ITEMS}/{at}{CONTENT}");
        let has_place = draft
            .body
            .json()
            .is_ok_and(|document| document.find(&format!("{content}/additionalData")).is_some());
        if !has_place {
            draft.set_node(&format!("{content}/additionalData"), "{}".to_owned())?;
        }
        let signature = Encoding::Base64.encode(hmac::sign(&key, text.as_bytes()).as_ref());
        draft.set_text(&format!("{content}{SIGNATURE}"), &signature)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::signature::Scheme;

    fn draft(text: &str) -> Draft {
        Draft::post(Bytes::copy_from_slice(text.as_bytes()).into())
    }

    #[test]
    fn every_signed_field_of_every_item_counts() {
        let secret = Secret::new("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056");
        let verifier = Verifier::new(Scheme::AdyenItems, [secret.clone().into()]).unwrap();
        let result = |text: &str| verifier.verify(draft(text).request(), 0).map(|_| ());
        let mut sample = draft(
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"amount":{"value":1130,"currency":"EUR"},
            "pspReference":"7914","originalReference":"a:b\\c","eventCode":"AUTHORISATION","eventDate":"2019-05-06",
            "merchantAccountCode":"M","merchantReference":"R","success":"true"}},{"NotificationRequestItem":
            {"additionalData":{"x":"y"},"amount":{"value":1,"currency":"USD"},"pspReference":"7915",
            "eventCode":"REFUND","merchantAccountCode":"M","merchantReference":"R2","success":"false"}}]}"#,
        );
        sign(&secret, &mut sample).unwrap();
        let text = String::from_utf8(sample.body.bytes().to_vec()).unwrap();
        assert_eq!(result(&text), Ok(()));
        for (from, to) in [
            ("1130", "1131"),
            ("EUR", "EUX"),
            ("7914", "7913"),
            ("a:b", "a:c"),
            ("AUTHORISATION", "CAPTURE"),
            (r#""M""#, r#""N""#),
            (r#""R""#, r#""S""#),
            (r#""true""#, r#""false""#),
            (r#""R2""#, r#""R3""#),
            (r#""USD""#, r#""EUR""#),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(result(&changed), Err(Refusal::BadSignature), "{from}");
        }
        // What is not signed may change, as Adyen has it.
        assert_eq!(result(&text.replace("2019-05-06", "2020-05-06")), Ok(()));
        // A receiver may read the first of two equal keys, we read the last.
        let twice = text.replacen(r#""success":"true""#, r#""success":"false","success":"true""#, 1);
        assert_eq!(result(&twice), Err(Refusal::RepeatedKey));
        let fillers: String = (0..300).map(|number| format!("\"f{number}\":0,")).collect();
        let behind = format!(r#""success":"false",{fillers}"success":"true""#);
        assert_eq!(result(&text.replacen(r#""success":"true""#, &behind, 1)), Err(Refusal::RepeatedKey));
        assert_eq!(result(r#"{"notificationItems":[]}"#), Err(Refusal::MissingNode(ITEMS.to_owned())));
        let bare = r#"{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1"}}]}"#;
        let place = "/notificationItems/0/NotificationRequestItem/additionalData/hmacSignature";
        assert_eq!(result(bare), Err(Refusal::MissingNode(place.to_owned())));
    }
}
