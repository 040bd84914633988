//! A case: an event, and what stands around it. Written by hand as a file, or put together from the command line.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::config::{PluginLimits, duration, size};

/// Every key of a case file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::cli::plugin) struct Case {
    /// For people.
    pub(super) about: String,
    /// A built-in sample, such as `github.push`.
    pub(super) sample: Option<String>,
    /// JSON, taken as it stands in the file.
    pub(super) body: Option<Box<RawValue>>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
    /// Beside the case.
    pub(super) file: Option<PathBuf>,
    /// Set over those of the sample.
    pub(super) headers: BTreeMap<String, OneOrMore>,
    pub(super) kind: Option<String>,
    pub(super) source: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) query: Option<String>,
    pub(super) id: Option<uuid::Uuid>,
    /// As in RFC 3339.
    pub(super) received_at: Option<String>,
    /// As plugins before would have set them.
    pub(super) attributes: BTreeMap<String, String>,
    /// Of the route.
    pub(super) destinations: Option<Vec<String>>,
    /// The plugin's table.
    pub(super) config: Map<String, Value>,
    /// Granted, with these values.
    pub(super) secrets: BTreeMap<String, String>,
    /// What is kept before the call.
    pub(super) kv: BTreeMap<String, String>,
    /// Answers in place of a network.
    pub(super) http: Vec<Answer>,
    /// Origins that may be sent requests to; only the command line says.
    #[serde(skip)]
    pub(super) allow_http: Vec<String>,
    pub(super) limits: Limits,
    /// Which attempt of a delivery it is, for sinks.
    pub(super) attempt: Option<u32>,
    /// Which of its exports is called, where it has several.
    pub(super) call: Option<Export>,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Export {
    /// As a route does
    Handler,
    /// As a source does
    Verification,
    /// As a destination does
    Delivery,
}

/// One value of a header, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The answer to a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answer {
    pub(super) url: String,
    /// Any, unless given.
    pub(super) method: Option<String>,
    /// 200, unless given.
    pub(super) status: Option<u16>,
    pub(super) headers: BTreeMap<String, OneOrMore>,
    pub(super) body: Option<Box<RawValue>>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
    /// Why there is none.
    pub(super) error: Option<NoAnswer>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NoAnswer {
    Timeout,
    TooLarge,
    Failed,
}

/// As in the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    cpu: Option<String>,
    time: Option<String>,
    memory: Option<String>,
    output: Option<String>,
    messages: Option<usize>,
    kv: Option<String>,
    kv_keys: Option<u64>,
    http_calls: Option<u32>,
    http_response: Option<String>,
}

impl Case {
    /// Reads a file; a body that it names is beside it.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let mut case = Case::parse(&text)?;
        if let (Some(body), Some(directory)) = (&mut case.file, file.parent()) {
            *body = directory.join(&*body);
        }
        Ok(case)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let case = Case::parse_anywhere(text)?;
        match &case.file {
            Some(file) if !is_beside(file) => Err(format!(
                "`file` = {file:?} is elsewhere: a case names a file in its own folder or below, without `..`"
            )),
            _ => Ok(case),
        }
    }

    /// Whatever file it names.
    fn parse_anywhere(text: &str) -> Result<Self, String> {
        let case: Case = serde_json::from_str(text).map_err(|error| error.to_string())?;
        case.http.iter().try_for_each(|answer| answer.content().map(drop))?;
        match case.bodies() {
            1 => Ok(case),
            0 if case.sample.is_some() => Ok(case),
            0 => Err("it has no event: give `sample`, `body`, `text`, `base64` or `file`".to_owned()),
            _ => Err("it has several bodies: give one of `body`, `text`, `base64` and `file`".to_owned()),
        }
    }

    /// Whether a text is a case rather than a body: it has nothing but keys of a case, and more than a body alone would
    /// have that happens to look like one.
    pub(super) fn is_one(text: &str) -> bool {
        let members = serde_json::from_str::<Map<String, Value>>(text).map_or(0, |members| members.len());
        match Case::parse_anywhere(text) {
            Ok(case) => members > 1 || case.text.is_none(),
            Err(_) => false,
        }
    }

    fn bodies(&self) -> usize {
        let given = [self.body.is_some(), self.text.is_some(), self.base64.is_some(), self.file.is_some()];
        given.into_iter().filter(|given| *given).count()
    }

    /// The body, if it is not the sample's.
    pub(super) fn content(&self) -> Result<Option<Bytes>, String> {
        if let Some(file) = &self.file {
            let read = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            return Ok(Some(read.into()));
        }
        content(self.body.as_deref(), self.text.as_deref(), self.base64.as_deref())
    }

    /// The limits of the call.
    pub(in crate::cli::plugin) fn limits(&self) -> Result<PluginLimits, String> {
        let usual = PluginLimits::default();
        let Limits { cpu, time, memory, output, messages, kv, kv_keys, http_calls, http_response } =
            &self.limits;
        let span = |name: &str, text: &Option<String>| {
            let read = text.as_ref().map(|text| duration(text).ok_or_else(|| unreadable(name, text)));
            read.transpose()
        };
        let bytes = |name: &str, text: &Option<String>| {
            let read = text.as_ref().map(|text| size(text).ok_or_else(|| unreadable(name, text)));
            read.transpose().map(|bytes| bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)))
        };
        Ok(PluginLimits {
            cpu: span("cpu", cpu)?.unwrap_or(usual.cpu),
            time: span("time", time)?,
            memory: bytes("memory", memory)?.unwrap_or(usual.memory),
            output: bytes("output", output)?.unwrap_or(usual.output),
            messages: messages.unwrap_or(usual.messages),
            kv: bytes("kv", kv)?.map_or(usual.kv, |bytes| bytes as u64),
            kv_keys: kv_keys.unwrap_or(usual.kv_keys),
            http_calls: http_calls.unwrap_or(usual.http_calls),
            http_response: bytes("http_response", http_response)?.unwrap_or(usual.http_response),
            ..usual
        })
    }
}

impl Answer {
    /// Its body.
    pub(super) fn content(&self) -> Result<Bytes, String> {
        let content = content(self.body.as_deref(), self.text.as_deref(), self.base64.as_deref())?;
        Ok(content.unwrap_or_default())
    }
}

impl OneOrMore {
    pub(super) fn values(&self) -> &[String] {
        match self {
            OneOrMore::One(value) => std::slice::from_ref(value),
            OneOrMore::More(values) => values,
        }
    }
}

fn content(
    json: Option<&RawValue>,
    text: Option<&str>,
    base64: Option<&str>,
) -> Result<Option<Bytes>, String> {
    Ok(match (json, text, base64) {
        (Some(json), ..) => Some(Bytes::copy_from_slice(json.get().as_bytes())),
        (_, Some(text), _) => Some(Bytes::copy_from_slice(text.as_bytes())),
        (.., Some(text)) => {
            let bytes = BASE64_STANDARD.decode(text).map_err(|error| format!("`base64`: {error}"))?;
            Some(bytes.into())
        }
        (None, None, None) => None,
    })
}

/// Whether a path leads nowhere but into the folder that it starts from. Cases come with plugins of others, and what a body
/// is ends up in what is expected.
fn is_beside(file: &Path) -> bool {
    file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn unreadable(name: &str, text: &str) -> String {
    format!("`limits.{name}` = {text:?} cannot be read; write it as in the configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_taken_as_it_stands() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let content = Case::parse(text).and_then(|case| case.content());
            match (content, expected) {
                (Ok(Some(content)), Ok(expected)) => assert_eq!(content, expected.as_bytes(), "{text}"),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text}: {problem}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check(r#"{"body": {"b": 1.50,  "a": "\u00e9"}}"#, Ok(r#"{"b": 1.50,  "a": "\u00e9"}"#));
        check(r#"{"body": "text"}"#, Ok(r#""text""#));
        check(r#"{"text": "plain"}"#, Ok("plain"));
        check(r#"{"base64": "AAEC"}"#, Ok("\0\u{1}\u{2}"));
        check(r#"{"base64": "?"}"#, Err("base64"));
        check(r#"{"config": {}}"#, Err("it has no event"));
        check(r#"{"text": "", "body": 1}"#, Err("several bodies"));
        check(r#"{"text": "", "http": [{"url": "x", "base64": "?"}]}"#, Err("base64"));
        check(r#"{"bodi": {}}"#, Err("unknown field `bodi`"));
        check(r#"{"file": "nowhere"}"#, Err("nowhere"));
    }

    #[test]
    fn a_file_is_beside_its_case() {
        let folder = tempfile::tempdir().unwrap();
        let cases = folder.path().join("tests");
        std::fs::create_dir_all(cases.join("bodies")).unwrap();
        for file in ["outside", "tests/one", "tests/bodies/..two"] {
            std::fs::write(folder.path().join(file), file).unwrap();
        }
        let check = |named: &str, expected: Result<&str, &str>| {
            let case = cases.join("case.json");
            std::fs::write(&case, serde_json::json!({"kind": "x", "file": named}).to_string()).unwrap();
            let content = Case::read(&case).and_then(|case| case.content());
            match (content, expected) {
                (Ok(Some(content)), Ok(expected)) => assert_eq!(content, expected.as_bytes(), "{named}"),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{named}: {problem}"),
                (found, _) => panic!("{named}: {found:?}"),
            }
            let text = std::fs::read_to_string(&case).unwrap();
            assert!(Case::is_one(&text), "{named}: it is refused as a case, and not taken as a body");
        };
        check("one", Ok("tests/one"));
        check("./one", Ok("tests/one"));
        check("bodies/..two", Ok("tests/bodies/..two"));
        check("../outside", Err("a case names a file in its own folder"));
        check("bodies/../../outside", Err("a case names a file in its own folder"));
        check("bodies/../one", Err("a case names a file in its own folder"));
        check(&folder.path().join("outside").display().to_string(), Err("is elsewhere"));
        check("/etc/hostname", Err("is elsewhere"));
    }

    #[test]
    fn a_body_that_looks_like_a_case_is_a_body() {
        for (text, expected) in [
            (r#"{"body": {}}"#, true),
            (r#"{"sample": "github.push", "config": {}}"#, true),
            (r#"{"text": "hello", "kind": "greeting"}"#, true),
            (r#"{"text": "hello"}"#, false),
            (r#"{"text": "hello", "channel": "ops"}"#, false),
            (r#"{"id": 7}"#, false),
            ("[]", false),
            ("a=b", false),
        ] {
            assert_eq!(Case::is_one(text), expected, "{text}");
        }
    }

    #[test]
    fn limits_are_those_of_the_configuration() {
        let limits = |text: &str| Case::parse(text).and_then(|case| case.limits());
        let some =
            limits(r#"{"text": "", "limits": {"cpu": "1s", "memory": "1MiB", "messages": 3}}"#).unwrap();
        assert_eq!((some.cpu.as_millis(), some.memory, some.messages), (1_000, 1 << 20, 3));
        assert_eq!(limits(r#"{"text": ""}"#).unwrap(), PluginLimits::default());
        assert!(limits(r#"{"text": "", "limits": {"cpu": "soon"}}"#).unwrap_err().contains("limits.cpu"));
    }
}
