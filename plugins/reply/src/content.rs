//! What is answered: JSON, XML or other text, and how a value is written into it.

use hookyard_plugin::json::Json;
use hookyard_plugin::{Event, Failure, template};

/// A kind of content, by its content type.
pub struct Content {
    /// What the answer's header says.
    pub content_type: String,
    kind: Kind,
}

enum Kind {
    Json,
    Xml,
    Text,
}

impl Content {
    /// The kind of a body that is configured as text or as a document. A document is JSON; JSON is not written as text,
    /// in which every brace would have to be doubled and every value's type be guessed.
    pub fn of(body: Json<'_>, content_type: Option<String>) -> Result<Self, String> {
        let text = body.sigil() == b'"';
        let usual = if text { "text/plain; charset=utf-8" } else { "application/json" };
        let content_type = content_type.unwrap_or_else(|| usual.to_owned());
        let kind = kind(&content_type);
        match (text, &kind) {
            (true, Kind::Xml | Kind::Text) | (false, Kind::Json) => Ok(Content { content_type, kind }),
            (true, Kind::Json) => Err("an answer in JSON is written as a table, not as text".into()),
            (false, _) => {
                Err(["the answer must be a text, since its content type is ", &content_type].concat())
            }
        }
    }

    /// The answer's body.
    pub fn write(&self, event: &Event, body: Json<'_>) -> Result<String, Failure> {
        let text = || body.string().unwrap_or_default();
        match self.kind {
            Kind::Json => template::document(event, body),
            Kind::Xml => template::text(event, &text(), push_escaped),
            Kind::Text => template::plain(event, &text()),
        }
    }
}

fn kind(content_type: &str) -> Kind {
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/json" => Kind::Json,
        "application/xml" | "text/xml" | "text/html" => Kind::Xml,
        other if other.ends_with("+json") => Kind::Json,
        other if other.ends_with("+xml") => Kind::Xml,
        _ => Kind::Text,
    }
}

/// Appends a value as character data of XML or HTML, or within the quotes of an attribute. What XML 1.0 has no way to
/// write becomes U+FFFD.
fn push_escaped(xml: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&#39;"),
            '\t' | '\n' | '\r' => xml.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push(char::REPLACEMENT_CHARACTER),
            other => xml.push(other),
        }
    }
}
