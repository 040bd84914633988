//! As much JSON as a small plugin needs: walk the text of a node, quote a string.
//!
//! The host parses events and configuration, and answers pointers into them; what it hands out as text is known to be
//! valid. So nothing here validates but [`Json::checked`], for text from elsewhere. On text that is not JSON an answer may be wrong
//! or missing, but every call returns.

mod check;

/// The text of one JSON node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// A node by its text.
    pub fn new(text: &'a str) -> Self {
        Json(trim(text))
    }

    /// A node by a text of which it is not known whether it is JSON; None if it is not.
    pub fn checked(text: &'a str) -> Option<Self> {
        check::is_json(text).then(|| Json::new(text))
    }

    /// The text, without white space around it.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// The first character, which tells the kind: `{`, `[`, `"`, `t`, `f`, `n`, else a number.
    pub fn sigil(self) -> u8 {
        self.0.as_bytes().first().copied().unwrap_or(b'n')
    }

    /// The value of a string; none for any other kind.
    pub fn string(self) -> Option<String> {
        let inside = self.0.strip_prefix('"')?;
        Some(unescape(inside.strip_suffix('"').unwrap_or(inside)))
    }

    /// The elements of an array; nothing for any other kind.
    pub fn items(self) -> impl Iterator<Item = Json<'a>> {
        let mut rest = self.0.strip_prefix('[').unwrap_or("");
        core::iter::from_fn(move || {
            rest = trim_start(rest.strip_prefix(',').unwrap_or(rest));
            let item;
            (item, rest) = split_value(rest)?;
            Some(Json(item))
        })
    }

    /// The members of an object in their order; nothing for any other kind. A name may come twice: the last one counts.
    pub fn members(self) -> impl Iterator<Item = (String, Json<'a>)> {
        let mut rest = self.0.strip_prefix('{').unwrap_or("");
        core::iter::from_fn(move || {
            rest = trim_start(rest.strip_prefix(',').unwrap_or(rest));
            let (name, value);
            (name, rest) = split_value(rest)?;
            (value, rest) = split_value(trim_start(rest.strip_prefix(':')?))?;
            Some((Json(name).string()?, Json(value)))
        })
    }

    /// The last member of this name.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        self.members().filter(|(found, _)| found == name).map(|(_, value)| value).last()
    }

    /// The node that an RFC 6901 pointer names. None where there is none, or where the pointer is not one.
    pub fn find(self, pointer: &str) -> Option<Json<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, segment| match node.sigil() {
            b'{' => node.member(&unescape_segment(segment)?),
            b'[' => {
                let plain = segment == "0" || !segment.starts_with(['0', '+']);
                node.items().nth(segment.parse().ok().filter(|_| plain)?)
            }
            _ => None,
        })
    }

    /// The value within other text: a string without its quotes, nothing for `null`, anything else as JSON.
    pub fn plain(self) -> String {
        match self.sigil() {
            b'"' => self.string().unwrap_or_default(),
            b'n' => String::new(),
            _ => self.0.to_string(),
        }
    }
}

/// Whether this is an RFC 6901 pointer: nothing, or segments that begin with `/`, in which each `~` begins `~0` or `~1`.
pub fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// A string as JSON text, quotes included.
pub fn quote(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_quoted(&mut json, text);
    json
}

/// Appends a string as JSON text, quotes included.
pub fn push_quoted(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (clean, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        json.push_str(clean);
        let byte = from.as_bytes().first().copied().unwrap_or(b' ');
        match byte {
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            _ => {
                json.push_str(if byte < 0x10 { "\\u000" } else { "\\u001" });
                json.push(char::from_digit(u32::from(byte & 0xf), 16).unwrap_or('0'));
            }
        }
        rest = from.get(1..).unwrap_or("");
    }
    json.push_str(rest);
    json.push('"');
}

/// A member's name or an array's index as one more segment of an RFC 6901 pointer: `~` and `/` escaped, `/` in front.
pub fn push_segment(pointer: &mut String, name: &str) {
    pointer.push('/');
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// None for a `~` that begins neither `~0` nor `~1`.
fn unescape_segment(segment: &str) -> Option<String> {
    let mut pieces = segment.split('~');
    let mut name = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (escaped, rest) = piece.split_at_checked(1)?;
        name.push(match escaped {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        name.push_str(rest);
    }
    Some(name)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// The value at the start of `text`, and the text from the next delimiter on.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => string_end(bytes, 0),
        b'{' | b'[' => nested_end(bytes),
        b'}' | b']' | b',' | b':' => return None,
        _ => bytes.iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(bytes.len()),
    };
    let (value, rest) = text.split_at_checked(end)?;
    Some((value, trim_start(rest)))
}

/// The index after the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The index after the bracket that closes the one at the start.
fn nested_end(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at - 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    bytes.len()
}

fn unescape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((clean, escape)) = rest.split_once('\\') {
        value.push_str(clean);
        let mut characters = escape.chars();
        match characters.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some('b') => value.push('\u{8}'),
            Some('f') => value.push('\u{c}'),
            Some('u') => {
                let (character, after) = unicode(characters.as_str());
                value.push(character);
                rest = after;
                continue;
            }
            Some(itself) => value.push(itself),
            None => {}
        }
        rest = characters.as_str();
    }
    value.push_str(rest);
    value
}

/// The character of the escape whose four digits start `text`, or of the surrogate pair; half a pair becomes U+FFFD.
fn unicode(text: &str) -> (char, &str) {
    let Some((unit, rest)) = four_digits(text) else {
        return (char::REPLACEMENT_CHARACTER, text);
    };
    if (0xd800..0xdc00).contains(&unit)
        && let Some((low, after)) = rest.strip_prefix("\\u").and_then(four_digits)
        && (0xdc00..0xe000).contains(&low)
    {
        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), after);
    }
    (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

fn four_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::{Json, is_pointer, push_segment, quote};

    #[test]
    fn walks_what_it_is_given() {
        let text = r#" { "a" : [1, "two, ]}\"", {"x":{}} , []], "b\u00e9/~":null,"c":"","a":-1.5e3 } "#;
        let node = Json::new(text);
        let members: Vec<_> = node.members().map(|(name, value)| (name, value.text())).collect();
        assert_eq!(
            members,
            [
                ("a".to_string(), r#"[1, "two, ]}\"", {"x":{}} , []]"#),
                ("bé/~".to_string(), "null"),
                ("c".to_string(), r#""""#),
                ("a".to_string(), "-1.5e3"),
            ]
        );
        let items: Vec<_> = node.members().flat_map(|(_, value)| value.items()).map(Json::text).collect();
        assert_eq!(items, ["1", r#""two, ]}\"""#, r#"{"x":{}}"#, "[]"]);
        assert_eq!(node.member("a").map(Json::text), Some("-1.5e3"));
        assert_eq!(node.member("c").and_then(Json::string), Some(String::new()));
        assert_eq!(node.string(), None);
    }

    #[test]
    fn strings_survive_the_round_trip() {
        for text in ["", "plain", "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}", "é😀\u{7f}", "\\u0041"] {
            assert_eq!(Json::new(&quote(text)).string().as_deref(), Some(text));
        }
        assert_eq!(quote("a\"b\\c\n\u{1}\u{1f}"), r#""a\"b\\c\n\u0001\u001f""#);
        let cases = [
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83dx""#, "\u{fffd}x"),
            (r#""\/\b\f\u00E9""#, "/\u{8}\u{c}é"),
        ];
        for (json, value) in cases {
            assert_eq!(Json::new(json).string().as_deref(), Some(value));
        }
    }

    #[test]
    fn anything_else_ends() {
        let whole = r#"{"a":[{"b":"\u12\"],"c":{"#;
        let broken = [
            "",
            "{",
            "[",
            "\"",
            "[1 2]",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "[,]",
            "[]]",
            "}",
            "[\"\\",
            "{\"é",
            "\"\\ud83d\\u\"",
        ];
        for text in broken.into_iter().chain((0..whole.len()).filter_map(|end| whole.get(..end))) {
            let node = Json::new(text);
            let _ = (node.items().count(), node.members().count(), node.string(), node.member("a"));
        }
    }

    #[test]
    fn pointers_are_known_by_their_form() {
        for pointer in ["", "/", "/a//b", "/a~0~1b", "/~01"] {
            assert!(is_pointer(pointer), "{pointer}");
        }
        for text in ["a", "a/b", "~0", "/a~", "/a~2", "/~/1", " /a"] {
            assert!(!is_pointer(text), "{text}");
        }
    }

    #[test]
    fn a_pointer_finds_the_node() {
        let text = r#"{"a": [1, {"b/~": "x"}], "": 2, "a/0": 3}"#;
        for (pointer, expected) in [
            ("", Some(text)),
            ("/a/0", Some("1")),
            ("/a/1/b~1~0", Some("\"x\"")),
            ("/", Some("2")),
            ("/a~10", Some("3")),
            ("/a/2", None),
            ("/a/00", None),
            ("/a/1/b~1~", None),
            ("/a/1/b~1~2", None),
            ("/a/+1", None),
            ("/a/-", None),
            ("/b", None),
            ("a", None),
            ("/a/0/x", None),
        ] {
            assert_eq!(Json::new(text).find(pointer).map(Json::text), expected, "{pointer}");
        }
    }

    #[test]
    fn names_become_segments() {
        let mut pointer = "/a".to_string();
        push_segment(&mut pointer, "b/c~d");
        assert_eq!(pointer, "/a/b~1c~0d");
    }
}
