//! The functions that a guest calls. Contract types are converted here and travel no further.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hookyard_wit::v0_1::hookyard::plugin::{config, events, logging, output, types};
use hookyard_wit::v0_1::verifier::hookyard::plugin::secrets;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::delivery::Reply;
use crate::event::{Document, Edit, Headers, Kind, Node};
use crate::plugin::{Call, Edits, EmittedMessage, Fault, FaultKind, GrantedSecrets, OutputLimits};

use super::limits::{Deadline, Memory};

/// Log lines of one call; further ones are counted.
const MAX_LOG_LINES: u32 = 64;

/// Characters of a log line; the rest is cut.
const MAX_LOG_LINE: usize = 2048;

/// What belongs to one store.
pub(super) struct Host {
    plugin: Arc<str>,
    config: Arc<Document>,
    secrets: Arc<GrantedSecrets>,
    output_limits: OutputLimits,
    pub(super) memory: Memory,
    pub(super) deadline: Deadline,
    /// The number of the current call, which an event handle must carry: one kept from an earlier call is refused.
    sequence: u32,
    call: Option<Call>,
    edits: Edits,
    log_lines: u32,
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
}

impl Host {
    pub(super) fn new(
        plugin: Arc<str>,
        config: Arc<Document>,
        secrets: Arc<GrantedSecrets>,
        output_limits: OutputLimits,
        memory: Memory,
        deadline: Deadline,
    ) -> Self {
        Host {
            plugin,
            config,
            secrets,
            output_limits,
            memory,
            deadline,
            sequence: 0,
            call: None,
            edits: Edits::default(),
            log_lines: 0,
            wasi: None,
        }
    }

    /// Makes a call's event visible and hands out its handle.
    pub(super) fn begin(&mut self, call: Call) -> Resource<events::Event> {
        self.sequence = self.sequence.wrapping_add(1);
        self.deadline.reset();
        self.call = Some(call);
        self.edits = Edits::default();
        self.log_lines = 0;
        Resource::new_own(self.sequence)
    }

    /// Takes back the call and what was asked for.
    pub(super) fn end(&mut self) -> Option<(Call, Edits)> {
        if self.log_lines > MAX_LOG_LINES {
            let dropped = self.log_lines - MAX_LOG_LINES;
            tracing::warn!(target: "hookyard::plugin", plugin = &*self.plugin, dropped, "further log lines were dropped");
        }
        let edits = std::mem::take(&mut self.edits);
        self.call.take().map(|call| (call, edits))
    }

    fn call(&self, handle: &Resource<events::Event>) -> wasmtime::Result<&Call> {
        match &self.call {
            Some(call) if handle.rep() == self.sequence => Ok(call),
            _ => Err(denied("it used an event of an earlier call")),
        }
    }

    fn json(
        &self,
        handle: &Resource<events::Event>,
        pointer: &str,
    ) -> wasmtime::Result<Option<(&Document, &Node)>> {
        let Ok(document) = self.call(handle)?.message.body.json() else { return Ok(None) };
        Ok(document.find(pointer).map(|node| (document, node)))
    }

    /// Records a request for change, unless that is too much.
    fn edit(&mut self, record: impl FnOnce(&mut Edits)) -> wasmtime::Result<()> {
        record(&mut self.edits);
        match self.edits.excess(self.output_limits) {
            Some(message) => Err(Fault { kind: FaultKind::InvalidOutput, message }.into()),
            None => Ok(()),
        }
    }
}

fn denied(message: &str) -> wasmtime::Error {
    Fault { kind: FaultKind::Denied, message: message.to_owned() }.into()
}

fn lossy(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl types::Host for Host {}

impl events::Host for Host {}

impl events::HostEvent for Host {
    fn id(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.id.to_string())
    }

    fn source(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.source.to_string())
    }

    fn kind(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.kind.clone())
    }

    fn received_at(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<i64> {
        Ok(self.call(&handle)?.event.received_at)
    }

    fn method(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.method.clone())
    }

    fn path(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.path.clone())
    }

    fn query(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        Ok(self.call(&handle)?.event.query.clone())
    }

    fn header(&mut self, handle: Resource<events::Event>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.call(&handle)?.message.headers.first(&name).map(lossy))
    }

    fn headers(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<Vec<types::Header>> {
        let headers = &self.call(&handle)?.message.headers;
        let header =
            |(name, value): (&str, &Bytes)| types::Header { name: name.to_owned(), value: lossy(value) };
        Ok(headers.iter().map(header).collect())
    }

    fn attribute(
        &mut self,
        handle: Resource<events::Event>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.call(&handle)?.message.attribute(&name).map(str::to_owned))
    }

    fn body_length(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.call(&handle)?.message.body.bytes().len()).unwrap_or(u32::MAX))
    }

    fn body(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.call(&handle)?.message.body.bytes().to_vec())
    }

    fn body_range(
        &mut self,
        handle: Resource<events::Event>,
        offset: u32,
        length: u32,
    ) -> wasmtime::Result<Vec<u8>> {
        let bytes = self.call(&handle)?.message.body.bytes();
        let start = (offset as usize).min(bytes.len());
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn json_kind(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<events::JsonKind> {
        if self.call(&handle)?.message.body.json().is_err() {
            return Ok(events::JsonKind::Invalid);
        }
        Ok(match self.json(&handle, &pointer)?.map(|(document, node)| document.kind(node)) {
            None => events::JsonKind::Absent,
            Some(Kind::Null) => events::JsonKind::Null,
            Some(Kind::Boolean) => events::JsonKind::Boolean,
            Some(Kind::Number) => events::JsonKind::Number,
            Some(Kind::Text) => events::JsonKind::String,
            Some(Kind::Array) => events::JsonKind::Array,
            Some(Kind::Object) => events::JsonKind::Object,
        })
    }

    fn json_string(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<String>> {
        let found = self.json(&handle, &pointer)?;
        Ok(found.and_then(|(document, node)| document.string(node)).map(Cow::into_owned))
    }

    fn json_integer(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<i64>> {
        Ok(self.json(&handle, &pointer)?.and_then(|(document, node)| document.integer(node)))
    }

    fn json_number(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<f64>> {
        Ok(self.json(&handle, &pointer)?.and_then(|(document, node)| document.number(node)))
    }

    fn json_boolean(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<bool>> {
        Ok(self.json(&handle, &pointer)?.and_then(|(document, node)| document.boolean(node)))
    }

    fn json_length(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<u32>> {
        let length = self.json(&handle, &pointer)?.and_then(|(document, node)| document.len(node));
        Ok(length.and_then(|length| u32::try_from(length).ok()))
    }

    fn json_source(
        &mut self,
        handle: Resource<events::Event>,
        pointer: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.json(&handle, &pointer)?.map(|(document, node)| document.text(node).to_owned()))
    }

    fn drop(&mut self, _handle: Resource<events::Event>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl output::Host for Host {
    fn set_header(&mut self, name: String, value: String) -> wasmtime::Result<()> {
        self.edit(|edits| edits.set_header(name, value))
    }

    fn remove_header(&mut self, name: String) -> wasmtime::Result<()> {
        self.edit(|edits| edits.remove_header(name))
    }

    fn set_body(&mut self, body: Vec<u8>) -> wasmtime::Result<()> {
        self.edit(|edits| edits.set_body(body))
    }

    fn json_set(&mut self, pointer: String, value: String) -> wasmtime::Result<()> {
        self.edit(|edits| edits.edit_json(Edit::Set { pointer, value }))
    }

    fn json_remove(&mut self, pointer: String) -> wasmtime::Result<()> {
        self.edit(|edits| edits.edit_json(Edit::Remove { pointer }))
    }

    fn set_attribute(&mut self, name: String, value: String) -> wasmtime::Result<()> {
        self.edit(|edits| edits.set_attribute(name, value))
    }

    fn send_to(&mut self, destinations: Vec<String>) -> wasmtime::Result<()> {
        self.edit(|edits| edits.send_to(destinations))
    }

    fn not_before(&mut self, delay_seconds: u32) -> wasmtime::Result<()> {
        self.edit(|edits| edits.not_before(delay_seconds))
    }

    fn emit(&mut self, message: output::Message) -> wasmtime::Result<()> {
        let headers = message.headers.into_iter().map(|header| (header.name, header.value)).collect();
        let body = Bytes::from(message.body);
        self.edit(|edits| edits.emit(EmittedMessage { destinations: message.destinations, headers, body }))
    }

    fn reply(&mut self, response: types::Response) -> wasmtime::Result<()> {
        match reply(response) {
            Ok(reply) => self.edit(|edits| edits.reply(reply)),
            Err(message) => Err(Fault { kind: FaultKind::InvalidOutput, message }.into()),
        }
    }
}

/// An answer to a sender, if it is one.
pub(super) fn reply(response: types::Response) -> Result<Reply, String> {
    if !(200..=599).contains(&response.status) {
        return Err(format!("{} is not the status of an answer", response.status));
    }
    let mut headers = Headers::new();
    for header in response.headers {
        headers.set(&header.name, &header.value).map_err(|error| error.to_string())?;
    }
    Ok(Reply { status: response.status, headers, body: response.body.into() })
}

impl logging::Host for Host {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines > MAX_LOG_LINES {
            return Ok(());
        }
        // Before it is cut, so that no part of a secret is left.
        let message = self.secrets.mask(message);
        let message: String = message.chars().take(MAX_LOG_LINE).flat_map(printable).collect();
        let plugin = &*self.plugin;
        let event = self.call.as_ref().map(|call| call.event.id.to_string()).unwrap_or_default();
        match level {
            logging::Level::Debug => tracing::debug!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Info => tracing::info!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Warn => tracing::warn!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Error => tracing::error!(target: "hookyard::plugin", plugin, event, "{message}"),
        }
        Ok(())
    }
}

/// A guest must not be able to write terminal control sequences or lines of its own into the log.
fn printable(character: char) -> impl Iterator<Item = char> {
    let escape = character.is_control();
    let escaped = escape.then(|| character.escape_default()).into_iter().flatten();
    escaped.chain((!escape).then_some(character))
}

impl config::Host for Host {
    fn get(&mut self, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.config.find(&pointer).map(|node| match self.config.string(node) {
            Some(text) => text.into_owned(),
            None => self.config.text(node).to_owned(),
        }))
    }

    fn text(&mut self) -> wasmtime::Result<String> {
        Ok(self.config.text(self.config.root()).to_owned())
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.secrets.value(&name).map(<[u8]>::to_vec))
    }
}

impl WasiView for Host {
    /// An empty world, made when a guest first looks at it.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| {
            let mut nothing = WasiCtxBuilder::new();
            nothing.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
            Box::new((nothing.build(), ResourceTable::new()))
        });
        WasiCtxView { ctx: &mut wasi.0, table: &mut wasi.1 }
    }
}
