//! Every way of signing that Hookyard knows, with keys of both sides and something to sign.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hookyard::event::Body;
use hookyard::provider::presets;
use hookyard::signature::{
    BodyHash, Draft, Encoding, Hash, Jwt, JwtAlgorithm, JwtFamily, PayPal, Place, Scheme, Secret, Sns, Token,
    Verifier, private_key, public_key,
};
use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData as _,
    RsaKeySize,
};

/// Serves where a key is hexadecimal, where it is base64, and where it is used as it stands.
const SHARED: &str = "00112233445566778899aabbccddeeff";

/// A sender and whoever checks what it sends.
#[derive(Debug)]
pub struct Sender {
    /// The provider's scheme, or `jwt` with the algorithm.
    pub name: String,
    /// How it signs.
    pub scheme: Scheme,
    /// With what it signs.
    pub signing: Secret,
    /// With what that is checked.
    pub checking: Secret,
}

impl Sender {
    /// One for each scheme of each provider, and for each algorithm of JSON Web Tokens, with new keys.
    pub fn all() -> Vec<Sender> {
        let named = presets().flat_map(|preset| preset.schemes);
        let named = named.map(|named| (named.name.to_owned(), set_up((named.scheme)())));
        let tokens = JwtAlgorithm::ALL.map(|algorithm| (format!("jwt {}", algorithm.name()), jwt(algorithm)));
        let of = |(name, scheme): (String, Scheme)| {
            let (signing, checking) = keys(&scheme);
            Sender { name, scheme, signing, checking }
        };
        named.chain(tokens).map(of).collect()
    }

    /// What checks its requests.
    pub fn verifier(&self) -> Verifier {
        Verifier::new(self.scheme.clone(), [self.checking.clone().into()]).expect("the sender's own key")
    }

    /// A JSON text of about `size` bytes that has whatever the scheme looks for in a body, not yet signed. `filling` is
    /// text without quotes or backslashes.
    pub fn draft(&self, size: usize, filling: &str) -> Draft {
        let filler = filling.repeat(size / filling.len().max(1));
        let text = match &self.scheme {
            Scheme::Twilio => return form(&filler),
            Scheme::AdyenItems => adyen(&filler),
            _ => format!(
                r#"{{"signature":{{"timestamp":"1","token":"t"}},"timestamp":"1","token":"t","webhookTimestamp":0,"Message":"m\n\u2713","Subject":"s","value":[{{"clientState":""}},{{"clientState":""}}],"filling":"{filler}"}}"#
            ),
        };
        let mut draft = Draft::post(json(text));
        draft.url = Some("https://hooks.example.com/in/x?a=1&b=%2Fx%3A".to_owned());
        draft.query = "a=1&b=%2Fx%3A".to_owned();
        draft
    }
}

fn json(text: String) -> Body {
    Body::new(Bytes::from(text), &hookyard::event::Headers::new())
}

/// What is signed of a form is its fields, so it has several.
fn form(filler: &str) -> Draft {
    let mut draft = Draft::post(Body::default());
    draft.headers.set("content-type", "application/x-www-form-urlencoded").expect("a header");
    let fields: Vec<String> = filler
        .as_bytes()
        .chunks(48)
        .enumerate()
        .map(|(at, piece)| format!("Field{at}={}", String::from_utf8_lossy(piece).replace(' ', "+")))
        .collect();
    let text = format!("From=%2B4912345&Body=a+b&{}", fields.join("&"));
    draft.body = Body::new(Bytes::from(text), &draft.headers);
    draft.url = Some("https://hooks.example.com/in/x?a=1&b=%2Fx%3A".to_owned());
    draft.query = "a=1&b=%2Fx%3A".to_owned();
    draft
}

fn adyen(filler: &str) -> String {
    let item = |reference: &str| {
        format!(
            r#"{{"NotificationRequestItem":{{"amount":{{"value":1130,"currency":"EUR"}},"pspReference":"{reference}","eventCode":"AUTHORISATION","merchantAccountCode":"M","merchantReference":"R","success":"true","eventDate":"2019-05-06"}}}}"#
        )
    };
    format!(
        r#"{{"live":"false","notificationItems":[{},{}],"filling":"{filler}"}}"#,
        item("7914"),
        item("7915")
    )
}

/// As an operator sets it up.
fn set_up(scheme: Scheme) -> Scheme {
    match scheme {
        Scheme::PayPal(_) => Scheme::PayPal(PayPal { webhook_id: "WH-1".to_owned(), tolerance: Some(60) }),
        Scheme::Sns(_) => Scheme::Sns(Sns::default()),
        other => other,
    }
}

fn jwt(algorithm: JwtAlgorithm) -> Scheme {
    let place = Place::Header("Authorization".to_owned());
    Scheme::Jwt(Jwt {
        token: Token { place, prefix: "Bearer ".to_owned(), base64: false },
        algorithms: vec![algorithm],
        issuer: Some("acme".to_owned()),
        audience: Some("us".to_owned()),
        leeway: 60,
        max_age: None,
        body_hash: Some(BodyHash { claim: "body".to_owned(), hash: Hash::Sha256, encoding: Encoding::Hex }),
    })
}

/// What is signed with, and what that is checked with.
fn keys(scheme: &Scheme) -> (Secret, Secret) {
    let shared = |text: &str| (Secret::new(text), Secret::new(text));
    match scheme {
        Scheme::Token(token) if token.base64 => shared("user:password"),
        Scheme::Jwt(jwt) => match token_pair(jwt.algorithms[0].family()) {
            None => shared(SHARED),
            Some(pair) => (private(&pair), pem("PUBLIC KEY", &pair.subject_public_key_info())),
        },
        Scheme::PayPal(_) | Scheme::Sns(_) => {
            let pair = rsa();
            let params = CertificateParams::new(vec!["sender.example".to_owned()]).expect("a name");
            let made = params.self_signed(&pair).expect("a certificate");
            (private(&pair), pem("CERTIFICATE", made.der()))
        }
        asymmetric if asymmetric.is_asymmetric() => {
            let private = private_key(scheme).expect("a key");
            let public = public_key(scheme, &private).expect("its public half");
            (private, public)
        }
        _ => shared(SHARED),
    }
}

fn token_pair(family: JwtFamily) -> Option<KeyPair> {
    match family {
        JwtFamily::Hmac => None,
        JwtFamily::Rsa => Some(rsa()),
        JwtFamily::P256 => Some(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")),
        JwtFamily::Ed25519 => Some(KeyPair::generate_for(&PKCS_ED25519).expect("a key")),
    }
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key")
}

fn private(pair: &KeyPair) -> Secret {
    pem("PRIVATE KEY", &pair.serialize_der())
}

fn pem(what: &str, der: &[u8]) -> Secret {
    let text = BASE64_STANDARD.encode(der);
    Secret::new(format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n"))
}
