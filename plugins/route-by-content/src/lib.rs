//! Chooses among the route's destinations by conditions on the event's content.

mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Failure, Verdict, config, config_schema, output, plugin, template};

use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let options = Table::parse(&config::text(), Options::read)?;
    let mut destinations: Vec<String> = Vec::new();
    let rules =
        options.rules.iter().filter(|rule| rule.conditions.iter().any(|conditions| conditions.hold(&event)));
    let applying = if options.only_first { 1 } else { usize::MAX };
    let mut applied = false;
    for rule in rules.take(applying) {
        applied = true;
        add(&mut destinations, &rule.to, &event)?;
    }
    if !applied {
        let Some(default) = &options.default else {
            return Ok(Verdict::Discard("no rule applies, and there is no `default`".into()));
        };
        add(&mut destinations, default, &event)?;
    }
    output::send_to(destinations);
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}

fn add(destinations: &mut Vec<String>, names: &[String], event: &Event) -> Result<(), Failure> {
    for name in names {
        let name = template::plain(event, name)?;
        if !destinations.contains(&name) {
            destinations.push(name);
        }
    }
    Ok(())
}
