//! Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.
//!
//! When in doubt it fails rather than letting data through: a table with an option it does not know or a pointer that is
//! none is not loaded, and a body it cannot look into makes a dead letter, which an operator can replay once the
//! configuration is right.

mod options;
mod targets;
#[cfg(test)]
mod tests;

use hookyard_plugin::{Event, Failure, JsonKind, Verdict, config, config_schema, output, plugin};

use options::Options;
use targets::{Edit, Targets};

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let options = Options::parse(&config::text())?;
    if event.json_kind("") == JsonKind::Invalid {
        if options.forward_invalid || event.body_length() == 0 {
            return Ok(Verdict::Forward);
        }
        return Err(Failure::permanent(
            "the body is not JSON, so nothing can be redacted in it; `on_invalid = \"forward\"` lets it pass as it is",
        ));
    }
    let mut targets = Targets::default();
    for pointer in &options.remove {
        targets.expand(&event, pointer, Edit::Remove);
    }
    for pointer in &options.mask {
        targets.expand(&event, pointer, Edit::Mask);
    }
    // From the back to the front: a removed array element then moves none that is still to come, and every pointer
    // means the node it meant when it was looked up.
    for target in targets.outermost_last_first() {
        match target.edit {
            Edit::Remove => output::json_remove(target.pointer),
            Edit::Mask => output::json_set(target.pointer, &options.replacement),
        }
    }
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Options::mistakes(config)
}
