//! Adds to a JSON body what a table in the configuration holds under a key taken from the event.

mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::json::push_segment;
use hookyard_plugin::{Event, Failure, JsonKind, Verdict, config, config_schema, output, plugin, template};

use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Options::parse(&text)?;
    let key = template::plain(&event, &options.key)?;
    let Some(entry) = options.table.member(&key).or(options.default) else {
        if options.forward_missing {
            return Ok(Verdict::Forward);
        }
        return Err(Failure::permanent(
            ["the table has no \"", &key, "\", and there is no `default`"].concat(),
        ));
    };
    match event.json_kind(&options.at) {
        JsonKind::Object => {}
        JsonKind::Invalid => {
            return Err(Failure::permanent("the body is not JSON, so nothing can be added to it"));
        }
        _ => {
            return Err(Failure::permanent(
                ["the body has no object at \"", &options.at, "\" to add to"].concat(),
            ));
        }
    }
    for (name, value) in entry.members() {
        let mut pointer = options.at.clone();
        push_segment(&mut pointer, &name);
        output::json_set(pointer, value.text());
    }
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Options::mistakes(config)
}
