//! The plugin's table in the configuration.

use hookyard_plugin::Failure;
use hookyard_plugin::json::Json;

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
    /// Reads the table's JSON text. An unknown option is an error, so that a misspelt one is not silently the default.
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let (mut status, mut content_type, mut body, mut by, mut cases) = (200, None, None, None, None);
        for (name, value) in Json::new(text).members() {
            match name.as_str() {
                "status" => status = number(value)?,
                "content_type" => content_type = Some(string("content_type", value)?),
                "body" => body = Some(value),
                "by" => by = Some(string("by", value)?),
                "cases" if value.sigil() == b'{' => cases = Some(value),
                "cases" => return Err(Failure::permanent("config: `cases` must be a table")),
                _ => {
                    let known = "the options are status, content_type, body, by, cases";
                    return Err(Failure::permanent(
                        ["config: `", &name, "` is not an option; ", known].concat(),
                    ));
                }
            }
        }
        if by.is_some() != cases.is_some() {
            return Err(Failure::permanent("config: `by` and `cases` need each other"));
        }
        let body = body.ok_or_else(|| Failure::permanent("config: `body`, what to answer, is missing"))?;
        Ok(Options { status, content_type, body, by, cases: cases.unwrap_or(Json::new("{}")) })
    }

    /// The body of the case of this name, or else the usual one. People write it, so capitals and spaces around it do
    /// not count.
    pub fn case(&self, name: &str) -> Json<'a> {
        let case = self.cases.members().find(|(case, _)| case.trim().eq_ignore_ascii_case(name.trim()));
        case.map_or(self.body, |(_, body)| body)
    }
}

fn number(value: Json<'_>) -> Result<u16, Failure> {
    let status = value.text().parse().ok().filter(|status| (200..600).contains(status));
    status.ok_or_else(|| Failure::permanent("config: `status` must be a number from 200 to 599"))
}

fn string(option: &str, value: Json<'_>) -> Result<String, Failure> {
    value.string().ok_or_else(|| Failure::permanent(["config: `", option, "` must be a string"].concat()))
}
