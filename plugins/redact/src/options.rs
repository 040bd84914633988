//! The plugin's table in the configuration.

use hookyard_plugin::Failure;
use hookyard_plugin::json::{Json, is_pointer, quote};

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
    /// Reads the table's JSON text for an event.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut mistakes = Vec::new();
        let options = Options::read(text, &mut mistakes);
        if mistakes.is_empty() {
            Ok(options)
        } else {
            Err(Failure::Permanent(["config: ", &mistakes.join("; ")].concat()))
        }
    }

    /// Everything that is wrong with a table.
    pub fn mistakes(text: &str) -> Vec<String> {
        let mut mistakes = Vec::new();
        Options::read(text, &mut mistakes);
        mistakes
    }

    /// An unknown option is a mistake: `removed` for `remove` must not leak anything.
    fn read(text: &str, mistakes: &mut Vec<String>) -> Self {
        let mut options = Options {
            remove: Vec::new(),
            mask: Vec::new(),
            replacement: quote("***"),
            forward_invalid: false,
        };
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "remove" => options.remove = pointers("remove", value, mistakes),
                "mask" => options.mask = pointers("mask", value, mistakes),
                "replacement" => options.replacement = value.text().to_string(),
                "on_invalid" => options.forward_invalid = on_invalid(value, mistakes),
                _ => {
                    let known = "the options are remove, mask, replacement, on_invalid";
                    mistakes.push(["`", &name, "` is not an option; ", known].concat());
                }
            }
        }
        options
    }
}

fn pointers(option: &str, value: Json<'_>, mistakes: &mut Vec<String>) -> Vec<String> {
    if value.sigil() != b'[' {
        mistakes.push(["`", option, "` must be a list of JSON pointers"].concat());
    }
    let mut pointers = Vec::new();
    for item in value.items() {
        match item.string() {
            Some(pointer) if is_pointer(&pointer) && !pointer.is_empty() => pointers.push(pointer),
            _ => {
                let problem = ", which is not a JSON pointer such as \"/user/email\"";
                mistakes.push(["`", option, "` has ", item.text(), problem].concat());
            }
        }
    }
    pointers
}

fn on_invalid(value: Json<'_>, mistakes: &mut Vec<String>) -> bool {
    match value.text() {
        "\"fail\"" => false,
        "\"forward\"" => true,
        _ => {
            mistakes.push("`on_invalid` must be \"fail\" or \"forward\"".into());
            false
        }
    }
}
