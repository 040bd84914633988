//! What can be known to be wrong before there is an event: names, arguments, types, size.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};
use regex::Regex;

use super::fault::WhenFault;
use super::functions::{MACROS, SIGNATURES, Signature, TYPE_NAMES};
use super::parse::Parsed;
use super::types::Type;
use super::variables::{BODY, EVENT, HEADERS, MEMBERS, QUERY, ROOTS};

/// Nodes of a tree.
const MAX_NODES: usize = 1000;

/// How deep a tree may be: evaluating goes down as deep.
const MAX_DEPTH: usize = 64;

/// Checks the whole expression, which must be true or false.
pub(super) fn check(parsed: &Parsed<'_>) -> Result<(), WhenFault> {
    let mut checker = Checker { parsed, scope: Vec::new(), nodes: 0, depth: 0 };
    let found = checker.type_of(&parsed.root)?;
    if found.may_be(&[Type::Boolean]) {
        return Ok(());
    }
    let text = parsed.text;
    let start = text.len() - text.trim_start().len();
    let message = format!("`when` is true or false, and this is {}", found.words());
    Err(WhenFault::new(start..text.trim_end().len(), message)
        .help("compare it with something, as in body.n > 5"))
}

struct Checker<'p> {
    parsed: &'p Parsed<'p>,
    /// Names of loops around the place that is looked at.
    scope: Vec<(String, Type)>,
    nodes: usize,
    depth: usize,
}

type Checked = Result<Type, WhenFault>;

impl Checker<'_> {
    fn type_of(&mut self, node: &IdedExpr) -> Checked {
        self.nodes += 1;
        self.depth += 1;
        if self.nodes > MAX_NODES || self.depth > MAX_DEPTH {
            let help = "what needs more than this is better said by a plugin";
            return Err(WhenFault::new(0..self.parsed.text.len(), "the expression is too large").help(help));
        }
        let found = match &node.expr {
            Expr::Literal(literal) => Ok(Type::of_literal(literal)),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => {
                list.elements.iter().try_for_each(|item| self.type_of(item).map(drop)).map(|()| Type::List)
            }
            Expr::Map(map) => {
                map.entries.iter().try_for_each(|entry| self.entry(&entry.expr)).map(|()| Type::Map)
            }
            Expr::Comprehension(each) => self.each(node, each),
            Expr::Struct(_) | Expr::Unspecified => Err(self.at(node, "there are no messages to make here")),
        };
        self.depth -= 1;
        found
    }

    fn at(&self, node: &IdedExpr, message: impl Into<String>) -> WhenFault {
        WhenFault::new(self.parsed.extent(node), message)
    }

    fn entry(&mut self, entry: &EntryExpr) -> Result<(), WhenFault> {
        match entry {
            EntryExpr::MapEntry(entry) => {
                self.type_of(&entry.key)?;
                self.type_of(&entry.value).map(drop)
            }
            EntryExpr::StructField(field) => self.type_of(&field.value).map(drop),
        }
    }

    fn name(&self, node: &IdedExpr, name: &str) -> Checked {
        if let Some((_, of)) = self.scope.iter().rev().find(|(own, _)| own == name) {
            return Ok(*of);
        }
        match name {
            EVENT | HEADERS | QUERY => Ok(Type::Map),
            BODY => Ok(Type::Dyn),
            name if TYPE_NAMES.contains(&name) => Ok(Type::Kind),
            name => {
                let fault = self.at(node, format!("there is no variable `{name}`"));
                let help = format!("variables are {}; fields of a JSON body are body.name", ROOTS.join(", "));
                Err(fault.near(name, ROOTS).help(help))
            }
        }
    }

    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Checked {
        let of = self.type_of(&select.operand)?;
        if let Expr::Ident(name) = &select.operand.expr
            && !self.scope.iter().any(|(own, _)| own == name)
        {
            match &**name {
                EVENT => return self.member(node, select),
                HEADERS | QUERY if !select.test => return Ok(Type::Text),
                _ => {}
            }
        }
        if of.may_be(&[Type::Map]) {
            return Ok(if select.test { Type::Boolean } else { Type::Dyn });
        }
        let place = self.parsed.member(node.id, &select.field);
        Err(WhenFault::new(place, format!("{} has no `{}`", of.words(), select.field)))
    }

    fn member(&self, node: &IdedExpr, select: &SelectExpr) -> Checked {
        if let Some((_, of)) = MEMBERS.iter().find(|(name, _)| *name == select.field) {
            return Ok(if select.test { Type::Boolean } else { *of });
        }
        let place = self.parsed.member(node.id, &select.field);
        let place = if select.test { self.parsed.place(node.id) } else { place };
        let known = MEMBERS.iter().map(|(name, _)| *name);
        let fault = WhenFault::new(place, format!("`event` has no `{}`", select.field));
        let fault = fault.help(format!("it has {}", known.clone().collect::<Vec<_>>().join(", ")));
        Err(match &*select.field {
            "type" => fault.label("it is called `kind`"),
            "headers" | "query" | "body" => fault.label(format!("write `{}` alone", select.field)),
            field => fault.near(field, known),
        })
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Checked {
        let arguments = &call.args[..];
        match (&*call.func_name, arguments) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.boolean(condition, "what stands before `?`")?;
                Ok(self.type_of(yes)?.join(self.type_of(no)?))
            }
            (operators::LOGICAL_AND, [left, right]) => self.logic(left, right, "&&"),
            (operators::LOGICAL_OR, [left, right]) => self.logic(left, right, "||"),
            (operators::LOGICAL_NOT, [operand]) => self.boolean(operand, "what stands after `!`"),
            (operators::NOT_STRICTLY_FALSE, [operand]) => self.type_of(operand),
            (operators::NEGATE, [operand]) => {
                let of = self.type_of(operand)?;
                if of.may_be(&[Type::Int, Type::Double]) {
                    return Ok(of);
                }
                Err(self.at(node, format!("{} has no negative", of.words())))
            }
            (operators::INDEX, [of, index]) => self.index(node, of, index),
            (operators::IN, [item, within]) => self.within(node, item, within),
            (operator, [left, right]) if operator.starts_with('_') => {
                self.binary(node, operator, left, right)
            }
            _ => self.function(node, call),
        }
    }

    fn logic(&mut self, left: &IdedExpr, right: &IdedExpr, operator: &str) -> Checked {
        self.boolean(left, &format!("what stands before `{operator}`"))?;
        self.boolean(right, &format!("what stands after `{operator}`"))
    }

    fn boolean(&mut self, node: &IdedExpr, what: &str) -> Checked {
        let of = self.type_of(node)?;
        if of.may_be(&[Type::Boolean]) {
            return Ok(Type::Boolean);
        }
        Err(self.at(node, format!("{what} is true or false, and this is {}", of.words())))
    }

    fn index(&mut self, node: &IdedExpr, of: &IdedExpr, index: &IdedExpr) -> Checked {
        let (kind, by) = (self.type_of(of)?, self.type_of(index)?);
        let root = match &of.expr {
            Expr::Ident(name) => &**name,
            _ => "",
        };
        if root == EVENT {
            return Err(self.at(node, "`event` is not indexed").label("write event.kind and so on"));
        }
        if let (HEADERS, Expr::Literal(LiteralValue::String(name))) = (root, &index.expr) {
            let lower = name.inner().to_ascii_lowercase();
            if lower != name.inner() {
                let fault = self.at(index, "names of headers are in lower case here");
                return Err(fault.label(format!("write {lower:?}")));
            }
        }
        let texts = [HEADERS, QUERY].contains(&root);
        let fits = match kind {
            Type::Dyn => by.may_be(&[Type::Int, Type::Uint, Type::Double, Type::Text, Type::Boolean]),
            Type::List => by.may_be(&[Type::Int, Type::Uint, Type::Double]),
            Type::Map if texts => by.may_be(&[Type::Text]),
            Type::Map => true,
            _ => return Err(self.at(node, format!("{} has no items", kind.words()))),
        };
        match fits {
            true => Ok(if texts { Type::Text } else { Type::Dyn }),
            false => Err(self.at(index, format!("{} is not indexed by {}", kind.words(), by.words()))),
        }
    }

    fn within(&mut self, node: &IdedExpr, item: &IdedExpr, within: &IdedExpr) -> Checked {
        self.type_of(item)?;
        let of = self.type_of(within)?;
        if of.may_be(&[Type::List, Type::Map]) {
            return Ok(Type::Boolean);
        }
        let fault = self.at(node, format!("`in` looks into a list or a map, and this is {}", of.words()));
        Err(if of == Type::Text { fault.label("write text.contains(part)") } else { fault })
    }

    fn binary(&mut self, node: &IdedExpr, operator: &str, left: &IdedExpr, right: &IdedExpr) -> Checked {
        let shown = operator.trim_matches('_');
        if shown == "-"
            && let Expr::Select(SelectExpr { operand, field, .. }) = &left.expr
            && matches!(&operand.expr, Expr::Ident(name) if name == HEADERS)
        {
            let fault = self.at(node, format!("`-` subtracts from headers.{field}"));
            return Err(fault.label(format!("write headers[\"{field}-…\"]")));
        }
        let (one, other) = (self.type_of(left)?, self.type_of(right)?);
        let (fits, result) = operated(shown, one, other);
        if fits {
            return Ok(result);
        }
        let words = match shown {
            "==" | "!=" => format!("{} is never equal to {}", one.words(), other.words()),
            _ => format!("`{shown}` does not take {} and {}", one.words(), other.words()),
        };
        let fault = self.at(node, words);
        let mixed = one.is_number() && other.is_number();
        Err(if mixed { fault.label("make both the same with int(…) or double(…)") } else { fault })
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Checked {
        let name = &*call.func_name;
        let named: Vec<&Signature> = SIGNATURES.iter().filter(|signature| signature.name == name).collect();
        if named.is_empty() {
            let fault = self.at(node, format!("there is no function `{name}`"));
            let known = SIGNATURES.iter().map(|signature| signature.name).chain(MACROS);
            return Err(match MACROS.contains(&name) {
                true => self.at(node, format!("`{name}` is called with something else")).label(usage(name)),
                false => fault.near(name, known),
            });
        }
        let target = call.target.as_deref().map(|target| self.type_of(target)).transpose()?;
        let arguments =
            call.args.iter().map(|argument| self.type_of(argument)).collect::<Result<Vec<_>, _>>()?;
        let fits = |signature: &&&Signature| {
            let target = match (signature.target, target) {
                (None, None) => true,
                (Some(types), Some(target)) => target.may_be(types),
                _ => false,
            };
            let pairs = || arguments.iter().zip(signature.arguments);
            target
                && arguments.len() == signature.arguments.len()
                && pairs().all(|(of, types)| of.may_be(types))
        };
        let Some(signature) = named.iter().find(fits) else {
            let found: Vec<&str> = target.iter().chain(&arguments).map(|of| of.words()).collect();
            let message = format!("`{name}` is called with {}", found.join(", "));
            return Err(self
                .at(node, message)
                .label(named.first().map_or_else(String::new, |one| shape(one))));
        };
        if name == "matches" {
            self.pattern(call)?;
        }
        Ok(signature.result)
    }

    /// A pattern is written down, so that it is compiled once, and no sender chooses it.
    fn pattern(&self, call: &CallExpr) -> Result<(), WhenFault> {
        let Some(argument) = call.args.first() else { return Ok(()) };
        let Expr::Literal(LiteralValue::String(pattern)) = &argument.expr else {
            return Err(
                self.at(argument, "a regular expression is written down here, not taken from an event")
            );
        };
        Regex::new(pattern.inner()).map(drop).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.at(argument, format!("this is no regular expression: {reason}"))
                .help("in a CEL text, `\\\\` is a backslash; r'…' takes every character as it is")
        })
    }

    /// A loop, made of `all`, `exists`, `exists_one`, `map` or `filter`.
    fn each(&mut self, node: &IdedExpr, each: &ComprehensionExpr) -> Checked {
        let over = self.type_of(&each.iter_range)?;
        if !over.may_be(&[Type::List, Type::Map]) {
            return Err(self.at(node, format!("{} has no items to go through", over.words())));
        }
        if ROOTS.contains(&&*each.iter_var) || TYPE_NAMES.contains(&&*each.iter_var) {
            return Err(self
                .at(node, format!("`{}` has a meaning already", each.iter_var))
                .label("take another name"));
        }
        let begun = self.type_of(&each.accu_init)?;
        let outside = self.scope.len();
        self.scope.push((each.iter_var.clone(), Type::Dyn));
        self.scope.extend(each.iter_var2.iter().map(|name| (name.clone(), Type::Dyn)));
        self.scope.push((each.accu_var.clone(), begun));
        self.type_of(&each.loop_cond)?;
        self.type_of(&each.loop_step)?;
        let result = self.type_of(&each.result);
        self.scope.truncate(outside);
        result
    }
}

/// Whether an operator takes these two, and what it makes of them.
fn operated(operator: &str, one: Type, other: Type) -> (bool, Type) {
    const NUMBERS: [Type; 3] = [Type::Int, Type::Uint, Type::Double];
    const ADDED: [Type; 6] = [Type::Int, Type::Uint, Type::Double, Type::Text, Type::Bytes, Type::List];
    const COMPARED: [Type; 3] = [Type::Text, Type::Bytes, Type::Boolean];
    let same = one == other || one == Type::Dyn || other == Type::Dyn;
    let both = |types: &[Type]| one.may_be(types) && other.may_be(types);
    let known = if one == Type::Dyn { other } else { one };
    match operator {
        "==" | "!=" => (one.may_equal(other), Type::Boolean),
        "<" | "<=" | ">" | ">=" => (both(&NUMBERS) || same && both(&COMPARED), Type::Boolean),
        "+" => (same && both(&ADDED), known),
        "%" => (same && both(&[Type::Int, Type::Uint]), known),
        _ => (same && both(&NUMBERS), known),
    }
}

fn usage(name: &str) -> &'static str {
    match name {
        "has" => "write has(body.field)",
        "map" => "write list.map(x, value of x)",
        "filter" => "write list.filter(x, condition on x)",
        "exists_one" => "write list.exists_one(x, condition on x)",
        "exists" => "write list.exists(x, condition on x)",
        _ => "write list.all(x, condition on x)",
    }
}

/// How a function is called, for people.
fn shape(signature: &Signature) -> String {
    let words = |types: &[Type]| {
        let words: Vec<&str> =
            types.iter().map(|of| of.words().trim_start_matches("an ").trim_start_matches("a ")).collect();
        words.join(" or ")
    };
    let arguments: Vec<String> = signature.arguments.iter().map(|types| words(types)).collect();
    let call = format!("{}({})", signature.name, arguments.join(", "));
    match signature.target {
        Some(target) => format!("it is ({}).{call}", words(target)),
        None => format!("it is {call}"),
    }
}
