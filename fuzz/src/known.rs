//! Every scheme of every provider with a key, and schemes made up of the same vocabulary.

use std::sync::OnceLock;

use hookyard::event::Pointer;
use hookyard::provider::presets;
use hookyard::signature::{
    Algorithm, BodyHash, Encoding, Hash, Jwt, JwtAlgorithm, KeyEncoding, Place, Scheme, Secret,
    SignatureField, Signed, TimestampField, TimestampFormat, TimestampPlace, Token, Verifier, private_key,
    public_key,
};

/// Nobody has its private key.
const CERTIFICATE: &str = include_str!("certificate.pem");

/// Serves where a key is hexadecimal, where it is base64, and where it is used as it stands.
const SHARED: &str = "9f86d081884c7d659a2feaa0c55ad015";

/// A scheme that is ready for use.
#[derive(Debug)]
pub struct Known {
    /// The provider's name for it; empty for one that is made up.
    pub name: &'static str,
    /// The scheme.
    pub scheme: Scheme,
    /// With what requests are signed; None where nobody can.
    pub signing: Option<Secret>,
    /// What checks them.
    pub verifier: Verifier,
    /// The headers that it reads.
    pub headers: Vec<String>,
}

/// Every provider's, one for each kind of JSON Web Token, and some hundred others.
pub fn known() -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let named = presets().flat_map(|preset| preset.schemes);
        let named = named.map(|named| (named.name, (named.scheme)()));
        let tokens = JwtAlgorithm::ALL.map(|algorithm| ("", Scheme::Jwt(jwt(algorithm))));
        let made_up = (0..140).map(|number| ("", Scheme::Signed(made_up(number))));
        named.chain(tokens).chain(made_up).filter_map(|(name, scheme)| Known::new(name, scheme)).collect()
    })
}

impl Known {
    fn new(name: &'static str, scheme: Scheme) -> Option<Self> {
        let shared = Secret::new(if is_basic(&scheme) { "user:9f86d081884c7d65" } else { SHARED });
        let (signing, checking) = match &scheme {
            Scheme::PayPal(_) | Scheme::Sns(_) => (None, Secret::new(CERTIFICATE)),
            Scheme::Jwt(_) if scheme.is_asymmetric() => (None, Secret::new(CERTIFICATE)),
            asymmetric if asymmetric.is_asymmetric() => {
                let private = private_key(&scheme).ok()?;
                let public = public_key(&scheme, &private).ok()?;
                (Some(private), public)
            }
            _ => (Some(shared.clone()), shared),
        };
        // The certificate's key is one of RSA, which other algorithms do not take.
        let verifier = Verifier::new(scheme.clone(), [checking.into()]).ok()?;
        let headers = headers(&scheme);
        Some(Known { name, scheme, signing, verifier, headers })
    }
}

fn is_basic(scheme: &Scheme) -> bool {
    matches!(scheme, Scheme::Token(Token { base64: true, .. }))
}

fn headers(scheme: &Scheme) -> Vec<String> {
    let of_place = |place: &Place| match place {
        Place::Header(name) => Some(name.clone()),
        Place::HeaderSeries(prefix) => Some(format!("{prefix}1")),
        _ => None,
    };
    let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match scheme {
        Scheme::Signed(signed) => {
            let time = signed.timestamp.as_ref().and_then(|time| match &time.place {
                TimestampPlace::Header(name) => Some(name.clone()),
                _ => None,
            });
            let places = signed.signature.places.iter().filter_map(of_place);
            places.chain(time).chain(signed.id_header.clone()).collect()
        }
        Scheme::Token(token) | Scheme::Jwt(Jwt { token, .. }) => of_place(&token.place).into_iter().collect(),
        Scheme::Twilio => fixed(&["X-Twilio-Signature"]),
        Scheme::PayPal(_) => fixed(&[
            "PayPal-Transmission-Sig",
            "PayPal-Transmission-Id",
            "PayPal-Transmission-Time",
            "PayPal-Cert-Url",
            "PayPal-Auth-Algo",
        ]),
        Scheme::AdyenItems => Vec::new(),
        Scheme::Sns(_) => fixed(&["x-amz-sns-rawdelivery"]),
    }
}

fn jwt(algorithm: JwtAlgorithm) -> Jwt {
    let place = Place::Header("Authorization".to_owned());
    Jwt {
        token: Token { place, prefix: "Bearer ".to_owned(), base64: false },
        algorithms: vec![algorithm],
        issuer: None,
        audience: None,
        leeway: 60,
        max_age: None,
        body_hash: Some(BodyHash { claim: "body".to_owned(), hash: Hash::Sha256, encoding: Encoding::Hex }),
    }
}

/// What an operator might describe: the number's digits choose. Between a time or an id and the body something always
/// stands that is in neither, since without that the sender signs the same for different requests.
fn made_up(number: usize) -> Signed {
    let mut rest = number.wrapping_mul(7919);
    let mut choose = |count: usize| {
        let choice = rest % count;
        rest /= count;
        choice
    };
    let algorithm = [
        Algorithm::Hmac(Hash::Sha1),
        Algorithm::Hmac(Hash::Sha256),
        Algorithm::Hmac(Hash::Sha512),
        Algorithm::Digest(Hash::Sha256),
        Algorithm::Ed25519,
    ][choose(5)];
    // A signature in the body cannot cover all of it.
    let in_body = choose(8) == 0;
    let template = match in_body {
        true => "{body:/timestamp}.{body:/token}",
        false => {
            ["{body}", "{timestamp}\n{body}", "v0:{timestamp}:{body}", "{id}\n{timestamp}\n{body}"][choose(4)]
        }
    };
    let secret = if matches!(algorithm, Algorithm::Digest(_)) { "{secret}" } else { "" };
    let (separator, assignment, field) =
        [(None, None, ""), (Some(','), Some('='), "v1"), (Some(' '), Some(','), "v1"), (Some(';'), None, "")]
            [choose(4)];
    let in_field = assignment.is_some() && choose(2) == 0;
    let time = match in_field {
        true => TimestampPlace::Field("t".to_owned()),
        false => TimestampPlace::Header("X-Time".to_owned()),
    };
    let format = [TimestampFormat::Unix, TimestampFormat::UnixMillis, TimestampFormat::Rfc3339][choose(3)];
    let signature = SignatureField {
        places: match (in_body, choose(4)) {
            (true, _) => Pointer::new("/other").map(Place::Body).into_iter().collect(),
            (_, 0) => vec![Place::HeaderSeries("X-Signature-".to_owned())],
            (_, 1) => vec![Place::Query("signature".to_owned())],
            _ => vec![Place::Header("X-Signature".to_owned()), Place::Header("X-Other".to_owned())],
        },
        prefix: ["", "sha256="][choose(2)].to_owned(),
        separator,
        assignment,
        fields: if field.is_empty() { Vec::new() } else { vec![field.to_owned()] },
        encoding: [Encoding::Hex, Encoding::Base64][choose(2)],
    };
    let asymmetric = algorithm == Algorithm::Ed25519;
    let mut made = Signed::of_body(Hash::Sha256, "", "", Encoding::Hex);
    made.algorithm = algorithm;
    made.key_encoding = if asymmetric { KeyEncoding::Hex } else { KeyEncoding::Verbatim };
    made.timestamp = template.contains("{timestamp}").then(|| TimestampField::within(time, format, 300));
    made.id_header = template.contains("{id}").then(|| "X-Id".to_owned());
    if let Ok(template) = format!("{secret}{template}").parse() {
        made.template = template;
    }
    made.signature = signature;
    made
}
