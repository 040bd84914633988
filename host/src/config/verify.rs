//! `verify = { … }` of a source: a scheme in the words of the built-in providers, or a plugin.

use std::sync::Arc;

use super::Location;
use super::context::Kind;
use super::field::{Element, Field, Format, Shape};
use super::scheme::SCHEME;
use super::value::Value;

const PLUGIN: Field = Field::new(
    "plugin",
    Shape::Text(Format::free("the name of a plugin")),
    "A plugin that finds out whether requests are genuine, for senders that no scheme describes. It reads its secrets from \
     `[secrets]`, as far as `allow.secrets` of its table grants them. Stands alone.",
)
.example(r#""acme-auth""#);

const COUNT: usize = SCHEME.fields.len() + 1;

/// What a scheme has, and the plugin.
static FIELDS: [Field; COUNT] = {
    let mut fields = [PLUGIN; COUNT];
    let mut at = 0;
    while at < SCHEME.fields.len() {
        fields[at] = SCHEME.fields[at];
        at += 1;
    }
    fields
};

pub(super) static VERIFY: Element =
    Element { name: "scheme", doc: SCHEME.doc, fields: &FIELDS, instead: SCHEME.instead };

/// The plugin that is named, with the place of its name; None inside where it is a scheme.
pub(super) fn plugin(value: Value<'_>) -> Option<Option<(Arc<str>, Location)>> {
    let table = value.table_titled(value.key.to_owned())?;
    let Some(named) = table.get("plugin") else { return Some(None) };
    let plugin = named.reference(Kind::Plugin)?;
    if let Some(other) = table.present().find(|key| *key != "plugin") {
        return table
            .get(other)?
            .fail(format!("`{other}` has no effect beside `plugin`; remove one of them"));
    }
    Some(Some((plugin, named.at())))
}

#[cfg(test)]
mod tests {
    use super::super::{Verification, check};

    fn text(lines: &str) -> String {
        let plugins = "[plugins.auth]\npath = \"auth.wasm\"";
        format!("[sources.acme]\n{lines}\n{plugins}\n{}", check::ROUTE.replace("github", "acme"))
    }

    #[test]
    fn a_plugin_is_named_and_further_proofs_may_stand_beside_it() {
        for (lines, expected) in [
            ("verify = { plugin = \"auth\" }", 0),
            ("verify = { plugin = \"auth\" }\nrequire = [{ type = \"basic\", secret = { env = \"B\" } }]", 1),
        ] {
            let config = check::read(&text(lines)).unwrap();
            let source = &config.sources["acme"];
            let Verification::Plugin { plugin, at, require } = &source.verification else {
                panic!("{:?}", source.verification);
            };
            assert_eq!((&**plugin, require.len()), ("auth", expected));
            assert_eq!(at.to_string(), "config.toml:2:21");
            assert!(source.dedupe.is_some(), "what the plugin gives as the delivery's id counts");
            assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("verify = { plugin = \"auht\" }", "there is no plugin `auht`: did you mean `auth`?"),
            ("verify = { plugin = 1 }", "`plugin` cannot be an integer"),
            ("verify = { plugin = \"auth\", type = \"hmac\" }", "`type` has no effect beside `plugin`"),
            (
                "verify = { plugin = \"auth\" }\nsecret = { env = \"A\" }",
                "`secret` has no effect beside a plugin",
            ),
            (
                "verify = { plugin = \"auth\" }\ntolerance = \"5m\"",
                "`tolerance` has no effect beside a plugin",
            ),
        ] {
            check::fails(&text(lines), expected);
        }
    }
}
