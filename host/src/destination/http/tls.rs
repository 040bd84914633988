//! Whom a destination has to be vouched for by, and how we prove who we are in the handshake.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::signature::Secret;

use super::settings::InvalidSettings;

/// Certificates of one destination; none of its own unless set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsSettings {
    /// Trusted in addition to those of the system.
    pub authorities: Vec<Certificate>,
    /// Whether those of the system are not trusted.
    pub only: bool,
    /// Shown to a receiver that asks who we are.
    pub identity: Option<Identity>,
}

/// One X.509 certificate.
#[derive(Clone, PartialEq)]
pub struct Certificate(CertificateDer<'static>);

/// A client's certificate with its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Ours first, then those that vouch for it.
    pub chain: Vec<Certificate>,
    /// The private key in PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: Secret,
}

impl Certificate {
    /// All certificates in a PEM file, at least one.
    pub fn all(pem: &[u8]) -> Result<Vec<Self>, InvalidSettings> {
        let read = CertificateDer::pem_slice_iter(pem).map(|certificate| certificate.map(Certificate));
        let certificates: Vec<_> =
            read.collect::<Result<_, _>>().map_err(|_| InvalidSettings("it is not well-formed PEM"))?;
        if certificates.is_empty() {
            return Err(InvalidSettings("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"));
        }
        Ok(certificates)
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.0
    }
}

/// Whom the system trusts; where it names nobody, Mozilla's list. Reads files.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// The settings of connections, trusting `system` as far as the settings say so.
pub(super) fn client_config(
    system: &RootCertStore,
    settings: &TlsSettings,
) -> Result<ClientConfig, InvalidSettings> {
    let mut roots = if settings.only { RootCertStore::empty() } else { system.clone() };
    for Certificate(certificate) in &settings.authorities {
        let unusable = |_| InvalidSettings("a certificate in `ca` is damaged, or of a kind that is unknown");
        roots.add(certificate.clone()).map_err(unusable)?;
    }
    // Named here, since a process-wide default might be somebody else's.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| InvalidSettings("the TLS library has no protocol version in common with itself"))?
        .with_root_certificates(roots);
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => {
            let chain = chain.iter().map(|Certificate(certificate)| certificate.clone()).collect();
            let key = PrivateKeyDer::from_pem_slice(key.expose())
                .map_err(|_| InvalidSettings("`key` holds no private key in PEM"))?;
            builder.with_client_auth_cert(chain, key).map_err(|_| {
                InvalidSettings("`cert` and `key` do not belong together, or are of a kind that is unknown")
            })?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes)", self.0.len())
    }
}
