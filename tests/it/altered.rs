//! Whoever changes one bit of what a sender signs has made another request, which nobody takes: for every scheme of every
//! provider.

mod meaning;

use std::collections::BTreeMap;

use bytes::Bytes;
use hookyard::event::{Body, Headers};
use hookyard::signature::{Draft, Refusal, Scheme, Verifier, sign};
use hookyard_tests::{Random, Sender};
use http::HeaderName;

use self::meaning::meaning;

/// Requests of each scheme.
const ROUNDS: usize = 2;

/// What of a request is changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Body,
    Header(String),
    Url,
    Method,
}

#[test]
fn one_bit_of_what_is_signed_makes_another_request() {
    let seed = Random::seed();
    eprintln!("HOOKYARD_SEED={seed}");
    let mut random = Random::new(seed);
    for sender in Sender::all() {
        let mut refused: BTreeMap<Part, usize> = BTreeMap::new();
        for _ in 0..ROUNDS {
            alter_bits(&sender, &mut random, &mut refused);
        }
        let seen: Vec<&Part> = refused.keys().collect();
        for part in expected(&sender) {
            assert!(seen.contains(&&part), "{}: no bit of {part:?} counted, only of {seen:?}", sender.name);
        }
    }
}

/// Parts of which some bit has to count, by what is known of the schemes, not by what the verifier reads.
fn expected(sender: &Sender) -> Vec<Part> {
    let header = |name: &str| Part::Header(name.to_owned());
    match &*sender.name {
        "github" => vec![Part::Body, header("x-hub-signature-256")],
        "stripe" => vec![Part::Body, header("stripe-signature")],
        "shopify" => vec![Part::Body, header("x-shopify-hmac-sha256")],
        "twilio" => vec![Part::Body, Part::Url, header("x-twilio-signature")],
        "hubspot-v3" => {
            vec![Part::Body, Part::Url, Part::Method, header("x-hubspot-request-timestamp")]
        }
        "standard-webhooks" | "standard-webhooks-ed25519" => {
            vec![Part::Body, header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")]
        }
        "paypal" => vec![
            Part::Body,
            header("paypal-transmission-id"),
            header("paypal-transmission-time"),
            header("paypal-transmission-sig"),
        ],
        "sns" | "adyen-items" | "mailgun" => vec![Part::Body],
        jwt if jwt.starts_with("jwt ") => vec![Part::Body, header("authorization")],
        _ => Vec::new(),
    }
}

/// Signs one request, and then changes each bit of each part of it.
fn alter_bits(sender: &Sender, random: &mut Random, refused: &mut BTreeMap<Part, usize>) {
    let verifier = sender.verifier();
    let now = 1_600_000_000_000 + random.below(300_000_000_000).cast_signed();
    let mut draft = arbitrary(sender, random);
    let id = format!("id-{}", random.below(1000));
    sign(&sender.scheme, &sender.signing, &mut draft, &id, now).unwrap();
    // No sender is given less than five seconds.
    let later = now + random.below(4000).cast_signed();
    let genuine = verify(&verifier, &draft, later);
    assert_eq!(genuine, Ok(()), "{}: {draft:?}", sender.name);

    let said = meaning(sender, &draft);
    assert!(!said.is_empty(), "{}: nothing is signed", sender.name);
    for part in parts(&draft) {
        for bit in 0..size(&draft, &part) * 8 {
            let Some(altered) = altered(&draft, &part, bit) else { continue };
            if meaning(sender, &altered) == said {
                continue;
            }
            let found = verify(&verifier, &altered, later);
            assert!(found.is_err(), "{}: bit {bit} of {part:?}: {draft:?}", sender.name);
            *refused.entry(part.clone()).or_default() += 1;
        }
    }
}

fn verify(verifier: &Verifier, draft: &Draft, now: i64) -> Result<(), Refusal> {
    verifier.verify(draft.request(), now).map(|_| ())
}

/// Some request that the scheme can sign: bytes of any kind where it does not look into them.
fn arbitrary(sender: &Sender, random: &mut Random) -> Draft {
    let letters: Vec<u8> = (0..8).map(|_| b'a' + random.below(26) as u8).collect();
    let mut draft =
        sender.draft(random.below(60) as usize, std::str::from_utf8(&letters).unwrap_or_default());
    let any_bytes = match &sender.scheme {
        Scheme::Signed(signed) => signed.template.covers_body() && sender.name != "linear",
        Scheme::Jwt(_) | Scheme::PayPal(_) => true,
        Scheme::Twilio | Scheme::Token(_) | Scheme::AdyenItems | Scheme::Sns(_) => false,
    };
    if any_bytes && random.percent(50) {
        let bytes: Vec<u8> = (0..1 + random.below(40)).map(|_| random.bits() as u8).collect();
        draft.body = Body::new(Bytes::from(bytes), &draft.headers);
    } else if sender.scheme == Scheme::Twilio && random.percent(50) {
        draft.headers.set("content-type", "application/json").unwrap();
        draft.body = Body::new(Bytes::from_static(b"{\"a\": 1}"), &draft.headers);
    }
    if random.percent(30) {
        draft.method = "PUT".to_owned();
    }
    draft
}

fn parts(draft: &Draft) -> Vec<Part> {
    let headers = draft.headers.iter().map(|(name, _)| Part::Header(name.to_owned()));
    [Part::Body, Part::Url, Part::Method].into_iter().chain(headers).collect()
}

fn size(draft: &Draft, part: &Part) -> usize {
    match part {
        Part::Body => draft.body.bytes().len(),
        Part::Header(name) => draft.headers.first(name).map_or(0, Bytes::len),
        Part::Url => draft.url.as_ref().map_or(0, String::len),
        Part::Method => draft.method.len(),
    }
}

/// The request with one bit changed; None where HTTP has no such request.
fn altered(draft: &Draft, part: &Part, bit: usize) -> Option<Draft> {
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let mut altered = draft.clone();
    match part {
        Part::Body => altered.body = Body::new(flipped(draft.body.bytes()).into(), &draft.headers),
        Part::Method => altered.method = String::from_utf8(flipped(draft.method.as_bytes())).ok()?,
        Part::Url => {
            let url = String::from_utf8(flipped(draft.url.as_ref()?.as_bytes())).ok()?;
            altered.query = url.split_once('?').map_or("", |(_, query)| query).to_owned();
            altered.url = Some(url);
        }
        Part::Header(name) => {
            let field = |(known, value): (&str, &Bytes)| {
                let value = if known == name { flipped(value).into() } else { value.clone() };
                (HeaderName::from_bytes(known.as_bytes()).unwrap(), value)
            };
            altered.headers = draft.headers.iter().map(field).collect::<Headers>();
            altered.body = draft.body.clone().under(&altered.headers);
        }
    }
    Some(altered)
}
