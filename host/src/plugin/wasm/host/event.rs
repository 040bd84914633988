//! The event of a call, read lazily.

use std::borrow::Cow;

use bytes::Bytes;
use hookyard_wit::v0_1::hookyard::plugin::{events, types};
use wasmtime::component::Resource;

use crate::event::{Document, Kind, Node};
use crate::plugin::Call;

use super::{Host, denied};

impl Host {
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
}

fn lossy(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl types::Host for Host {}

impl events::Host for Host {}

impl events::HostEvent for Host {
    fn id(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let id = self.call(&handle)?.event.id.to_string();
        self.passing(id)
    }

    fn source(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let source = self.call(&handle)?.event.source.to_string();
        self.passing(source)
    }

    fn kind(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let kind = self.call(&handle)?.event.kind.clone();
        self.passing(kind)
    }

    fn received_at(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<i64> {
        Ok(self.call(&handle)?.event.received_at)
    }

    fn method(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let method = self.call(&handle)?.event.method.clone();
        self.passing(method)
    }

    fn path(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let path = self.call(&handle)?.event.path.clone();
        self.passing(path)
    }

    fn query(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<String> {
        let query = self.call(&handle)?.event.query.clone();
        self.passing(query)
    }

    fn header(&mut self, handle: Resource<events::Event>, name: String) -> wasmtime::Result<Option<String>> {
        let value = self.call(&handle)?.message.headers.first(&name).map(lossy);
        self.passing(value)
    }

    fn headers(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<Vec<types::Header>> {
        let headers = &self.call(&handle)?.message.headers;
        let header =
            |(name, value): (&str, &Bytes)| types::Header { name: name.to_owned(), value: lossy(value) };
        let headers: Vec<_> = headers.iter().map(header).collect();
        self.passing(headers)
    }

    fn attribute(
        &mut self,
        handle: Resource<events::Event>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        let value = self.call(&handle)?.message.attribute(&name).map(str::to_owned);
        self.passing(value)
    }

    fn body_length(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.call(&handle)?.message.body.bytes().len()).unwrap_or(u32::MAX))
    }

    fn body(&mut self, handle: Resource<events::Event>) -> wasmtime::Result<Vec<u8>> {
        let body = self.call(&handle)?.message.body.bytes().clone();
        self.pass(body.len())?;
        Ok(body.to_vec())
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
        let bytes = bytes.slice(start..end);
        self.pass(bytes.len())?;
        Ok(bytes.to_vec())
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
        let text = found.and_then(|(document, node)| document.string(node)).map(Cow::into_owned);
        self.passing(text)
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
        let found = self.json(&handle, &pointer)?;
        let text = found.map(|(document, node)| document.text(node).to_owned());
        self.passing(text)
    }

    fn drop(&mut self, _handle: Resource<events::Event>) -> wasmtime::Result<()> {
        Ok(())
    }
}
