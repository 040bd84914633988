//! What is said about an event: <https://developer.pagerduty.com/docs/send-alert-event>.

use hookyard_plugin::json::{Json, quote};
use hookyard_plugin::{Event, Failure, log, template};

use super::options::Options;

const ACTIONS: [&str; 3] = ["trigger", "acknowledge", "resolve"];

const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// Characters of a summary; PagerDuty takes no more.
const MAX_SUMMARY: usize = 1024;

/// One alert.
pub struct Alert {
    pub action: &'static str,
    pub dedup_key: String,
    /// JSON text; only what triggers has one.
    payload: Option<String>,
}

impl Alert {
    pub fn of(event: &Event, options: &Options<'_>) -> Result<Self, Failure> {
        let word = options.actions.translate(&template::plain(event, &options.action)?);
        let Some(action) = known(&ACTIONS, &word) else {
            return Err(Failure::permanent(
                ["`action` has become ", &quote(&word), ", which is none of trigger, acknowledge, resolve"]
                    .concat(),
            ));
        };
        let dedup_key = template::plain(event, &options.dedup_key)?;
        if dedup_key.trim().is_empty() {
            return Err(Failure::permanent(
                "`dedup_key` has become empty, so that no incident could be told from another",
            ));
        }
        let payload = (action == "trigger").then(|| payload(event, options)).transpose()?;
        Ok(Alert { action, dedup_key, payload })
    }

    /// The members of the request's document, but for the key.
    pub fn members(&self) -> String {
        let mut members =
            [r#""event_action":"#, &quote(self.action), r#","dedup_key":"#, &quote(&self.dedup_key)].concat();
        if let Some(payload) = &self.payload {
            members.extend([r#","payload":"#, payload]);
        }
        members
    }
}

fn payload(event: &Event, options: &Options<'_>) -> Result<String, Failure> {
    let summary: String = template::plain(event, &options.summary)?.chars().take(MAX_SUMMARY).collect();
    let source = template::plain(event, &options.source)?;
    let word = options.severities.translate(&template::plain(event, &options.severity)?);
    // An alert with a word that is not understood is better than none.
    let severity = known(&SEVERITIES, &word).unwrap_or_else(|| {
        log::warn(
            ["`severity` has become ", &quote(&word), ", which is none of critical, error, warning, info"]
                .concat(),
        );
        "error"
    });
    let mut payload = "{".to_owned();
    for (name, value) in [("summary", &*summary), ("source", &source), ("severity", severity)] {
        payload.extend([&*quote(name), ":", &quote(value), ","]);
    }
    for (name, text) in &options.fields {
        let value = template::plain(event, text)?;
        if !value.is_empty() {
            payload.extend([&*quote(name), ":", &quote(&value), ","]);
        }
    }
    if let Some(details) = options.details {
        payload.extend([r#""custom_details":"#, &template::document(event, details)?]);
    }
    Ok([payload.trim_end_matches(','), "}"].concat())
}

fn known(words: &[&'static str], word: &str) -> Option<&'static str> {
    words.iter().find(|known| known.eq_ignore_ascii_case(word.trim())).copied()
}

/// A sender's words, and what they mean to PagerDuty.
#[derive(Default)]
pub struct Words<'a>(pub Option<Json<'a>>);

impl Words<'_> {
    /// Capitals and spaces around a word do not count. A word that has no meaning of its own stays what it is.
    fn translate(&self, word: &str) -> String {
        let mut members = self.0.into_iter().flat_map(Json::members);
        let meaning = members.find(|(known, _)| known.trim().eq_ignore_ascii_case(word.trim()));
        meaning.and_then(|(_, meaning)| meaning.string()).unwrap_or_else(|| word.to_owned())
    }
}
