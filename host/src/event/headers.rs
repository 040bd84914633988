//! Headers as an ordered list: senders sign, repeat and order them, so nothing is folded or lost.

use std::fmt;

use bytes::Bytes;

/// Ordered header fields. Names keep the case they came with; lookups ignore ASCII case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(String, Bytes)>,
}

/// Why a header field is not allowed in HTTP ([RFC 9110 §5](https://www.rfc-editor.org/rfc/rfc9110#section-5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The name is empty or has a character that is not a token character.
    Name(String),
    /// The value has a control character other than tab.
    Value(String),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::Name(name) => write!(f, "{name:?} is not a header name"),
            HeaderError::Value(name) => write!(f, "the value of header {name:?} has a control character"),
        }
    }
}

impl std::error::Error for HeaderError {}

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Headers::default()
    }

    /// Adds a field at the end without looking at it; for fields that an HTTP parser has already checked.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Bytes>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Replaces every field of that name by one, in the first one's place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        check_name(name)?;
        check_value(name, value.as_bytes())?;
        let value = Bytes::copy_from_slice(value.as_bytes());
        match self.fields.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)) {
            None => self.fields.push((name.to_owned(), value)),
            Some(first) => {
                self.fields[first].1 = value;
                let mut index = 0;
                self.fields.retain(|(n, _)| {
                    index += 1;
                    index - 1 <= first || !n.eq_ignore_ascii_case(name)
                });
            }
        }
        Ok(())
    }

    /// Removes every field of that name; removing an absent one does nothing.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
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
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
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
        self.fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}

fn check_name(name: &str) -> Result<(), HeaderError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(HeaderError::Name(name.to_owned()));
    }
    Ok(())
}

fn check_value(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    if value
        .iter()
        .any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f)
    {
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
            headers.push(*name, value.as_bytes().to_vec());
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
            assert_eq!(
                subject.set(name, "x"),
                Err(HeaderError::Name(name.to_owned())),
                "{name:?}"
            );
        }
        for value in ["a\r\nb: c", "\0", "\u{7f}"] {
            assert_eq!(
                subject.set("x", value),
                Err(HeaderError::Value("x".to_owned())),
                "{value:?}"
            );
        }
        assert!(subject.is_empty());
    }
}
