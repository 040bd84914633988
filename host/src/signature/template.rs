//! What a signature covers: text with parts of the request in it, such as `{timestamp}.{body}`.

use std::fmt;
use std::str::FromStr;

use crate::event::Pointer;

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub(super) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// The exact bytes of the body.
    Body,
    /// The time of signing, as it was sent.
    Timestamp,
    /// The sender's id of the message.
    Id,
    Method,
    /// The address that the sender called, with its query.
    Url,
    /// The same, with those escapes decoded that stand for characters with a meaning in addresses.
    UrlDecoded,
    /// The secret itself, for plain digests.
    Secret,
    /// A scalar of the body.
    BodyNode(Pointer),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A placeholder that does not exist.
    Unknown(String),
    /// A `{` without its `}`.
    Open,
    /// What follows `body:` is not a JSON pointer.
    Pointer(String),
    /// Neither the body nor a part of it is covered.
    NoBody,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Unknown(name) => write!(
                f,
                "there is no `{{{name}}}`; a template may name {{body}}, {{timestamp}}, {{id}}, {{method}}, {{url}}, \
                 {{url-decoded}}, {{secret}} and {{body:/POINTER}}"
            ),
            TemplateError::Open => f.write_str("a `{` lacks its `}`"),
            TemplateError::Pointer(problem) => f.write_str(problem),
            TemplateError::NoBody => f.write_str("without {body} a signature would not prove the body"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// The whole body and nothing else.
    pub fn body() -> Self {
        Template(vec![Part::Body])
    }

    /// Whether the address that the sender called is covered.
    pub fn names_url(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Url | Part::UrlDecoded))
    }

    /// Whether the time of signing is covered.
    pub fn names_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    /// Whether the message's id is covered.
    pub fn names_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    /// Whether the secret stands in it, which makes sense for a plain digest only.
    pub fn names_secret(&self) -> bool {
        self.0.contains(&Part::Secret)
    }

    /// Whether single nodes of the body are covered.
    pub fn names_nodes(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::BodyNode(_)))
    }

    /// Whether this node of the body is covered, by itself or with the rest.
    pub fn covers_node(&self, pointer: &Pointer) -> bool {
        self.covers_body()
            || self.0.iter().any(|part| matches!(part, Part::BodyNode(node) if node == pointer))
    }

    /// Whether two parts that senders choose touch each other, so that bytes could move from one into the other and the
    /// signature would still fit.
    pub fn has_touching_parts(&self) -> bool {
        let varies = |part: &Part| !matches!(part, Part::Literal(_) | Part::Secret);
        self.0.windows(2).any(|pair| pair.iter().all(varies))
    }

    /// Whether nothing follows the secret.
    pub fn ends_with_secret(&self) -> bool {
        self.0.last() == Some(&Part::Secret)
    }

    /// Whether every byte of the body is covered.
    pub fn covers_body(&self) -> bool {
        self.0.contains(&Part::Body)
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
            parts.push(part(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        if !parts.iter().any(|part| matches!(part, Part::Body | Part::BodyNode(_))) {
            return Err(TemplateError::NoBody);
        }
        Ok(Template(parts))
    }
}

fn part(name: &str) -> Result<Part, TemplateError> {
    Ok(match name {
        "body" => Part::Body,
        "timestamp" => Part::Timestamp,
        "id" => Part::Id,
        "method" => Part::Method,
        "url" => Part::Url,
        "url-decoded" => Part::UrlDecoded,
        "secret" => Part::Secret,
        other => match other.strip_prefix("body:").map(Pointer::new) {
            Some(Ok(pointer)) => Part::BodyNode(pointer),
            Some(Err(problem)) => return Err(TemplateError::Pointer(problem.to_string())),
            None => return Err(TemplateError::Unknown(other.to_owned())),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_touch() {
        for (text, expected) in [
            ("{body}", false),
            ("{timestamp}.{body}", false),
            ("v0:{timestamp}:{body}", false),
            ("{secret}{body}{secret}", false),
            ("{timestamp}{body}", true),
            ("{method}.{body:/a}{body:/b}", true),
        ] {
            assert_eq!(
                text.parse::<Template>().map(|template| template.has_touching_parts()),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (text, expected) in [
            ("{body}", None),
            ("v0:{timestamp}:{body}", None),
            ("{body:/a/b}{body:/c}", None),
            ("", Some("would not prove the body")),
            ("{timestamp}", Some("would not prove the body")),
            ("{body", Some("lacks its `}`")),
            ("{nonce}{body}", Some("there is no `{nonce}`")),
            ("{body:a}", Some("is not a JSON pointer")),
        ] {
            let problem = text.parse::<Template>().err().map(|problem| problem.to_string());
            assert_eq!(problem.is_some(), expected.is_some(), "{text}: {problem:?}");
            assert!(problem.unwrap_or_default().contains(expected.unwrap_or_default()), "{text}");
        }
    }
}
