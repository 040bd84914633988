//! Bytes as a head of fixed size and pieces of any size.

/// Separates pieces. Stands in no text, so that one byte is lost to what may be in a piece, and nothing else.
const SEPARATOR: u8 = 0xff;

/// A few bytes that choose, and then pieces.
#[derive(Debug)]
pub struct Pieces<'d> {
    head: &'d [u8],
    rest: Option<&'d [u8]>,
}

impl<'d> Pieces<'d> {
    /// The first `head` bytes choose.
    pub fn new(data: &'d [u8], head: usize) -> Option<Self> {
        let (head, rest) = data.split_at_checked(head)?;
        Some(Pieces { head, rest: Some(rest) })
    }

    /// The next byte of the head, 0 after its end.
    pub fn choice(&mut self) -> u8 {
        let Some((first, rest)) = self.head.split_first() else { return 0 };
        self.head = rest;
        *first
    }

    /// A number from the next four bytes of the head.
    pub fn number(&mut self) -> i64 {
        i64::from(i32::from_le_bytes([self.choice(), self.choice(), self.choice(), self.choice()]))
    }

    /// The next piece; None when there are no more.
    pub fn piece(&mut self) -> Option<&'d [u8]> {
        let rest = self.rest?;
        let end = rest.iter().position(|byte| *byte == SEPARATOR);
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(&rest[..end.unwrap_or(rest.len())])
    }

    /// Whatever is left, separators and all.
    pub fn rest(self) -> &'d [u8] {
        self.rest.unwrap_or_default()
    }
}

/// The bytes that are taken apart into these.
pub fn join(head: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    [head, &pieces.join(&SEPARATOR)].concat()
}
