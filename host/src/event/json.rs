//! A JSON text with the place of every node, so that nodes can be read and replaced without touching other bytes.
//!
//! Parsing is lazy: checking the whole text builds only the top level, and a container is opened when somebody looks
//! inside. `serde_json` does the parsing; a node's place is where its [`RawValue`] lies in the text.
//!
//! Where an object repeats a key, the last one counts for reading, as in most parsers, and [`Document::repeats_keys`]
//! says so.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Nodes that one document may open, about 64 bytes each; beyond, containers read as if they were empty.
const MAX_NODES: usize = 200_000;

/// How often the text may be read over when containers are opened one inside the other; real documents need two or three.
const MAX_PASSES: usize = 32;

/// Members that are compared each with each, which is faster for few of them than to hash their names.
const FEW_MEMBERS: usize = 16;

/// A checked JSON text.
#[derive(Debug)]
pub struct Document {
    bytes: Bytes,
    root: Node,
    opened: AtomicUsize,
    scanned: AtomicUsize,
    repeats_keys: AtomicBool,
    truncated: AtomicBool,
}

/// A value in a [`Document`].
#[derive(Debug)]
pub struct Node {
    start: u32,
    end: u32,
    children: OnceLock<Children>,
}

#[derive(Debug)]
pub(super) enum Children {
    Members(Box<[(Box<str>, Node)]>),
    Items(Box<[Node]>),
}

/// The six kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// Any number
    Number,
    /// A string
    Text,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// Why bytes are not a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJson(pub String);

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body is not JSON: {}", self.0)
    }
}

impl Document {
    /// Checks the whole text. Up to 4 GiB.
    pub fn parse(bytes: Bytes) -> Result<Self, NotJson> {
        if bytes.is_empty() {
            return Err(NotJson("it is empty".to_owned()));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| NotJson(error.to_string()))?;
        let Ok(end) = u32::try_from(text.len()) else {
            return Err(NotJson("it is over 4 GiB".to_owned()));
        };
        let start = text.len() - text.trim_ascii_start().len();
        let root =
            Node { start: start as u32, end: text.trim_ascii_end().len() as u32, children: OnceLock::new() };
        debug_assert!(root.end <= end);

        let opened = open(text, start).map_err(|error| NotJson(error.to_string()))?;
        let mut document = Document {
            bytes,
            root,
            opened: AtomicUsize::new(0),
            scanned: AtomicUsize::new(0),
            repeats_keys: AtomicBool::new(false),
            truncated: AtomicBool::new(false),
        };
        if let Some(children) = opened {
            let children = document.admit(children);
            document.root.children = OnceLock::from(children);
        }
        Ok(document)
    }

    /// The whole document's value.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The node that an RFC 6901 pointer names. None where there is none, or where the pointer is not one.
    pub fn find(&self, pointer: &str) -> Option<&Node> {
        self.find_in(&self.root, pointer)
    }

    /// The same, seen from another node than the root.
    pub fn find_in<'d>(&'d self, node: &'d Node, pointer: &str) -> Option<&'d Node> {
        let mut node = node;
        for segment in segments(pointer)? {
            node = match self.children(node)? {
                Children::Members(members) => &members.iter().rev().find(|(key, _)| **key == *segment)?.1,
                Children::Items(items) => items.get(index(&segment)?)?,
            };
        }
        Some(node)
    }

    /// A node's exact source text.
    pub fn text(&self, node: &Node) -> &str {
        let bytes = &self.bytes[node.start as usize..node.end as usize];
        // The whole text was checked, and nodes begin and end at character boundaries.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// What kind of value a node is.
    pub fn kind(&self, node: &Node) -> Kind {
        match self.bytes[node.start as usize] {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::Text,
            b't' | b'f' => Kind::Boolean,
            b'n' => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// A string's value, unescaped. None for other kinds, and for a string with an unpaired surrogate.
    pub fn string(&self, node: &Node) -> Option<Cow<'_, str>> {
        if self.kind(node) != Kind::Text {
            return None;
        }
        let text = self.text(node);
        let inner = &text[1..text.len() - 1];
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(text).ok().map(Cow::Owned)
    }

    /// A number's value, where it is an integer that fits.
    pub fn integer(&self, node: &Node) -> Option<i64> {
        if self.kind(node) == Kind::Number { self.text(node).parse().ok() } else { None }
    }

    /// A number's nearest double.
    pub fn number(&self, node: &Node) -> Option<f64> {
        if self.kind(node) == Kind::Number { self.text(node).parse().ok() } else { None }
    }

    /// The value of `true` or `false`.
    pub fn boolean(&self, node: &Node) -> Option<bool> {
        if self.kind(node) == Kind::Boolean { self.text(node).parse().ok() } else { None }
    }

    /// A text, a number as it is written, or a boolean as a word; None for what is not there, `null`, and containers.
    pub fn scalar(&self, pointer: &str) -> Option<Cow<'_, str>> {
        self.scalar_of(self.find(pointer)?)
    }

    /// The same of a node.
    pub fn scalar_of(&self, node: &Node) -> Option<Cow<'_, str>> {
        match self.kind(node) {
            Kind::Text => self.string(node),
            Kind::Number | Kind::Boolean => Some(Cow::Borrowed(self.text(node))),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// What an array holds; None for other kinds.
    pub fn items<'d>(&'d self, node: &'d Node) -> Option<&'d [Node]> {
        match self.children(node)? {
            Children::Items(items) if self.kind(node) == Kind::Array => Some(items),
            Children::Items(_) | Children::Members(_) => None,
        }
    }

    /// The names of an object's members, in order; none for other kinds.
    pub fn member_names<'d>(&'d self, node: &'d Node) -> impl Iterator<Item = &'d str> {
        let members = match self.children(node) {
            Some(Children::Members(members)) => &members[..],
            Some(Children::Items(_)) | None => &[],
        };
        members.iter().map(|(name, _)| &**name)
    }

    /// How many members or items an object or array has.
    pub fn len(&self, node: &Node) -> Option<usize> {
        self.children(node).map(|children| match children {
            Children::Members(members) => members.len(),
            Children::Items(items) => items.len(),
        })
    }

    /// A member of an object, the last of that name.
    pub fn member<'a>(&'a self, node: &'a Node, name: &str) -> Option<&'a Node> {
        match self.children(node)? {
            Children::Members(members) => {
                members.iter().rev().find(|(key, _)| **key == *name).map(|(_, node)| node)
            }
            Children::Items(_) => None,
        }
    }

    /// Whether an object that has been opened so far has the same key twice, or is too large to tell.
    pub fn repeats_keys(&self) -> bool {
        self.repeats_keys.load(Ordering::Relaxed) || self.is_truncated()
    }

    /// Whether a container that has been opened so far reads as empty because there is too much in the document.
    pub(super) fn is_truncated(&self) -> bool {
        self.truncated.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What a container holds; None for other kinds.
    pub(super) fn children<'a>(&'a self, node: &'a Node) -> Option<&'a Children> {
        if !matches!(self.kind(node), Kind::Object | Kind::Array) {
            return None;
        }
        Some(node.children.get_or_init(|| {
            if self.scanned.fetch_add(node.span().len(), Ordering::Relaxed) / MAX_PASSES > self.bytes.len() {
                self.truncated.store(true, Ordering::Relaxed);
                return Children::Items(Box::default());
            }
            match open(self.text(node), node.start as usize) {
                Ok(Some(children)) => self.admit(children),
                // The text was checked as a whole, so that no part of it fails.
                Ok(None) | Err(_) => Children::Items(Box::default()),
            }
        }))
    }

    /// Counts opened nodes, and drops those over the limit.
    fn admit(&self, children: Children) -> Children {
        let (count, empty) = match &children {
            Children::Members(members) => {
                self.repeats_keys.fetch_or(repeats(members), Ordering::Relaxed);
                (members.len(), Children::Members(Box::default()))
            }
            Children::Items(items) => (items.len(), Children::Items(Box::default())),
        };
        if self.opened.fetch_add(count, Ordering::Relaxed) + count <= MAX_NODES {
            return children;
        }
        self.truncated.store(true, Ordering::Relaxed);
        empty
    }
}

/// Whether a key stands twice.
fn repeats(members: &[(Box<str>, Node)]) -> bool {
    if members.len() <= FEW_MEMBERS {
        let stands_before = |at: usize, key: &str| members[..at].iter().any(|(earlier, _)| **earlier == *key);
        return members.iter().enumerate().any(|(at, (key, _))| stands_before(at, key));
    }
    let mut seen = HashSet::with_capacity(members.len());
    !members.iter().all(|(key, _)| seen.insert(&**key))
}

impl Node {
    /// Where the node's text lies in the document, in bytes. Not in the body: that may be no JSON itself.
    pub(super) fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Parses one value that is the whole of `text` and lists what a container holds; `base` is where `text` begins in its
/// document.
fn open(text: &str, base: usize) -> Result<Option<Children>, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let place = Place { base, origin: text.trim_ascii_start().as_ptr() as usize };
    let children = match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => Some(parser.deserialize_map(place)?),
        Some(b'[') => Some(parser.deserialize_seq(place)?),
        _ => {
            let _: &RawValue = serde::Deserialize::deserialize(&mut parser)?;
            None
        }
    };
    parser.end()?;
    Ok(children)
}

struct Place {
    base: usize,
    origin: usize,
}

impl Place {
    fn node(&self, raw: &RawValue) -> Node {
        let start = self.base + (raw.get().as_ptr() as usize - self.origin);
        // `Document::parse` has made sure that every offset fits.
        Node { start: start as u32, end: (start + raw.get().len()) as u32, children: OnceLock::new() }
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Children;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Children, A::Error> {
        let mut members = Vec::new();
        while let Some((key, raw)) = map.next_entry::<Box<str>, &'de RawValue>()? {
            members.push((key, self.node(raw)));
        }
        Ok(Children::Members(members.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Children, A::Error> {
        let mut items = Vec::new();
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            items.push(self.node(raw));
        }
        Ok(Children::Items(items.into()))
    }
}

/// A checked [RFC 6901](https://www.rfc-editor.org/rfc/rfc6901) pointer; the empty one names the whole document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(Box<str>);

/// Why a text is not a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerError(pub String);

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a JSON pointer: it begins with `/`, and `~` stands only in `~0` and `~1`",
            self.0
        )
    }
}

impl std::error::Error for PointerError {}

impl Pointer {
    /// Checks the syntax.
    pub fn new(text: &str) -> Result<Self, PointerError> {
        segments(text).map(|_| Pointer(text.into())).ok_or_else(|| PointerError(text.to_owned()))
    }

    /// The pointer's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The unescaped segments of a pointer; None where the text is not one.
pub(super) fn segments(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let mut escapes = pointer.split('~').skip(1);
    if !(pointer.is_empty() || pointer.starts_with('/')) || !escapes.all(|rest| rest.starts_with(['0', '1']))
    {
        return None;
    }
    // The first piece lies before the first slash and is empty.
    Some(pointer.split('/').skip(1).map(|segment| match segment.contains('~') {
        true => Cow::Owned(segment.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(segment),
    }))
}

/// An array index as RFC 6901 writes it: no sign, no leading zero.
pub(super) fn index(segment: &str) -> Option<usize> {
    let plain =
        segment.bytes().all(|byte| byte.is_ascii_digit()) && (segment == "0" || !segment.starts_with('0'));
    if plain { segment.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str, pointer: &str) -> Option<String> {
        let document = Document::parse(Bytes::copy_from_slice(json.as_bytes())).expect("JSON");
        document.find(pointer).map(|node| document.text(node).to_owned())
    }

    #[test]
    fn pointers_find_exact_source_text() {
        let json =
            " {\"a\" : {\"b\": [ 1.0, {\"c\":\"x\\u0041\"} ,true]}, \"~/\":null, \"\":0, \"a/b\": \"é\" }\n";
        for (pointer, expected) in [
            ("/a/b/0", Some("1.0")),
            ("/a/b/1/c", Some("\"x\\u0041\"")),
            ("/a/b/2", Some("true")),
            ("/a/b/3", None),
            ("/a/b/00", None),
            ("/a/b/-", None),
            ("/a/b/0/x", None),
            ("/~0~1", Some("null")),
            ("/", Some("0")),
            ("/a~1b", Some("\"é\"")),
            ("a", None),
            ("/~2", None),
        ] {
            assert_eq!(text(json, pointer).as_deref(), expected, "{pointer}");
        }
        assert_eq!(text(json, "").as_deref(), Some(json.trim()));
    }

    #[test]
    fn values_are_typed() {
        let json = br#"{"i":-7,"f":1.5,"big":123456789012345678901,"s":"a\nb","t":true,"n":null,"a":[1,2]}"#;
        let document = Document::parse(Bytes::from_static(json)).expect("JSON");
        let node = |pointer: &str| document.find(pointer).expect(pointer);
        assert_eq!(document.integer(node("/i")), Some(-7));
        assert_eq!(document.integer(node("/f")), None);
        assert_eq!(document.integer(node("/big")), None);
        assert_eq!(document.number(node("/big")), Some(123_456_789_012_345_678_901.0));
        assert_eq!(document.string(node("/s")).as_deref(), Some("a\nb"));
        assert_eq!(document.string(node("/i")), None);
        assert_eq!(document.boolean(node("/t")), Some(true));
        assert_eq!(document.kind(node("/n")), Kind::Null);
        assert_eq!(document.len(node("/a")), Some(2));
        assert_eq!(document.len(node("/s")), None);
    }

    #[test]
    fn what_is_not_json_says_why() {
        for bad in ["", " ", "{", "{}x", "[1,]", "{\"a\":{\"b\":}}", "nul", "\u{feff}{}", "'a'"] {
            assert!(Document::parse(Bytes::copy_from_slice(bad.as_bytes())).is_err(), "{bad:?}");
        }
        assert!(Document::parse(Bytes::from_static(b"\"\xff\"")).is_err());
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let document = Document::parse(Bytes::from(deep.into_bytes())).expect("JSON");
        assert_eq!(document.len(document.root()), Some(1));
        assert!(document.find(&"/0".repeat(20)).is_some());
        assert!(
            document.find(&"/0".repeat(1000)).is_none(),
            "each level would be another pass over the text"
        );
    }

    #[test]
    fn the_last_of_repeated_keys_counts_and_is_flagged() {
        let document = Document::parse(Bytes::from_static(br#"{"a":1,"b":2,"a":3}"#)).expect("JSON");
        let node = document.find("/a").expect("a");
        assert_eq!(document.text(node), "3");
        assert!(document.repeats_keys());
    }

    #[test]
    fn a_repeated_key_is_found_behind_any_number_of_others() {
        for count in [0, 1, FEW_MEMBERS - 2, FEW_MEMBERS - 1, FEW_MEMBERS, 300, 70_000, MAX_NODES] {
            let fillers: String = (0..count).map(|number| format!("\"f{number}\":0,")).collect();
            let repeats = |last: &str| {
                let json = format!("{{\"a\":1,{fillers}\"{last}\":2}}");
                Document::parse(Bytes::from(json.into_bytes())).expect("JSON").repeats_keys()
            };
            assert!(repeats("a"), "{count}");
            // Of what is too large to be opened nobody knows.
            assert_eq!(repeats("b"), count == MAX_NODES, "{count}");
        }
    }

    #[test]
    fn too_many_nodes_read_as_empty() {
        let many = format!("{{\"few\":[1],\"many\":[{}1]}}", "1,".repeat(MAX_NODES));
        let document = Document::parse(Bytes::from(many.into_bytes())).expect("JSON");
        assert_eq!(document.find("/many").and_then(|node| document.len(node)), Some(0));
    }
}
