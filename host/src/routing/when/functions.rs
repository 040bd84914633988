//! The functions that an expression may call.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
    Type as CelType,
};
use cel::common::types::{DYN_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError, Value, extensions};
use regex::Regex;

use super::steps::Steps;
use super::types::Type;

/// A way to call a function.
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// What stands before the dot; none for `name(…)`.
    pub(super) target: Option<&'static [Type]>,
    /// What each argument may be.
    pub(super) arguments: &'static [&'static [Type]],
    pub(super) result: Type,
}

const SIZED: &[Type] = &[Type::Text, Type::Bytes, Type::List, Type::Map];
const TEXT: &[Type] = &[Type::Text];
const ANY: &[Type] = &[Type::Dyn];
const NUMERIC: &[Type] = &[Type::Int, Type::Uint, Type::Double, Type::Text];

const fn method(
    name: &'static str,
    target: &'static [Type],
    arguments: &'static [&'static [Type]],
    result: Type,
) -> Signature {
    Signature { name, target: Some(target), arguments, result }
}

const fn function(name: &'static str, argument: &'static [&'static [Type]], result: Type) -> Signature {
    Signature { name, target: None, arguments: argument, result }
}

pub(super) static SIGNATURES: &[Signature] = &[
    method("size", SIZED, &[], Type::Int),
    function("size", &[SIZED], Type::Int),
    method("contains", TEXT, &[TEXT], Type::Boolean),
    method("startsWith", TEXT, &[TEXT], Type::Boolean),
    method("endsWith", TEXT, &[TEXT], Type::Boolean),
    method("matches", TEXT, &[TEXT], Type::Boolean),
    method("lowerAscii", TEXT, &[], Type::Text),
    method("upperAscii", TEXT, &[], Type::Text),
    method("trim", TEXT, &[], Type::Text),
    function("int", &[NUMERIC], Type::Int),
    function("uint", &[NUMERIC], Type::Uint),
    function("double", &[NUMERIC], Type::Double),
    function(
        "string",
        &[&[Type::Boolean, Type::Int, Type::Uint, Type::Double, Type::Text, Type::Bytes]],
        Type::Text,
    ),
    function("bytes", &[&[Type::Text, Type::Bytes]], Type::Bytes),
    function("bool", &[&[Type::Boolean, Type::Text]], Type::Boolean),
    function("type", &[ANY], Type::Kind),
    function("dyn", &[ANY], Type::Dyn),
];

/// Names that look like functions and become loops or tests when the expression is parsed.
pub(super) const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];

/// Words for types, to compare with what `type(x)` gives.
pub(super) const TYPE_NAMES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Pays for going through a list: put around each list that a loop goes through.
pub(super) const EACH: &str = "@each";

/// `+`, which pays for what it makes.
pub(super) const ADD: &str = "@add";

/// Pays for a copy of what becomes part of a list or a map.
pub(super) const KEPT: &str = "@kept";

/// `matches` with an expression that was compiled when the configuration loaded.
pub(super) const MATCHES: &str = "@matches";

/// A value as an operator reads it.
pub(super) const SHOW: &str = "@show";

/// What is the same for all expressions.
pub(super) fn environment() -> Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(build()));
    ENVIRONMENT.clone()
}

#[expect(clippy::expect_used, reason = "every name is declared once, which each test finds out")]
fn build() -> Env {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    env.add_extension(extensions::strings).expect("no name twice");
    env.add_overload(EACH, "each_of", vec![DYN_TYPE, DYN_TYPE], each).expect("no name twice");
    env.add_overload(ADD, "add_any", vec![DYN_TYPE, DYN_TYPE, DYN_TYPE], add).expect("no name twice");
    env.add_overload(KEPT, "kept_any", vec![DYN_TYPE, DYN_TYPE], kept).expect("no name twice");
    env.add_overload(MATCHES, "matches_compiled", vec![DYN_TYPE, STRING_TYPE], matches)
        .expect("no name twice");
    env.add_overload(SHOW, "show_any", vec![DYN_TYPE], show).expect("no name twice");
    env
}

/// Hands on its second argument, a list or a map. What is of the event pays for itself when a loop goes through it; what
/// the expression has made is paid for here.
fn each<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let range = arguments.pop().ok_or(ExecutionError::MissingArgumentOrTarget)?;
    let list = range.downcast_ref::<CelList<'_>>().map(|list| list.inner().len());
    let size =
        list.or_else(|| range.downcast_ref::<CelMap<'_>>().map(|map| map.inner().len())).unwrap_or_default();
    let steps = paid_by(&arguments)?;
    steps.take(1 + size)?;
    // A loop copies each item.
    steps.take_copy(weight(&*range))?;
    Ok(range)
}

/// Its first argument pays for the sum of the others.
fn add<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [_, left, right] = &arguments[..] else { return Err(ExecutionError::MissingArgumentOrTarget) };
    paid_by(&arguments)?.take_text(weight(&**left).saturating_add(weight(&**right)))?;
    let unsupported = || ExecutionError::UnsupportedBinaryOperator("add", Value::Null, Value::Null);
    let sum = left.as_adder().ok_or_else(unsupported)?.add(&**right)?.into_owned();
    Ok(CowVal::Owned(sum))
}

/// Hands on its second argument, of which a copy is made.
fn kept<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments.pop().ok_or(ExecutionError::MissingArgumentOrTarget)?;
    paid_by(&arguments)?.take_copy(weight(&*value))?;
    Ok(value)
}

fn paid_by<'a>(arguments: &'a [CowVal<'_, '_>]) -> Result<&'a Steps, ExecutionError> {
    let steps = arguments.first().and_then(|steps| steps.downcast_ref::<Steps>());
    steps.ok_or(ExecutionError::MissingArgumentOrTarget)
}

/// Bytes that a value takes in a list, beside what it holds.
const ITEM: usize = 64;

/// Bytes that a copy of a value takes, about. What is of the event is copied as a reference, however much it holds. An
/// expression is no deeper than it is written, and so is what it makes.
fn weight(value: &dyn Val) -> usize {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return text.inner().len();
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        return bytes.inner().len();
    }
    let whole = |sum: usize, item: &dyn Val| sum.saturating_add(ITEM).saturating_add(weight(item));
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list.inner().iter().fold(0, |sum, item| whole(sum, &**item));
    }
    let key = |key: &CelMapKey<'_>| match key {
        CelMapKey::String(text) => text.inner().len(),
        CelMapKey::Bool(_) | CelMapKey::Int(_) | CelMapKey::UInt(_) => 0,
    };
    value.downcast_ref::<CelMap<'_>>().map_or(0, |map| {
        map.inner().iter().fold(0, |sum, (name, item)| whole(sum.saturating_add(key(name)), &**item))
    })
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let pattern = arguments.first().and_then(|pattern| pattern.downcast_ref::<Pattern>());
    let text = arguments.get(1).and_then(|text| text.downcast_ref::<CelString<'_>>());
    match (pattern, text) {
        (Some(pattern), Some(text)) => Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner())))),
        _ => Err(ExecutionError::MissingArgumentOrTarget),
    }
}

fn show<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments.first().ok_or(ExecutionError::MissingArgumentOrTarget)?;
    Ok(CowVal::owned(CelString::from(as_json(&**value))))
}

/// A value as JSON, as far as it has one.
fn as_json(value: &dyn Val) -> String {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return serde_json::to_string(text.inner()).unwrap_or_default();
    }
    let int = value.downcast_ref::<CelInt>().map(|int| int.inner().to_string());
    let uint = || value.downcast_ref::<CelUInt>().map(|uint| uint.inner().to_string());
    let double = || value.downcast_ref::<CelDouble>().map(|double| double.inner().to_string());
    let boolean = || value.downcast_ref::<CelBool>().map(|boolean| boolean.inner().to_string());
    let null = || value.downcast_ref::<CelNull>().map(|_| "null".to_owned());
    int.or_else(uint).or_else(double).or_else(boolean).or_else(null).unwrap_or_else(|| format!("{value:?}"))
}

static PATTERN: CelType = CelType::new_unspecified_type("hookyard.pattern");

/// A regular expression as a value that only [`matches`] takes.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) Regex);

impl Val for Pattern {
    fn get_type(&self) -> &CelType {
        &PATTERN
    }

    fn cel_type() -> &'static CelType {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
