//! Pairs of keys, for trying out senders that sign with a private key of their own.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};

use super::encoding::{Encoding, KeyEncoding};
use super::scheme::{Algorithm, Scheme, Signed};
use super::secret::Secret;
use super::sign::CannotSign;

const NOT_MADE: CannotSign = CannotSign::Secret("a pair of keys for this scheme cannot be made here");

/// A new private key, written as [`sign`](super::sign()) takes it. Fails for schemes whose secret is shared, and for JSON
/// Web Tokens.
pub fn private_key(scheme: &Scheme) -> Result<Secret, CannotSign> {
    let no_random = |_| CannotSign::Secret("the system gives no random bytes");
    match scheme {
        Scheme::Signed(signed @ Signed { algorithm: Algorithm::Ed25519, .. }) => {
            let mut seed = [0; 32];
            rand::fill(&mut seed).map_err(no_random)?;
            written(signed, &seed).map(Secret::new)
        }
        Scheme::Signed(signed @ Signed { algorithm: Algorithm::EcdsaP256, .. }) => {
            let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
            written(signed, pair.map_err(no_random)?.as_ref()).map(Secret::new)
        }
        Scheme::PayPal(_) | Scheme::Sns(_) => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(no_random)?;
            let key = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(no_random)?;
            let lines = Encoding::Base64.encode(key.as_ref());
            Ok(Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")))
        }
        _ => Err(NOT_MADE),
    }
}

/// The public key of a private one, written as a verifier takes it. Fails for schemes whose secret is shared, for JSON Web
/// Tokens, and where a verifier takes a certificate.
pub fn public_key(scheme: &Scheme, private: &Secret) -> Result<Secret, CannotSign> {
    let Scheme::Signed(signed) = scheme else { return Err(NOT_MADE) };
    let key = signed.key(private.expose()).map_err(CannotSign::Secret)?;
    let public = match signed.algorithm {
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&key);
            let pair =
                pair.map_err(|_| CannotSign::Secret("it is not a private key (a seed of 32 bytes)"))?;
            pair.public_key().as_ref().to_vec()
        }
        Algorithm::EcdsaP256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key);
            let pair = pair.map_err(|_| CannotSign::Secret("it is not a private key (PKCS #8 in base64)"))?;
            pair.public_key().as_ref().to_vec()
        }
        Algorithm::Hmac(_) | Algorithm::Digest(_) => return Err(NOT_MADE),
    };
    Ok(Secret::new(format!("{}{}", signed.key_prefix, written(signed, &public)?)))
}

fn written(signed: &Signed, bytes: &[u8]) -> Result<String, CannotSign> {
    match signed.key_encoding {
        KeyEncoding::Hex => Ok(Encoding::Hex.encode(bytes)),
        KeyEncoding::Base64 => Ok(Encoding::Base64.encode(bytes)),
        KeyEncoding::Verbatim => {
            Err(CannotSign::Secret("a key that is used as it stands cannot be made here"))
        }
    }
}
