//! Secrets, as far as they are granted.

use hookyard_wit::v0_1::powers::secrets;

use super::Host;

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.outfit.secrets.value(&name).map(<[u8]>::to_vec))
    }
}
