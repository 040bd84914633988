//! Whether a text is JSON (RFC 8259).

/// How deep values may be nested; as deep as most parsers go.
const MAX_DEPTH: usize = 128;

/// Whether the whole text is one JSON value.
pub(super) fn is_json(text: &str) -> bool {
    let mut rest = Rest(text.as_bytes());
    rest.value(0).is_some() && rest.after_space().is_none()
}

/// What is still to be read. None of a function means: this is not JSON.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// The next byte that is no white space, which stays.
    fn after_space(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
        self.0.first().copied()
    }

    fn take(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.after_space()? {
            b'{' => self.list(b'}', |rest| {
                rest.after_space()?;
                rest.string()?;
                rest.after_space()?;
                rest.take(b":")?;
                rest.value(depth + 1)
            }),
            b'[' => self.list(b']', |rest| rest.value(depth + 1)),
            b'"' => self.string(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }

    /// What stands between brackets, with commas between.
    fn list(&mut self, end: u8, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.0 = self.0.get(1..)?;
        if self.after_space()? == end {
            return self.take(&[end]);
        }
        loop {
            entry(self)?;
            if self.after_space()? == end {
                return self.take(&[end]);
            }
            self.take(b",")?;
        }
    }

    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.0.get(..4)?;
                self.0 = self.0.get(4..)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b"-");
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.0 {
            self.0 = rest;
            if let [b'+' | b'-', rest @ ..] = self.0 {
                self.0 = rest;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = self.0.get(count..)?;
        (count > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, is_json};

    #[test]
    fn json_is_told_from_what_is_none() {
        for text in [
            "0",
            "-0.5e+10",
            "10E-2",
            " [1 , 2,[ ]] ",
            r#"{"a":{"b":null},"":[true,false]}"#,
            r#""\u00e9\"\\\/\b\f\n\r\t""#,
            "\"é\u{7f}\"",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "-",
            "1e",
            "+1",
            "nul",
            "truE",
            "[1,]",
            "[,]",
            "[1 2]",
            "[",
            "{",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u1\"",
            "\"\n\"",
            "1 2",
            "'a'",
            "\u{feff}1",
        ] {
            assert!(!is_json(text), "{text:?}");
        }
        let nested = |depth: usize| is_json(&("[".repeat(depth) + &"]".repeat(depth)));
        assert!(nested(MAX_DEPTH) && !nested(MAX_DEPTH + 2) && !nested(100_000));
    }

    #[test]
    fn it_agrees_with_a_whole_parser() {
        let whole = r#" {"a": [1.5e3, "\ud83d\u00e9\n", {"b": null}], "c": [true, -0]} "#;
        for (at, _) in whole.char_indices() {
            for byte in ["", "0", "\"", "]", "}", ",", "\\", " ", "-", "e"] {
                let text = [&whole[..at], byte, &whole[at + 1..]].concat();
                let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                assert_eq!(is_json(&text), expected, "{text}");
            }
        }
    }
}
