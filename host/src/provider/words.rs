//! Words in which the rows of the table describe schemes.

use crate::event::Pointer;
use crate::signature::{
    Algorithm, Encoding, Hash, KeyEncoding, Place, Scheme, SignatureField, Signed, Template, TimestampField,
    TimestampFormat, TimestampPlace, Token,
};

pub(super) use Encoding::{Base64, Hex};
pub(super) use Hash::{Sha1, Sha256, Sha512};
pub(super) use TimestampFormat::{Rfc3339, Unix, UnixMillis};

/// A scheme being described.
pub(super) struct Words(Signed);

/// An HMAC of the whole body in a header.
pub(super) fn hmac(hash: Hash, header: &str, encoding: Encoding) -> Words {
    Words(Signed::of_body(hash, header, "", encoding))
}

/// A signature of another kind.
pub(super) fn signed(algorithm: Algorithm, header: &str, encoding: Encoding) -> Words {
    let signature = SignatureField::header(header, "", encoding);
    Words(Signed { algorithm, signature, ..Signed::of_body(Sha256, header, "", encoding) })
}

/// [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), with
/// headers of this family: `webhook` as specified.
pub(super) fn standard_webhooks(family: &str) -> Scheme {
    hmac(Sha256, &format!("{family}-signature"), Base64)
        .field(' ', ',', "v1")
        .key(KeyEncoding::Base64, "whsec_")
        .over("{id}.{timestamp}.{body}")
        .time(&format!("{family}-timestamp"), Unix, 300)
        .id(&format!("{family}-id"))
        .scheme()
}

impl Words {
    pub(super) fn prefix(mut self, prefix: &str) -> Self {
        self.0.signature.prefix = prefix.to_owned();
        self
    }

    /// Of `name=value` fields, those of this name carry a signature.
    pub(super) fn field(mut self, separator: char, assignment: char, name: &str) -> Self {
        self.0.signature.separator = Some(separator);
        self.0.signature.assignment = Some(assignment);
        self.0.signature.fields = vec![name.to_owned()];
        self
    }

    pub(super) fn places(mut self, places: Vec<Place>) -> Self {
        self.0.signature.places = places;
        self
    }

    pub(super) fn key(mut self, encoding: KeyEncoding, prefix: &str) -> Self {
        self.0.key_encoding = encoding;
        self.0.key_prefix = prefix.to_owned();
        self
    }

    /// What is covered. A template that is none is a mistake of ours, which a test finds.
    pub(super) fn over(mut self, template: &str) -> Self {
        if let Ok(template) = template.parse::<Template>() {
            self.0.template = template;
        }
        self
    }

    /// Signed at a time that stands in a header and may be this many seconds away; 0 does not check.
    pub(super) fn time(self, header: &str, format: TimestampFormat, seconds: u32) -> Self {
        self.timestamp(TimestampPlace::Header(header.to_owned()), format, seconds)
    }

    /// The same, in a field of the signature header.
    pub(super) fn time_field(self, name: &str, seconds: u32) -> Self {
        self.timestamp(TimestampPlace::Field(name.to_owned()), Unix, seconds)
    }

    pub(super) fn timestamp(mut self, place: TimestampPlace, format: TimestampFormat, seconds: u32) -> Self {
        let tolerance = (seconds > 0).then_some(seconds);
        self.0.timestamp = Some(TimestampField { place, format, tolerance, future_tolerance: tolerance });
        self
    }

    /// A time in the future is not looked at.
    pub(super) fn future(mut self) -> Self {
        if let Some(timestamp) = &mut self.0.timestamp {
            timestamp.future_tolerance = None;
        }
        self
    }

    pub(super) fn id(mut self, header: &str) -> Self {
        self.0.id_header = Some(header.to_owned());
        self
    }

    pub(super) fn never_empty(mut self) -> Self {
        self.0.rejects_empty_body = true;
        self
    }

    pub(super) fn scheme(self) -> Scheme {
        Scheme::Signed(self.0)
    }
}

/// A secret in a header.
pub(super) fn token(header: &str, prefix: &str) -> Scheme {
    Scheme::Token(Token { place: Place::Header(header.to_owned()), prefix: prefix.to_owned(), base64: false })
}

/// A secret in the query.
pub(super) fn token_in_query(name: &str) -> Scheme {
    Scheme::Token(Token { place: Place::Query(name.to_owned()), prefix: String::new(), base64: false })
}

/// Basic authentication.
pub(super) fn basic() -> Scheme {
    let place = Place::Header("Authorization".to_owned());
    Scheme::Token(Token { place, prefix: "Basic ".to_owned(), base64: true })
}

/// A secret in every item of a list.
pub(super) fn token_in_each(list: &str, item: &str) -> Scheme {
    let place = match (Pointer::new(list), Pointer::new(item)) {
        (Ok(list), Ok(item)) => Place::BodyEach { list, item },
        _ => Place::Header(String::new()),
    };
    Scheme::Token(Token { place, prefix: String::new(), base64: false })
}

/// A place in the body.
pub(super) fn body(pointer: &str) -> Place {
    Pointer::new(pointer).map_or(Place::Header(String::new()), Place::Body)
}

/// A time in the body.
pub(super) fn time_in_body(pointer: &str) -> TimestampPlace {
    Pointer::new(pointer).map_or(TimestampPlace::Header(String::new()), TimestampPlace::Body)
}
