//! What a call asks to be changed.

use bytes::Bytes;
use hookyard_wit::v0_1::hookyard::plugin::{output, types};

use crate::delivery::Reply;
use crate::event::{Edit, Headers};
use crate::plugin::{Edits, EmittedMessage, Fault, FaultKind};

use super::Host;

impl Host {
    /// Records a request for change, unless that is too much.
    fn edit(&mut self, record: impl FnOnce(&mut Edits)) -> wasmtime::Result<()> {
        let before = self.edits.bytes();
        record(&mut self.edits);
        self.pass(self.edits.bytes().saturating_sub(before))?;
        match self.edits.excess(self.outfit.limits.output) {
            Some(message) => Err(Fault { kind: FaultKind::InvalidOutput, message }.into()),
            None => Ok(()),
        }
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
pub(in super::super) fn reply(response: types::Response) -> Result<Reply, String> {
    if !(200..=599).contains(&response.status) {
        return Err(format!("{} is not the status of an answer", response.status));
    }
    let mut headers = Headers::new();
    for header in response.headers {
        headers.set(&header.name, &header.value).map_err(|error| error.to_string())?;
    }
    Ok(Reply { status: response.status, headers, body: response.body.into() })
}
