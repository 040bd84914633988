//! Emits an alert once so many events of a kind have come within a time.
//!
//! When events came is what the gateway says about them, not when they are processed, so that a run which is tried again,
//! or late, counts the same.

mod count;
mod options;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hookyard_plugin::json::quote;
use hookyard_plugin::options::Table;
use hookyard_plugin::output::{self, Message};
use hookyard_plugin::template::{self, Holes};
use hookyard_plugin::{Event, Failure, Header, Verdict, config, config_schema, kv, plugin};

use count::Count;
use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Table::parse(&text, Options::read)?;
    if !options.counts(&event) {
        return Ok(options.verdict("not counted"));
    }
    let key = template::plain(&event, &options.key)?;
    let place = ["count:", &key].concat();
    let mut count = Count::read(&kv::text(&place)?.unwrap_or_default());
    let reached = count.add(event.received_at(), &options);
    kv::set(&place, count.write(), Duration::from_secs(options.window.max(options.quiet)))?;
    if !reached {
        return Ok(options.verdict("below the threshold"));
    }
    if options.forward {
        output::emit(Message { destinations: Vec::new(), headers: Vec::new(), body: event.body() });
    }
    output::emit(Message {
        destinations: options.to.clone(),
        headers: vec![Header { name: "content-type".into(), value: "application/json".into() }],
        body: alert(&event, &options, &key)?.into_bytes(),
    });
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}

fn alert(event: &Event, options: &Options<'_>, key: &str) -> Result<String, Failure> {
    let holes = Holes::new(event)
        .named("key", quote(key))
        .named("count", options.count.to_string())
        .named("window", options.window.to_string());
    holes.document(options.alert)
}
