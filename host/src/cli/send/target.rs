//! Whom a sample is for: a source of the configuration, or any receiver of a known provider's requests.

use std::path::Path;

use crate::config::{Config, Source, Verification, did_you_mean};
use crate::provider::{Preset, preset, presets};

use super::super::operate::failed::Failed;
use super::command::Arguments;

/// Whom a sample is for.
#[derive(Debug)]
pub(super) struct Target {
    /// Whose samples.
    pub(super) preset: &'static Preset,
    /// The source that is to receive it, with the configuration that has it.
    pub(super) source: Option<(Config, Source)>,
}

impl Target {
    /// Finds who is meant. No configuration is read where the command line says the address and the secret.
    pub(super) fn find(config: &Path, arguments: &Arguments) -> Result<Self, Failed> {
        let name = &arguments.source;
        let known = preset(name);
        if let (Some(preset), Some(_), true) = (known, &arguments.to, arguments.secrets.any()) {
            return Ok(Target { preset, source: None });
        }
        let loaded = load(config)?;
        let found = match &loaded {
            Some(config) => source(config, name, known)?.cloned(),
            None => None,
        };
        match (found, known, loaded) {
            (Some(source), _, Some(config)) => {
                let preset = source.provider.or(known).ok_or_else(|| {
                    Failed::usage(format!(
                        "source `{name}` is of no known provider, so that there are no samples"
                    ))
                })?;
                if let Verification::Internal = source.verification {
                    let message =
                        format!("source `{name}` takes nothing from outside (verify = \"internal\")");
                    return Err(Failed::usage(message));
                }
                Ok(Target { preset, source: Some((config, source)) })
            }
            (_, Some(preset), _) if arguments.to.is_some() => Ok(Target { preset, source: None }),
            (_, Some(_), _) => Err(Failed::usage(format!(
                "{} has no source of provider {name}; say where to send it with --to URL, and with which secret with \
                 --secret-file FILE, --secret-env NAME or --secret SECRET",
                config.display()
            ))),
            (_, None, loaded) => Err(unknown(name, loaded.as_ref())),
        }
    }

    /// Where it is sent.
    pub(super) fn called(&self, arguments: &Arguments) -> Result<String, Failed> {
        if let Some(to) = &arguments.to {
            let uri = to.parse::<http::Uri>().ok();
            return match uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))) {
                Some(_) => Ok(to.clone()),
                None => Err(Failed::usage(format!(
                    "--to {to}: an address such as https://hooks.example.com/in/github is expected"
                ))),
            };
        }
        let (config, source) = self.source.as_ref().ok_or_else(|| Failed::usage("--to URL is missing"))?;
        let listen = config.server.listen.first();
        let listen = listen.ok_or_else(|| Failed::config("the configuration listens nowhere"))?;
        Ok(format!("{}://{listen}{}/{}", config.server.scheme(), config.server.base_path, source.name))
    }

    /// What the sender is told to call, for those that sign it.
    pub(super) fn registered(&self, arguments: &Arguments) -> Result<String, Failed> {
        let public = match &self.source {
            Some((config, source)) if arguments.to.is_none() => {
                let public = config.server.public_url.as_ref();
                let usual =
                    || public.map(|public| format!("{public}{}/{}", config.server.base_path, source.name));
                source.public_url.clone().or_else(usual)
            }
            _ => None,
        };
        match arguments.url.clone().or(public) {
            Some(url) => Ok(url),
            None => self.called(arguments),
        }
    }
}

/// The configuration; none where there is no such file.
pub(super) fn load(config: &Path) -> Result<Option<Config>, Failed> {
    match config.exists() {
        true => crate::config::load(config).map(Some).map_err(|errors| Failed::config(errors.to_string())),
        false => Ok(None),
    }
}

/// The source of that name, or the only one of that provider.
fn source<'c>(config: &'c Config, name: &str, preset: Option<&Preset>) -> Result<Option<&'c Source>, Failed> {
    if let Some(source) = config.sources.get(name) {
        return Ok(Some(source));
    }
    let own = |source: &&Source| {
        preset.is_some_and(|preset| source.provider.is_some_and(|own| own.provider == preset.provider))
    };
    let of_provider: Vec<&Source> = config.sources.values().filter(own).collect();
    match of_provider[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        ref several => {
            let names: Vec<&str> = several.iter().map(|source| &*source.name).collect();
            let message = format!("several sources are of provider {name}; name one: {}", names.join(", "));
            Err(Failed::usage(message))
        }
    }
}

/// Neither a provider nor a source is called so.
pub(in crate::cli) fn unknown(name: &str, config: Option<&Config>) -> Failed {
    let sources = config.map(|config| &config.sources).into_iter().flat_map(|sources| sources.keys());
    let hyphened = name.to_lowercase().replace('_', "-");
    let names = presets().map(|preset| preset.provider).chain(sources.map(|name| &**name));
    Failed::usage(match did_you_mean(&hyphened, names) {
        Some(near) => format!("there is no provider or source {name:?}; did you mean {near:?}?"),
        None => {
            let mut known: Vec<&str> = presets().map(|preset| preset.provider).collect();
            known.sort_unstable();
            format!("there is no provider or source {name:?}; known providers are {}", known.join(", "))
        }
    })
}
