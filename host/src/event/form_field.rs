//! Fields of `application/x-www-form-urlencoded`, written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What <https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set> leaves as it is, and the
/// space, which becomes `+`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// A form or a query with this field instead of those of its name, or at the end. All else stays byte for byte.
pub fn with_field(form: &str, name: &str, value: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string().replace(' ', "+");
    let field = format!("{}={}", encode(name), encode(value));
    let mut fields: Vec<&str> = form.split('&').filter(|field| !field.is_empty()).collect();
    let is_named = |field: &str| {
        let written = field.split_once('=').map_or(field, |(name, _)| name).replace('+', " ");
        percent_encoding::percent_decode_str(&written).decode_utf8_lossy() == name
    };
    let first = fields.iter().position(|field| is_named(field));
    fields.retain(|field| !is_named(field));
    fields.insert(first.unwrap_or(fields.len()).min(fields.len()), &field);
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (form, name, value, expected) in [
            ("", "a", "1", "a=1"),
            ("a=1&b=%20&c", "b", "x y&z", "a=1&b=x+y%26z&c"),
            ("a=1&b=2&a=3", "a", "4", "a=4&b=2"),
            ("a%2Fb=1", "a/b", "é", "a%2Fb=%C3%A9"),
            ("a=1", "b", "2", "a=1&b=2"),
        ] {
            assert_eq!(with_field(form, name, value), expected, "{form} {name}");
        }
    }
}
