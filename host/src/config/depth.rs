//! How deep a document nests. The TOML parser bounds braces and dotted keys each on its own, and their product is deep
//! enough for anything that recurses, even dropping the document, to overflow the stack.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Far deeper than configurations that people write.
const DEEPEST: usize = 64;

/// The first place found that nests too deeply. Does not recurse.
pub(super) fn too_deep(document: &DeTable<'_>) -> Option<Range<usize>> {
    let mut open: Vec<(usize, &Spanned<DeValue<'_>>)> = document.values().map(|node| (1, node)).collect();
    while let Some((depth, node)) = open.pop() {
        if depth > DEEPEST {
            return Some(node.span());
        }
        match node.get_ref() {
            DeValue::Table(table) => open.extend(table.values().map(|node| (depth + 1, node))),
            DeValue::Array(array) => open.extend(array.iter().map(|node| (depth + 1, node))),
            _ => {}
        }
    }
    None
}

/// Drops a document without recursing.
pub(super) fn dismantle(document: DeTable<'_>) {
    let mut open = vec![DeValue::Table(document)];
    while let Some(node) = open.pop() {
        match node {
            DeValue::Table(table) => open.extend(table.into_iter().map(|(_, node)| node.into_inner())),
            DeValue::Array(array) => open.extend(array.into_iter().map(Spanned::into_inner)),
            _ => {}
        }
    }
}
