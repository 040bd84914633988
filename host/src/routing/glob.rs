//! Patterns with `*` for any run of characters. No other character is special, so that event names need no escaping.

use std::fmt;

/// A compiled pattern.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    /// Where the first `*` stands; most texts are told apart by what is before it.
    star: Option<usize>,
}

impl Glob {
    /// Every text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        let pattern = pattern.into();
        let star = pattern.find('*');
        Glob { pattern, star }
    }

    /// Whether the whole text matches. Takes at most pattern × text steps, and one pass where there is one `*`.
    pub fn matches(&self, text: &str) -> bool {
        let Some(star) = self.star else {
            return self.pattern == text;
        };
        let (prefix, rest) = (&self.pattern[..star], &self.pattern[star + 1..]);
        let Some(mut text) = text.strip_prefix(prefix) else {
            return false;
        };
        let mut pieces = rest.split('*').peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                return text.ends_with(piece);
            }
            // Between two stars the earliest place is as good as any later one.
            let Some(at) = text.find(piece) else { return false };
            text = &text[at + piece.len()..];
        }
        true
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glob").field("pattern", &self.pattern).finish()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_any_run() {
        for (pattern, text, expected) in [
            ("push", "push", true),
            ("push", "pushed", false),
            ("", "", true),
            ("*", "", true),
            ("pull_request.*", "pull_request.opened", true),
            ("pull_request.*", "pull_request", false),
            ("pull_request*", "pull_request_review.submitted", true),
            ("*.opened", "issues.opened", true),
            ("*.opened", "issues.opened.again", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "aXXbYYbZc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("é*", "ecole", false),
            ("é*", "été", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }
}
