//! Tokens that are made here are genuine here; tokens that say something else are not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize};
use serde_json::{Value, json};

use super::certificate_tests::pem;
use super::jwt::{BodyHash, Jwt, JwtAlgorithm, JwtFamily};
use super::{Draft, Encoding, Hash, Place, Refusal, Scheme, Secret, Token, Verifier, sign};

const NOW: i64 = 1_700_000_000_000;

fn scheme(algorithms: &[JwtAlgorithm]) -> Jwt {
    Jwt {
        token: Token {
            place: Place::Header("Authorization".to_owned()),
            prefix: "Bearer ".to_owned(),
            base64: false,
        },
        algorithms: algorithms.to_vec(),
        issuer: Some("acme".to_owned()),
        audience: Some("us".to_owned()),
        leeway: 60,
        max_age: None,
        body_hash: Some(BodyHash {
            claim: "https://acme.example/hash".to_owned(),
            hash: Hash::Sha256,
            encoding: Encoding::Hex,
        }),
    }
}

/// What is signed with, and what signatures are checked with.
fn keys(algorithm: JwtAlgorithm) -> (Secret, Secret) {
    let pair = match algorithm.family() {
        JwtFamily::Hmac => return (Secret::new("a shared secret"), Secret::new("a shared secret")),
        JwtFamily::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        JwtFamily::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        JwtFamily::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
    };
    let pair = pair.unwrap();
    let public = pair.subject_public_key_info();
    (Secret::new(pem("PRIVATE KEY", &pair.serialize_der())), Secret::new(pem("PUBLIC KEY", &public)))
}

fn draft() -> Draft {
    Draft::post(Bytes::from_static(b"{\"a\":1}").into())
}

#[test]
fn what_is_signed_here_is_genuine_here_and_any_changed_bit_is_not() {
    for algorithm in JwtAlgorithm::ALL {
        let scheme = Scheme::Jwt(scheme(&[algorithm]));
        let (private, public) = keys(algorithm);
        let verifier = Verifier::new(scheme.clone(), [public.clone().into()]).unwrap();
        let mut draft = draft();
        sign(&scheme, &private, &mut draft, "id-1", NOW).unwrap();
        let result = |draft: &Draft| verifier.verify(draft.request(), NOW).map(|_| ());
        assert_eq!(result(&draft), Ok(()), "{algorithm:?}");

        let genuine = draft.headers.text("authorization").unwrap().to_owned();
        for bit in "Bearer ".len() * 8..genuine.len() * 8 {
            let mut changed = genuine.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(text) = String::from_utf8(changed) else { continue };
            if draft.headers.set("authorization", &text).is_ok() {
                assert!(result(&draft).is_err(), "{algorithm:?} bit {bit}");
            }
        }
        draft.headers.set("authorization", &genuine).unwrap();
        draft.body = Bytes::from_static(b"{\"a\":2}").into();
        assert_eq!(result(&draft), Err(Refusal::BodyHash), "{algorithm:?}");
        let other = Verifier::new(scheme, [keys(algorithm).1.into()]).unwrap();
        if algorithm.family() != JwtFamily::Hmac {
            assert_eq!(other.verify(draft.request(), NOW).map(|_| ()), Err(Refusal::BadSignature));
        }
    }
}

/// A token with any header and claims under the shared secret.
fn token(header: &Value, claims: &str) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(&header.to_string()), part(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"a shared secret");
    let signature = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("Bearer {signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn check(scheme: &Jwt, header: &Value, claims: &str, expected: Result<(), Refusal>) {
    let verifier =
        Verifier::new(Scheme::Jwt(scheme.clone()), [Secret::new("a shared secret").into()]).unwrap();
    let mut draft = draft();
    draft.headers.set("authorization", &token(header, claims)).unwrap();
    assert_eq!(verifier.verify(draft.request(), NOW).map(|_| ()), expected, "{header} {claims}");
}

#[test]
fn what_a_token_says_counts() {
    let scheme = Jwt { body_hash: None, ..scheme(&[JwtAlgorithm::Hs256]) };
    let header = json!({"alg": "HS256"});
    let now = NOW / 1000;
    let claims = |changes: Value| {
        let mut claims = json!({"iss": "acme", "aud": "us", "exp": now + 10});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims.to_string()
    };
    let wrong = |name: &str| Err(Refusal::WrongClaim(name.to_owned()));
    for (changes, expected) in [
        (json!({}), Ok(())),
        (json!({"aud": ["them", "us"]}), Ok(())),
        (json!({"exp": now - 60}), Ok(())),
        (json!({"exp": now as f64 + 0.5}), Ok(())),
        (json!({"nbf": now + 60}), Ok(())),
        (json!({"exp": now - 61}), Err(Refusal::TokenExpired(61, 60))),
        (json!({"nbf": now + 61}), Err(Refusal::TokenNotYet("nbf", 61, 60))),
        (json!({"exp": null}), Err(Refusal::NoExpiry)),
        (json!({"exp": "soon"}), wrong("exp")),
        (json!({"exp": 1e300}), wrong("exp")),
        (json!({"iss": null}), wrong("iss")),
        (json!({"iss": "acme2"}), wrong("iss")),
        (json!({"iss": ["acme"]}), wrong("iss")),
        (json!({"aud": null}), wrong("aud")),
        (json!({"aud": ["them"]}), wrong("aud")),
        (json!({"aud": "us2"}), wrong("aud")),
    ] {
        check(&scheme, &header, &claims(changes), expected);
    }
    let aged = Jwt { max_age: Some(300), ..scheme.clone() };
    check(&aged, &header, &claims(json!({"exp": null, "iat": now - 360})), Ok(()));
    check(&aged, &header, &claims(json!({"exp": null})), wrong("iat"));
    check(&aged, &header, &claims(json!({"iat": now - 361})), Err(Refusal::TokenTooOld(361, 300)));
    check(&aged, &header, &claims(json!({"iat": now + 61})), Err(Refusal::TokenNotYet("iat", 61, 60)));
    check(&aged, &header, &claims(json!({"iat": now, "exp": now - 61})), Err(Refusal::TokenExpired(61, 60)));

    let malformed = Err(Refusal::MalformedToken("Authorization".to_owned()));
    let good = claims(json!({}));
    check(&scheme, &json!({"alg": "HS256", "crit": ["b64"], "b64": false}), &good, malformed.clone());
    check(&scheme, &json!({}), &good, malformed.clone());
    check(&scheme, &header, "[]", malformed.clone());
    check(&scheme, &header, r#"{"iss":"acme","iss":"acme","aud":"us","exp":1800000000}"#, malformed);
    for name in ["none", "None", "HS512", "RS256"] {
        let other = Err(Refusal::OtherAlgorithm(name.to_owned()));
        check(&scheme, &json!({"alg": name}), &good, other);
    }
    let hashed = Jwt { body_hash: super::jwt_tests::scheme(&[]).body_hash, ..scheme };
    check(&hashed, &header, &good, wrong("https://acme.example/hash"));
}

/// A receiver that takes a public key for a shared secret would let anybody sign who knows the public key.
#[test]
fn a_key_is_for_its_own_algorithms() {
    let (private, public) = keys(JwtAlgorithm::Rs256);
    let fails = |algorithm, secret: &Secret| {
        let made = Verifier::new(Scheme::Jwt(scheme(&[algorithm])), [secret.clone().into()]);
        assert!(made.is_err(), "{algorithm:?}");
    };
    fails(JwtAlgorithm::Hs256, &public);
    fails(JwtAlgorithm::Es256, &public);
    fails(JwtAlgorithm::EdDsa, &public);
    fails(JwtAlgorithm::Rs256, &private);
    fails(JwtAlgorithm::Hs256, &Secret::new(""));
    fails(JwtAlgorithm::Rs256, &Secret::new("a shared secret"));

    // Both paddings under one key, each as its token names it.
    let both = Scheme::Jwt(scheme(&[JwtAlgorithm::Rs256, JwtAlgorithm::Ps256]));
    let verifier = Verifier::new(both, [public.into()]).unwrap();
    for algorithm in [JwtAlgorithm::Rs256, JwtAlgorithm::Ps256] {
        let mut draft = draft();
        sign(&Scheme::Jwt(scheme(&[algorithm])), &private, &mut draft, "id-1", NOW).unwrap();
        assert!(verifier.verify(draft.request(), NOW).is_ok(), "{algorithm:?}");
    }
}

/// Of several tokens only one would be looked at, so that there may be no more.
#[test]
fn one_token_proves_nothing_for_others() {
    let pointer = |text: &str| crate::event::Pointer::new(text).unwrap();
    let mut scheme = Jwt { body_hash: None, ..scheme(&[JwtAlgorithm::Hs256]) };
    scheme.token.prefix = String::new();
    let secret = Secret::new("a shared secret");
    let mut draft = draft();
    scheme.token.place = Place::Header("X-Jwt".to_owned());
    sign(&Scheme::Jwt(scheme.clone()), &secret, &mut draft, "id-1", NOW).unwrap();
    let genuine = draft.headers.text("x-jwt").unwrap().to_owned();
    scheme.token.place = Place::BodyEach { list: pointer("/items"), item: pointer("/jwt") };
    let verifier = Verifier::new(Scheme::Jwt(scheme), [secret.into()]).unwrap();
    let result = |items: Value| {
        let body = json!({ "items": items }).to_string();
        verifier.verify(Draft::post(Bytes::from(body).into()).request(), NOW).map(|_| ())
    };
    assert_eq!(result(json!([{ "jwt": genuine }])), Ok(()));
    let malformed = Refusal::MalformedToken("/items/*/jwt of the body".to_owned());
    assert_eq!(result(json!([{ "jwt": genuine }, { "jwt": "forged" }])), Err(malformed));
}
