//! Signing with a private RSA key, for samples.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::secret::Secret;
use super::sign::CannotSign;

const NO_KEY: CannotSign = CannotSign::Secret("it is not a private RSA key in PEM");

/// A signature by the private key in a PEM file, RSASSA-PKCS1-v1_5 with SHA-256.
pub(super) fn sign(secret: &Secret, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
    sign_with(secret, &RSA_PKCS1_SHA256, message)
}

/// The same with another padding.
pub(super) fn sign_with(
    secret: &Secret,
    padding: &'static dyn RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, CannotSign> {
    let pair = match PrivateKeyDer::from_pem_slice(secret.expose()).map_err(|_| NO_KEY)? {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(NO_KEY),
    };
    let pair = pair.map_err(|_| NO_KEY)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    let signed = pair.sign(padding, &SystemRandom::new(), message, &mut signature);
    signed.map_err(|_| CannotSign::Secret("the private key does not sign"))?;
    Ok(signature)
}
