//! WASI, with nothing behind it: toolchains import it whether or not a guest uses it.

use wasmtime_wasi::{ResourceTable, WasiCtxBuilder, WasiCtxView, WasiView};

use super::Host;

/// Things of WASI that a guest may hold at once, of which each takes some memory of the host.
const MAX_RESOURCES: usize = 10_000;

/// Random bytes that a guest may ask for in one go; while they are made it cannot be interrupted.
const MAX_RANDOM: u64 = 1024 * 1024;

impl WasiView for Host {
    /// An empty world, made when a guest first looks at it.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| {
            let mut nothing = WasiCtxBuilder::new();
            nothing.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
            nothing.max_random_size(MAX_RANDOM);
            nothing.stderr(self.last_words.get_or_insert_default().clone());
            let mut table = ResourceTable::new();
            table.set_max_capacity(MAX_RESOURCES);
            Box::new((nothing.build(), table))
        });
        WasiCtxView { ctx: &mut wasi.0, table: &mut wasi.1 }
    }
}
