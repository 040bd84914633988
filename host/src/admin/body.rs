//! A body as JSON can hold it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::view::BodyView;

/// Bytes of a body that are shown unless somebody asks for all.
const SHOWN: usize = 64 * 1024;

/// JSON as it is, text as text, anything else as base64.
pub(super) fn view(bytes: &Bytes, full: bool) -> BodyView {
    let truncated = !full && bytes.len() > SHOWN;
    let part = if truncated { &bytes[..SHOWN] } else { &bytes[..] };
    let view = BodyView { size: bytes.len() as u64, truncated, ..BodyView::default() };
    if let (false, Ok(json)) = (truncated, serde_json::from_slice::<Box<RawValue>>(part)) {
        return BodyView { json: Some(json), ..view };
    }
    match text(part, truncated) {
        Some(text) => BodyView { text: Some(text.to_owned()), ..view },
        None => BodyView { base64: Some(STANDARD.encode(part)), ..view },
    }
}

/// The text, without a character that was cut in two at the end.
fn text(part: &[u8], truncated: bool) -> Option<&str> {
    match std::str::from_utf8(part) {
        Ok(text) => Some(text),
        Err(error) if truncated && error.error_len().is_none() => {
            std::str::from_utf8(&part[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        let check = |body: &[u8], full: bool, expected: &str| {
            let shown = view(&Bytes::copy_from_slice(body), full);
            let shown = serde_json::to_string(&shown).unwrap();
            assert!(shown.contains(expected), "{}", shown.chars().take(200).collect::<String>());
        };
        check(br#"{"a": 1.00}"#, false, r#""truncated":false,"json":{"a": 1.00}}"#);
        check(b"a=1&b=\x1b", false, r#""text":"a=1&b=\u001b""#);
        check(b"\xff\xfe", false, r#""base64":"//4=""#);
        check(b"", false, r#""size":0,"truncated":false,"text":"""#);
        let long = format!("\"{}\"", "é".repeat(SHOWN));
        check(long.as_bytes(), false, r#""truncated":true,"text":"\"éé"#);
        check(long.as_bytes(), true, r#""truncated":false,"json":"éé"#);
        let nested = "[".repeat(50_000) + &"]".repeat(50_000);
        check(nested.as_bytes(), true, r#""json":[["#);
    }
}
