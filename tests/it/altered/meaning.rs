//! What a request says under its signature, read without the verifier's code: two requests that say the same may both
//! be genuine, two that do not may not.

use hookyard::signature::{Draft, Encoding, Place, Scheme, Signed, TimestampPlace, Token};
use hookyard_tests::Sender;
use serde_json::Value;

const ADYEN: [&str; 9] = [
    "/pspReference",
    "/originalReference",
    "/merchantAccountCode",
    "/merchantReference",
    "/amount/value",
    "/amount/currency",
    "/eventCode",
    "/success",
    "/additionalData/hmacSignature",
];

const SNS: [&str; 7] =
    ["/Message", "/MessageId", "/Subject", "/Timestamp", "/TopicArn", "/Type", "/Signature"];

/// Every piece that is signed, and the signature.
pub(super) fn meaning(sender: &Sender, draft: &Draft) -> Vec<Vec<u8>> {
    let body = || draft.body.bytes().to_vec();
    let url = || draft.url.clone().unwrap_or_default();
    match &sender.scheme {
        Scheme::Signed(scheme) => signed(sender, scheme, draft),
        Scheme::Token(token) => vec![sent_along(token, draft)],
        Scheme::Jwt(jwt) => vec![sent_along(&jwt.token, draft), body()],
        Scheme::Twilio => {
            let is_form =
                header(draft, "content-type").eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
            let body = if is_form { fold_escapes(&body()) } else { body() };
            let hashed = draft.query.contains("bodySHA256=");
            // The content type is not signed, but says whether the body is.
            let covered = vec![is_form.to_string().into_bytes(), body];
            let signature = vec![header(draft, "x-twilio-signature"), fold_escapes(url().as_bytes())];
            if hashed { [covered[1..].to_vec(), signature].concat() } else { [covered, signature].concat() }
        }
        Scheme::AdyenItems => adyen(draft),
        Scheme::PayPal(_) => {
            let names = ["paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig"];
            names.map(|name| header(draft, name)).into_iter().chain([body()]).collect()
        }
        Scheme::Sns(_) => nodes(draft, &SNS),
    }
}

fn signed(sender: &Sender, scheme: &Signed, draft: &Draft) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    for place in &scheme.signature.places {
        let written = match place {
            Place::Header(name) => header(draft, name),
            Place::HeaderSeries(prefix) => header(draft, &format!("{prefix}1")),
            Place::Body(pointer) => nodes(draft, &[pointer.as_str()]).concat(),
            Place::Query(_) | Place::BodyEach { .. } => panic!("{}: no provider signs so", sender.name),
        };
        said.push(if scheme.signature.encoding == Encoding::Hex { fold_digits(&written) } else { written });
    }
    if let Some(TimestampPlace::Header(name)) = scheme.timestamp.as_ref().map(|time| &time.place) {
        said.push(header(draft, name));
    }
    said.extend(scheme.id_header.as_ref().map(|name| header(draft, name)));
    match sender.name.as_str() {
        "mailgun" => said.extend(nodes(draft, &["/signature/timestamp", "/signature/token"])),
        "mailgun-form" => said.extend(nodes(draft, &["/timestamp", "/token"])),
        _ => said.push(draft.body.bytes().to_vec()),
    }
    let url = draft.url.as_deref().unwrap_or_default().as_bytes();
    match sender.name.as_str() {
        "hubspot-v3" => said.extend([draft.method.clone().into_bytes(), fold_escapes(url)]),
        "hubspot-v2" => said.extend([draft.method.clone().into_bytes(), url.to_vec()]),
        "square" | "trello" => said.push(url.to_vec()),
        _ => {}
    }
    said
}

fn sent_along(token: &Token, draft: &Draft) -> Vec<u8> {
    match &token.place {
        Place::Header(name) => {
            let mut value = header(draft, name);
            let scheme = token.prefix.len().min(value.len());
            value[..scheme].make_ascii_lowercase();
            value
        }
        Place::BodyEach { list, item } => {
            let body: Value = serde_json::from_slice(draft.body.bytes()).unwrap_or_default();
            let items = body.pointer(list.as_str()).and_then(Value::as_array).cloned().unwrap_or_default();
            let texts = items.iter().map(|found| found.pointer(item.as_str()).map(Value::to_string));
            texts.map(|text| text.unwrap_or_default()).collect::<Vec<_>>().join("\n").into_bytes()
        }
        // No draft has anything in its query that would have to be decoded.
        Place::Query(name) => {
            let pairs = draft.query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.filter(|(found, _)| found == name).map(|(_, value)| value).next();
            value.unwrap_or_default().as_bytes().to_vec()
        }
        other => panic!("no provider sends a token in {other:?}"),
    }
}

fn adyen(draft: &Draft) -> Vec<Vec<u8>> {
    let body: Value = serde_json::from_slice(draft.body.bytes()).unwrap_or_default();
    let Some(items) = body.pointer("/notificationItems").and_then(Value::as_array) else {
        return Vec::new();
    };
    let text = |item: &Value, pointer: &str| match item.pointer(&format!("/NotificationRequestItem{pointer}"))
    {
        Some(Value::String(text)) => text.clone().into_bytes(),
        None | Some(Value::Null) => Vec::new(),
        Some(other) => other.to_string().into_bytes(),
    };
    items.iter().flat_map(|item| ADYEN.map(|pointer| text(item, pointer))).collect()
}

/// Texts and numbers of the body.
fn nodes(draft: &Draft, pointers: &[&str]) -> Vec<Vec<u8>> {
    let body: Value = serde_json::from_slice(draft.body.bytes()).unwrap_or_default();
    let node = |pointer: &&str| body.pointer(pointer).map(Value::to_string).unwrap_or_default().into_bytes();
    pointers.iter().map(node).collect()
}

fn header(draft: &Draft, name: &str) -> Vec<u8> {
    draft.headers.first(name).map(|value| value.trim_ascii().to_vec()).unwrap_or_default()
}

/// Hexadecimal digits may be written in either case; what stands before them may not.
fn fold_digits(written: &[u8]) -> Vec<u8> {
    let mut folded = written.to_vec();
    let start = written.iter().rposition(|byte| *byte == b'=').map_or(0, |at| at + 1);
    folded[start..].make_ascii_lowercase();
    folded
}

/// Nor does the case of an escape's digits make another address or another form.
fn fold_escapes(text: &[u8]) -> Vec<u8> {
    let mut folded = text.to_vec();
    for at in 0..text.len() {
        if text[at] == b'%'
            && text.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        {
            folded[at + 1..at + 3].make_ascii_uppercase();
        }
    }
    folded
}
