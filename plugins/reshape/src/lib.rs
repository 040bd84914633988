//! Builds a new JSON document out of the event: the configured one, with the holes in its strings filled in.

mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::{Event, Failure, Verdict, config, config_schema, output, plugin, template};

use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Options::parse(&text)?;
    output::set_body(template::document(&event, options.fields)?);
    output::set_header("content-type", options.content_type);
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Options::mistakes(config)
}
