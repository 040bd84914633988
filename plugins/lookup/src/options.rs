//! The plugin's table in the configuration.

use hookyard_plugin::Failure;
use hookyard_plugin::json::Json;

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
    /// Reads the table's JSON text. An unknown option is an error, so that a misspelt one is not silently the default.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let (mut key, mut table, mut default) = (None, None, None);
        let (mut at, mut forward_missing) = (String::new(), true);
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "key" => {
                    key = Some(value.string().ok_or_else(|| {
                        Failure::permanent("config: `key` must be a string such as \"{/customer/tier}\"")
                    })?);
                }
                "table" => table = Some(entries(value)?),
                "default" => default = Some(entry("default", value)?),
                "at" => at = pointer(value)?,
                "on_missing" => forward_missing = on_missing(value)?,
                _ => {
                    let known = "the options are key, table, default, at, on_missing";
                    return Err(Failure::permanent(
                        ["config: `", &name, "` is not an option; ", known].concat(),
                    ));
                }
            }
        }
        let key = key.ok_or_else(|| Failure::permanent("config: `key`, what to look up, is missing"))?;
        let table = table.ok_or_else(|| Failure::permanent("config: `table` is missing"))?;
        Ok(Options { key, table, default, at, forward_missing })
    }
}

fn entries(value: Json<'_>) -> Result<Json<'_>, Failure> {
    let table = entry("table", value)?;
    for (name, value) in table.members() {
        entry(&["table.", &name].concat(), value)?;
    }
    Ok(table)
}

fn entry<'a>(option: &str, value: Json<'a>) -> Result<Json<'a>, Failure> {
    if value.sigil() != b'{' {
        return Err(Failure::permanent(["config: `", option, "` must be a table"].concat()));
    }
    Ok(value)
}

fn pointer(value: Json<'_>) -> Result<String, Failure> {
    match value.string() {
        Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => Ok(pointer),
        _ => Err(Failure::permanent("config: `at` must be a JSON pointer such as \"/customer\"")),
    }
}

fn on_missing(value: Json<'_>) -> Result<bool, Failure> {
    match value.text() {
        "\"forward\"" => Ok(true),
        "\"fail\"" => Ok(false),
        _ => Err(Failure::permanent("config: `on_missing` must be \"forward\" or \"fail\"")),
    }
}
