//! Builds a new JSON document out of the event: the configured one, with the holes in its strings filled in.

use hookyard_plugin::json::Json;
use hookyard_plugin::{Event, Failure, Verdict, config, output, plugin, template};

plugin!(process);

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let options = config::text();
    let (mut fields, mut content_type) = (None, "application/json".to_string());
    for (name, value) in Json::new(&options).members() {
        match (name.as_str(), value.string()) {
            ("fields", None) if value.sigil() == b'{' => fields = Some(value),
            ("fields", _) => return Err(Failure::permanent("config: `fields` must be a table")),
            ("content_type", Some(text)) => content_type = text,
            ("content_type", None) => {
                return Err(Failure::permanent("config: `content_type` must be a string"));
            }
            _ => {
                let known = "the options are fields, content_type";
                return Err(Failure::permanent(["config: `", &name, "` is not an option; ", known].concat()));
            }
        }
    }
    let fields =
        fields.ok_or_else(|| Failure::permanent("config: `fields`, the document to build, is missing"))?;
    output::set_body(template::document(&event, fields)?);
    output::set_header("content-type", content_type);
    Ok(Verdict::Forward)
}
