//! Plugin settings: TOML in, JSON text out.

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::DeValue;

use super::value::Value;

/// A table as JSON text. Dates become strings; a number that JSON cannot carry is an error.
pub(super) fn text(value: Value<'_>) -> Option<String> {
    value.raw_table()?;
    Some(convert(value, value.node)?.to_string())
}

/// Recurses as deep as the document, which is bounded when it is parsed.
fn convert<'a>(value: Value<'a>, node: &'a Spanned<DeValue<'a>>) -> Option<Json> {
    let number = |number: Option<Number>| match number {
        Some(number) => Some(Json::Number(number)),
        None => value.child(value.shape, node).fail("JSON has no such number"),
    };
    match node.get_ref() {
        DeValue::String(text) => Some(Json::String(text.clone().into_owned())),
        DeValue::Boolean(boolean) => Some(Json::Bool(*boolean)),
        DeValue::Datetime(datetime) => Some(Json::String(datetime.to_string())),
        DeValue::Integer(integer) => {
            number(i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(Number::from))
        }
        DeValue::Float(float) => number(float.as_str().parse().ok().and_then(Number::from_f64)),
        DeValue::Array(array) => {
            array.iter().map(|item| convert(value, item)).collect::<Option<_>>().map(Json::Array)
        }
        DeValue::Table(table) => {
            let mut object = Map::new();
            for (key, item) in table {
                object.insert(key.get_ref().clone().into_owned(), convert(value, item)?);
            }
            Some(Json::Object(object))
        }
    }
}
