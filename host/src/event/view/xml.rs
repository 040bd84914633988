//! XML as JSON. Nothing that a document type declares is expanded, and nothing outside of the body is looked at.
//!
//! An element is an object: its attributes are called `@name`, its text is `#text`, the elements in it have their own
//! names, prefixes as they are written, and a list where a name stands more than once. An element that has nothing but
//! text is a string. White space around text does not count.

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::fields::{has_control, members, string};

/// Elements one inside the other.
const MAX_DEPTH: usize = 128;

/// Elements and attributes.
const MAX_NODES: usize = 100_000;

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

/// An object with the root element in it, or why there is none.
pub(super) fn to_json(bytes: &[u8]) -> Result<Bytes, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    if has_control(bytes) {
        return Err("it has a control character".to_owned());
    }
    let root = Tree::default().read(text.trim_start_matches('\u{feff}'))?;
    let mut json = Vec::with_capacity(bytes.len());
    members(&mut json, [(&*root.name, &root)].into_iter(), write);
    Ok(json.into())
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
}

impl Tree {
    fn read(mut self, text: &str) -> Result<Element, String> {
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(tag) => self.begin(&tag)?,
                Event::Empty(tag) => {
                    self.begin(&tag)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.text(&text)?,
                Event::CData(text) => self.text(&text)?,
                Event::GeneralRef(reference) => self.text(&resolved(&reference))?,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof => break,
            }
        }
        match self.open.pop() {
            Some(element) => Err(format!("it ends inside <{}>", element.name)),
            None => self.root.ok_or_else(|| "it has no element".to_owned()),
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} elements"));
        }
        self.count()?;
        let mut element = Element { name: tag.name().as_ref().to_owned(), ..Element::default() };
        // Comparing each name with all others would take too long where there are many; the last one counts.
        for attribute in tag.attributes().with_checks(false) {
            self.count()?;
            let attribute = attribute.map_err(|error| error.to_string())?;
            element.attributes.push((format!("@{}", attribute.key.as_ref()), unescaped(&attribute.value)));
        }
        self.open.push(element);
        Ok(())
    }

    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        match self.nodes > MAX_NODES {
            true => Err(format!("it has more than {MAX_NODES} elements and attributes")),
            false => Ok(()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_ascii().is_empty() => {}
            None => return Err("there is text outside of its root element".to_owned()),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(element) = self.open.pop() else { return Ok(()) };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if self.root.is_some() => return Err("it has more than one root element".to_owned()),
            None => self.root = Some(element),
        }
        Ok(())
    }
}

enum Part<'a> {
    Text(&'a str),
    Element(&'a Element),
}

impl Clone for Part<'_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Part<'_> {}

fn write(json: &mut Vec<u8>, element: &Element) {
    let text = element.text.trim_ascii();
    if element.attributes.is_empty() && element.children.is_empty() {
        return string(json, text);
    }
    let attributes = element.attributes.iter().map(|(name, value)| (&**name, Part::Text(value)));
    let text = (!text.is_empty()).then_some(("#text", Part::Text(text)));
    let children = element.children.iter().map(|child| (&*child.name, Part::Element(child)));
    members(json, attributes.chain(text).chain(children), |json, part| match part {
        Part::Text(text) => string(json, text),
        Part::Element(element) => write(json, element),
    });
}

/// What `&amp;` and `&#38;` stand for. Any other reference stays as it is written.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Some(known) = resolve_xml_entity(reference) {
        return known.to_owned();
    }
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        Ok(None) | Err(_) => format!("&{};", &**reference),
    }
}

fn unescaped(value: &str) -> String {
    let mut pieces = value.split('&');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(';') {
            Some((name, rest)) => {
                text.push_str(&resolved(&BytesRef::new(name)));
                text.push_str(rest);
            }
            None => {
                text.push('&');
                text.push_str(piece);
            }
        }
    }
    text
}
