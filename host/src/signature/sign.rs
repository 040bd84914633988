//! Signs requests as senders do, for samples and tests. The reverse of the verifier, by the same description.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{digest, hmac};

use crate::event::{Body, Edit, Headers, Pointer, UnixMillis, with_field};

use super::encoding::Encoding;
use super::request::SignedRequest;
use super::scheme::{Algorithm, Place, Scheme, Signed, TimestampPlace, Token};
use super::secret::Secret;
use super::signed::Covered;
use super::{adyen, jwt, paypal, sns, twilio};

/// A request to be signed. Signing adds headers or a query parameter, or fills in nodes of the body.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Upper case.
    pub method: String,
    /// The address that is called, with its query, for schemes that cover it.
    pub url: Option<String>,
    /// The query without `?`.
    pub query: String,
    /// Every header.
    pub headers: Headers,
    /// The body.
    pub body: Body,
}

/// Why a request cannot be signed; never with the secret's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotSign {
    /// The secret is not one of this scheme, or, where the verifying side has a public key, not a private key.
    Secret(&'static str),
    /// The scheme covers or fills something that the request does not have.
    Request(String),
}

impl fmt::Display for CannotSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotSign::Secret(problem) => write!(f, "the secret cannot be used: {problem}"),
            CannotSign::Request(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for CannotSign {}

/// Makes a request genuine at the wall clock `now`; `id` is used where the scheme signs one. For schemes with a public
/// key, the secret is the private one: a seed of Ed25519 written as the public key is, or PKCS #8 in base64. For JSON Web
/// Tokens and schemes with certificates it is the private key in PEM.
pub fn sign(
    scheme: &Scheme,
    secret: &Secret,
    draft: &mut Draft,
    id: &str,
    now: UnixMillis,
) -> Result<(), CannotSign> {
    match scheme {
        Scheme::Signed(scheme) => sign_parts(scheme, secret, draft, id, now),
        Scheme::Token(scheme) => send_along(scheme, secret, draft),
        Scheme::Jwt(scheme) => jwt::sign(scheme, secret, draft, id, now),
        Scheme::Twilio => twilio::sign(secret, draft),
        Scheme::AdyenItems => adyen::sign(secret, draft),
        Scheme::PayPal(scheme) => paypal::sign(scheme, secret, draft, id, now),
        Scheme::Sns(_) => sns::sign(secret, draft, id, now),
    }
}

fn sign_parts(
    scheme: &Signed,
    secret: &Secret,
    draft: &mut Draft,
    id: &str,
    now: UnixMillis,
) -> Result<(), CannotSign> {
    let mut time = String::new();
    let mut fields: Vec<(&str, String)> = Vec::new();
    if let Some(timestamp) = &scheme.timestamp {
        time = timestamp.format.write(now);
        match &timestamp.place {
            TimestampPlace::Header(name) => draft.set_header(name, &time)?,
            TimestampPlace::Field(name) => fields.push((name, time.clone())),
            TimestampPlace::Body(pointer) => draft.set_time(pointer, &time)?,
        }
    }
    if let Some(name) = &scheme.id_header {
        draft.set_header(name, id)?;
    }
    let signature = {
        let covered = Covered::of(scheme, draft.request(), &time, id);
        let covered = covered.map_err(|refusal| CannotSign::Request(refusal.to_string()))?;
        signature(scheme, secret, &covered)?
    };
    let field = &scheme.signature;
    let written = format!("{}{}", field.prefix, field.encoding.encode(&signature));
    let written = match (field.assignment, field.fields.first()) {
        (Some(assignment), Some(name)) => {
            fields.push((name, written));
            let pairs: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}{assignment}{value}")).collect();
            pairs.join(&field.separator.unwrap_or(',').to_string())
        }
        _ => written,
    };
    match field.places.first() {
        Some(place) => draft.write(place, &written),
        None => Ok(()),
    }
}

fn signature(scheme: &Signed, secret: &Secret, covered: &Covered<'_>) -> Result<Vec<u8>, CannotSign> {
    let private = || scheme.key(secret.expose()).map_err(CannotSign::Secret);
    let message =
        |secret: &[u8]| covered.pieces(secret).flat_map(|(piece, _)| piece.to_vec()).collect::<Vec<u8>>();
    Ok(match scheme.algorithm {
        Algorithm::Hmac(hash) => {
            let key = hmac::Key::new(hash.hmac(), &private()?);
            hmac::sign(&key, &message(&[])).as_ref().to_vec()
        }
        Algorithm::Digest(hash) => digest::digest(hash.digest(), &message(&private()?)).as_ref().to_vec(),
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&private()?);
            let pair =
                pair.map_err(|_| CannotSign::Secret("it is not a private key (a seed of 32 bytes)"))?;
            pair.sign(&message(&[])).as_ref().to_vec()
        }
        Algorithm::EcdsaP256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &private()?);
            let pair = pair.map_err(|_| CannotSign::Secret("it is not a private key (PKCS #8 in base64)"))?;
            let signed = pair.sign(&SystemRandom::new(), &message(&[]));
            signed.map_err(|_| CannotSign::Secret("the private key does not sign"))?.as_ref().to_vec()
        }
    })
}

fn send_along(scheme: &Token, secret: &Secret, draft: &mut Draft) -> Result<(), CannotSign> {
    let text = match scheme.base64 {
        true => Encoding::Base64.encode(secret.expose()),
        false => std::str::from_utf8(secret.expose())
            .map_err(|_| CannotSign::Secret("it is not UTF-8"))?
            .to_owned(),
    };
    draft.write(&scheme.place, &format!("{}{text}", scheme.prefix))
}

impl Draft {
    /// A POST of this body.
    pub fn post(body: Body) -> Self {
        Draft { method: "POST".to_owned(), url: None, query: String::new(), headers: Headers::new(), body }
    }

    /// As it would be received.
    pub fn request(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: &self.method,
            url: self.url.as_deref(),
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
            certificate: None,
        }
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) -> Result<(), CannotSign> {
        self.headers.set(name, value).map_err(|problem| CannotSign::Request(problem.to_string()))
    }

    pub(super) fn write(&mut self, place: &Place, text: &str) -> Result<(), CannotSign> {
        match place {
            Place::Header(name) => self.set_header(name, text),
            Place::HeaderSeries(prefix) => self.set_header(&format!("{prefix}1"), text),
            Place::Query(name) => {
                let encode =
                    |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
                let separator = if self.query.is_empty() { "" } else { "&" };
                self.query = format!("{}{separator}{}={}", self.query, encode(name), encode(text));
                Ok(())
            }
            Place::Body(pointer) if self.is_form() => {
                self.set_field(pointer, text);
                Ok(())
            }
            Place::Body(pointer) => self.set_node(pointer.as_str(), json(text)),
            Place::BodyEach { list, item } => {
                let items =
                    self.body.json().ok().and_then(|document| document.len(document.find(list.as_str())?));
                for at in 0..items.unwrap_or_default() {
                    self.set_node(&format!("{}/{at}{}", list.as_str(), item.as_str()), json(text))?;
                }
                Ok(())
            }
        }
    }

    /// A time takes the form, text or number, of the one that it replaces.
    fn set_time(&mut self, pointer: &Pointer, time: &str) -> Result<(), CannotSign> {
        if self.is_form() {
            self.set_field(pointer, time);
            return Ok(());
        }
        let is_text = self.body.json().ok().and_then(|document| {
            document.find(pointer.as_str()).map(|node| document.kind(node) == crate::event::Kind::Text)
        });
        let value = if is_text == Some(true) { json(time) } else { time.to_owned() };
        self.set_node(pointer.as_str(), value)
    }

    fn is_form(&self) -> bool {
        let form = "application/x-www-form-urlencoded";
        self.headers.text("content-type").is_some_and(|said| said.trim_start().starts_with(form))
    }

    fn set_field(&mut self, pointer: &Pointer, text: &str) {
        let form = String::from_utf8_lossy(self.body.bytes()).into_owned();
        let name = pointer.as_str().trim_start_matches('/');
        self.body = Body::new(with_field(&form, name, text).into(), &self.headers);
    }

    pub(super) fn set_text(&mut self, pointer: &str, text: &str) -> Result<(), CannotSign> {
        self.set_node(pointer, json(text))
    }

    pub(super) fn set_node(&mut self, pointer: &str, value: String) -> Result<(), CannotSign> {
        let edit = Edit::Set { pointer: pointer.to_owned(), value };
        let bytes = self.body.edited(&[edit]).map_err(|problem| CannotSign::Request(problem.to_string()))?;
        self.body = Body::new(bytes, &self.headers);
        Ok(())
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
