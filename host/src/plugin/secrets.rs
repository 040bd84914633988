//! Secrets that a plugin is granted, and keeping them out of what it says.

use std::borrow::Cow;
use std::fmt;

use crate::signature::Secret;

/// What stands in place of a secret.
const MASK: &[u8] = b"***";

/// The secrets that a plugin may read, by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GrantedSecrets {
    named: Vec<(String, Secret)>,
    /// What is masked, the longest first: one secret may be a part of another.
    masked: Vec<Vec<u8>>,
}

impl GrantedSecrets {
    /// Grants these.
    pub fn new(named: Vec<(String, Secret)>) -> Self {
        let values = named.iter().map(|(_, secret)| secret.expose());
        // A text holds what is not UTF-8 in another form only.
        let looks = |value: &[u8]| [value.to_vec(), String::from_utf8_lossy(value).into_owned().into_bytes()];
        let mut masked: Vec<Vec<u8>> = values.flat_map(looks).filter(|look| !look.is_empty()).collect();
        masked.sort_by_key(|look| std::cmp::Reverse(look.len()));
        masked.dedup();
        GrantedSecrets { named, masked }
    }

    /// The value of one; None where it is not granted.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.named.iter().find(|(granted, _)| granted == name).map(|(_, secret)| secret.expose())
    }

    /// The text with every granted value masked that stands in it as it is. A plugin that writes one backwards gets it
    /// past this: a grant is trust, and this is for mistakes.
    pub fn mask(&self, text: String) -> String {
        match self.mask_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => String::from_utf8_lossy(&masked).into_owned(),
        }
    }

    /// The bytes with every granted value masked.
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let found = |rest: &[u8]| self.masked.iter().map(Vec::as_slice).find(|look| rest.starts_with(look));
        let mut masked: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some((next, rest)) = bytes.get(at..).and_then(|rest| Some((rest.first()?, rest))) {
            match (found(rest), &mut masked) {
                (Some(look), masked) => {
                    masked.get_or_insert_with(|| bytes[..at].to_vec()).extend_from_slice(MASK);
                    at += look.len();
                    continue;
                }
                (None, Some(masked)) => masked.push(*next),
                (None, None) => {}
            }
            at += 1;
        }
        masked.map_or(Cow::Borrowed(bytes), Cow::Owned)
    }
}

impl fmt::Debug for GrantedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.named.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_values_are_masked_and_nothing_else() {
        let named =
            [("key", &b"s3cret"[..]), ("long", b"s3cret-and-more"), ("raw", b"\xff\xfe"), ("empty", b"")];
        let granted = GrantedSecrets::new(
            named.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect(),
        );
        for (text, expected) in [
            ("", ""),
            ("nothing to see", "nothing to see"),
            ("s3cret", "***"),
            ("a s3cret b s3crets3cret", "a *** b ******"),
            ("<s3cret-and-more>", "<***>"),
            ("s3cre", "s3cre"),
            ("käse s3cret käse", "käse *** käse"),
            ("raw \u{fffd}\u{fffd}.", "raw ***."),
        ] {
            assert_eq!(granted.mask(text.to_owned()), expected, "{text}");
        }
        assert_eq!(&*granted.mask_bytes(b"\x00\xff\xfe\x01"), b"\x00***\x01");
        assert_eq!(granted.value("key"), Some(&b"s3cret"[..]));
        assert_eq!(granted.value("other"), None);
        assert!(!format!("{granted:?}").contains("s3cret"), "{granted:?}");
    }
}
