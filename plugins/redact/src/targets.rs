//! Configured pointers, made concrete for one event.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use hookyard_plugin::json::{Json, push_segment};
use hookyard_plugin::{Event, JsonKind};

/// What happens to a node. Where both are asked for, the first one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    Remove,
    Mask,
}

/// A node, and what happens to it.
#[derive(PartialEq, Eq)]
pub struct Target {
    pub pointer: String,
    pub edit: Edit,
}

/// The targets of one event.
#[derive(Default)]
pub struct Targets(BinaryHeap<Target>);

impl Targets {
    /// Adds every node that a pointer may mean; a segment that is `*` means every element or member there is.
    pub fn expand(&mut self, event: &Event, pointer: &str, edit: Edit) {
        self.expand_below(event, "", pointer, edit);
    }

    /// `place` is a node's own pointer, in which a `*` is a member's name: only `rest` is still to be expanded.
    fn expand_below(&mut self, event: &Event, place: &str, rest: &str, edit: Edit) {
        if let Some((before, after)) = split_star(rest) {
            for child in children(event, &[place, before].concat()) {
                self.expand_below(event, &child, after, edit);
            }
        } else {
            let pointer = [place, rest].concat();
            // Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems
            // not to be there is removed, which does nothing where it is really not.
            let edit = match event.json_kind(&pointer) {
                JsonKind::Absent => Edit::Remove,
                _ => edit,
            };
            self.0.push(Target { pointer, edit });
        }
    }

    /// The targets that lie below no other, later array elements before earlier ones.
    pub fn outermost_last_first(self) -> impl Iterator<Item = Target> {
        let mut targets = self.0.into_sorted_vec();
        // What lies below a target comes right after it.
        targets.dedup_by(|later, kept| is_within(&later.pointer, &kept.pointer));
        targets.into_iter().rev()
    }
}

/// Document order, so that a node comes before what lies below it, and `/10` after `/9`.
impl Ord for Target {
    fn cmp(&self, other: &Self) -> Ordering {
        in_document_order(&self.pointer, &other.pointer).then(self.edit.cmp(&other.edit))
    }
}

impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What stands before and after the first segment that is `*`.
fn split_star(pointer: &str) -> Option<(&str, &str)> {
    let bytes = pointer.as_bytes();
    let at = (0..bytes.len())
        .find(|&at| matches!(bytes.get(at..), Some([b'/', b'*']) | Some([b'/', b'*', b'/', ..])))?;
    Some((pointer.get(..at)?, pointer.get(at + 2..)?))
}

fn children(event: &Event, pointer: &str) -> Vec<String> {
    let child = |segment: &str| {
        let mut path = pointer.to_string();
        push_segment(&mut path, segment);
        path
    };
    match event.json_kind(pointer) {
        JsonKind::Array => {
            (0..event.json_length(pointer).unwrap_or(0)).map(|index| child(&index.to_string())).collect()
        }
        JsonKind::Object => {
            let text = event.json_source(pointer).unwrap_or_default();
            Json::new(&text).members().map(|(name, _)| child(&name)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_within(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Segment by segment, indexes as numbers: for numbers without leading zeros that is by length first.
fn in_document_order(left: &str, right: &str) -> Ordering {
    let (mut lefts, mut rights) = (left.split('/'), right.split('/'));
    loop {
        let order = match (lefts.next(), rights.next()) {
            (Some(left), Some(right)) => segment_order(left, right),
            (None, None) => return Ordering::Equal,
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn segment_order(left: &str, right: &str) -> Ordering {
    match (is_index(left), is_index(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (false, false) => left.cmp(right),
        (left, right) => right.cmp(&left),
    }
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}
