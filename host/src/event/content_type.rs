//! What a `Content-Type` says ([RFC 9110 §8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.3)).

/// The media type without its parameters, in lower case; empty where there is none.
pub(super) fn essence(content_type: Option<&[u8]>) -> String {
    let text = content_type.map(String::from_utf8_lossy).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A parameter of a header value such as `form-data; name="a"; filename="b"`, whose quotes are taken off.
pub(super) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (found, after) = token(after);
        // What stands before a semicolon without a value is passed over with it.
        let key = key.rsplit(';').next().unwrap_or_default();
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A token or a quoted string, and what follows it.
fn token(text: &str) -> (String, &str) {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut found = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (found, &quoted[at + 1..]),
            '\\' => found.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => found.push(character),
        }
    }
    (found, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_told_from_its_parameters() {
        for (value, expected) in [
            ("application/json", "application/json"),
            (" Application/JSON ; charset=utf-8", "application/json"),
            (";", ""),
            ("", ""),
        ] {
            assert_eq!(essence(Some(value.as_bytes())), expected);
        }
        assert_eq!(essence(None), "");
        assert_eq!(essence(Some(b"\xff")), "\u{fffd}");
    }

    #[test]
    fn parameters_are_found() {
        let value = r#"form-data; flag; name="a;\"b"; FileName=c.txt ; x="#;
        for (name, expected) in [
            ("name", Some("a;\"b")),
            ("filename", Some("c.txt")),
            ("x", Some("")),
            ("y", None),
            ("form", None),
        ] {
            assert_eq!(parameter(value, name).as_deref(), expected, "{name}");
        }
        assert_eq!(parameter("a; b=\"c", "b").as_deref(), Some("c"));
        assert_eq!(parameter("a", "a"), None);
    }
}
