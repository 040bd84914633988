//! Adds to a JSON body what another service knows about the event, and remembers the answer for a while.

mod lookup;
mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Failure, JsonKind, Verdict, config, config_schema, log, output, plugin};

use lookup::Lookup;
use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Table::parse(&text, Options::read)?;
    check_place(&event, &options.at)?;
    let found = match Lookup::of(&event, &options)? {
        None => None,
        Some(lookup) => match lookup.answer(&options) {
            Err(Failure::Retryable(reason)) if options.forward_failed => {
                log::warn(["forwarded without what it was to get: ", &reason].concat());
                return Ok(Verdict::Forward);
            }
            answer => answer?,
        },
    };
    match found.as_deref().or(options.default.map(|default| default.text())) {
        Some(value) => output::json_set(&options.at, value),
        None if options.forward_missing => {}
        None => {
            return Err(Failure::permanent("nothing is known about the event, and there is no `default`"));
        }
    }
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}

/// Said before a request is made, not after it.
fn check_place(event: &Event, at: &str) -> Result<(), Failure> {
    let (parent, _) = at.rsplit_once('/').unwrap_or_default();
    match event.json_kind(parent) {
        JsonKind::Object | JsonKind::Array => Ok(()),
        JsonKind::Invalid => Err(Failure::permanent("the body is not JSON, so nothing can be added to it")),
        _ => Err(Failure::permanent(["the body has no object at \"", parent, "\" to add to"].concat())),
    }
}
