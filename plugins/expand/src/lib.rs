//! Sends the items of a list one by one, each with what another service knows about it.
//!
//! What that service answered is kept for a while, so that a hundred orders of one product ask once.

mod options;

use hookyard_plugin::json::quote;
use hookyard_plugin::output::{self, Message};
use hookyard_plugin::{Event, Failure, Header, JsonKind, Verdict, http, kv, plugin};

use options::Options;

plugin!(process);

pub fn process(event: Event) -> Result<Verdict, Failure> {
    let options = Options::read()?;
    if event.json_kind(&options.items) != JsonKind::Array {
        return Err(Failure::permanent(["the body has no list at ", &quote(&options.items)].concat()));
    }
    let length = event.json_length(&options.items).unwrap_or(0);
    if length == 0 {
        return Ok(Verdict::Discard("nothing to expand".into()));
    }
    for number in 0..length {
        let place = [&options.items, "/", &number.to_string()].concat();
        let key = key(&event, &[&place, &*options.key].concat())?;
        let found = find(&options, &key)?;
        let item = event.json_source(&place).unwrap_or_default();
        output::emit(Message {
            destinations: Vec::new(),
            headers: vec![Header { name: "content-type".into(), value: "application/json".into() }],
            body: [b"{\"item\":", item.as_bytes(), b",\"found\":", &found, b"}"].concat(),
        });
    }
    Ok(Verdict::Forward)
}

/// By what an item is looked up: a string as it is, a number as it is written.
fn key(event: &Event, pointer: &str) -> Result<String, Failure> {
    let key = match event.json_kind(pointer) {
        JsonKind::String => event.json_string(pointer),
        JsonKind::Number => event.json_source(pointer),
        _ => None,
    };
    key.ok_or_else(|| Failure::permanent(["the body has no string or number at ", &quote(pointer)].concat()))
}

/// What is known about a key, as JSON: from the store, else from the service. The store is there to save requests, so that
/// the plugin works without it.
fn find(options: &Options, key: &str) -> Result<Vec<u8>, Failure> {
    if let Ok(Some(kept)) = kv::get(key) {
        return Ok(kept);
    }
    let answer = http::get(options.url.replace("{}", &http::encode(key))).send()?;
    let found = match answer.status {
        200 => answer.body,
        404 => b"null".to_vec(),
        status => {
            let status = status.to_string();
            return Err(Failure::retryable(
                ["the lookup of ", &quote(key), " was answered ", &status].concat(),
            ));
        }
    };
    // What cannot be kept is asked for again.
    let _ = kv::set(key, &found, options.ttl);
    Ok(found)
}
