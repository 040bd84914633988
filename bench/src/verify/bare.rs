//! The primitives that schemes rest on, with a key that is ready.

use anyhow::{Result, anyhow};
use aws_lc_rs::digest::{self, SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use hookyard::signature::{Algorithm, Hash, JwtAlgorithm, Scheme};

/// Computes what there is to compute, once.
pub(super) type Bare = Box<dyn Fn() -> bool>;

/// The primitive of a scheme over these pieces of a request with this body; None where the scheme has none.
pub(super) fn of(scheme: &Scheme, covered: &[Vec<u8>], body: &[u8]) -> Result<Option<Bare>> {
    let all = covered.concat();
    Ok(Some(match scheme {
        Scheme::Signed(signed) => match signed.algorithm {
            Algorithm::Hmac(hash) => hmac(of_hash(hash), vec![all]),
            Algorithm::Digest(hash) => hashed(hash, all),
            Algorithm::Ed25519 => ed25519(all)?,
            Algorithm::EcdsaP256 => ecdsa(all)?,
        },
        Scheme::Twilio => hmac(of_hash(Hash::Sha1), vec![all]),
        Scheme::AdyenItems => hmac(of_hash(Hash::Sha256), covered.to_vec()),
        Scheme::PayPal(_) | Scheme::Sns(_) => rsa(&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256, all)?,
        Scheme::Jwt(jwt) => {
            let algorithm = jwt.algorithms.first().ok_or_else(|| anyhow!("a token without an algorithm"))?;
            let (signed, hash) = (token(*algorithm, all)?, hashed(Hash::Sha256, body.to_vec()));
            Box::new(move || signed() && hash())
        }
        Scheme::Token(_) => return Ok(None),
    }))
}

fn token(algorithm: JwtAlgorithm, message: Vec<u8>) -> Result<Bare> {
    match algorithm {
        JwtAlgorithm::Hs256 => Ok(hmac(hmac::HMAC_SHA256, vec![message])),
        JwtAlgorithm::Hs384 => Ok(hmac(hmac::HMAC_SHA384, vec![message])),
        JwtAlgorithm::Hs512 => Ok(hmac(hmac::HMAC_SHA512, vec![message])),
        JwtAlgorithm::Rs256 => rsa(&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256, message),
        JwtAlgorithm::Ps256 => rsa(&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256, message),
        JwtAlgorithm::Es256 => ecdsa(message),
        JwtAlgorithm::EdDsa => ed25519(message),
    }
}

fn of_hash(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

fn hmac(algorithm: hmac::Algorithm, messages: Vec<Vec<u8>>) -> Bare {
    let key = hmac::Key::new(algorithm, &[7; 32]);
    let tags: Vec<hmac::Tag> = messages.iter().map(|message| hmac::sign(&key, message)).collect();
    Box::new(move || {
        let mut pairs = messages.iter().zip(&tags);
        pairs.all(|(message, tag)| hmac::verify(&key, message, tag.as_ref()).is_ok())
    })
}

fn hashed(hash: Hash, message: Vec<u8>) -> Bare {
    let algorithm = match hash {
        Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &SHA256,
        Hash::Sha512 => &digest::SHA512,
    };
    let expected = digest(algorithm, &message).as_ref().to_vec();
    Box::new(move || digest(algorithm, &message).as_ref() == expected)
}

fn ed25519(message: Vec<u8>) -> Result<Bare> {
    let pair = Ed25519KeyPair::generate()?;
    let signature = pair.sign(&message).as_ref().to_vec();
    public(&ED25519, pair.public_key().as_ref(), message, signature)
}

fn ecdsa(message: Vec<u8>) -> Result<Bare> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let signature = pair.sign(&SystemRandom::new(), &message)?.as_ref().to_vec();
    public(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref(), message, signature)
}

fn rsa(
    padding: &'static dyn RsaEncoding,
    algorithm: &'static dyn VerificationAlgorithm,
    message: Vec<u8>,
) -> Result<Bare> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), &message, &mut signature)?;
    public(algorithm, pair.public_key().as_ref(), message, signature)
}

fn public(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: Vec<u8>,
    signature: Vec<u8>,
) -> Result<Bare> {
    let key = ParsedPublicKey::new(algorithm, key)?;
    Ok(Box::new(move || key.verify_sig(&message, &signature).is_ok()))
}
