//! What an HTTP destination is told: its secrets and certificates, fetched from where the configuration says.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};

use crate::config::{self, Location, SecretError, SecretRead, SecretRef, is_ephemeral};
use crate::destination::{
    Authorization, Certificate, HttpSettings, Identity, InvalidSettings, Network, TlsSettings,
};
use crate::signature::{Secret, SigningKey};

use super::{Origin, Problem, Workshop, shown};

/// The largest file of certificates; the lists of whole systems are a quarter of that.
const MAX_CERTIFICATES: u64 = 1024 * 1024;

/// Fetches for one destination, and keeps account of it.
pub(super) struct Credentials<'a> {
    destination: &'a config::Destination,
    workshop: &'a Workshop,
    /// Where the secret is that was made here to sign with.
    pub(super) origin: Option<Origin>,
    /// What an operator should think about.
    pub(super) warnings: Vec<Problem>,
    /// Files that were read.
    pub(super) files: Vec<PathBuf>,
}

/// The network as the client has it.
pub(super) fn network(network: &config::Network) -> Network {
    match network {
        config::Network::Public => Network::Public,
        config::Network::Private => Network::Private,
        config::Network::Only(networks) => Network::Only(networks.clone()),
    }
}

impl<'a> Credentials<'a> {
    pub(super) fn new(destination: &'a config::Destination, workshop: &'a Workshop) -> Self {
        Credentials { destination, workshop, origin: None, warnings: Vec::new(), files: Vec::new() }
    }

    /// Everything that the destination is made from.
    pub(super) fn settings(&mut self, http: &config::HttpDestination) -> Result<HttpSettings, Problem> {
        let mut signing_keys = Vec::new();
        for reference in &http.sign {
            signing_keys.extend(self.signing_key(reference)?);
        }
        Ok(HttpSettings {
            method: http.method.clone(),
            headers: self.headers(http)?,
            authorization: http.authorization.as_ref().map(|way| self.authorization(way)).transpose()?,
            signing_keys,
            timeout: http.timeout,
            network: network(&http.network),
            tls: self.tls(&http.tls)?,
            connections: self.destination.concurrency,
            permanent: http.permanent.clone(),
            ..HttpSettings::new(&self.destination.name, http.url.clone())
        })
    }

    fn headers(&mut self, http: &config::HttpDestination) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
        let mut headers = http.headers.clone();
        for (name, at, reference) in &http.secret_headers {
            let secret = self.secret(at, reference)?;
            let mut value = HeaderValue::from_bytes(secret.expose()).map_err(|_| {
                self.problem(at, format_args!("the secret for header {name} cannot stand in a header"))
            })?;
            value.set_sensitive(true);
            headers.push((name.clone(), value));
        }
        Ok(headers)
    }

    fn authorization(&mut self, way: &config::Authorization) -> Result<Authorization, Problem> {
        let (at, reference) = way.secret();
        let secret = self.secret(at, reference)?;
        Ok(match way {
            config::Authorization::Bearer { .. } => Authorization::Bearer(secret),
            config::Authorization::Basic { user, .. } => {
                Authorization::Basic { user: user.clone(), password: secret }
            }
        })
    }

    /// A secret that somebody else issued.
    fn secret(&mut self, at: &Location, reference: &SecretRef) -> Result<Secret, Problem> {
        let Workshop { state_dir, create, .. } = self.workshop;
        let read = reference.read(&self.destination.name, state_dir, *create);
        let read = self.noted(at, read)?;
        read.secret().cloned().ok_or_else(|| self.problem(at, "this secret cannot be made here"))
    }

    /// None if it is yet to be made: a check makes none.
    fn signing_key(
        &mut self,
        (at, reference): &(Location, SecretRef),
    ) -> Result<Option<SigningKey>, Problem> {
        let Workshop { state_dir, create, .. } = self.workshop;
        let read = reference.read_signing(&self.destination.name, state_dir, *create);
        let read = self.noted(at, read)?;
        let created = matches!(read, SecretRead::Created { .. });
        if *reference == SecretRef::Generated {
            let file = read.path().map(Path::to_owned);
            self.origin = Some(Origin { file, created, awaited: false, place: None });
        }
        if created && is_ephemeral(state_dir) {
            let message = format!(
                "{} is likely to be emptied; then destination `{}` signs with another secret and its receiver refuses \
                 it. Set `[store] path` to a lasting directory",
                shown(state_dir),
                self.destination.name
            );
            self.warnings.push(Problem { at: Some(at.clone()), message });
        }
        let unusable = |error| self.problem(at, format_args!("the secret cannot be used to sign: {error}"));
        read.secret().map(|secret| SigningKey::new(secret).map_err(unusable)).transpose()
    }

    fn noted(&mut self, at: &Location, read: Result<SecretRead, SecretError>) -> Result<SecretRead, Problem> {
        let read = read.map_err(|error| self.problem(at, error))?;
        self.files.extend(read.path().map(Path::to_owned));
        if let SecretRead::Found { warning: Some(message), .. } = &read {
            self.warnings.push(Problem { at: Some(at.clone()), message: message.clone() });
        }
        Ok(read)
    }

    fn tls(&mut self, tls: &config::DestinationTls) -> Result<TlsSettings, Problem> {
        let authorities = match &tls.ca {
            Some(ca) => self.certificates(ca)?,
            None => Vec::new(),
        };
        let identity = match &tls.identity {
            Some(config::ClientCertificate { cert, key: (at, key) }) => {
                Some(Identity { chain: self.certificates(cert)?, key: self.secret(at, key)? })
            }
            None => None,
        };
        Ok(TlsSettings { authorities, only: tls.only, identity })
    }

    fn certificates(&mut self, (at, path): &(Location, PathBuf)) -> Result<Vec<Certificate>, Problem> {
        let of_file =
            |problem: &dyn fmt::Display| self.problem(at, format_args!("{}: {problem}", path.display()));
        let pem = bounded(path).map_err(|error| of_file(&error))?;
        let certificates = Certificate::all(&pem).map_err(|InvalidSettings(problem)| of_file(&problem))?;
        self.files.push(path.clone());
        Ok(certificates)
    }

    fn problem(&self, at: &Location, what: impl fmt::Display) -> Problem {
        Problem { at: Some(at.clone()), message: format!("destination `{}`: {what}", self.destination.name) }
    }
}

/// A file of certificates.
pub(super) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_CERTIFICATES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CERTIFICATES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}
