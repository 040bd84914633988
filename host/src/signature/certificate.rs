//! X.509 certificates with which senders sign, and whether an authority vouches for one.

use std::fmt;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::event::UnixMillis;

/// Where a certificate is that a request was signed with, and to whom it has to belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUrl {
    /// Always https, and of a host that is the sender's own.
    pub url: String,
    /// Names of which the certificate has to bear one.
    pub names: Vec<String>,
}

/// A certificate with an RSA key, and those that lead from it to an authority.
#[derive(Clone)]
pub struct SigningCertificate {
    chain: Vec<CertificateDer<'static>>,
    sha1: ParsedPublicKey,
    sha256: ParsedPublicKey,
}

/// What was hashed before it was signed with RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RsaHash {
    Sha1,
    Sha256,
}

/// Why nobody vouches for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unvouched {
    /// The certificate of who issued it is not there, or no authority is trusted that leads to it.
    Issuer,
    /// It belongs to somebody else.
    Name,
    /// It is damaged, has expired, or may not be used so.
    Other(String),
}

impl SigningCertificate {
    /// The first certificate of a PEM file, whose others lead from it to an authority.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| "it is not well-formed PEM")?;
        let first = chain.first().ok_or("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")?;
        let key = subject_key(first)?;
        let parse = |algorithm| {
            ParsedPublicKey::new(algorithm, &key)
                .map_err(|_| "its key is not an RSA key of at least 2048 bits")
        };
        Ok(SigningCertificate {
            sha1: parse(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY)?,
            sha256: parse(&RSA_PKCS1_2048_8192_SHA256)?,
            chain,
        })
    }

    /// With one more certificate that may lead from it to an authority.
    #[must_use]
    pub fn issued_by(mut self, issuer: CertificateDer<'static>) -> Self {
        self.chain.push(issuer);
        self
    }

    /// Whether it made this signature (RSASSA-PKCS1-v1_5).
    pub(super) fn made(&self, hash: RsaHash, message: &[u8], signature: &[u8]) -> bool {
        let key = match hash {
            RsaHash::Sha1 => &self.sha1,
            RsaHash::Sha256 => &self.sha256,
        };
        key.verify_sig(message, signature).is_ok()
    }

    /// Whether one of the authorities vouches at the wall clock `now` that it belongs to one of the names. `issuers` are
    /// certificates that may lead to an authority, besides those that came with it; they need not be trusted.
    pub fn vouched(
        &self,
        issuers: &[CertificateDer<'static>],
        authorities: &[TrustAnchor<'_>],
        names: &[String],
        now: UnixMillis,
    ) -> Result<(), Unvouched> {
        let other = |error: webpki::Error| Unvouched::Other(error.to_string());
        let (first, rest) = self.chain.split_first().ok_or(Unvouched::Issuer)?;
        let certificate = EndEntityCert::try_from(first).map_err(other)?;
        let between: Vec<_> = rest.iter().chain(issuers).cloned().collect();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_millis(now.max(0).unsigned_abs()));
        let path = certificate.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            authorities,
            &between,
            time,
            KeyUsage::server_auth(),
            None,
            None,
        );
        match path {
            Ok(_) => {}
            Err(webpki::Error::UnknownIssuer) => return Err(Unvouched::Issuer),
            Err(error) => return Err(other(error)),
        }
        let is_one = |name: &String| {
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        };
        if names.iter().any(is_one) { Ok(()) } else { Err(Unvouched::Name) }
    }

    /// Where the certificate of its issuer is, as it says itself (RFC 5280 §4.2.2.1). A hint: what is there has to be
    /// signed by somebody who is trusted. None also where it is not at an authority that issues for the senders known here.
    pub fn issuer_url(&self) -> Option<&str> {
        /// `id-ad-caIssuers`, and the tag of a location that is a URI.
        const CA_ISSUERS: &[u8] = &[0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02, 0x86];
        let certificate = self.chain.first()?.as_ref();
        let at = certificate.windows(CA_ISSUERS.len()).position(|window| window == CA_ISSUERS)?;
        let (length, rest) = certificate[at + CA_ISSUERS.len()..].split_first()?;
        // Longer ones write their length in several bytes; no issuer's is as long.
        let url = rest.get(..usize::from(*length)).filter(|_| *length < 0x80)?;
        std::str::from_utf8(url).ok().filter(|url| is_of_issuer(url))
    }
}

/// Whether the address is one of Amazon's or DigiCert's, who issue for Amazon SNS and PayPal. Such addresses are plain
/// http (RFC 5280 §4.2.2.1): what they hold is proven by its signature.
fn is_of_issuer(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some((host, path)) = rest.and_then(|rest| rest.split_once('/')) else { return false };
    let plain = |text: &str, also: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte) || also.contains(&byte))
    };
    plain(host, b"") && plain(path, b"/_") && ISSUERS.iter().any(|issuer| host.ends_with(issuer))
}

const ISSUERS: [&str; 2] = [".amazontrust.com", ".digicert.com"];

/// The public key of a certificate, as a SubjectPublicKeyInfo.
pub(super) fn subject_key(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, &'static str> {
    let parsed = EndEntityCert::try_from(certificate);
    let parsed = parsed.map_err(|_| "its certificate is damaged, or not of X.509 version 3")?;
    Ok(parsed.subject_public_key_info().to_vec())
}

impl fmt::Display for Unvouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unvouched::Issuer => f.write_str("no trusted authority has issued it"),
            Unvouched::Name => f.write_str("it was issued to somebody else"),
            Unvouched::Other(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Unvouched {}

impl fmt::Debug for SigningCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningCertificate({} in chain)", self.chain.len())
    }
}
