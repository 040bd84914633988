//! A compiled expression.

use std::fmt;
use std::sync::Arc;

use cel::common::ast::IdedExpr;
use cel::{Context, ExecutionError, Value};

use crate::event::Event;

use super::super::Undecided;
use super::super::explain::{Found, Looked};
use super::check::check;
use super::fault::WhenFault;
use super::functions::{Pattern, environment};
use super::parse::parse;
use super::prepare::{Path, paths, prepare};
use super::steps::MAX_STEPS;
use super::variables::{EVENT, HEADERS, QUERY, Variables};

/// Characters of a name out of an event that are repeated to an operator.
const SHOWN: usize = 100;

/// An expression that is true or false of an event. A clone shares what was compiled.
#[derive(Clone)]
pub struct When(Arc<Compiled>);

struct Compiled {
    text: String,
    root: IdedExpr,
    patterns: Vec<Pattern>,
    paths: Vec<Path>,
}

impl When {
    /// Checks an expression as far as that is possible without an event.
    ///
    /// Takes stack in proportion to the text, some megabytes for the longest one that is taken: whoever compiles what
    /// others have written does so on a thread of its own.
    pub fn compile(text: &str) -> Result<Self, WhenFault> {
        let parsed = parse(text)?;
        check(&parsed)?;
        let mut root = parsed.root;
        let paths = paths(&root);
        let mut patterns = Vec::new();
        prepare(&mut root, &mut patterns);
        Ok(When(Arc::new(Compiled { text: text.to_owned(), root, patterns, paths })))
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it is true of an event, or why that cannot be told.
    pub(in crate::routing) fn holds(&self, event: &Event) -> Result<bool, Undecided> {
        let variables = Variables::new(event, &self.0.patterns);
        let mut context = Context::with_env(environment());
        context.set_variable_resolver(&variables);
        let outcome = Value::resolve(&self.0.root, &context);
        if variables.steps.is_spent() {
            return Err(Undecided::When(format!("it takes more than {MAX_STEPS} steps for this event")));
        }
        match outcome {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(value) => {
                Err(Undecided::When(format!("it is neither true nor false but {}", value.type_of())))
            }
            Err(error) => Err(match variables.not_json() {
                Some(not_json) => Undecided::NotJson(not_json.clone()),
                None => Undecided::When(reason(&error)),
            }),
        }
    }

    /// What an event has at each of the places that the expression names.
    pub(in crate::routing) fn found(&self, event: &Event) -> Vec<Found> {
        let variables = Variables::new(event, &self.0.patterns);
        let mut context = Context::with_env(environment());
        context.set_variable_resolver(&variables);
        let look = |path: &Path| {
            let looked = match (&*path.root, &path.first) {
                (HEADERS, Some(name)) => Looked::Header(name.clone()),
                (QUERY, Some(name)) => Looked::Query(name.clone()),
                _ => Looked::Open,
            };
            let value = match Value::resolve(&path.node, &context) {
                Ok(Value::String(shown)) => Some(shown.to_string()),
                _ => None,
            };
            Found { name: path.text.clone(), looked, value }
        };
        // A whole event has no value that could be shown.
        self.0.paths.iter().filter(|path| path.root != EVENT || path.first.is_some()).map(look).collect()
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "When({:?})", self.0.text)
    }
}

/// Why an evaluation failed, without anything of the event but the names of fields.
fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("there is no `{}`", cut(name)),
        ExecutionError::IndexOutOfBounds(_) => "a list has no item at that place".to_owned(),
        ExecutionError::NoSuchOverload(call) => {
            let types = call.argument_types().join(" and ");
            format!("`{}` does not take {types}", operator(call.function()))
        }
        // A list or an object of a body, as the value of the whole.
        ExecutionError::UnexpectedType { got, want } if want.contains("`Value`") => {
            format!("it is neither true nor false but {got}")
        }
        ExecutionError::UnexpectedType { got, want } => format!("it needs {want} where there is {got}"),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            format!("`{operator}` does not take these values")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot take this value"),
        ExecutionError::UndeclaredReference(name) => format!("there is no `{}`", cut(name)),
        _ => "it cannot be evaluated for this event".to_owned(),
    }
}

fn cut(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}

/// An operator as it is written: `>` for `_>_`.
fn operator(function: &str) -> &str {
    match function.trim_matches('_') {
        "" => function,
        "@in" => "in",
        written => written,
    }
}
