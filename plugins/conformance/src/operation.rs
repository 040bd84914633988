//! The host's functions, an operation each.

use std::time::Duration;

use hookyard_plugin::output::{self, Message};
use hookyard_plugin::{Event, Response, config, http, kv, log, metrics, secrets};

use super::step::Step;
use super::text;

/// Calls a function of the host and says what it returned; None for what is no operation.
pub fn perform(operation: &str, step: &Step, event: &Event) -> Option<String> {
    read(operation, step, event)
        .or_else(|| edit(operation, step, event))
        .or_else(|| reach(operation, step, event))
}

/// What the event has.
fn read(operation: &str, step: &Step, event: &Event) -> Option<String> {
    let pointer = || step.text("pointer");
    let name = || step.text("name");
    Some(match operation {
        "id" => event.id(),
        "source" => event.source(),
        "kind" => event.kind(),
        "received-at" => event.received_at().to_string(),
        "method" => event.method(),
        "path" => event.path(),
        "query" => event.query(),
        "header" => text::option(event.header(&name())),
        "headers" => text::headers(&event.headers()),
        "attribute" => text::option(event.attribute(&name())),
        "body-length" => event.body_length().to_string(),
        "body" => text::bytes(&event.body()),
        "body-range" => text::bytes(&event.body_range(step.number("offset", 0), step.number("length", 0))),
        "json-kind" => text::kind(event.json_kind(&pointer())),
        "json-string" => text::option(event.json_string(&pointer())),
        "json-integer" => text::option(event.json_integer(&pointer()).map(|number| number.to_string())),
        "json-number" => text::option(event.json_number(&pointer()).map(text::double)),
        "json-boolean" => text::option(event.json_boolean(&pointer()).map(|truth| truth.to_string())),
        "json-length" => text::option(event.json_length(&pointer()).map(|length| length.to_string())),
        "json-source" => text::option(event.json_source(&pointer())),
        _ => return None,
    })
}

/// What leaves.
fn edit(operation: &str, step: &Step, event: &Event) -> Option<String> {
    let name = || step.text("name");
    let value = || step.value().unwrap_or_default();
    match operation {
        "set-header" => output::set_header(name(), value()),
        "remove-header" => output::remove_header(name()),
        "set-body" => output::set_body(step.bytes(event)),
        "json-set" => output::json_set(step.text("pointer"), value()),
        "json-remove" => output::json_remove(step.text("pointer")),
        "set-attribute" => output::set_attribute(name(), value()),
        "send-to" => output::send_to(step.names()),
        "not-before" => output::not_before(Duration::from_secs(step.number("seconds", 0).into())),
        "emit" => output::emit(Message {
            destinations: step.names(),
            headers: step.headers(),
            body: step.bytes(event),
        }),
        "reply" => {
            let status = u16::try_from(step.number("status", 0)).expect("a status");
            output::reply(Response { status, headers: step.headers(), body: step.bytes(event) });
        }
        _ => return None,
    }
    Some(text::nothing())
}

/// What lies beyond the event.
fn reach(operation: &str, step: &Step, event: &Event) -> Option<String> {
    let key = || step.text("key");
    let name = || step.text("name");
    Some(match operation {
        "log" => {
            write_log(&step.text("level"), &step.value().unwrap_or_default());
            text::nothing()
        }
        "config-get" => text::option(config::get(step.text("pointer"))),
        "config-text" => config::text(),
        "secret" => text::option(secrets::get(name()).map(|value| text::bytes(&value))),
        "kv-get" => {
            text::kept(kv::get(key()).map(|value| text::option(value.map(|value| text::bytes(&value)))))
        }
        "kv-set" => text::kept(kv::set(key(), step.bytes(event), ttl(step)).map(|()| text::nothing())),
        "kv-remove" => text::kept(kv::remove(key()).map(|()| text::nothing())),
        "kv-increment" => {
            text::kept(kv::increment(key(), step.delta(), ttl(step)).map(|sum| sum.to_string()))
        }
        "kv-compare-and-set" => {
            let expected = step.argument("expected");
            let expected = expected.as_deref().map(str::as_bytes);
            let done = kv::compare_and_set(key(), expected, step.bytes(event), ttl(step));
            text::kept(done.map(|done| done.to_string()))
        }
        "count" => {
            metrics::count(name(), step.number("delta", 0));
            text::nothing()
        }
        "observe" => {
            metrics::observe(name(), step.double());
            text::nothing()
        }
        "send" => text::answered(request(step, event).send()),
        _ => return None,
    })
}

/// 0 is the contract's word for no end.
fn ttl(step: &Step) -> Option<Duration> {
    match step.number("ttl", 0) {
        0 => None,
        seconds => Some(Duration::from_secs(seconds.into())),
    }
}

fn request(step: &Step, event: &Event) -> http::Request {
    let mut request = http::request(step.text("method"), step.text("url")).body(step.bytes(event));
    for header in step.headers() {
        request = request.header(header.name, header.value);
    }
    match step.number("timeout", 0) {
        0 => request,
        milliseconds => request.timeout(Duration::from_millis(milliseconds.into())),
    }
}

fn write_log(level: &str, message: &str) {
    match level {
        "debug" => log::debug(message),
        "info" => log::info(message),
        "warn" => log::warn(message),
        "error" => log::error(message),
        level => panic!("{level} is no level"),
    }
}
