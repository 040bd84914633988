//! Edits of a JSON text that leave every byte outside the edited nodes as it was.
//!
//! The host gathers edits that do not touch each other against one reading of the text. So does this, since a white space may
//! depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::document::{check, index, segments};
use crate::json::{Json, quote};

/// Edits that the host gathers at most.
const MAX_GATHERED: usize = 128;

/// Sets the node at a pointer to a JSON text, or removes it.
pub(super) struct Edit {
    pub(super) pointer: String,
    pub(super) value: Option<String>,
}

/// Applies edits in their order to a checked text.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Result<String, String> {
    let mut text = text.to_owned();
    let mut rest = edits;
    while !rest.is_empty() {
        let mut gathered = Gathered::new(&text);
        let mut count = 0;
        for edit in rest {
            if gathered.conflicts(&edit.pointer) {
                break;
            }
            gathered.add(edit)?;
            count += 1;
        }
        text = gathered.write();
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(text)
}

struct Gathered<'d> {
    text: &'d str,
    /// Pointers of the edits; for an array whose items change places, the array's own as well.
    touched: Vec<String>,
    /// New texts of nodes, by the place where they begin.
    replaced: BTreeMap<usize, (Range<usize>, String)>,
    /// By the place where a container begins.
    restructured: BTreeMap<usize, Restructured>,
}

/// Members or items taken out of and added to one container.
struct Restructured {
    inside: Range<usize>,
    children: Vec<Range<usize>>,
    removed: BTreeSet<usize>,
    added: Vec<String>,
}

impl<'d> Gathered<'d> {
    fn new(text: &'d str) -> Self {
        Gathered { text, touched: Vec::new(), replaced: BTreeMap::new(), restructured: BTreeMap::new() }
    }

    fn conflicts(&self, pointer: &str) -> bool {
        self.touched.len() >= MAX_GATHERED
            || self.touched.iter().any(|other| is_within(pointer, other) || is_within(other, pointer))
    }

    fn add(&mut self, edit: &Edit) -> Result<(), String> {
        let nowhere = || format!("{:?} names no place in the body", edit.pointer);
        let mut parents: Vec<_> = segments(&edit.pointer).ok_or_else(nowhere)?.collect();
        self.touched.push(edit.pointer.clone());
        let value = edit.value.as_ref().map(|value| value.trim_ascii());
        if let Some(Err(problem)) = value.map(|value| check(value.as_bytes())) {
            return Err(format!("the value for {:?} is not JSON: {problem}", edit.pointer));
        }
        let root = Json::new(self.text);
        let Some(last) = parents.pop() else {
            let span = self.span(root);
            self.replaced.insert(span.start, (span, value.ok_or_else(nowhere)?.to_owned()));
            return Ok(());
        };
        let mut containers = vec![root];
        for segment in parents {
            containers = containers.into_iter().flat_map(|node| occurrences(node, &segment)).collect();
        }
        let mut found = value.is_none();
        for container in containers {
            found |= self.edit(container, &last, value, &edit.pointer);
        }
        if found { Ok(()) } else { Err(nowhere()) }
    }

    /// Edits one container, if there is a place in it.
    fn edit(&mut self, container: Json<'d>, name: &str, value: Option<&str>, pointer: &str) -> bool {
        let places = places(container, name);
        match value {
            Some(value) if places.is_empty() => {
                let end = container.items().count();
                let entry = match container.sigil() {
                    b'{' => [&quote(name), ":", value].concat(),
                    b'[' if name == "-" || index(name) == Some(end) => value.to_owned(),
                    _ => return false,
                };
                self.restructure(container, pointer).added.push(entry);
            }
            Some(value) => {
                for at in places {
                    let span = children(container).get(at).map(|child| self.span(*child)).unwrap_or_default();
                    self.replaced.insert(span.start, (span, value.to_owned()));
                }
            }
            None if places.is_empty() => {}
            None => self.restructure(container, pointer).removed.extend(places),
        }
        true
    }

    fn restructure(&mut self, container: Json<'d>, pointer: &str) -> &mut Restructured {
        if let (b'[', Some((array, _))) = (container.sigil(), pointer.rsplit_once('/')) {
            self.touched.push(array.to_owned());
        }
        let span = self.span(container);
        let children: Vec<_> = children(container).into_iter().map(|child| self.span(child)).collect();
        self.restructured.entry(span.start).or_insert_with(|| Restructured {
            inside: span.start + 1..span.end - 1,
            children: children.clone(),
            removed: BTreeSet::new(),
            added: Vec::new(),
        })
    }

    fn span(&self, node: Json<'_>) -> Range<usize> {
        let start = node.text().as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + node.text().len()
    }

    fn write(&self) -> String {
        let mut splices: Vec<(Range<usize>, String)> = self.replaced.values().cloned().collect();
        for change in self.restructured.values() {
            change.push_splices(self.text, &mut splices);
        }
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut written, mut copied) = (String::new(), 0);
        for (range, text) in splices {
            written.push_str(self.text.get(copied..range.start).unwrap_or_default());
            written.push_str(&text);
            copied = range.end;
        }
        written.push_str(self.text.get(copied..).unwrap_or_default());
        written
    }
}

impl Restructured {
    /// A removed child goes with the comma that tied it to its neighbours.
    fn push_splices(&self, text: &str, splices: &mut Vec<(Range<usize>, String)>) {
        let kept: Vec<_> = (0..self.children.len()).filter(|at| !self.removed.contains(at)).collect();
        let (Some(first), Some(last)) = (kept.first().copied(), kept.last().copied()) else {
            splices.push((self.inside.clone(), self.added.join(",")));
            return;
        };
        let end = |at: usize| self.children.get(at).map_or(0, |child| child.end);
        if first > 0 {
            let before = end(first - 1);
            let comma = text.get(before..).and_then(|rest| rest.find(',')).unwrap_or(0);
            splices.push((self.inside.start..before + comma + 1, String::new()));
        }
        for &at in self.removed.range(first..) {
            splices.push((end(at - 1)..end(at), String::new()));
        }
        if !self.added.is_empty() {
            let added: String = self.added.iter().flat_map(|entry| [",", entry]).collect();
            splices.push((end(last)..end(last), added));
        }
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn children(container: Json<'_>) -> Vec<Json<'_>> {
    match container.sigil() {
        b'{' => container.members().map(|(_, value)| value).collect(),
        _ => container.items().collect(),
    }
}

/// Which children a segment names: of an object every member of that name.
fn places(container: Json<'_>, name: &str) -> Vec<usize> {
    match container.sigil() {
        b'{' => {
            let members = container.members().enumerate();
            members.filter(|(_, (member, _))| member == name).map(|(at, _)| at).collect()
        }
        _ => index(name).filter(|&at| at < container.items().count()).into_iter().collect(),
    }
}

fn occurrences<'d>(container: Json<'d>, name: &str) -> Vec<Json<'d>> {
    let children = children(container);
    places(container, name).into_iter().filter_map(|at| children.get(at).copied()).collect()
}
