//! What a plugin logs during a call.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Where plugins log to.
const TARGET: &str = "hookyard::plugin";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Logged {
    pub(super) level: String,
    pub(super) message: String,
}

/// Does something on this thread, and gathers what plugins log meanwhile.
pub(super) fn heard<T>(work: impl FnOnce() -> T) -> (T, Vec<Logged>) {
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(heard.clone());
    let done = tracing::subscriber::with_default(subscriber, work);
    let lines = std::mem::take(&mut *heard.0.lock().unwrap_or_else(PoisonError::into_inner));
    (done, lines)
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Logged>>>);

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut message = Message::default();
        event.record(&mut message);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(Logged { level, message: message.0 });
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
