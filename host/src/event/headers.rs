//! Headers as an ordered list: senders sign, repeat and order them, so nothing is folded or lost.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;

use super::quoted;

/// Ordered header fields. Names are in lower case, as HTTP/2 sends them; lookups ignore ASCII case. A clone shares the
/// fields until one of the two is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Arc<Vec<(HeaderName, Bytes)>>,
}

/// Fields that [`Headers::set`] lets there be. No receiver takes more, and the types of the crate `http` end at 24,576.
const MAX_FIELDS: usize = 1000;

/// Why a header field is not allowed in HTTP ([RFC 9110 §5](https://www.rfc-editor.org/rfc/rfc9110#section-5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The name is empty or has a character that is not a token character.
    Name(String),
    /// The value has a control character other than tab.
    Value(String),
    /// There are too many already.
    TooMany,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::Name(name) => write!(f, "{} is not a header name", quoted(name)),
            HeaderError::Value(name) => {
                write!(f, "the value of header {} has a control character", quoted(name))
            }
            HeaderError::TooMany => write!(f, "there are more than {MAX_FIELDS} header fields"),
        }
    }
}

impl std::error::Error for HeaderError {}

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Headers::default()
    }

    /// Adds a field at the end; for values that an HTTP parser has already checked.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        Arc::make_mut(&mut self.fields).push((name, value.into()));
    }

    /// Replaces every field of that name by one, in the first one's place, or adds it at the end, up to 1000 fields.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name(name.to_owned()))?;
        check_value(name, value.as_bytes())?;
        let value = Bytes::copy_from_slice(value.as_bytes());
        let fields = Arc::make_mut(&mut self.fields);
        match fields.iter().position(|(name, _)| *name == parsed) {
            None if fields.len() >= MAX_FIELDS => return Err(HeaderError::TooMany),
            None => fields.push((parsed, value)),
            Some(first) => {
                fields[first].1 = value;
                let mut at = 0;
                fields.retain(|(name, _)| {
                    at += 1;
                    at - 1 <= first || *name != parsed
                });
            }
        }
        Ok(())
    }

    /// Removes every field of that name; removing an absent one does nothing.
    pub fn remove(&mut self, name: &str) {
        if self.first(name).is_some() {
            Arc::make_mut(&mut self.fields).retain(|(field, _)| !field.as_str().eq_ignore_ascii_case(name));
        }
    }

    /// Removes the fields that `keep` does not take.
    pub fn retain(&mut self, keep: impl Fn(&str, &Bytes) -> bool) {
        if !self.iter().all(|(name, value)| keep(name, value)) {
            Arc::make_mut(&mut self.fields).retain(|(name, value)| keep(name.as_str(), value));
        }
    }

    /// The first value of that name.
    pub fn first(&self, name: &str) -> Option<&Bytes> {
        self.all(name).next()
    }

    /// The first value of that name, where it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of that name, in order.
    pub fn all<'h, 'n>(&'h self, name: &'n str) -> impl Iterator<Item = &'h Bytes> + use<'h, 'n> {
        self.fields
            .iter()
            .filter(move |(field, _)| field.as_str().eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of all names and values.
    pub fn size(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
    }
}

/// In the order given; for fields that an HTTP parser has already checked.
impl FromIterator<(HeaderName, Bytes)> for Headers {
    fn from_iter<I: IntoIterator<Item = (HeaderName, Bytes)>>(fields: I) -> Self {
        Headers { fields: Arc::new(fields.into_iter().collect()) }
    }
}

fn check_value(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    if value.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err(HeaderError::Value(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.push(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.as_bytes().to_vec());
        }
        headers
    }

    #[test]
    fn set_replaces_all_in_place_of_the_first() {
        let mut subject = headers(&[("A", "1"), ("b", "2"), ("a", "3"), ("C", "4")]);
        subject.set("a", "9").unwrap();
        assert_eq!(subject, headers(&[("A", "9"), ("b", "2"), ("C", "4")]));
        subject.set("d", "5").unwrap();
        assert_eq!(subject.text("D"), Some("5"));
    }

    #[test]
    fn illegal_fields_are_refused() {
        let mut subject = Headers::new();
        for name in ["", "a b", "a:", "é", "a\r\n"] {
            assert_eq!(subject.set(name, "x"), Err(HeaderError::Name(name.to_owned())), "{name:?}");
        }
        for value in ["a\r\nb: c", "\0", "\u{7f}"] {
            assert_eq!(subject.set("x", value), Err(HeaderError::Value("x".to_owned())), "{value:?}");
        }
        assert!(subject.is_empty());
    }

    #[test]
    fn fields_that_are_set_are_bounded() {
        let mut subject = Headers::new();
        for number in 0..MAX_FIELDS {
            subject.set(&format!("x-{number}"), "").unwrap();
        }
        assert_eq!(subject.set("one-more", ""), Err(HeaderError::TooMany));
        subject.set("X-7", "replaced").unwrap();
        assert_eq!((subject.len(), subject.text("x-7")), (MAX_FIELDS, Some("replaced")));
    }
}
