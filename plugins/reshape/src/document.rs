//! The configured document: strings are templates, anything else stays what it is.

use hookyard_plugin::json::{Json, push_quoted};
use hookyard_plugin::{Event, Failure};

use crate::template;

/// Appends a node of the configured document with its templates filled in.
pub fn write(body: &mut String, event: &Event, node: Json<'_>) -> Result<(), Failure> {
    match node.sigil() {
        b'{' => {
            body.push('{');
            for (at, (name, value)) in node.members().enumerate() {
                body.push_str(if at > 0 { "," } else { "" });
                push_quoted(body, &name);
                body.push(':');
                write(body, event, value)?;
            }
            body.push('}');
        }
        b'[' => {
            body.push('[');
            for (at, item) in node.items().enumerate() {
                body.push_str(if at > 0 { "," } else { "" });
                write(body, event, item)?;
            }
            body.push(']');
        }
        b'"' => template::write(body, event, &node.string().unwrap_or_default())?,
        _ => body.push_str(node.text()),
    }
    Ok(())
}
