//! Ids and times that are others in each request, so that no gateway takes a sample for the repetition of another.
//!
//! Samples have holes for them. `{{uuid}}`, `{{hex}}` (24 digits) and `{{digits}}` (12 of them) are ids, each the same
//! wherever it stands in a request. A number below ten makes another one of its kind (`{{hex2}}`), a larger number says
//! how long it is (`{{hex32}}`). `{{unix}}`, `{{millis}}` and `{{rfc3339}}` are the time. `{{type}}` is the event type
//! and `{{family}}` what stands before its first dot. In JSON, a text that is nothing but `{{#…}}` becomes a number.

use aws_lc_rs::digest;
use uuid::{Builder, Uuid};

use crate::event::UnixMillis;

/// Ids and times of one request.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Fresh {
    seed: Uuid,
    now: UnixMillis,
}

impl Fresh {
    pub(in crate::cli) fn new(seed: Uuid, now: UnixMillis) -> Self {
        Fresh { seed, now }
    }

    /// Fills the holes of a text that belongs to an event of this type.
    pub(super) fn fill(&self, text: &str, kind: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, name, after)) = hole(rest) {
            let number = name.strip_prefix('#');
            let value = self.value(number.unwrap_or(name), kind);
            match (number, before.strip_suffix('"'), after.strip_prefix('"')) {
                (Some(_), Some(before), Some(after)) => {
                    filled.push_str(before);
                    rest = after;
                }
                _ => {
                    filled.push_str(before);
                    rest = after;
                }
            }
            filled.push_str(&value);
        }
        filled.push_str(rest);
        filled
    }

    /// What a hole of this name holds.
    pub(in crate::cli) fn value(&self, name: &str, kind: &str) -> String {
        let word = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let length = name[word.len()..].parse().ok().filter(|&length: &usize| length > 9);
        let time = || jiff::Timestamp::from_millisecond(self.now).unwrap_or_default();
        match word {
            _ if name == "rfc3339" => time().to_string(),
            "uuid" => Builder::from_random_bytes(self.random(name)).into_uuid().to_string(),
            "hex" => {
                let mut digits = hex::encode([self.random(name), self.random(&format!("{name}+"))].concat());
                digits.truncate(length.unwrap_or(24));
                digits
            }
            "digits" => {
                let length = length.unwrap_or(12) as u32;
                let first = 10_u128.pow(length - 1);
                (first + u128::from_be_bytes(self.random(name)) % (9 * first)).to_string()
            }
            "unix" => (self.now / 1000).to_string(),
            "millis" => self.now.to_string(),
            "type" => kind.to_owned(),
            "family" => kind.split('.').next().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }

    fn random(&self, name: &str) -> [u8; 16] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.seed.as_bytes());
        context.update(name.as_bytes());
        let mut random = [0; 16];
        random.copy_from_slice(&context.finish().as_ref()[..16]);
        random
    }
}

/// The first hole: what stands before it, its name, what stands after it.
fn hole(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let at = from + found;
        let (name, after) = text[at + 2..].split_once("}}")?;
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let plain = name.strip_prefix('#').unwrap_or(name);
        if !plain.is_empty() && plain.bytes().all(letter) {
            return Some((&text[..at], name, after));
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled() {
        let fresh = Fresh::new(Uuid::from_u128(7), 1_700_000_000_123);
        let check = |text: &str, expected: &str| assert_eq!(fresh.fill(text, "a.b"), expected);
        check("{{unix}} {{millis}} {{rfc3339}}", "1700000000 1700000000123 2023-11-14T22:13:20.123Z");
        check("{{type}} {{family}}", "a.b a");
        check(
            r#"{"t":"{{#unix}}","u":"{{unix}}","v":"x {{#unix}}"}"#,
            r#"{"t":1700000000,"u":"1700000000","v":"x 1700000000"}"#,
        );
        check("{} {{ }} {{}} {{A}}", "{} {{ }} {{}} {{A}}");
        let uuid = fresh.value("uuid", "");
        assert!(uuid.parse::<Uuid>().is_ok(), "{uuid}");
        check("{{{uuid}}} {{uuid}}", &format!("{{{uuid}}} {uuid}"));
    }

    #[test]
    fn ids_are_of_their_length_and_others_each_time() {
        let (one, other) = (Fresh::new(Uuid::from_u128(1), 0), Fresh::new(Uuid::from_u128(2), 0));
        for (name, length) in
            [("hex", 24), ("hex2", 24), ("hex32", 32), ("digits", 12), ("digits16", 16), ("uuid", 36)]
        {
            assert_eq!(one.value(name, "").len(), length, "{name}");
            assert_eq!(one.value(name, ""), one.value(name, ""));
            assert_ne!(one.value(name, ""), other.value(name, ""), "{name}");
        }
        assert_ne!(one.value("hex", ""), one.value("hex2", ""));
    }
}
