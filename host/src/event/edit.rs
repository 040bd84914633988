//! Changes to a JSON text that leave every byte outside the edited nodes as it was.
//!
//! Edits apply in order. As long as they do not touch each other they are gathered against one parse of the text and
//! written in one pass; an edit that depends on an earlier one (a node inside a node just written, an item behind one
//! just removed) first writes what is gathered and parses again.
//!
//! Where an object repeats a key, every occurrence is edited: a receiver may read another one than we do, and a value
//! that was to be masked must not survive in any.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::json::{Children, Document, Node, NotJson, index, segments};
use super::quoted;

/// Edits that are made before somebody is asked whether there is time for more.
const UNASKED: usize = 16;

/// Segments of a pointer; no document is deeper.
const MAX_DEPTH: usize = 256;

/// Edits gathered before the text is written and parsed anew; bounds the comparison of each with all the others.
const MAX_GATHERED: usize = 128;

/// One change. `value` is JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Replaces the node, or adds a member to an existing object, or an item at the end (`-`) of an existing array.
    Set {
        /// RFC 6901.
        pointer: String,
        /// JSON text.
        value: String,
    },
    /// Removes the node, if it is there.
    Remove {
        /// RFC 6901.
        pointer: String,
    },
}

/// Why an edit cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The text to edit is not JSON.
    NotJson(NotJson),
    /// The body is of this kind, and its JSON view a text of our own.
    OnlyAView(&'static str),
    /// The value to set is not JSON.
    Value {
        /// Where it was to go.
        pointer: String,
        /// What is wrong with it.
        problem: NotJson,
    },
    /// Making them all takes longer than it may.
    TooLong,
    /// There is no object or array to put the value into, or the whole document was to be removed.
    Place(String),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditError::NotJson(problem) => problem.fmt(f),
            EditError::OnlyAView(of) => {
                write!(f, "the body is not JSON: it is {of}, of which the JSON view can be read, not edited")
            }
            EditError::Value { pointer, problem } => {
                write!(f, "the value for {} is not JSON: {}", quoted(pointer), problem.0)
            }
            EditError::TooLong => f.write_str("its edits of the body take too long to make"),
            EditError::Place(pointer) => write!(f, "{} names no place in the body", quoted(pointer)),
        }
    }
}

impl std::error::Error for EditError {}

/// Applies the edits to a document. Whether that is the body itself is for [`Body::edited`](super::Body::edited) to say.
/// Each edit may mean to read and write all of the text, so that many are a matter of time: `may_go_on` is asked about it.
pub(super) fn apply(
    document: &Document,
    edits: &[Edit],
    may_go_on: &mut dyn FnMut() -> bool,
) -> Result<Bytes, EditError> {
    let mut gathered = Gathered::default();
    let mut rewritten: Option<Document> = None;
    for (number, edit) in edits.iter().enumerate() {
        if number % UNASKED == UNASKED - 1 && !may_go_on() {
            return Err(EditError::TooLong);
        }
        let pointer = edit.pointer();
        if gathered.conflicts(pointer) {
            let written = gathered.write(rewritten.as_ref().unwrap_or(document));
            rewritten = Some(Document::parse(written).map_err(EditError::NotJson)?);
            gathered = Gathered::default();
        }
        gathered.add(rewritten.as_ref().unwrap_or(document), edit)?;
    }
    Ok(gathered.write(rewritten.as_ref().unwrap_or(document)))
}

impl Edit {
    fn pointer(&self) -> &str {
        match self {
            Edit::Set { pointer, .. } | Edit::Remove { pointer } => pointer,
        }
    }
}

/// Edits of one document that do not touch each other.
#[derive(Default)]
struct Gathered {
    /// Pointers of the edits; for a structural edit of an array, the array's own.
    touched: Vec<String>,
    replaced: BTreeMap<usize, (Range<usize>, String)>,
    /// By the place where a container begins.
    restructured: BTreeMap<usize, Restructured>,
}

/// Members or items taken out of and added to one container.
struct Restructured {
    container: Range<usize>,
    children: Vec<Range<usize>>,
    removed: BTreeSet<usize>,
    added: Vec<String>,
}

impl Gathered {
    fn conflicts(&self, pointer: &str) -> bool {
        self.touched.len() >= MAX_GATHERED
            || self.touched.iter().any(|other| within(pointer, other) || within(other, pointer))
    }

    fn add(&mut self, document: &Document, edit: &Edit) -> Result<(), EditError> {
        let pointer = edit.pointer();
        let place = || EditError::Place(pointer.to_owned());
        let Some(path) = segments(pointer) else {
            return Err(place());
        };
        let path: Vec<_> = path.take(MAX_DEPTH + 1).collect();
        if path.len() > MAX_DEPTH {
            return Err(place());
        }
        self.touched.push(pointer.to_owned());
        let value = match edit {
            Edit::Set { value, .. } => Some(check(pointer, value)?),
            Edit::Remove { .. } => None,
        };
        let Some((last, parents)) = path.split_last() else {
            let value = value.ok_or_else(place)?;
            self.replaced.insert(document.root().span().start, (document.root().span(), value.to_owned()));
            return Ok(());
        };

        let mut containers = vec![document.root()];
        for segment in parents {
            containers = containers.iter().flat_map(|node| occurrences(document, node, segment)).collect();
        }
        let mut found = false;
        for container in containers {
            let Some(children) = document.children(container) else {
                continue;
            };
            let at = positions(children, last);
            found |= !at.is_empty() || value.is_none();
            match value {
                Some(value) if at.is_empty() => {
                    let entry = match children {
                        Children::Members(_) => format!("{}:{value}", serde_json::Value::from(&**last)),
                        Children::Items(items) if &**last == "-" || index(last) == Some(items.len()) => {
                            value.to_owned()
                        }
                        Children::Items(_) => continue,
                    };
                    found = true;
                    self.restructure(pointer, container, children).added.push(entry);
                }
                Some(value) => {
                    for at in at {
                        let span = child(children, at).span();
                        self.replaced.insert(span.start, (span, value.to_owned()));
                    }
                }
                None if at.is_empty() => {}
                None => self.restructure(pointer, container, children).removed.extend(at),
            }
        }
        if found || value.is_none() { Ok(()) } else { Err(place()) }
    }

    fn restructure(&mut self, pointer: &str, container: &Node, children: &Children) -> &mut Restructured {
        if let (Children::Items(_), Some((array, _))) = (children, pointer.rsplit_once('/')) {
            // Its other items may now have other numbers.
            self.touched.push(array.to_owned());
        }
        self.restructured.entry(container.span().start).or_insert_with(|| Restructured {
            container: container.span(),
            children: match children {
                Children::Members(members) => members.iter().map(|(_, node)| node.span()).collect(),
                Children::Items(items) => items.iter().map(Node::span).collect(),
            },
            removed: BTreeSet::new(),
            added: Vec::new(),
        })
    }

    fn write(&self, document: &Document) -> Bytes {
        let source = document.bytes();
        let mut splices: Vec<(Range<usize>, String)> = self.replaced.values().cloned().collect();
        for change in self.restructured.values() {
            change.splices(source, &mut splices);
        }
        if splices.is_empty() {
            return source.clone();
        }
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut written = Vec::with_capacity(source.len());
        let mut copied = 0;
        for (range, text) in splices {
            written.extend_from_slice(&source[copied..range.start]);
            written.extend_from_slice(text.as_bytes());
            copied = range.end;
        }
        written.extend_from_slice(&source[copied..]);
        written.into()
    }
}

impl Restructured {
    /// A removed child goes together with the comma that tied it to its neighbours.
    fn splices(&self, source: &[u8], into: &mut Vec<(Range<usize>, String)>) {
        let inside = self.container.start + 1..self.container.end - 1;
        let kept = |at: &usize| !self.removed.contains(at);
        let first_kept = (0..self.children.len()).find(kept);
        let last_kept = (0..self.children.len()).rev().find(kept);
        let (Some(first_kept), Some(last_kept)) = (first_kept, last_kept) else {
            into.push((inside, self.added.join(",")));
            return;
        };
        if first_kept > 0 {
            let before = self.children[first_kept - 1].end;
            let comma = source[before..].iter().position(|&byte| byte == b',').unwrap_or(0);
            into.push((inside.start..before + comma + 1, String::new()));
        }
        for &at in self.removed.range(first_kept..) {
            into.push((self.children[at - 1].end..self.children[at].end, String::new()));
        }
        if !self.added.is_empty() {
            let end = self.children[last_kept].end;
            into.push((end..end, self.added.iter().map(|entry| format!(",{entry}")).collect()));
        }
    }
}

/// Whether `inner` is `outer` or lies inside it.
fn within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check<'a>(pointer: &str, value: &'a str) -> Result<&'a str, EditError> {
    let value = value.trim_ascii();
    match serde_json::from_str::<&serde_json::value::RawValue>(value) {
        Ok(_) => Ok(value),
        Err(error) => {
            Err(EditError::Value { pointer: pointer.to_owned(), problem: NotJson(error.to_string()) })
        }
    }
}

fn positions(children: &Children, segment: &str) -> Vec<usize> {
    match children {
        Children::Members(members) => {
            members.iter().enumerate().filter(|(_, (key, _))| **key == *segment).map(|(at, _)| at).collect()
        }
        Children::Items(items) => index(segment).filter(|&at| at < items.len()).into_iter().collect(),
    }
}

fn child(children: &Children, at: usize) -> &Node {
    match children {
        Children::Members(members) => &members[at].1,
        Children::Items(items) => &items[at],
    }
}

fn occurrences<'a>(document: &'a Document, node: &'a Node, segment: &str) -> Vec<&'a Node> {
    let Some(children) = document.children(node) else {
        return Vec::new();
    };
    positions(children, segment).into_iter().map(|at| child(children, at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pointer: &str, value: &str) -> Edit {
        Edit::Set { pointer: pointer.to_owned(), value: value.to_owned() }
    }

    fn remove(pointer: &str) -> Edit {
        Edit::Remove { pointer: pointer.to_owned() }
    }

    fn edited(source: &str, edits: &[Edit]) -> Result<String, EditError> {
        let document = Document::parse(Bytes::copy_from_slice(source.as_bytes())).expect("JSON");
        apply(&document, edits, &mut || true).map(|bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8"))
    }

    fn check(source: &str, edits: &[Edit], expected: &str) {
        assert_eq!(edited(source, edits).as_deref(), Ok(expected), "{source} {edits:?}");
    }

    #[test]
    fn only_the_edited_node_changes() {
        let source = "{ \"a\" : 1,\n  \"b\": [1, 2 ,3], \"c\": {\"d\": \"x\"} }";
        check(source, &[set("/a", "\"y\"")], "{ \"a\" : \"y\",\n  \"b\": [1, 2 ,3], \"c\": {\"d\": \"x\"} }");
        check(source, &[set("/c/d", "null")], "{ \"a\" : 1,\n  \"b\": [1, 2 ,3], \"c\": {\"d\": null} }");
        check(
            source,
            &[set("/c/e", "2")],
            "{ \"a\" : 1,\n  \"b\": [1, 2 ,3], \"c\": {\"d\": \"x\",\"e\":2} }",
        );
        check(source, &[remove("/a")], "{\n  \"b\": [1, 2 ,3], \"c\": {\"d\": \"x\"} }");
        check(source, &[remove("/b/1")], "{ \"a\" : 1,\n  \"b\": [1 ,3], \"c\": {\"d\": \"x\"} }");
        check(source, &[remove("/c")], "{ \"a\" : 1,\n  \"b\": [1, 2 ,3] }");
        check(source, &[remove("/c/d"), remove("/nope/x")], "{ \"a\" : 1,\n  \"b\": [1, 2 ,3], \"c\": {} }");
        check(source, &[], source);
        check("[]", &[set("", "5")], "5");
    }

    #[test]
    fn several_edits_apply_in_order() {
        let source = r#"{"a":[1,2,3],"b":{"c":1,"d":2,"e":3}}"#;
        check(source, &[remove("/a/0"), remove("/a/0")], r#"{"a":[3],"b":{"c":1,"d":2,"e":3}}"#);
        check(
            source,
            &[remove("/a/2"), set("/a/-", "9"), set("/a/0", "7")],
            r#"{"a":[7,2,9],"b":{"c":1,"d":2,"e":3}}"#,
        );
        check(
            source,
            &[remove("/b/c"), remove("/b/e"), set("/b/f", "4")],
            r#"{"a":[1,2,3],"b":{"d":2,"f":4}}"#,
        );
        check(source, &[remove("/b/c"), remove("/b/d"), remove("/b/e")], r#"{"a":[1,2,3],"b":{}}"#);
        check(
            source,
            &[set("/b", "{}"), set("/b/x", "{}"), set("/b/x/y", "1")],
            r#"{"a":[1,2,3],"b":{"x":{"y":1}}}"#,
        );
        check(
            source,
            &[set("/b/c", "1"), remove("/b/c"), set("/b/c", "5")],
            r#"{"a":[1,2,3],"b":{"d":2,"e":3,"c":5}}"#,
        );
        check(source, &[set("/a/3", "4"), set("/a/4", "5")], r#"{"a":[1,2,3,4,5],"b":{"c":1,"d":2,"e":3}}"#);
    }

    #[test]
    fn every_occurrence_of_a_repeated_key_is_edited() {
        let source = r#"{"u":{"m":"a"},"u":{"m":"b","m":"c"}}"#;
        check(source, &[set("/u/m", "0")], r#"{"u":{"m":0},"u":{"m":0,"m":0}}"#);
        check(source, &[remove("/u/m")], r#"{"u":{},"u":{}}"#);
        check(source, &[remove("/u")], "{}");
    }

    #[test]
    fn impossible_edits_are_errors() {
        for edit in [set("/a/b", "1"), set("/l/5", "1"), set("x", "1"), remove(""), remove("x")] {
            let error = edited(r#"{"a":1,"l":[]}"#, std::slice::from_ref(&edit)).expect_err("an error");
            assert_eq!(error, EditError::Place(edit.pointer().to_owned()));
        }
        assert!(matches!(edited("{}", &[set("/a", "{")]), Err(EditError::Value { .. })));
        assert!(matches!(edited("{}", &[set("/a", "1,\"b\":2")]), Err(EditError::Value { .. })));
    }

    #[test]
    fn edits_end_when_there_is_no_more_time() {
        let document = Document::parse(Bytes::from_static(b"[0]")).expect("JSON");
        let edits = vec![set("/0", "1"); 100];
        let mut asked = 0;
        let ended = apply(&document, &edits, &mut || {
            asked += 1;
            asked < 3
        });
        assert_eq!((ended, asked), (Err(EditError::TooLong), 3));
    }

    #[test]
    fn a_pointer_deeper_than_any_document_names_no_place() {
        for edit in [set(&"/".repeat(1_000_000), "1"), remove(&"/a".repeat(1_000_000))] {
            assert!(matches!(edited("{}", &[edit]), Err(EditError::Place(_))));
        }
    }

    #[test]
    fn many_edits_are_written_in_passes() {
        let count = MAX_GATHERED * 3 + 1;
        let source: Vec<String> = (0..count).map(|at| format!("\"k{at}\":{at}")).collect();
        let edits: Vec<Edit> = (0..count).map(|at| set(&format!("/k{at}"), "0")).collect();
        let expected: Vec<String> = (0..count).map(|at| format!("\"k{at}\":0")).collect();
        check(&format!("{{{}}}", source.join(",")), &edits, &format!("{{{}}}", expected.join(",")));
    }
}
