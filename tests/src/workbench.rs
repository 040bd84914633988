//! Plugins without a gateway: loaded and called on this thread, with the limits that hostile guests are written for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookyard::event::{Body, Event, EventId, Headers};
use hookyard::plugin::wasm::{
    Component, Grants, Instances, Limits, LoadError, Plugin, PluginSettings, Runtime, read,
};
use hookyard::plugin::{Call, Chain, Fault, Output, OutputLimits, Processor as _};
use uuid::Uuid;

use crate::corpus::payload;

/// The lines of a plugin's table that say the same as the settings here.
pub fn limits(cpu: Duration) -> String {
    let cpu = cpu.as_millis();
    format!(
        r#"limits = {{ cpu = "{cpu}ms", time = "20s", memory = "8MiB", output = "1MiB", messages = 1000 }}
config = {{ a = [{{ b = {{ c = "x" }} }}] }}
allow = {{ secrets = ["token"] }}
"#
    )
}

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

    /// Loads a file's content; a call may take so much processor time.
    pub fn load(&self, bytes: Vec<u8>, cpu: Duration) -> Result<Plugin, LoadError> {
        self.plugin(&Component::load(&self.runtime, bytes, None)?, cpu, Instances::Fresh)
    }

    /// Makes a plugin of a component; a call may take so much processor time.
    pub fn plugin(
        &self,
        component: &Component,
        cpu: Duration,
        instances: Instances,
    ) -> Result<Plugin, LoadError> {
        Plugin::new(&self.runtime, component, settings(cpu, instances))
    }

    /// Makes one call.
    pub fn call(&self, plugin: &Plugin) -> Result<Output, Fault> {
        let call = Call {
            event: self.event.clone(),
            message: self.event.message(),
            destinations: self.destinations.clone(),
        };
        plugin.process(call, &mut Chain::default())
    }
}

fn settings(cpu: Duration, instances: Instances) -> PluginSettings {
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
        grants: Grants { secrets: true, ..Grants::default() },
        secrets: Default::default(),
        kv: None,
        outbound: None,
        instances,
        reuse: Default::default(),
        uses: Default::default(),
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
