//! Lines that a guest writes into the log.

use hookyard_wit::v0_1::hookyard::plugin::logging;

use super::Host;

/// Log lines of one call; further ones are counted.
pub(super) const MAX_LOG_LINES: u32 = 64;

/// Characters of a log line; the rest is cut.
const MAX_LOG_LINE: usize = 2048;

impl logging::Host for Host {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.log_lines = self.log_lines.saturating_add(1);
        if self.log_lines > MAX_LOG_LINES {
            return Ok(());
        }
        // Before it is cut, so that no part of a secret is left.
        let message = self.outfit.secrets.mask(message);
        let message: String = message.chars().take(MAX_LOG_LINE).flat_map(printable).collect();
        let plugin = &*self.outfit.plugin;
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
fn printable(character: char) -> impl Iterator<Item = char> {
    let escape = character.is_control();
    let escaped = escape.then(|| character.escape_default()).into_iter().flatten();
    escaped.chain((!escape).then_some(character))
}
