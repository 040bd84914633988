//! The plugin's table in the configuration.

use hookyard_plugin::json::{Json, is_pointer};
use hookyard_plugin::{Failure, template};

/// What the operator asked for.
pub struct Options<'a> {
    /// The template of the key.
    pub key: String,
    /// Entries by key, each of them an object.
    pub table: Json<'a>,
    /// The entry for keys that the table does not have.
    pub default: Option<Json<'a>>,
    /// A pointer to the object that an entry's members are added to; empty for the whole body.
    pub at: String,
    /// Whether an event without an entry passes as it is.
    pub forward_missing: bool,
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
        if let Err(problem) = template::check(&options.key, &[]) {
            mistakes.push(["`key` is a text of which ", &problem].concat());
        }
        mistakes
    }

    /// An unknown option is a mistake, so that a misspelt one is not silently the default.
    fn read(text: &'a str, mistakes: &mut Vec<String>) -> Self {
        let (mut key, mut table, mut default) = (None, None, None);
        let (mut at, mut forward_missing) = (String::new(), true);
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "key" => key = Some(string(value, mistakes)),
                "table" => table = Some(entries(value, mistakes)),
                "default" => default = Some(entry("default", value, mistakes)),
                "at" => at = pointer(value, mistakes),
                "on_missing" => forward_missing = on_missing(value, mistakes),
                _ => {
                    let known = "the options are key, table, default, at, on_missing";
                    mistakes.push(["`", &name, "` is not an option; ", known].concat());
                }
            }
        }
        if key.is_none() {
            mistakes.push("`key`, what to look up, is missing".into());
        }
        if table.is_none() {
            mistakes.push("`table` is missing".into());
        }
        let (key, table) = (key.unwrap_or_default(), table.unwrap_or(Json::new("{}")));
        Options { key, table, default, at, forward_missing }
    }
}

fn string(value: Json<'_>, mistakes: &mut Vec<String>) -> String {
    value.string().unwrap_or_else(|| {
        mistakes.push("`key` must be a string such as \"{/customer/tier}\"".into());
        String::new()
    })
}

fn entries<'a>(value: Json<'a>, mistakes: &mut Vec<String>) -> Json<'a> {
    for (name, value) in value.members().filter(|(_, value)| value.sigil() != b'{') {
        entry(&["table.", &name].concat(), value, mistakes);
    }
    entry("table", value, mistakes)
}

fn entry<'a>(option: &str, value: Json<'a>, mistakes: &mut Vec<String>) -> Json<'a> {
    if value.sigil() != b'{' {
        mistakes.push(["`", option, "` must be a table"].concat());
    }
    value
}

fn pointer(value: Json<'_>, mistakes: &mut Vec<String>) -> String {
    match value.string() {
        Some(pointer) if is_pointer(&pointer) => pointer,
        _ => {
            mistakes.push("`at` must be a JSON pointer such as \"/customer\"".into());
            String::new()
        }
    }
}

fn on_missing(value: Json<'_>, mistakes: &mut Vec<String>) -> bool {
    match value.text() {
        "\"forward\"" => true,
        "\"fail\"" => false,
        _ => {
            mistakes.push("`on_missing` must be \"forward\" or \"fail\"".into());
            true
        }
    }
}
