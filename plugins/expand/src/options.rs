//! The plugin's table in the configuration.

use std::time::Duration;

use hookyard_plugin::json::quote;
use hookyard_plugin::{Failure, config};

const DEFAULT_TTL: Duration = Duration::from_secs(300);

/// What the operator asked for.
pub struct Options {
    /// Pointer to the list.
    pub items: String,
    /// Where a key is looked up; `{}` stands for it.
    pub url: String,
    /// Pointer to the key inside an item.
    pub key: String,
    /// How long an answer is kept; None: for ever.
    pub ttl: Option<Duration>,
}

impl Options {
    pub fn read() -> Result<Self, Failure> {
        let url = config::require("/url")?;
        if !url.contains("{}") {
            return Err(Failure::permanent("config: `url` must have `{}` where the key is to stand"));
        }
        Ok(Options { items: config::require("/items")?, url, key: config::require("/key")?, ttl: ttl()? })
    }
}

fn ttl() -> Result<Option<Duration>, Failure> {
    let Some(text) = config::get("/ttl") else { return Ok(Some(DEFAULT_TTL)) };
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(seconds @ 1..=4_294_967_295) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(Failure::permanent(
            ["config: `ttl` is ", &quote(&text), ", which is no number of seconds"].concat(),
        )),
    }
}
