//! What is given on the command line in the same way to several commands: secrets and headers.

use std::path::{Path, PathBuf};

use http::HeaderName;

use crate::config::{Create, SecretRef};
use crate::event::UnixMillis;
use crate::signature::{Scheme, Secret};

/// Secrets, in the order of the options here.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct GivenSecrets {
    /// A secret that the sender and we share; may be given several times. Other users of this machine can see it in the
    /// list of processes
    #[arg(long = "secret", value_name = "SECRET", allow_hyphen_values = true)]
    literal: Vec<String>,
    /// A file with a secret, read without its last line break; may be given several times
    #[arg(long = "secret-file", value_name = "FILE")]
    file: Vec<PathBuf>,
    /// An environment variable with a secret; may be given several times
    #[arg(long = "secret-env", value_name = "NAME")]
    env: Vec<String>,
}

/// A secret, with where it is from for people.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) from: String,
    pub(super) secret: Secret,
    /// From then on it proves nothing any more.
    pub(super) expires: Option<UnixMillis>,
}

impl GivenSecrets {
    /// Whether one is given.
    pub(super) fn any(&self) -> bool {
        !(self.literal.is_empty() && self.file.is_empty() && self.env.is_empty())
    }

    /// The secrets; an empty list if none is given.
    pub(super) fn read(&self) -> Result<Vec<Known>, String> {
        let literal = self.literal.iter().map(|text| match text.as_str() {
            "" => Err("--secret is empty".to_owned()),
            text => Ok(Known { from: "--secret".to_owned(), secret: Secret::new(text), expires: None }),
        });
        let files = self.file.iter().map(|path| {
            followed(&SecretRef::File(path.clone()), format!("--secret-file {}", path.display()))
        });
        let variables = self
            .env
            .iter()
            .map(|name| followed(&SecretRef::Env(name.clone()), format!("--secret-env {name}")));
        literal.chain(files).chain(variables).collect()
    }
}

fn followed(reference: &SecretRef, from: String) -> Result<Known, String> {
    let read = reference.read("", Path::new(""), Create::Never).map_err(|error| error.to_string())?;
    match read.secret() {
        Some(secret) => Ok(Known { from, secret: secret.clone(), expires: None }),
        None => Err(format!("{from}: there is no secret")),
    }
}

/// The id of the webhook, which only PayPal signs.
pub(super) fn set_webhook_id(scheme: &mut Scheme, given: Option<&str>) -> Result<(), String> {
    match (scheme, given) {
        (Scheme::PayPal(paypal), Some(id)) => paypal.webhook_id = id.to_owned(),
        (Scheme::PayPal(paypal), None) if paypal.webhook_id.is_empty() => {
            return Err("PayPal signs the id of the webhook; give it with --webhook-id".to_owned());
        }
        (_, Some(_)) => return Err("--webhook-id is for PayPal only".to_owned()),
        (_, None) => {}
    }
    Ok(())
}

/// A header as it is written in a request.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) name: HeaderName,
    pub(super) value: String,
}

/// `Name: value`, with blanks around the value left out as HTTP does.
pub(super) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("expected \"Name: value\"")?;
    let name = HeaderName::try_from(name).map_err(|_| format!("{name:?} is not the name of a header"))?;
    let value = value.trim_matches([' ', '\t']);
    if value.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err(format!("the value of {name} has a control character"));
    }
    Ok(Header { name, value: value.to_owned() })
}
