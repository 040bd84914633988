//! A destination: posts a message to a channel of Slack or Microsoft Teams, through a webhook of theirs.

mod options;
mod service;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Failure, Receipt, config, config_schema, http, secrets, sink, template};

use options::Options;

sink!(deliver, validate = validate);
config_schema!("../config.schema.json");

pub fn deliver(message: Event, _attempt: u32) -> Result<Receipt, Failure> {
    let text = config::text();
    let options = Table::parse(&text, Options::read)?;
    let payload = match options.payload {
        Some(payload) => template::document(&message, payload)?,
        None => options.service.payload(&message, options.title.as_deref(), &options.text)?,
    };
    // Whoever knows the address can post, so that it is a secret.
    let url = secrets::require(&options.webhook)?;
    let timeout = Duration::from_secs(options.timeout);
    let answer = http::post(url.trim()).json(payload).timeout(timeout).send()?.success()?;
    options.service.check(&answer)?;
    Ok(Receipt::new(answer.status, answer.text()))
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}
