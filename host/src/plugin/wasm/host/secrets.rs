//! Secrets, as far as they are granted.

use hookyard_wit::v0_1::powers::secrets;

use crate::plugin::Capability;

use super::{Host, Outfit};

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let outfit = self.outfit.clone();
        let Outfit { secrets, uses, .. } = &*outfit;
        match secrets.value(&name) {
            Some(value) => {
                self.pass(value.len())?;
                uses.note(Capability::Secrets, &name, value.len());
                Ok(Some(value.to_vec()))
            }
            None => {
                // By mistake the name may be a secret.
                uses.refuse(Capability::Secrets, &secrets.mask(name));
                Ok(None)
            }
        }
    }
}
