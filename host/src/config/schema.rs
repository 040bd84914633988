//! A JSON Schema (draft-07) of the configuration, for editors such as those with taplo or Even Better TOML.

use serde_json::{Map, Value as Json, json};

use super::field::{Choice, Element, Field, Format, NAME, Presence, Shape};
use super::quantity::{DURATION, SIZE};
use super::root::CONFIG;

/// The schema, as committed in `docs/config.schema.json`.
pub fn schema() -> Json {
    let mut definitions = Map::new();
    let mut schema = object(&CONFIG, &mut definitions);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Hookyard configuration");
    schema["definitions"] = Json::Object(definitions);
    schema
}

fn object(element: &'static Element, definitions: &mut Map<String, Json>) -> Json {
    let mut properties = Map::new();
    for field in element.fields {
        properties.insert(field.key.to_owned(), property(field, definitions));
    }
    let required = |field: &&Field| matches!(field.presence, Presence::Required);
    let required: Vec<&str> = element.fields.iter().filter(required).map(|field| field.key).collect();
    let mut object = json!({
        "type": "object",
        "description": element.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(field: &'static Field, definitions: &mut Map<String, Json>) -> Json {
    let mut property = match of_shape(&field.shape, definitions) {
        // Beside a reference draft-07 ignores every other word.
        reference if reference.get("$ref").is_some() => json!({ "allOf": [reference] }),
        other => other,
    };
    property["description"] = json!(field.doc);
    if let Presence::Default(text) = field.presence {
        property["default"] = toml_to_json(text);
    }
    if !field.example.is_empty() {
        property["examples"] = json!([toml_to_json(field.example)]);
    }
    property
}

fn of_shape(shape: &'static Shape, definitions: &mut Map<String, Json>) -> Json {
    match shape {
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Number { min, max } if shape.bounds().is_some() => {
            json!({ "type": "number", "minimum": min, "maximum": max })
        }
        Shape::Number { .. } => json!({ "type": "number" }),
        Shape::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Shape::Size { min, max } => json!({ "anyOf": [
            { "type": "string", "pattern": SIZE },
            { "type": "integer", "minimum": min, "maximum": max },
        ]}),
        // TOML has dates and times of its own, which editors show to a schema as texts.
        Shape::Moment => json!({ "type": "string", "format": "date-time" }),
        Shape::Text(format) => text(format),
        Shape::Choice(choices) => choice(choices),
        Shape::List(item) => json!({ "type": "array", "items": of_shape(item, definitions) }),
        Shape::OneOrMore(item) => {
            let item = of_shape(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Shape::Either(shapes) => {
            let shapes: Vec<Json> = shapes.iter().map(|shape| of_shape(shape, definitions)).collect();
            json!({ "anyOf": shapes })
        }
        Shape::Table(element) => reference(element, definitions),
        Shape::Named(element) => by_key(&NAME, reference(element, definitions)),
        Shape::Map { keys, values } => by_key(keys, of_shape(values, definitions)),
        Shape::Free => json!({ "type": "object" }),
    }
}

fn text(format: &Format) -> Json {
    match format.pattern {
        "" => json!({ "type": "string" }),
        pattern => json!({ "type": "string", "pattern": pattern }),
    }
}

fn choice(choices: &[Choice]) -> Json {
    let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
    let docs: Vec<&str> = choices.iter().map(|choice| choice.doc).collect();
    // taplo's extension: what each word means, shown while completing.
    json!({ "type": "string", "enum": words, "x-taplo": { "docs": { "enumValues": docs } } })
}

fn by_key(keys: &Format, values: Json) -> Json {
    json!({ "type": "object", "propertyNames": text(keys), "additionalProperties": values })
}

/// Elements are defined once and referred to, since some hold themselves.
fn reference(element: &'static Element, definitions: &mut Map<String, Json>) -> Json {
    let name = element.name.replace(' ', "-");
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Json::Null);
        let object = object(element, definitions);
        definitions.insert(name.clone(), object);
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// Declared defaults and examples are TOML; a test holds that all of them parse.
fn toml_to_json(text: &str) -> Json {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
    table.and_then(|mut table| table.remove("value")).map(plain).unwrap_or_default()
}

fn plain(value: toml::Value) -> Json {
    match value {
        toml::Value::Datetime(moment) => Json::String(moment.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
