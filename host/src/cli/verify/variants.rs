//! Other forms of the same thing, as tools and frameworks make them on the way from the wire to a file.

/// JSON without blanks between its parts, or indented; nothing inside of texts and numbers is touched. None where there
/// is nothing that could be JSON.
pub(super) fn json(text: &str, indent: Option<usize>) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut written = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut rest = text;
    // Texts are copied as they are, so that the blanks in them stay.
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '"' => quoted(rest)?,
            letter => letter.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        if letter.is_ascii_whitespace() {
            continue;
        }
        let empty = matches!(rest.trim_ascii_start().chars().next(), Some('}' | ']'));
        match letter {
            '{' | '[' => {
                written.push(letter);
                depth += 1;
                if !empty {
                    line(&mut written, indent, depth);
                }
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if !written.ends_with(['{', '[']) {
                    line(&mut written, indent, depth);
                }
                written.push(letter);
            }
            ',' => {
                written.push(',');
                line(&mut written, indent, depth);
            }
            ':' if indent.is_some() => written.push_str(": "),
            _ => written.push_str(part),
        }
    }
    Some(written)
}

/// The length of the text in quotation marks at the beginning.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn line(written: &mut String, indent: Option<usize>, depth: usize) {
    if let Some(indent) = indent {
        written.push('\n');
        written.push_str(&" ".repeat(indent * depth));
    }
}

/// Other addresses under which the same receiver may be known, each with what is different about it.
pub(super) fn urls(url: &str) -> Vec<(&'static str, String)> {
    let mut others = Vec::new();
    if let Some(rest) = url.strip_prefix("https://") {
        others.push(("began with http://", format!("http://{rest}")));
    } else if let Some(rest) = url.strip_prefix("http://") {
        others.push(("began with https://", format!("https://{rest}")));
    }
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let with = |path: &str| query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    match path.strip_suffix('/') {
        Some(shorter) => others.push(("did not end in a slash", with(shorter))),
        None => others.push(("ended in a slash", with(&format!("{path}/")))),
    }
    if query.is_some() {
        others.push(("had no query", path.to_owned()));
    }
    others
}

/// The `payload` of a form that carries JSON in it, and the form that would carry this JSON.
pub(super) fn payload_of_form(body: &str) -> Option<String> {
    crate::routing::query(body, "payload")
}

/// See [`payload_of_form`].
pub(super) fn form_of_payload(body: &str) -> String {
    crate::event::with_field("", "payload", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_other_forms() {
        let check = |text: &str, compact: Option<&str>, indented: Option<&str>| {
            assert_eq!(json(text, None).as_deref(), compact, "{text}");
            assert_eq!(json(text, Some(2)).as_deref(), indented, "{text}");
        };
        check(
            "{ \"a b\" : [1, \"x \\\" , y\"],\n\"e\": { }, \"f\":[]}\n",
            Some("{\"a b\":[1,\"x \\\" , y\"],\"e\":{},\"f\":[]}"),
            Some("{\n  \"a b\": [\n    1,\n    \"x \\\" , y\"\n  ],\n  \"e\": {},\n  \"f\": []\n}"),
        );
        check("a=1", None, None);
        check("{\"a", None, None);
        check("]{", None, None);
        check("[]]", None, None);
    }

    #[test]
    fn other_addresses() {
        let others: Vec<String> =
            urls("https://a.example/in/x?y=1").into_iter().map(|(_, url)| url).collect();
        assert_eq!(
            others,
            ["http://a.example/in/x?y=1", "https://a.example/in/x/?y=1", "https://a.example/in/x"]
        );
        let others: Vec<String> = urls("http://a.example/").into_iter().map(|(_, url)| url).collect();
        assert_eq!(others, ["https://a.example/", "http://a.example"]);
    }

    #[test]
    fn a_payload_in_a_form_and_back() {
        let json = "{\"a\": \"ä+b&c\"}";
        let form = form_of_payload(json);
        assert_eq!(form, "payload=%7B%22a%22%3A+%22%C3%A4%2Bb%26c%22%7D");
        assert_eq!(payload_of_form(&form).as_deref(), Some(json));
        assert_eq!(payload_of_form("a=1"), None);
    }
}
