//! What a check looks at, kept for whoever asks.

use crate::signature::Trace;

use super::super::operate::text;

/// Bytes of what is covered that are shown at most, of its beginning and of its end.
const SHOWN: (usize, usize) = (600, 200);

/// What a check has looked at.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Signatures in the request: the place and what is written there.
    pub(super) signatures: Vec<(String, String)>,
    /// Whether each of the secrets fits, as far as they were tried; None for one that has expired.
    pub(super) tried: Vec<Option<bool>>,
    /// What is covered; None for what is secret.
    pieces: Option<Vec<Option<Vec<u8>>>>,
}

impl Trace for Seen {
    fn candidate(&mut self, place: &str, written: &str) {
        self.signatures.push((place.to_owned(), written.to_owned()));
    }

    fn covered<'p>(&mut self, pieces: impl Iterator<Item = Option<&'p [u8]>>) {
        self.pieces = Some(pieces.map(|piece| piece.map(<[u8]>::to_vec)).collect());
    }

    fn tried(&mut self, _: usize, fits: Option<bool>) {
        self.tried.push(fits);
    }
}

/// What a signature covers, as it may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Covered {
    /// The text with control characters escaped, secret parts as `***`, and its middle left out where it is long.
    pub(super) text: String,
    /// Bytes of all of it except what is secret.
    pub(super) bytes: usize,
}

impl Seen {
    /// What is covered; None where the check did not come that far, or nothing is signed.
    pub(super) fn covered(&self) -> Option<Covered> {
        let pieces = self.pieces.as_ref()?;
        let bytes = pieces.iter().flatten().map(Vec::len).sum();
        let whole: Vec<u8> =
            pieces.iter().flat_map(|piece| piece.as_deref().unwrap_or(b"***")).copied().collect();
        let (beginning, end) = SHOWN;
        let text = match whole.len() <= beginning + end {
            true => written(&whole),
            false => format!(
                "{} … {} bytes … {}",
                written(&whole[..beginning]),
                whole.len() - beginning - end,
                written(&whole[whole.len() - end..])
            ),
        };
        Some(Covered { text, bytes })
    }
}

/// In one line, with what is no text as `\x…`.
fn written(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&text::line(chunk.valid()));
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_shown_without_secrets_and_not_at_length() {
        let check = |pieces: &[Option<&[u8]>], expected: &str, bytes: usize| {
            let mut seen = Seen::default();
            Trace::covered(&mut seen, pieces.iter().copied());
            assert_eq!(seen.covered(), Some(Covered { text: expected.to_owned(), bytes }));
        };
        check(&[Some(b"1."), Some(b"{\n}\x1b\xff")], "1.{\\n}\\u{1b}\\xff", 7);
        check(&[None, Some(b"POST")], "***POST", 4);
        let long = format!("{} … 1 bytes … {}", "a".repeat(SHOWN.0), "a".repeat(SHOWN.1));
        check(&[Some("a".repeat(SHOWN.0 + SHOWN.1 + 1).as_bytes())], &long, SHOWN.0 + SHOWN.1 + 1);
        assert_eq!(Seen::default().covered(), None);
    }
}
