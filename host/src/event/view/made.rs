//! Which view a body has.

use bytes::Bytes;

use super::super::content_type::essence;
use super::super::json::Kind;
use super::super::{Document, NotJson};
use super::{form, lines, multipart, xml};

/// Characters of a content type that are shown.
const MAX_SHOWN: usize = 80;

/// A body as JSON. The variants keep apart what has places in the body from what has none.
#[derive(Debug)]
pub(in crate::event) enum View {
    /// The body is this text: what lies in it lies in the body.
    Own(Document),
    /// The list of the texts that the body has on its lines; each of them stands in the body.
    Lines(Document),
    /// A text of our own about the body.
    Made {
        document: Document,
        /// What the body is, in words.
        of: &'static str,
    },
}

impl View {
    /// Reads bytes as what they are said to be, and as JSON.
    pub(in crate::event) fn of(bytes: &Bytes, content_type: Option<&[u8]>) -> Result<View, NotJson> {
        let essence = essence(content_type);
        let view = match &*essence {
            "application/x-www-form-urlencoded" => own_or(bytes, || {
                made(form::to_json(bytes).map_err(|problem| format!("as a form, {problem}"))?, "a form")
            }),
            "multipart/form-data" => own_or(bytes, || {
                let text = multipart::to_json(bytes, content_type.unwrap_or_default());
                made(text.map_err(|problem| format!("as a multipart form, {problem}"))?, "a multipart form")
            }),
            "application/xml" | "text/xml" => xml_view(bytes),
            essence if essence.ends_with("+xml") => xml_view(bytes),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => match lines::to_json(bytes) {
                Some(text) => Document::parse(text).map(View::Lines).map_err(|error| error.0),
                None => own(bytes),
            },
            _ => own(bytes),
        };
        view.map_err(|problem| {
            let shown = content_type.map(String::from_utf8_lossy).unwrap_or_default();
            let shown: String = shown.chars().take(MAX_SHOWN).collect();
            NotJson(match content_type {
                Some(_) => format!("{problem} (content type {shown:?})"),
                None => format!("{problem} (no content type)"),
            })
        })
    }

    /// For reading.
    pub(in crate::event) fn document(&self) -> &Document {
        match self {
            View::Own(document) | View::Lines(document) | View::Made { document, .. } => document,
        }
    }
}

fn own(bytes: &Bytes) -> Result<View, String> {
    Document::parse(bytes.clone()).map(View::Own).map_err(|error| error.0)
}

/// Some tools say `application/x-www-form-urlencoded` of whatever they send. An object or a list is what it is: no form
/// and no XML looks like that.
fn own_or(bytes: &Bytes, otherwise: impl FnOnce() -> Result<View, String>) -> Result<View, String> {
    match bytes.trim_ascii_start().first() {
        Some(b'{' | b'[') => own(bytes).or_else(|_| otherwise()),
        _ => otherwise(),
    }
}

fn xml_view(bytes: &Bytes) -> Result<View, String> {
    own_or(bytes, || made(xml::to_json(bytes).map_err(|problem| format!("as XML, {problem}"))?, "XML"))
}

fn made(text: Bytes, of: &'static str) -> Result<View, String> {
    let document = Document::parse(text).map_err(|error| error.0)?;
    Ok(View::Made { document, of })
}

/// Whether a text is an object or a list.
pub(super) fn is_container(text: &str) -> bool {
    let Ok(document) = Document::parse(Bytes::copy_from_slice(text.as_bytes())) else { return false };
    matches!(document.kind(document.root()), Kind::Object | Kind::Array)
}
