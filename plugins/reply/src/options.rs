//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::{Failure, template};

use crate::content::Content;

/// What the operator asked for.
pub struct Options<'a> {
    /// The status of the answer, 200 to 599.
    pub status: u16,
    /// The content type; without it, one that fits the body.
    pub content_type: Option<String>,
    /// What is answered where no case is.
    pub body: Json<'a>,
    /// The template of what decides between the cases.
    pub by: Option<String>,
    cases: Json<'a>,
}

impl<'a> Options<'a> {
    /// Reads the table's JSON text for an event.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let mut mistakes = Vec::new();
        let options = Options::read(text, &mut mistakes);
        if mistakes.is_empty() {
            Ok(options)
        } else {
            Err(Failure::Permanent(["config: ", &mistakes.join("; ")].concat()))
        }
    }

    /// Everything that is wrong with a table. What would only come out at an event is looked at here, once.
    pub fn mistakes(text: &'a str) -> Vec<String> {
        let mut mistakes = Vec::new();
        let options = Options::read(text, &mut mistakes);
        if let Some(by) = &options.by {
            check_text("by", by, &mut mistakes);
        }
        if let Some(body) = Json::new(text).member("body") {
            options.check_answer("body", body, &mut mistakes);
        }
        for (name, body) in options.cases.members() {
            options.check_answer(&["cases.", &name].concat(), body, &mut mistakes);
        }
        mistakes
    }

    /// An unknown option is a mistake, so that a misspelt one is not silently the default.
    fn read(text: &'a str, mistakes: &mut Vec<String>) -> Self {
        let (mut status, mut content_type, mut body, mut by, mut cases) = (200, None, None, None, None);
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "status" => status = number(value, mistakes),
                "content_type" => content_type = string("content_type", value, mistakes),
                "body" => body = Some(value),
                "by" => by = Some(string("by", value, mistakes).unwrap_or_default()),
                "cases" => cases = Some(table("cases", value, mistakes)),
                _ => {
                    let known = "the options are status, content_type, body, by, cases";
                    mistakes.push(["`", &name, "` is not an option; ", known].concat());
                }
            }
        }
        if by.is_some() != cases.is_some() {
            mistakes.push("`by` and `cases` need each other".into());
        }
        if body.is_none() {
            mistakes.push("`body`, what to answer, is missing".into());
        }
        let (body, cases) = (body.unwrap_or(Json::new("null")), cases.unwrap_or(Json::new("{}")));
        Options { status, content_type, body, by, cases }
    }

    /// The body of the case of this name, or else the usual one. People write it, so capitals and spaces around it do
    /// not count.
    pub fn case(&self, name: &str) -> Json<'a> {
        let case = self.cases.members().find(|(case, _)| case.trim().eq_ignore_ascii_case(name.trim()));
        case.map_or(self.body, |(_, body)| body)
    }

    fn check_answer(&self, place: &str, body: Json<'_>, mistakes: &mut Vec<String>) {
        if let Err(problem) = Content::of(body, self.content_type.clone()) {
            mistakes.push(["`", place, "`: ", &problem].concat());
        }
        check(place, body, mistakes);
    }
}

fn number(value: Json<'_>, mistakes: &mut Vec<String>) -> u16 {
    let status = value.text().parse().ok().filter(|status| (200..600).contains(status));
    status.unwrap_or_else(|| {
        mistakes.push("`status` must be a number from 200 to 599".into());
        200
    })
}

fn string(option: &str, value: Json<'_>, mistakes: &mut Vec<String>) -> Option<String> {
    let string = value.string();
    if string.is_none() {
        mistakes.push(["`", option, "` must be a string"].concat());
    }
    string
}

fn table<'a>(option: &str, value: Json<'a>, mistakes: &mut Vec<String>) -> Json<'a> {
    if value.sigil() != b'{' {
        mistakes.push(["`", option, "` must be a table"].concat());
    }
    value
}

/// Names each string of a body, at any depth, that is no template.
fn check(place: &str, node: Json<'_>, mistakes: &mut Vec<String>) {
    match node.sigil() {
        b'{' => {
            for (name, value) in node.members() {
                check(&[place, ".", &name].concat(), value, mistakes);
            }
        }
        b'[' => {
            for (index, item) in node.items().enumerate() {
                check(&[place, "[", &index.to_string(), "]"].concat(), item, mistakes);
            }
        }
        b'"' => check_text(place, &node.string().unwrap_or_default(), mistakes),
        _ => {}
    }
}

fn check_text(place: &str, text: &str, mistakes: &mut Vec<String>) {
    if let Err(problem) = template::check(text, &[]) {
        mistakes.push(["`", place, "` is a text of which ", &problem].concat());
    }
}
