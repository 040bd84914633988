//! From a text to a tree, with words for what the parser finds wrong.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, SourceInfo};
use cel::parser::{ParseError, Parser};

use super::fault::WhenFault;

/// Bytes of an expression.
pub(super) const MAX_LENGTH: usize = 4096;

/// How deep parentheses, lists and calls may stand inside each other. The parser goes down for each.
const MAX_NESTING: u16 = 48;

/// A tree and where its nodes were written.
pub(super) struct Parsed<'t> {
    pub(super) root: IdedExpr,
    pub(super) text: &'t str,
    places: SourceInfo,
}

pub(super) fn parse(text: &str) -> Result<Parsed<'_>, WhenFault> {
    if text.trim().is_empty() {
        return Err(WhenFault::new(0..text.len(), "the expression is empty").help("leave `when` out instead"));
    }
    if text.len() > MAX_LENGTH {
        let message = format!("the expression has {} bytes", text.len());
        return Err(WhenFault::new(0..text.len(), message)
            .label(format!("at most {MAX_LENGTH}"))
            .help("what needs more than this is better said by a plugin"));
    }
    let parser = Parser::new().max_recursion_depth(MAX_NESTING).error_recovery_limit(4);
    match parser.parse_with_source_info(text) {
        Ok((root, places)) => Ok(Parsed { root, text, places }),
        Err(errors) => Err(errors.errors.first().map_or_else(
            || WhenFault::new(0..text.len(), "the expression cannot be read"),
            |error| explain(text, error),
        )),
    }
}

impl Parsed<'_> {
    /// Where a node was written: `body.a.b` as a whole; of an operator or a call, its name.
    pub(super) fn extent(&self, node: &IdedExpr) -> Range<usize> {
        match &node.expr {
            Expr::Select(select) => {
                self.extent(&select.operand).start..self.member(node.id, &select.field).end
            }
            _ => self.place(node.id),
        }
    }

    /// Where the first letter or the operator of a node was written; of a call, its name.
    pub(super) fn place(&self, id: u64) -> Range<usize> {
        let Some((start, stop)) = self.places.offset_for(id) else { return 0..self.text.len() };
        let start = floor(self.text, start as usize);
        let last = floor(self.text, stop as usize).max(start);
        let end = last + self.text[last..].chars().next().map_or(0, char::len_utf8);
        match self.text.as_bytes().get(start) {
            Some(b'(') if end == start + 1 => self.name_before(start),
            _ => start..end,
        }
    }

    /// The name that stands after a dot.
    pub(super) fn member(&self, id: u64, name: &str) -> Range<usize> {
        let dot = self.place(id);
        let rest = self.text.get(dot.end..).unwrap_or_default();
        match rest.find(name) {
            Some(gap) if rest[..gap].trim().is_empty() => dot.end + gap..dot.end + gap + name.len(),
            _ => dot,
        }
    }

    fn name_before(&self, parenthesis: usize) -> Range<usize> {
        let before = self.text[..parenthesis].trim_end();
        let name = before.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
        if name.len() == before.len() { parenthesis..parenthesis + 1 } else { name.len()..before.len() }
    }
}

fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The parser's message in our words where it is one of the usual slips.
fn explain(text: &str, error: &ParseError) -> WhenFault {
    let at = offset(text, error.pos);
    let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    if message.contains("Recursion limit") {
        return WhenFault::new(at..text.len(), "the expression is nested too deep")
            .label(format!("at most {MAX_NESTING} inside each other"));
    }
    let rest = &text[at..];
    let end = at + rest.chars().next().map_or(0, char::len_utf8);
    let word_end =
        at + rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    if rest.is_empty() {
        let message = match message.strip_prefix("missing '").and_then(|rest| rest.split('\'').next()) {
            Some(missing) => format!("`{missing}` is missing at the end of the expression"),
            None => "the expression ends too early".to_owned(),
        };
        return WhenFault::new(at..at, message);
    }
    if message.starts_with("token recognition error") {
        return match rest.as_bytes()[0] {
            b'\'' | b'"' => WhenFault::new(at..text.len(), "a text is not closed"),
            b'=' => WhenFault::new(at..end, "`=` sets nothing here").label("`==` compares"),
            b'&' | b'|' => {
                WhenFault::new(at..end, "a single `&` or `|` is no operator").label("write `&&` or `||`")
            }
            _ => WhenFault::new(at..end, format!("{:?} has no meaning here", &text[at..end])),
        };
    }
    if message.contains("has() macro") {
        return WhenFault::new(at..word_end, "`has` looks for a field").label("write has(body.field)");
    }
    if message.contains("must be a simple name") {
        return WhenFault::new(at..word_end.max(end), "a loop gives its items a name")
            .label("write list.all(x, x > 1)");
    }
    let instead = match &text[at..word_end] {
        "and" | "AND" => Some("write `&&`"),
        "or" | "OR" => Some("write `||`"),
        _ if text[..at].trim_end().ends_with("not") => Some("write `!` for not"),
        _ => None,
    };
    let shown = if word_end > at { at..word_end } else { at..end };
    let usual = ["mismatched input", "extraneous input", "no viable alternative", "missing"];
    let fault = if usual.iter().any(|words| message.starts_with(words)) {
        WhenFault::new(shown.clone(), format!("`{}` is not expected here", &text[shown]))
    } else {
        WhenFault::new(shown, first_words(message))
    };
    match instead {
        Some(instead) => fault.label(instead),
        None => fault,
    }
}

/// What a parser's message says before it lists what it would have liked, or shows its own values.
fn first_words(message: &str) -> String {
    let end = message.find([':', '{', '`']).unwrap_or(message.len());
    let words = message[..end].trim();
    if words.is_empty() { "the expression cannot be read".to_owned() } else { words.to_owned() }
}

/// Lines and columns are counted from 1, columns in characters.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let (line, column) = (line.max(1) as usize, column.max(1) as usize);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
}
