//! Whose request it is said to be: a known provider, or a source of the configuration.

use std::path::Path;

use crate::config::{Batch, Config, Create, Requirement, Source, SourceSecret, Verification};
use crate::provider::{Preset, preset};
use crate::routing::Fields;
use crate::signature::Scheme;

use super::super::given::{GivenSecrets, Known};
use super::super::operate::failed::Failed;

/// Whose request it is, and with what it is checked.
#[derive(Debug)]
pub(super) struct Sender {
    /// The provider's name, or the source's for one that is no known provider.
    pub(super) name: String,
    pub(super) preset: Option<&'static Preset>,
    /// The name of the scheme, where it is a provider's.
    pub(super) scheme_name: Option<&'static str>,
    pub(super) scheme: Scheme,
    pub(super) secrets: Vec<Known>,
    pub(super) kind: Fields,
    pub(super) delivery_id: Fields,
    pub(super) batch: Option<Batch>,
    /// What else the source asks for: all of it is needed.
    pub(super) require: Vec<(Scheme, Vec<Known>)>,
    /// The address that the configuration says its sender is told to call.
    pub(super) url: Option<String>,
}

impl Sender {
    /// Finds who is meant. The configuration is read only for what the command line does not say.
    pub(super) fn find(
        config: &Path,
        name: &str,
        scheme: Option<&str>,
        given: &GivenSecrets,
    ) -> Result<Self, Failed> {
        let secrets = given.read().map_err(Failed::usage)?;
        let preset = preset(name);
        if let (Some(preset), false) = (preset, secrets.is_empty()) {
            return Sender::known(preset, scheme, secrets);
        }
        let loaded = match config.exists() {
            true => Some(crate::config::load(config).map_err(|errors| Failed::config(errors.to_string()))?),
            false => None,
        };
        let source =
            loaded.as_ref().and_then(|loaded| source(loaded, name, preset).map(|found| (loaded, found)));
        match (source, preset) {
            (Some((loaded, source)), _) => Sender::configured(loaded, source, scheme, secrets),
            (None, Some(_)) => Err(Failed::usage(format!(
                "no secret is given, and {} has no source of provider {name}; give the sender's secret with \
                 --secret-file FILE, --secret-env NAME or --secret SECRET",
                config.display()
            ))),
            (None, None) => Err(super::super::send::unknown(name, loaded.as_ref())),
        }
    }

    fn known(preset: &'static Preset, scheme: Option<&str>, secrets: Vec<Known>) -> Result<Self, Failed> {
        let named = preset.scheme(scheme).ok_or_else(|| no_scheme(preset, scheme))?;
        Ok(Sender {
            name: preset.provider.to_owned(),
            preset: Some(preset),
            scheme_name: Some(named.name),
            scheme: (named.scheme)(),
            secrets,
            kind: preset.kind(),
            delivery_id: preset.delivery_id(),
            batch: preset.split.and_then(Batch::usual),
            require: Vec::new(),
            url: None,
        })
    }

    fn configured(
        config: &Config,
        source: &Source,
        scheme: Option<&str>,
        mut secrets: Vec<Known>,
    ) -> Result<Self, Failed> {
        if let Verification::Plugin { plugin, .. } = &source.verification {
            let message = format!(
                "source `{}` is verified by plugin `{plugin}`, which only the gateway can ask; send the request to it",
                source.name
            );
            return Err(Failed::usage(message));
        }
        let Verification::Proof { scheme: own, secrets: references, require, .. } = &source.verification
        else {
            return Err(Failed::usage(format!("source `{}` asks for no proof of who sends", source.name)));
        };
        if secrets.is_empty() {
            secrets = read(config, source, references)?;
        }
        let required =
            |proof: &Requirement| Ok((proof.scheme.clone(), read(config, source, &proof.secrets)?));
        let require = require.iter().map(required).collect::<Result<_, Failed>>()?;
        if secrets.is_empty() {
            let message =
                "the certificate that the request names is not fetched here; give it with --secret-file FILE";
            return Err(Failed::usage(message));
        }
        let named = match (source.provider, scheme) {
            (Some(preset), Some(_)) => Some(preset.scheme(scheme).ok_or_else(|| no_scheme(preset, scheme))?),
            (Some(preset), None) => preset.schemes.iter().find(|named| (named.scheme)() == *own),
            (None, Some(_)) => {
                return Err(Failed::usage(format!("source `{}` has no schemes to choose from", source.name)));
            }
            (None, None) => None,
        };
        let public = config.server.public_url.as_ref();
        Ok(Sender {
            name: source
                .provider
                .map_or_else(|| source.name.to_string(), |preset| preset.provider.to_owned()),
            preset: source.provider,
            scheme_name: named.map(|named| named.name),
            scheme: match (scheme, named) {
                (Some(_), Some(named)) => (named.scheme)(),
                _ => own.clone(),
            },
            secrets,
            kind: source.kind.clone(),
            delivery_id: source.delivery_id.clone(),
            batch: source.batch.clone(),
            require,
            url: source.public_url.clone().or_else(|| {
                public.map(|public| format!("{public}{}/{}", config.server.base_path, source.name))
            }),
        })
    }
}

/// The secrets that a source's proof refers to.
fn read(config: &Config, source: &Source, references: &[SourceSecret]) -> Result<Vec<Known>, Failed> {
    let known = |SourceSecret { at, reference, expires }: &SourceSecret| {
        let read = reference
            .read(&source.name, &config.store.path, Create::Never)
            .map_err(|error| Failed::config(format!("source `{}`: {error}", source.name)))?;
        let secret = read.secret().cloned().ok_or_else(|| {
            Failed::usage(format!("the secret of source `{}` is not there yet", source.name))
        })?;
        Ok(Known { from: format!("source {} ({at})", source.name), secret, expires: *expires })
    };
    references.iter().map(known).collect()
}

/// The source of that name, or else the first of that provider.
fn source<'c>(config: &'c Config, name: &str, preset: Option<&Preset>) -> Option<&'c Source> {
    let of_provider = |source: &&Source| {
        preset.is_some_and(|preset| source.provider.is_some_and(|own| own.provider == preset.provider))
    };
    config.sources.get(name).or_else(|| config.sources.values().find(of_provider))
}

fn no_scheme(preset: &Preset, scheme: Option<&str>) -> Failed {
    let names: Vec<&str> = preset.schemes.iter().map(|named| named.name).collect();
    let scheme = scheme.unwrap_or_default();
    Failed::usage(format!("{} has no scheme {scheme:?}; there is {}", preset.title, names.join(", ")))
}
