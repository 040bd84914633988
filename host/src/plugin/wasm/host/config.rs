//! The plugin's own table in the configuration.

use hookyard_wit::v0_1::hookyard::plugin::config;

use super::Host;

impl config::Host for Host {
    fn get(&mut self, pointer: String) -> wasmtime::Result<Option<String>> {
        let value = self.outfit.config.find(&pointer).map(|node| match self.outfit.config.string(node) {
            Some(text) => text.into_owned(),
            None => self.outfit.config.text(node).to_owned(),
        });
        self.passing(value)
    }

    fn text(&mut self) -> wasmtime::Result<String> {
        let text = self.outfit.config.text(self.outfit.config.root()).to_owned();
        self.passing(text)
    }
}
