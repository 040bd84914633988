//! Answers the sender, on a route with `respond = "plugin"`, with the configured text or document, its holes filled
//! from the event. The event itself goes on as it is.

mod content;
mod options;
#[cfg(test)]
mod tests;

use hookyard_plugin::{
    Event, Failure, Header, Response, Verdict, config, config_schema, output, plugin, template,
};

use content::Content;
use options::Options;

plugin!(process, validate = validate);
config_schema!("../config.schema.json");

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let text = config::text();
    let options = Options::parse(&text)?;
    let body = match &options.by {
        Some(by) => options.case(&template::plain(&event, by)?),
        None => options.body,
    };
    let content = Content::of(body, options.content_type)
        .map_err(|problem| Failure::Permanent(["config: ", &problem].concat()))?;
    let body = content.write(&event, body)?;
    let headers = match body.is_empty() {
        true => Vec::new(),
        false => vec![Header { name: "content-type".to_owned(), value: content.content_type }],
    };
    output::reply(Response { status: options.status, headers, body: body.into_bytes() });
    Ok(Verdict::Forward)
}

fn validate(config: &str) -> Vec<String> {
    Options::mistakes(config)
}
