//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::options::Table;

use super::service::Service;

/// What the operator asked for.
pub struct Options<'a> {
    pub service: Service,
    /// The name of the secret that holds the webhook's address.
    pub webhook: String,
    /// The template of the message.
    pub text: String,
    /// The template of what stands above it.
    pub title: Option<String>,
    /// A document of the service's own kind, in place of text and title.
    pub payload: Option<Json<'a>>,
    /// Seconds that a request may take.
    pub timeout: u64,
}

impl<'a> Options<'a> {
    pub fn read(table: &mut Table<'a>) -> Self {
        table.require("service", "\"slack\" or \"teams\"");
        let webhook =
            table.required_text("webhook", "the name of the secret that holds the webhook's address");
        let (text, payload) = (table.template("text", &[]), table.document("payload", &[]));
        match (&text, &payload) {
            (Some(_), Some(_)) => table.problem("payload", "takes the place of `text`: one of them must go"),
            (None, None) => table.require("text", "what the message says"),
            _ => {}
        }
        if webhook.contains("://") {
            table.problem("webhook", "is the name of a secret, not the address: whoever knows that can post");
        }
        Options {
            service: table
                .word("service", &[("slack", Service::Slack), ("teams", Service::Teams)])
                .unwrap_or(Service::Slack),
            webhook,
            text: text.unwrap_or_default(),
            title: table.template("title", &[]),
            payload,
            timeout: table.integer("timeout", 1..=60).unwrap_or(10),
        }
    }
}
