//! Which samples there are.

use std::path::Path;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::{Clock as _, SystemClock};
use crate::config::did_you_mean;
use crate::provider::{Preset, preset};

use super::super::operate::failed::Failed;
use super::super::operate::output::{self, Output};
use super::super::samples::{self, Fresh, Sample};
use super::super::say;
use super::target;

/// The headers and the body of a sample, unsigned, for whoever looks at it without sending it.
pub(in crate::cli) fn sample_request(
    provider: &str,
    event: Option<&str>,
) -> Result<(Vec<(String, String)>, Bytes), String> {
    let sample = find_sample(provider, event)?;
    let request = sample.request(&Fresh::new(Uuid::now_v7(), SystemClock.now()));
    let headers = request.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok((headers.collect(), Bytes::from(request.body)))
}

/// The sample that is meant, or which ones there are.
pub(in crate::cli) fn find_sample(provider: &str, event: Option<&str>) -> Result<&'static Sample, String> {
    let preset = preset(provider).ok_or_else(|| format!("there are no samples for `{provider}`"))?;
    let known = || samples::of(preset.provider).into_iter().map(|sample| sample.event).collect::<Vec<_>>();
    let event = event.ok_or_else(|| format!("name an event: {}", known().join(", ")))?;
    sample(preset, event).map_err(|failed| failed.message)
}

/// An event that can be sent.
#[derive(Debug, Serialize)]
struct Listed {
    provider: &'static str,
    event: &'static str,
    event_type: &'static str,
    handshake: bool,
    /// The schemes that it goes with; any of the provider's where there are none.
    schemes: &'static [&'static str],
}

/// The sample of that name, or which ones there are.
pub(super) fn sample(preset: &Preset, event: &str) -> Result<&'static Sample, Failed> {
    samples::find(preset.provider, event).ok_or_else(|| {
        let known: Vec<&str> = samples::of(preset.provider).into_iter().map(|sample| sample.event).collect();
        let near = match did_you_mean(event, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are: {}", known.join(", ")),
        };
        Failed::usage(format!("there is no sample `{event}` of {}{near}", preset.provider))
    })
}

/// Lists the events of a provider or of a source.
fn list(preset: &Preset, output: Output) {
    let listed = samples::of(preset.provider).into_iter().map(|sample| Listed {
        provider: sample.provider,
        event: sample.event,
        event_type: sample.event_type(),
        handshake: sample.handshake,
        schemes: sample.schemes,
    });
    match output {
        Output::Json => listed.for_each(|listed| output::item(&listed)),
        Output::Table => {
            let mut text = format!("Events of {}:\n", preset.title);
            for Listed { event, handshake, schemes, .. } in listed {
                // The usual way needs no mention.
                let usual = preset.schemes.first().is_none_or(|usual| schemes.contains(&usual.name));
                let note = match (handshake, schemes) {
                    (true, _) => "   (a handshake)".to_owned(),
                    (false, [scheme, ..]) if !usual => format!("   (scheme {scheme})"),
                    (false, _) => String::new(),
                };
                text.push_str(&format!("  {event}{note}\n"));
            }
            say(&text);
        }
    }
}

/// The same, by the name on the command line.
pub(super) fn events(config: &Path, name: &str, output: Output) -> Result<(), Failed> {
    let known = match preset(name) {
        Some(preset) => preset,
        None => {
            let loaded = target::load(config)?;
            let source = loaded.as_ref().and_then(|config| config.sources.get(name));
            source.and_then(|source| source.provider).ok_or_else(|| target::unknown(name, loaded.as_ref()))?
        }
    };
    list(known, output);
    Ok(())
}
