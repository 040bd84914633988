//! Where the parts of a route's rule are written, and in what words, for whoever asks why an event takes it or does not.

use super::Location;
use super::value::Value;

/// Characters of a part that are kept.
const SHOWN: usize = 160;

/// One part as it is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where its key stands.
    pub at: Location,
    /// The key with its value, on one line.
    pub text: String,
}

/// The parts of one route's rule; those that are not there are none.
#[derive(Clone, Debug, Default)]
pub struct WrittenRule {
    /// `source`
    pub source: Option<Written>,
    /// `events`
    pub events: Option<Written>,
    /// The entries of `match`, in the order written.
    pub conditions: Vec<Written>,
    /// `when`
    pub when: Option<Written>,
    /// `fallback`
    pub fallback: Option<Written>,
}

impl Written {
    pub(super) fn of(value: Value<'_>) -> Self {
        let (key, value) = (value.key_spot(), value.spot());
        let source = &value.text.text;
        let whole = source.get(key.span.start..value.span.end).or_else(|| source.get(value.span.clone()));
        let words: Vec<&str> = whole.unwrap_or_default().split_whitespace().collect();
        let mut text = words.join(" ");
        if let Some((end, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(end);
            text.push('…');
        }
        Written { at: key.location(), text }
    }
}
