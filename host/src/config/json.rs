//! Plugin settings: TOML in, JSON text out.

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::DeValue;

use super::Location;
use super::value::Value;

/// A table as JSON text. Dates become strings; a number that JSON cannot carry is an error.
pub(super) fn text(value: Value<'_>) -> Option<String> {
    value.raw_table()?;
    Some(convert(value, value.node)?.to_string())
}

/// Where each part of a table stands, so that what is wrong with it can be shown there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsPlaces(Vec<(String, Location)>);

impl SettingsPlaces {
    pub(super) fn of(value: Value<'_>) -> Self {
        let mut places = vec![(String::new(), value.key_spot().location())];
        gather(value, value.node, "", &mut places);
        SettingsPlaces(places)
    }

    /// The place of what a JSON pointer leads to, or else of the nearest that it stands in.
    pub fn find(&self, pointer: &str) -> Option<&Location> {
        let within = |place: &&(String, Location)| {
            pointer.strip_prefix(&*place.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let nearest = self.0.iter().filter(within).max_by_key(|(place, _)| place.len());
        nearest.map(|(_, location)| location)
    }
}

fn gather<'a>(
    value: Value<'a>,
    node: &'a Spanned<DeValue<'a>>,
    at: &str,
    places: &mut Vec<(String, Location)>,
) {
    let location = |span| value.context.spot(span).location();
    match node.get_ref() {
        DeValue::Table(table) => {
            for (key, item) in table {
                let at = format!("{at}/{}", key.get_ref().replace('~', "~0").replace('/', "~1"));
                places.push((at.clone(), location(key.span())));
                gather(value, item, &at, places);
            }
        }
        DeValue::Array(array) => {
            for (number, item) in array.iter().enumerate() {
                let at = format!("{at}/{number}");
                places.push((at.clone(), location(item.span())));
                gather(value, item, &at, places);
            }
        }
        _ => {}
    }
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
