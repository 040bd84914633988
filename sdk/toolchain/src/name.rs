//! A plugin's name: that of its folder, its package and its component.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Longest name, in bytes.
const MAX: usize = 64;

/// The name of a new plugin: lower-case letters, digits and single hyphens, beginning with a letter. It is a valid name of a
/// package for every language, and of a plugin in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With underscores, as languages want it where a hyphen is a minus.
    pub(crate) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let segment = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= MAX && text.split('-').all(segment) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::other(format!(
            "`{text}` cannot be a plugin's name: use lower-case letters, digits and single hyphens, a letter first, at \
             most {MAX} of them"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_packages_everywhere() {
        let check = |text: &str, good: bool| assert_eq!(text.parse::<Name>().is_ok(), good, "{text}");
        check("redact", true);
        check("route-by-content", true);
        check("v2", true);
        check("", false);
        check("2fast", false);
        check("Redact", false);
        check("a--b", false);
        check("a-", false);
        check("-a", false);
        check("a_b", false);
        check("../a", false);
        check("é", false);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
    }
}
