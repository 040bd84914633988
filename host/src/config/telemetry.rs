//! `[telemetry]`: what is logged and how.

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`) or `tracing` directives such as `info,hookyard=debug`.
    pub log: String,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry {
            log: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}
