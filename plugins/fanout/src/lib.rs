//! Splits an event into one message for each element of a list in its body.

mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::options::Table;
use hookyard_plugin::output::{self, Message};
use hookyard_plugin::template::Holes;
use hookyard_plugin::{Event, Failure, Header, JsonKind, Verdict, config, config_schema, plugin};

use options::{Options, Without};

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Table::parse(&text, Options::read)?;
    if event.json_kind(&options.items) != JsonKind::Array {
        return without(options.on_missing, &["the body has no list at \"", &options.items, "\""].concat());
    }
    let length = event.json_length(&options.items).unwrap_or(0) as usize;
    if length == 0 {
        return without(options.on_empty, &["the list at \"", &options.items, "\" is empty"].concat());
    }
    for index in 0..length {
        output::emit(message(&event, &options, index, length)?);
    }
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}

fn without(what: Without, reason: &str) -> Result<Verdict, Failure> {
    match what {
        Without::Fail => Err(Failure::permanent(reason)),
        Without::Forward => Ok(Verdict::Forward),
        Without::Discard => Ok(Verdict::Discard(reason.into())),
    }
}

fn message(event: &Event, options: &Options<'_>, index: usize, length: usize) -> Result<Message, Failure> {
    let holes = Holes::new(event)
        .item(&options.items, index)
        .named("index", index.to_string())
        .named("length", length.to_string());
    let body = match options.fields {
        Some(fields) => holes.document(fields)?,
        None => event.json_source(&[&options.items, "/", &index.to_string()].concat()).unwrap_or_default(),
    };
    let mut headers = vec![Header { name: "content-type".into(), value: "application/json".into() }];
    for (name, value) in &options.headers {
        headers.push(Header { name: name.clone(), value: holes.plain(value)? });
    }
    let destinations: Result<Vec<_>, _> = options.to.iter().map(|name| holes.plain(name)).collect();
    Ok(Message { destinations: destinations?, headers, body: body.into_bytes() })
}
