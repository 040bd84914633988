//! WASI, with nothing behind it: toolchains import it whether or not a guest uses it.

use wasmtime_wasi::{ResourceTable, WasiCtxBuilder, WasiCtxView, WasiView};

use super::Host;

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
