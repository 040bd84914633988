//! What a sample is signed with.

use crate::config::{Config, Create, SecretRead, SecretRef, Source, Verification};
use crate::provider::Preset;
use crate::signature::{Draft, Scheme, Secret, private_key, sign};

use super::super::given;
use super::super::operate::failed::Failed;
use super::super::samples::Sample;
use super::command::Arguments;
use super::target::Target;

/// How a sample is signed, and with what; None where the receiver asks for no proof.
pub(super) fn key(
    target: &Target,
    sample: &Sample,
    arguments: &Arguments,
) -> Result<Option<(Scheme, Secret)>, Failed> {
    let mut found = of_target(target, sample, arguments)?;
    if let Some((scheme, _)) = &mut found {
        given::set_webhook_id(scheme, arguments.webhook_id.as_deref()).map_err(Failed::usage)?;
    }
    Ok(found)
}

fn of_target(
    target: &Target,
    sample: &Sample,
    arguments: &Arguments,
) -> Result<Option<(Scheme, Secret)>, Failed> {
    let given = arguments.secrets.read().map_err(Failed::usage)?;
    if given.len() > 1 {
        return Err(Failed::usage("a request is signed with one secret; give only one"));
    }
    let given = given.into_iter().next().map(|known| known.secret);
    let preset = target.preset;
    let wanted = arguments.scheme.as_deref();
    let named = |name: Option<&str>| {
        preset.scheme(name).map(|named| (named.scheme)()).ok_or_else(|| {
            let names: Vec<&str> = preset.schemes.iter().map(|named| named.name).collect();
            let name = name.unwrap_or_default();
            Failed::usage(format!("{} has no scheme {name:?}; there is {}", preset.title, names.join(", ")))
        })
    };
    let usual = || named(wanted.or(sample.schemes.first().copied()));
    let Some((config, source)) = &target.source else {
        return match given {
            Some(secret) => Ok(Some((usual()?, secret))),
            None if sample.unsigned => Ok(None),
            None => Err(Failed::usage(
                "no secret is given: use --secret-file FILE, --secret-env NAME or --secret SECRET",
            )),
        };
    };
    match (&source.verification, given) {
        (Verification::Proof { scheme, .. }, given) => {
            let scheme = match wanted {
                Some(_) => usual()?,
                None => match other_way(preset, sample, scheme) {
                    None => scheme.clone(),
                    Some(_) if arguments.to.is_some() => usual()?,
                    Some(other) => return Err(not_taken(source, sample, other)),
                },
            };
            let secret = match given {
                Some(secret) => secret,
                None => configured(config, source, &scheme)?,
            };
            Ok(Some((scheme, secret)))
        }
        (Verification::None | Verification::Internal, Some(secret)) => Ok(Some((usual()?, secret))),
        (Verification::None | Verification::Internal, None) => Ok(None),
        (Verification::Plugin { plugin, .. }, _) => Err(Failed::usage(format!(
            "source `{}` is verified by plugin `{plugin}`, and only its sender knows how to sign for that",
            source.name
        ))),
    }
}

/// The name of the scheme of a source, where it is one that the sample does not go with.
fn other_way(preset: &Preset, sample: &Sample, scheme: &Scheme) -> Option<&'static str> {
    let mut others = preset.schemes.iter().filter(|named| !sample.schemes.contains(&named.name));
    let other = others.find(|named| (named.scheme)() == *scheme);
    other.filter(|_| !sample.schemes.is_empty()).map(|named| named.name)
}

fn not_taken(source: &Source, sample: &Sample, expected: &str) -> Failed {
    let own = sample.schemes.first().copied().unwrap_or_default();
    Failed::usage(format!(
        "the sample `{}` is signed by the scheme `{own}`, and source `{}` takes `{expected}`, so that it would be refused; \
         give the sample to a source with provider = \"{}\" and scheme = \"{own}\"",
        sample.event, source.name, sample.provider
    ))
}

fn configured(config: &Config, source: &Source, scheme: &Scheme) -> Result<Secret, Failed> {
    let Verification::Proof { secrets, .. } = &source.verification else {
        return Err(Failed::config("the source has no secret"));
    };
    let generated = secrets.iter().find(|secret| secret.reference == SecretRef::Generated);
    let read = match (scheme.is_asymmetric(), generated, secrets.first()) {
        (true, Some(secret), _) => secret.reference.read_private(&source.name, &config.store.path),
        (true, None, _) => {
            return Err(Failed::usage(format!(
                "source `{}` knows its sender by a public key or a certificate, with which nothing can be signed; give \
                 the private key with --secret-file FILE, or, for a public key, try it out with secret = {{ generated = \
                 true }}, which makes a pair",
                source.name
            )));
        }
        (false, _, Some(secret)) => secret.reference.read(&source.name, &config.store.path, Create::Never),
        (false, _, None) => return Err(Failed::config("the source has no secret")),
    };
    let read = read.map_err(|error| Failed::config(error.to_string()))?;
    match &read {
        SecretRead::WouldBeCreated { path } => Err(Failed::config(format!(
            "{} is not there yet; start the gateway first, which makes it",
            path.display()
        ))),
        SecretRead::Awaited { .. } => Err(Failed::config(format!(
            "the sender of source `{0}` has brought no secret yet; send its handshake first: hookyard send {0} handshake",
            source.name
        ))),
        read => read.secret().cloned().ok_or_else(|| Failed::config("the source has no secret")),
    }
}

/// A secret that nobody knows, of a form that the scheme takes.
pub(super) fn wrong(scheme: &Scheme, draft: &Draft) -> Result<Secret, Failed> {
    // Hexadecimal is base64 and plain text as well.
    let hex = Secret::new("badc0de0badc0de0badc0de0badc0de0badc0de0badc0de0badc0de0badc0de0");
    let mut candidates = vec![hex, Secret::new("nobody:badc0de0")];
    candidates.extend(private_key(scheme));
    let fits = |secret: &Secret| sign(scheme, secret, &mut draft.clone(), "id", 0).is_ok();
    let password = matches!(scheme, Scheme::Token(token) if token.base64);
    let mut fitting = candidates.into_iter().filter(|secret| !password || secret.expose().contains(&b':'));
    fitting.find(fits).ok_or_else(|| Failed::usage("a wrong key for this scheme cannot be made here"))
}
