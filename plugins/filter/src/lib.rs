//! Lets events go on by conditions on their content, and discards the others.

mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Failure, JsonKind, Verdict, config, config_schema, plugin, template};

use options::{Invalid, Options};

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let options = Table::parse(&config::text(), Options::read)?;
    if options.need_body() && event.json_kind("") == JsonKind::Invalid {
        return match options.on_invalid {
            Invalid::Forward => Ok(Verdict::Forward),
            Invalid::Discard => Ok(Verdict::Discard("the body is not JSON".into())),
            Invalid::Fail => Err(Failure::permanent(
                "the body is not JSON, so that no condition can be found to hold or not",
            )),
        };
    }
    if options.hold(&event) == options.forward_matching {
        return Ok(Verdict::Forward);
    }
    // A reason that cannot be given is no reason to fail.
    Ok(Verdict::Discard(template::plain(&event, &options.reason).unwrap_or_default()))
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}
