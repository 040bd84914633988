//! What the command line says about an event and what stands around it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::super::given::{Header, header};
use super::super::super::operate::failed::Failed;
use super::case::{Case, Export, OneOrMore};
use super::stored;

/// One event and what stands around it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Options {
    /// The event: a sample such as `github.push`, a file with a body or a case (`-` is standard input), or the id of an
    /// event in the store
    #[arg(long, value_name = "SAMPLE|FILE|ID")]
    pub(in crate::cli::plugin) event: Option<String>,
    /// A setting of its table, by its dotted name or as a JSON pointer; the value is JSON, or else a text
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A secret that is granted
    #[arg(long = "secret", value_name = "NAME=VALUE", value_parser = pair)]
    secrets: Vec<(String, String)>,
    /// A value that is kept before the call
    #[arg(long = "kv", value_name = "KEY=VALUE", value_parser = pair)]
    kv: Vec<(String, String)>,
    /// An origin that may be sent requests to, such as `http://127.0.0.1:8080`; others are denied unless the case answers
    #[arg(long = "allow-http", value_name = "ORIGIN")]
    allow_http: Vec<String>,
    /// A header of the event, instead of what it has or beside it
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<Header>,
    /// The source that it comes from
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The type of the event
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// A destination of the route; may be given several times
    #[arg(long = "destination", value_name = "NAME")]
    destinations: Vec<String>,
    /// Which of its exports is called, where it has several
    #[arg(long, value_enum)]
    call: Option<Export>,
}

impl Options {
    /// The case that is described, of this event. Only an event of the store needs the configuration.
    pub(in crate::cli::plugin) fn case_of(&self, event: &str, config: &Path) -> Result<Case, Failed> {
        let mut case = named(event, config)?;
        self.apply(&mut case)?;
        Ok(case)
    }

    /// What is said on the command line counts more than what a case says.
    pub(super) fn apply(&self, case: &mut Case) -> Result<(), Failed> {
        for (at, value) in &self.settings {
            set(&mut case.config, at, value).map_err(Failed::usage)?;
        }
        case.secrets.extend(self.secrets.iter().cloned());
        case.allow_http.extend(self.allow_http.iter().map(|origin| origin.trim_end_matches('/').to_owned()));
        case.kv.extend(self.kv.iter().cloned());
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Header { name, value } in &self.headers {
            headers.entry(name.as_str().to_owned()).or_default().push(value.clone());
        }
        case.headers.extend(headers.into_iter().map(|(name, values)| (name, OneOrMore::More(values))));
        case.source = self.source.clone().or(case.source.take());
        case.kind = self.kind.clone().or(case.kind.take());
        case.call = self.call.or(case.call);
        if !self.destinations.is_empty() {
            case.destinations = Some(self.destinations.clone());
        }
        Ok(())
    }
}

/// An event by what is written for it: an id, a file, or a sample.
fn named(event: &str, config: &Path) -> Result<Case, Failed> {
    if let Ok(id) = event.parse::<Uuid>() {
        return stored::case(config, id);
    }
    let file = Path::new(event);
    if event == "-" || file.is_file() {
        return from_file(file, event == "-").map_err(|problem| Failed::usage(format!("{event}: {problem}")));
    }
    if event.contains('/') || !event.contains('.') || event.ends_with(".json") {
        return Err(Failed::usage(format!(
            "{event} is neither a file, nor the id of an event, nor a sample such as github.push"
        )));
    }
    Ok(Case { sample: Some(event.to_owned()), ..Case::default() })
}

/// A case, or else a body.
fn from_file(file: &Path, is_input: bool) -> Result<Case, String> {
    let bytes = if is_input {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|error| error.to_string())?;
    match String::from_utf8(bytes) {
        Ok(text) if Case::is_one(&text) && is_input => Case::parse(&text),
        Ok(text) if Case::is_one(&text) => Case::read(file),
        Ok(text) => Ok(body(text)),
        Err(error) => Ok(Case { base64: Some(base64(error.as_bytes())), ..Case::default() }),
    }
}

/// JSON is sent as such.
fn body(text: String) -> Case {
    let mut case = Case::default();
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        let json = "application/json".to_owned();
        case.headers.insert("content-type".to_owned(), OneOrMore::One(json));
    }
    Case { text: Some(text), ..case }
}

fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected a name and a value with `=` between them")?;
    match name {
        "" => Err("there is no name before the `=`".to_owned()),
        name => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Sets a value, and makes the tables that it stands in.
fn set(table: &mut Map<String, Value>, at: &str, value: &str) -> Result<(), String> {
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    let names: Vec<String> = match at.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect(),
        None => at.split('.').map(str::to_owned).collect(),
    };
    let Some((last, tables)) = names.split_last() else { return Ok(()) };
    let mut table = table;
    for name in tables {
        let inner = table.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        table = inner.as_object_mut().ok_or_else(|| format!("--set {at}: `{name}` is no table"))?;
    }
    table.insert(last.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_set_one_by_one() {
        let mut table = Map::new();
        for (at, value) in
            [("mask", "[\"/a\"]"), ("replacement", "***"), ("a.b", "1"), ("a.c", "x=y"), ("/d~1e", "null")]
        {
            set(&mut table, at, value).unwrap();
        }
        assert_eq!(
            Value::Object(table.clone()),
            json!({"mask": ["/a"], "replacement": "***", "a": {"b": 1, "c": "x=y"}, "d/e": null})
        );
        assert!(set(&mut table, "mask.x", "1").unwrap_err().contains("`mask` is no table"));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }
}
