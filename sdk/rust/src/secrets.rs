//! Secrets that the operator granted to this plugin: `allow = { secrets = ["name"] }` in its table.

use crate::Failure;
use crate::host::secrets as host;

/// The value of a secret; None if it is not granted or does not exist.
///
/// The host masks granted values in log lines and reasons. That is for mistakes: a value that is encoded or cut is not
/// recognised.
pub fn get(name: impl AsRef<str>) -> Option<Vec<u8>> {
    host::get(name.as_ref())
}

/// The value of a secret, as text.
///
/// # Errors
///
/// A permanent failure that says what to add to the configuration, where the secret is not granted, and one where it is no
/// text.
pub fn require(name: impl AsRef<str>) -> Result<String, Failure> {
    let name = name.as_ref();
    let Some(value) = get(name) else {
        return Err(Failure::Permanent(
            ["the secret `", name, "` is not granted: allow = { secrets = [\"", name, "\"] }"].concat(),
        ));
    };
    String::from_utf8(value)
        .map_err(|_| Failure::Permanent(["the secret `", name, "` is not UTF-8 text"].concat()))
}

/// Whether both are the same, found out in a time that depends on their lengths only. Comparing a signature with `==` tells
/// by the time it takes how much of it was right.
pub fn are_equal(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |differing, (left, right)| differing | (left ^ right));
    left.len() == right.len() && core::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::are_equal;

    #[test]
    fn equal_is_equal_in_every_byte() {
        for (left, right, expected) in [
            ("", "", true),
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("abc", "bbc", false),
            ("abc", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(are_equal(left.as_bytes(), right.as_bytes()), expected, "{left} {right}");
        }
    }
}
