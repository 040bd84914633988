//! A destination: triggers, acknowledges and resolves incidents through PagerDuty's Events API, version 2.

mod alert;
mod options;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hookyard_plugin::json::{Json, quote};
use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Failure, Receipt, config, config_schema, http, secrets, sink};

use alert::Alert;
use options::Options;

sink!(deliver, validate = validate);
config_schema!("../config.schema.json");

pub fn deliver(message: Event, _attempt: u32) -> Result<Receipt, Failure> {
    let text = config::text();
    let options = Table::parse(&text, Options::read)?;
    let alert = Alert::of(&message, &options)?;
    let key = secrets::require(&options.routing_key)?;
    let body = [r#"{"routing_key":"#, &quote(key.trim()), ",", &alert.members(), "}"].concat();
    let timeout = Duration::from_secs(options.timeout);
    let answer = http::post(&*options.url).json(body).timeout(timeout).send()?.success()?;
    let text = answer.text();
    let known_as = Json::checked(&text).and_then(|json| json.find("/dedup_key")?.string());
    Ok(Receipt::new(answer.status, [alert.action, " ", &known_as.unwrap_or(alert.dedup_key)].concat()))
}

fn validate(config: &str) -> Vec<String> {
    Table::problems(config, Options::read)
}
