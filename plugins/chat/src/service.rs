//! What the services differ in.

use hookyard_plugin::json::quote;
use hookyard_plugin::{Event, Failure, Response, template};

const FAILED: &[u8] = b"Webhook message delivery failed";

/// Where messages are posted.
#[derive(Clone, Copy)]
pub enum Service {
    /// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
    Slack,
    /// A workflow that posts to a channel when a webhook request is received.
    Teams,
}

impl Service {
    /// What is posted for a text, with a title above it.
    pub fn payload(self, message: &Event, title: Option<&str>, text: &str) -> Result<String, Failure> {
        let filled = |text: &str| template::text(message, text, |text, value| self.push(text, value));
        let (title, text) = (title.map(filled).transpose()?, filled(text)?);
        Ok(match self {
            Service::Slack => {
                let title = title.map(|title| ["*", &title, "*\n"].concat()).unwrap_or_default();
                [r#"{"text":"#, &quote(&[title, text].concat()), "}"].concat()
            }
            Service::Teams => {
                let title = title
                    .map(|title| [&block(&title, r#","weight":"bolder","size":"medium""#), ","].concat());
                [
                    r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":"#,
                    r#"{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":["#,
                    title.as_deref().unwrap_or_default(),
                    &block(&text, ""),
                    "]}}]}",
                ]
                .concat()
            }
        })
    }

    /// Appends a value so that it is a text and nothing else. Slack makes links and mentions of what stands between `<` and
    /// `>`; Teams takes Markdown.
    fn push(self, text: &mut String, value: &str) {
        for character in value.chars() {
            match (self, character) {
                (Service::Slack, '&') => text.push_str("&amp;"),
                (Service::Slack, '<') => text.push_str("&lt;"),
                (Service::Slack, '>') => text.push_str("&gt;"),
                (Service::Teams, '[' | ']' | '*' | '_' | '\\') => text.extend(['\\', character]),
                (_, other) => text.push(other),
            }
        }
    }

    /// Old connectors of Teams answer 200 where a message did not get through, and say so in the body.
    pub fn check(self, answer: &Response) -> Result<(), Failure> {
        let failed = answer.body.windows(FAILED.len()).any(|words| words == FAILED);
        match self {
            Service::Teams if failed => Err(Failure::retryable(answer.text())),
            _ => Ok(()),
        }
    }
}

fn block(text: &str, style: &str) -> String {
    [r#"{"type":"TextBlock","wrap":true,"text":"#, &quote(text), style, "}"].concat()
}
