//! The plugin's table in the configuration.

use hookyard_plugin::Failure;
use hookyard_plugin::json::{Json, quote};

/// What the operator asked for.
pub struct Options {
    /// Pointers to nodes that disappear.
    pub remove: Vec<String>,
    /// Pointers to nodes whose value is replaced.
    pub mask: Vec<String>,
    /// What stands in for a masked value, as JSON text.
    pub replacement: String,
    /// Whether a body that is not JSON passes as it is.
    pub forward_invalid: bool,
}

impl Options {
    /// Reads the table's JSON text. An unknown option is an error: `removed` for `remove` must not leak anything.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut options = Options {
            remove: Vec::new(),
            mask: Vec::new(),
            replacement: quote("***"),
            forward_invalid: false,
        };
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "remove" => options.remove = pointers("remove", value)?,
                "mask" => options.mask = pointers("mask", value)?,
                "replacement" => options.replacement = value.text().to_string(),
                "on_invalid" => options.forward_invalid = on_invalid(value)?,
                _ => {
                    let known = "the options are remove, mask, replacement, on_invalid";
                    return Err(Failure::permanent(
                        ["config: `", &name, "` is not an option; ", known].concat(),
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn pointers(option: &str, value: Json<'_>) -> Result<Vec<String>, Failure> {
    if value.sigil() != b'[' {
        return Err(Failure::permanent(["config: `", option, "` must be a list of JSON pointers"].concat()));
    }
    value.items().map(|item| pointer(option, item)).collect()
}

fn pointer(option: &str, item: Json<'_>) -> Result<String, Failure> {
    match item.string() {
        Some(pointer) if pointer.starts_with('/') => Ok(pointer),
        _ => Err(Failure::permanent(
            [
                "config: `",
                option,
                "` has ",
                item.text(),
                ", which is not a JSON pointer such as \"/user/email\"",
            ]
            .concat(),
        )),
    }
}

fn on_invalid(value: Json<'_>) -> Result<bool, Failure> {
    match value.text() {
        "\"fail\"" => Ok(false),
        "\"forward\"" => Ok(true),
        _ => Err(Failure::permanent("config: `on_invalid` must be \"fail\" or \"forward\"")),
    }
}
