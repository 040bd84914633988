//! Plugins without a gateway: loaded and called on this thread, with the limits that hostile guests are written for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookyard::delivery::KvUsage;
use hookyard::event::{Body, Event, EventId, Headers};
use hookyard::plugin::wasm::{
    Component, Grants, Instances, Limits, LoadError, Plugin, PluginSettings, Runtime, read,
};
use hookyard::plugin::{
    Call, Chain, Exchange, Fault, HttpError, HttpRequest, HttpResponse, Kept, KeptValue, KvGrant, Outbound,
    Output, OutputLimits, Processor as _, Unavailable,
};
use uuid::Uuid;

use crate::corpus::payload;

/// What a plugin may use and reach.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Processor time of a call.
    pub cpu: Duration,
    /// Whether it is granted values, metrics and requests besides a secret.
    pub granted: bool,
}

impl Terms {
    /// Lines of a plugin's table that say what [`Workbench`] does, with requests to a port of this machine that are granted
    /// by their origin and not by their address.
    pub fn lines(self) -> String {
        let cpu = self.cpu.as_millis();
        let more =
            if self.granted { r#", kv = true, metrics = true, http = ["http://127.0.0.1:9"]"# } else { "" };
        format!(
            r#"limits = {{ cpu = "{cpu}ms", time = "20s", memory = "8MiB", output = "1MiB", messages = 1000, kv = "1MiB", kv_keys = {MAX_KEYS} }}
config = {{ a = [{{ b = {{ c = "x" }} }}] }}
allow = {{ secrets = ["token"]{more} }}
"#
        )
    }
}

/// Keys that a plugin may keep.
const MAX_KEYS: u64 = 100;

/// Memory that the engines have room for.
const ROOM: usize = 64 << 20;

/// An engine, and an event to call plugins with.
pub struct Workbench {
    runtime: Runtime,
    event: Arc<Event>,
    destinations: Arc<[Arc<str>]>,
}

impl Workbench {
    /// With one thread's worth of everything.
    pub fn open() -> Self {
        Workbench {
            runtime: Runtime::new(1, ROOM).expect("an engine"),
            event: Arc::new(event()),
            destinations: Arc::new(["sink".into()]),
        }
    }

    /// Compiles what stands at a path, as a generation does.
    pub fn compile(&self, path: &Path) -> Result<Component, LoadError> {
        Component::load(&self.runtime, read(path)?, None)
    }

    /// Loads a file's content.
    pub fn load(&self, bytes: Vec<u8>, terms: Terms) -> Result<Plugin, LoadError> {
        self.plugin(&Component::load(&self.runtime, bytes, None)?, terms, Instances::Fresh)
    }

    /// Makes a plugin of a component.
    pub fn plugin(
        &self,
        component: &Component,
        terms: Terms,
        instances: Instances,
    ) -> Result<Plugin, LoadError> {
        Plugin::new(&self.runtime, component, settings(terms, instances))
    }

    /// Makes one call.
    pub fn call(&self, plugin: &Plugin) -> Result<Output, Fault> {
        let call = Call {
            event: self.event.clone(),
            message: self.event.message(),
            destinations: self.destinations.clone(),
        };
        plugin.process(call, &mut Chain::of_run(Arc::new(Empty)))
    }
}

fn settings(terms: Terms, instances: Instances) -> PluginSettings {
    let Terms { cpu, granted } = terms;
    let kv = KvGrant { namespace: "guest".into(), most: KvUsage { keys: MAX_KEYS, bytes: 1 << 20 } };
    PluginSettings {
        name: "guest".into(),
        config: r#"{"a":[{"b":{"c":"x"}}]}"#.to_owned(),
        limits: Limits {
            cpu,
            wall: Duration::from_secs(20),
            memory: 8 << 20,
            output: OutputLimits { bytes: 1 << 20, messages: 1000 },
            host_calls: 1 << 40,
            ..Limits::default()
        },
        grants: Grants { secrets: true, kv: granted, metrics: granted, http: granted },
        secrets: Default::default(),
        kv: granted.then_some(kv),
        outbound: granted.then(|| Arc::new(Nowhere) as Arc<dyn Outbound>),
        instances,
        reuse: Default::default(),
        uses: Default::default(),
    }
}

/// Values of which none has been kept yet.
#[derive(Debug)]
struct Empty;

impl Kept for Empty {
    fn value(&self, _: &Arc<str>, _: &str, _: Duration) -> Result<Option<KeptValue>, Unavailable> {
        Ok(None)
    }

    fn usage(&self, _: &Arc<str>, _: bool, _: Duration) -> Result<KvUsage, Unavailable> {
        Ok(KvUsage::default())
    }
}

/// Requests of which none is granted.
struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, request: HttpRequest, _: Duration) -> Result<HttpResponse, HttpError> {
        Err(HttpError::Denied(format!("{} is not granted", request.url)))
    }

    fn exchange(&self, request: HttpRequest, time: Duration) -> Exchange {
        let answered = self.send(request, time);
        Box::pin(std::future::ready(answered))
    }
}

fn event() -> Event {
    let mut headers = Headers::new();
    headers.set("content-type", "application/json").expect("a header");
    headers.set("x-github-event", "pull_request").expect("a header");
    let body = Body::new(Bytes::from_static(payload().as_bytes()), &headers);
    Event {
        id: EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
        source: "github".into(),
        kind: "pull_request.opened".to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: "POST".to_owned(),
        path: "/in/github".to_owned(),
        query: String::new(),
        headers,
        body,
    }
}
