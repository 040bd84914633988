//! Makes a checked tree into the one that is evaluated: loops pay for what they go through, sums and lists for what they
//! hold, regular expressions are compiled, and the parts of an event that it names are listed.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::Regex;

use super::functions::{ADD, EACH, KEPT, MATCHES, Pattern, SHOW};
use super::variables::{HEADERS, QUERY, ROOTS, STEPS, pattern_name};

/// Rewrites a tree. The patterns are those of `matches`, in the order of their names.
pub(super) fn prepare(node: &mut IdedExpr, patterns: &mut Vec<Pattern>) {
    for_children(node, &mut |child| prepare(child, patterns));
    match &mut node.expr {
        Expr::Comprehension(each) => {
            let range = std::mem::take(&mut each.iter_range);
            each.iter_range = call(range.id, EACH, vec![named(range.id, STEPS), range]);
        }
        Expr::Call(CallExpr { func_name, target: Some(text), args }) if func_name == "matches" => {
            let Some(Expr::Literal(LiteralValue::String(pattern))) =
                args.first().map(|pattern| &pattern.expr)
            else {
                return;
            };
            let Ok(regex) = Regex::new(pattern.inner()) else { return };
            let name = named(node.id, &pattern_name(patterns.len()));
            patterns.push(Pattern(regex));
            *node = call(node.id, MATCHES, vec![name, std::mem::take(text)]);
        }
        Expr::Call(CallExpr { func_name, args, .. })
            if func_name == operators::ADD && !is_of_a_loop(args) =>
        {
            *node = call(
                node.id,
                ADD,
                std::iter::once(named(node.id, STEPS)).chain(std::mem::take(args)).collect(),
            );
        }
        Expr::List(list) => list.elements.iter_mut().for_each(keep),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    keep(&mut entry.key);
                    keep(&mut entry.value);
                }
            }
        }
        Expr::Call(CallExpr { func_name, args, .. }) if is_equality(func_name) => {
            // A written list knows nothing of a body's, which knows how to compare itself with any.
            if let [Expr::List(_) | Expr::Map(_), _] = [&args[0].expr, &args[1].expr] {
                args.swap(0, 1);
            }
        }
        _ => {}
    }
}

/// Pays for what a list or a map is made of; what is written out is paid for by its length.
fn keep(node: &mut IdedExpr) {
    if !matches!(node.expr, Expr::Literal(_)) {
        let kept = std::mem::take(node);
        *node = call(kept.id, KEPT, vec![named(kept.id, STEPS), kept]);
    }
}

/// Whether it is the step of a loop, such as `map` makes: no operator can write the name of what a loop gathers. Each item
/// of it is paid for, and adding it to the list in place is quicker than any other way.
fn is_of_a_loop(args: &[IdedExpr]) -> bool {
    matches!(args.first(), Some(IdedExpr { expr: Expr::Ident(name), .. }) if name.starts_with('@'))
}

fn is_equality(name: &str) -> bool {
    name == operators::EQUALS || name == operators::NOT_EQUALS
}

fn named(id: u64, name: &str) -> IdedExpr {
    IdedExpr { id, expr: Expr::Ident(name.to_owned()) }
}

fn call(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }) }
}

fn for_children(node: &mut IdedExpr, visit: &mut impl FnMut(&mut IdedExpr)) {
    match &mut node.expr {
        Expr::Call(call) => {
            call.target.iter_mut().map(|target| &mut **target).chain(&mut call.args).for_each(visit)
        }
        Expr::Select(select) => visit(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(visit),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    visit(&mut entry.key);
                    visit(&mut entry.value);
                }
            }
        }
        Expr::Comprehension(each) => {
            visit(&mut each.iter_range);
            visit(&mut each.accu_init);
            visit(&mut each.loop_cond);
            visit(&mut each.loop_step);
            visit(&mut each.result);
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

/// A part of an event that an expression names, such as `body.amount`.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// As it is written.
    pub(super) text: String,
    /// `event`, `headers`, `query` or `body`.
    pub(super) root: String,
    /// What follows the root directly.
    pub(super) first: Option<String>,
    /// What leads to it, and shows it.
    pub(super) node: IdedExpr,
}

/// The parts that an expression names, each once, in the order written. What a loop's own name leads to is no such part.
pub(super) fn paths(node: &IdedExpr) -> Vec<Path> {
    let mut found = Vec::new();
    collect(node, &mut found);
    for path in &mut found {
        let leads = std::mem::take(&mut path.node);
        path.node = call(leads.id, SHOW, vec![leads]);
    }
    found
}

fn collect(node: &IdedExpr, found: &mut Vec<Path>) {
    let mut plain = node.clone();
    if let Expr::Select(select) = &mut plain.expr {
        // `has(body.a)` names `body.a`.
        select.test = false;
    }
    if let Some(path) = looked_up(&plain).or_else(|| path(&plain)) {
        if !found.iter().any(|other| other.text == path.text) {
            found.push(path);
        }
        return;
    }
    // The copy is thrown away, so that it may be visited like one that is to be changed.
    for_children(&mut plain, &mut |child| collect(child, found));
}

/// `"x-a" in headers` names `headers["x-a"]`: who asks for one wants to know of that one.
fn looked_up(node: &IdedExpr) -> Option<Path> {
    let Expr::Call(CallExpr { func_name, args, .. }) = &node.expr else { return None };
    let [
        IdedExpr { expr: Expr::Literal(LiteralValue::String(_)), .. },
        IdedExpr { expr: Expr::Ident(of), .. },
    ] = &args[..]
    else {
        return None;
    };
    if func_name != operators::IN || ![HEADERS, QUERY].contains(&&**of) {
        return None;
    }
    path(&call(node.id, operators::INDEX, vec![args[1].clone(), args[0].clone()]))
}

fn path(node: &IdedExpr) -> Option<Path> {
    let longer = |of: Path, key: String, written: String| Path {
        text: format!("{}{written}", of.text),
        first: of.first.or(Some(key)),
        root: of.root,
        node: node.clone(),
    };
    match &node.expr {
        Expr::Ident(name) if ROOTS.contains(&&**name) => {
            Some(Path { text: name.clone(), root: name.clone(), first: None, node: node.clone() })
        }
        Expr::Select(select) if !select.test => {
            Some(longer(path(&select.operand)?, select.field.clone(), format!(".{}", select.field)))
        }
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => {
            let (key, written) = match &args[1].expr {
                Expr::Literal(LiteralValue::String(key)) => {
                    (key.inner().to_owned(), format!("[{:?}]", key.inner()))
                }
                Expr::Literal(LiteralValue::Int(at)) => (at.inner().to_string(), format!("[{}]", at.inner())),
                _ => return None,
            };
            Some(longer(path(&args[0])?, key, written))
        }
        _ => None,
    }
}
