//! A certificate with its key, ready to secure connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore, ServerConfig};

use crate::event::UnixMillis;
use crate::signature::Secret;

/// Far beyond any certificate, whose years have four digits.
const END_OF_TIME: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));

const NO_CERTIFICATE: &str = "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
const DAMAGED: &str = "begins with a certificate that is damaged, or of an unknown kind";

/// A certificate with its key.
pub(crate) struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: Secret,
    config: Arc<ServerConfig>,
    /// The first moment at which it is valid.
    pub(crate) not_before: UnixMillis,
    /// The last one.
    pub(crate) not_after: UnixMillis,
}

/// Why a certificate and a key cannot be used; completes "the file …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is about the certificate's file.
    Certificate(String),
    /// It is about the key's.
    Key(String),
}

impl Pair {
    /// From PEM files: the server's own certificate, then those that vouch for it; and its key in PKCS#8, PKCS#1 or
    /// SEC1.
    pub(crate) fn new(certificates: &[u8], key: &Secret) -> Result<Self, Unusable> {
        let chain = chain(certificates).map_err(Unusable::Certificate)?;
        let own = chain.first().ok_or_else(|| Unusable::Certificate(NO_CERTIFICATE.to_owned()))?;
        let (not_before, not_after) =
            validity(own).ok_or_else(|| Unusable::Certificate(DAMAGED.to_owned()))?;
        let private = private_key(key.expose()).map_err(Unusable::Key)?;
        let config = Arc::new(server_config(chain.clone(), private)?);
        Ok(Pair { chain, key: key.clone(), config, not_before, not_after })
    }

    /// Whether it was made of the same certificates and key.
    pub(crate) fn is_same(&self, other: &Pair) -> bool {
        self.chain == other.chain && self.key == other.key
    }

    /// What a connection is secured with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

/// The certificates in a PEM file, at least one.
pub(crate) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|problem| format!("is not well-formed PEM: {problem}"))?;
    if chain.is_empty() { Err(NO_CERTIFICATE.to_owned()) } else { Ok(chain) }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let holds = |text: &str| pem.windows(text.len()).any(|part| part == text.as_bytes());
    // The second is how OpenSSL wrote them once.
    if holds("-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds("Proc-Type: 4,ENCRYPTED") {
        return Err(
            "holds an encrypted private key, and nobody is there to type its passphrase; decrypt it with \
                    `openssl pkey -in KEY -out PLAIN` and restrict the new file to its owner (chmod 600)"
                .to_owned(),
        );
    }
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)".to_owned())
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Unusable> {
    let unusable = |error| {
        match error {
        Error::InconsistentKeys(_) => Unusable::Key(
            "holds a key that does not belong to the certificate in `cert`, where the server's own has to come first"
                .to_owned(),
        ),
        Error::InvalidCertificate(_) => Unusable::Certificate(DAMAGED.to_owned()),
        _ => Unusable::Key("holds a key that cannot be used; RSA, ECDSA and Ed25519 keys can".to_owned()),
    }
    };
    // Named here, since a process-wide default might be somebody else's.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The first and the last moment at which a certificate is valid; none where it says nothing sensible.
///
/// Nothing but the verifier of certificates reads them here, and it tells the bounds when asked about a time beyond.
/// It looks at nobody's signature before.
fn validity(certificate: &CertificateDer<'_>) -> Option<(UnixMillis, UnixMillis)> {
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    let problem_at = |time| {
        let nobody = RootCertStore::empty();
        verify_server_cert_signed_by_trust_anchor(&certificate, &nobody, &[], time, &[]).err()
    };
    let Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) =
        problem_at(END_OF_TIME)
    else {
        return None;
    };
    let not_before = match problem_at(UnixTime::since_unix_epoch(Duration::ZERO)) {
        Some(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            not_before
        }
        // Valid since before time was counted.
        _ => UnixTime::since_unix_epoch(Duration::ZERO),
    };
    Some((millis(not_before), millis(not_after)))
}

fn millis(time: UnixTime) -> UnixMillis {
    UnixMillis::try_from(time.as_secs().saturating_mul(1000)).unwrap_or(UnixMillis::MAX)
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm, date_time_ymd,
    };

    use super::*;

    fn pem(what: &str, der: &[u8]) -> String {
        format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
    }

    /// A certificate that is valid in the 2030s, and its key.
    fn made(algorithm: &'static SignatureAlgorithm) -> (String, String) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2040, 1, 1));
        let certificate = params.self_signed(&key).unwrap();
        (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der()))
    }

    fn pair(certificates: &str, key: &str) -> Result<Pair, Unusable> {
        Pair::new(certificates.as_bytes(), &Secret::new(key))
    }

    #[test]
    fn a_pair_knows_when_it_is_valid() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &PKCS_ED25519, &PKCS_RSA_SHA256] {
            let (certificate, key) = made(algorithm);
            let pair = pair(&certificate, &key).unwrap();
            // 2030-01-01 and 2040-01-01.
            assert_eq!((pair.not_before, pair.not_after), (1_893_456_000_000, 2_208_988_800_000));
        }
    }

    #[test]
    fn one_file_may_hold_both() {
        let (certificate, key) = made(&PKCS_ED25519);
        let both = format!("a comment\n{key}{certificate}");
        let (one, other) = (pair(&both, &both).unwrap(), pair(&both, &both).unwrap());
        assert!(one.is_same(&other) && !one.is_same(&pair(&certificate, &key).unwrap()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (certificate, key) = made(&PKCS_ED25519);
        let (other, _) = made(&PKCS_ED25519);
        let check = |certificates: &str, key: &str, at_key: bool, expected: &str| {
            let (told, message) = match pair(certificates, key).unwrap_err() {
                Unusable::Certificate(message) => (false, message),
                Unusable::Key(message) => (true, message),
            };
            assert!(told == at_key && message.contains(expected), "{message} is not {expected}");
        };
        check("", &key, false, "holds no certificate");
        check(&key, &key, false, "holds no certificate");
        check("-----BEGIN CERTIFICATE-----\nAAAA", &key, false, "not well-formed PEM");
        check(&pem("CERTIFICATE", b"nonsense"), &key, false, "is damaged");
        check(&certificate, "", true, "holds no private key");
        check(&certificate, &certificate, true, "holds no private key");
        check(&certificate, &pem("PRIVATE KEY", b"nonsense"), true, "cannot be used");
        check(&other, &key, true, "does not belong");
        check(&format!("{other}{certificate}"), &key, true, "own has to come first");
        check(&certificate, &pem("ENCRYPTED PRIVATE KEY", b"x"), true, "an encrypted private key");
        let old =
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n";
        check(&certificate, old, true, "an encrypted private key");
    }

    #[test]
    fn nothing_shows_the_key() {
        let (certificate, key) = made(&PKCS_ED25519);
        let shown = format!("{:?}", pair(&certificate, &key).unwrap());
        assert_eq!(shown, "Pair { certificates: 1, .. }");
    }
}
