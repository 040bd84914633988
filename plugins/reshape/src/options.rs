//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::{Failure, template};

/// What the operator asked for.
pub struct Options<'a> {
    /// The document to build; its strings are templates.
    pub fields: Json<'a>,
    /// The header `content-type` of what leaves.
    pub content_type: String,
}

impl<'a> Options<'a> {
    /// Reads the table's JSON text for an event.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let mut mistakes = Vec::new();
        let options = Options::read(text, &mut mistakes);
        if mistakes.is_empty() {
            Ok(options)
        } else {
            Err(Failure::Permanent(["config: ", &mistakes.join("; ")].concat()))
        }
    }

    /// Everything that is wrong with a table. What would only come out at an event is looked at here, once.
    pub fn mistakes(text: &'a str) -> Vec<String> {
        let mut mistakes = Vec::new();
        let options = Options::read(text, &mut mistakes);
        check("fields", options.fields, &mut mistakes);
        mistakes
    }

    /// An unknown option is a mistake, so that a misspelt one is not silently the default.
    fn read(text: &'a str, mistakes: &mut Vec<String>) -> Self {
        let (mut fields, mut content_type) = (None, "application/json".to_string());
        for (name, value) in Json::new(text).members() {
            match (name.as_str(), value.string()) {
                ("fields", None) if value.sigil() == b'{' => fields = Some(value),
                ("fields", _) => {
                    mistakes.push("`fields` must be a table".into());
                    fields = Some(Json::new("{}"));
                }
                ("content_type", Some(text)) => content_type = text,
                ("content_type", None) => mistakes.push("`content_type` must be a string".into()),
                _ => {
                    let known = "the options are fields, content_type";
                    mistakes.push(["`", &name, "` is not an option; ", known].concat());
                }
            }
        }
        let fields = fields.unwrap_or_else(|| {
            mistakes.push("`fields`, the document to build, is missing".into());
            Json::new("{}")
        });
        Options { fields, content_type }
    }
}

/// Names each string of a document, at any depth, that is no template.
fn check(place: &str, node: Json<'_>, mistakes: &mut Vec<String>) {
    match node.sigil() {
        b'{' => {
            for (name, value) in node.members() {
                check(&[place, ".", &name].concat(), value, mistakes);
            }
        }
        b'[' => {
            for (index, item) in node.items().enumerate() {
                check(&[place, "[", &index.to_string(), "]"].concat(), item, mistakes);
            }
        }
        b'"' => {
            if let Err(problem) = template::check(&node.string().unwrap_or_default(), &[]) {
                mistakes.push(["`", place, "` is a text of which ", &problem].concat());
            }
        }
        _ => {}
    }
}
