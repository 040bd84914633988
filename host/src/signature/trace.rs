//! What a check looked at, for somebody who wants to know why it ended as it did. The gateway itself watches nothing.

/// Watches a check. No method is ever given a secret, or a signature that was not in the request.
pub trait Trace {
    /// A signature or token found in the request, as it was written.
    fn candidate(&mut self, place: &str, written: &str) {
        let _ = (place, written);
    }

    /// What is covered, piece by piece; a piece that is secret is None.
    fn covered<'p>(&mut self, pieces: impl Iterator<Item = Option<&'p [u8]>>) {
        let _ = pieces;
    }

    /// Whether the secret of that number, counted from 0, fits; None if it has expired.
    fn tried(&mut self, secret: usize, fits: Option<bool>) {
        let _ = (secret, fits);
    }
}

impl Trace for () {}
