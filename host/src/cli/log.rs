//! Log lines on standard error: for people, or as JSON.

use std::fmt;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{LogFormat, Telemetry};

/// Starts logging; what is wrong with the filter, if anything is.
pub(super) fn start(settings: &Telemetry) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| format!("`[telemetry] log` = {:?} is not a filter: {error}", settings.log))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => lines
            .with_target(false)
            .with_timer(TimeOfDay)
            .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
            .try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_timer(Timestamp).try_init(),
    };
    started.map_err(|error| error.to_string())
}

/// `12:34:56.789`, in UTC.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let now = now();
        write!(writer, "{}", now.strftime("%H:%M:%S%.3f"))
    }
}

/// RFC 3339.
struct Timestamp;

impl FormatTime for Timestamp {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", now())
    }
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(SystemClock.now()).unwrap_or_default()
}
