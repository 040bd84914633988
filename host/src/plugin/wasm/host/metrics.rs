//! A plugin's own metrics.

use hookyard_wit::v0_1::powers::metrics;

use crate::plugin::{Capability, Measure};

use super::Host;

impl Host {
    /// A name that holds a secret becomes none by being masked.
    fn measure(&mut self, name: String, measure: Measure) {
        let name = self.outfit.secrets.mask(name);
        let Host { outfit, chain, .. } = self;
        let measures = chain.measures();
        let before = measures.made().len();
        measures.take(&outfit.plugin, name.clone(), measure);
        match measures.made().len() > before {
            true => outfit.uses.note(Capability::Metrics, &name, 0),
            false => outfit.uses.refuse(Capability::Metrics, &name),
        }
    }
}

impl metrics::Host for Host {
    fn count(&mut self, name: String, delta: u32) -> wasmtime::Result<()> {
        self.measure(name, Measure::Count(delta));
        Ok(())
    }

    fn observe(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.measure(name, Measure::Observation(value));
        Ok(())
    }
}
