//! Lines that a guest writes into the log.

use hookyard_wit::v0_1::hookyard::plugin::logging;

use super::Host;

/// Characters of a log line; the rest is cut.
const MAX_LOG_LINE: usize = 2048;

/// What one call has logged.
#[derive(Debug, Default)]
pub(super) struct Logged {
    bytes: usize,
    left_out: u64,
}

impl Host {
    /// Says how many lines of a call were left out.
    pub(super) fn end_log(&mut self) {
        let Logged { left_out, .. } = std::mem::take(&mut self.logged);
        if left_out > 0 {
            let uses = &self.outfit.uses;
            uses.leave_out(left_out);
            let plugin = &*self.outfit.plugin;
            tracing::debug!(target: "hookyard::plugin", plugin, left_out, "log lines were left out");
        }
    }
}

impl logging::Host for Host {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.pass(message.len())?;
        let outfit = self.outfit.clone();
        let room = outfit.limits.log.saturating_sub(self.logged.bytes);
        self.logged.bytes = self.logged.bytes.saturating_add(message.len());
        if message.len() > room || !outfit.uses.may_log(outfit.limits.log_rate) {
            self.logged.left_out += 1;
            return Ok(());
        }
        // Before it is cut, so that no part of a secret is left.
        let message = outfit.secrets.mask(message);
        let message: String = message.chars().take(MAX_LOG_LINE).flat_map(printable).collect();
        let plugin = &*outfit.plugin;
        let event = self.call.as_ref().map(|call| call.event.id.to_string()).unwrap_or_default();
        match level {
            logging::Level::Debug => tracing::debug!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Info => tracing::info!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Warn => tracing::warn!(target: "hookyard::plugin", plugin, event, "{message}"),
            logging::Level::Error => tracing::error!(target: "hookyard::plugin", plugin, event, "{message}"),
        }
        Ok(())
    }
}

/// A guest must not be able to write terminal control sequences or lines of its own into the log.
pub(in crate::plugin::wasm) fn printable(character: char) -> impl Iterator<Item = char> {
    let escape = character.is_control();
    let escaped = escape.then(|| character.escape_default()).into_iter().flatten();
    escaped.chain((!escape).then_some(character))
}
