//! Twilio: an HMAC over the address that it calls and the form that it sends; for any other body, over an address that
//! carries the body's hash.
//!
//! <https://www.twilio.com/docs/usage/security#validating-requests>. Twilio's own libraries try several ways of writing
//! the address, because what it signs differs between its products: with and without the port, and with the query
//! escaped in several ways. Nothing separates the pieces of what is signed from each other; that is Twilio's choice.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::event::UnixMillis;

use super::encoding::{Encoding, Hash};
use super::refusal::Refusal;
use super::request::{SignedRequest, single};
use super::secret::Secret;
use super::sign::{CannotSign, Draft};
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

/// The header with the signature.
pub(super) const SIGNATURE: &str = "X-Twilio-Signature";

/// The query parameter with the hash of a body that is no form.
const BODY_HASH: &str = "bodySHA256";

/// What a body is whose type nobody states.
const FORM: &str = "application/x-www-form-urlencoded";

/// What JavaScript's `encodeURIComponent` escapes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

pub(super) fn verify<T: Trace>(
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let written = single(request.headers, SIGNATURE)?;
    trace.candidate(SIGNATURE, written);
    let signature = Encoding::Base64.decode(written.as_bytes()).filter(|bytes| !bytes.is_empty());
    let signature = [signature.ok_or_else(|| Refusal::MalformedSignature(SIGNATURE.to_owned()))?];
    let url = without_fragment(request.url.ok_or(Refusal::UnknownUrl)?);
    // Of the address that is signed: what was received beside it proves nothing.
    let hash = url.split_once('?').and_then(|(_, query)| crate::routing::query(query, BODY_HASH));
    let form = if hash.is_some() { Vec::new() } else { form(request)? };
    trace.covered([Some(url.as_bytes()), Some(&form[..])].into_iter());
    let addresses = addresses(url);
    let verified = verifier.first(now, trace, |key| {
        addresses.iter().any(|url| key.makes([url.as_bytes(), &form[..]].into_iter(), &signature))
    })?;
    match hash {
        Some(hash) if !is_hash_of(&hash, request.body.bytes()) => Err(Refusal::BodyHash),
        _ => Ok(verified),
    }
}

fn is_hash_of(written: &str, body: &[u8]) -> bool {
    let written = Encoding::Hex.decode(written.as_bytes()).unwrap_or_default();
    verify_slices_are_equal(&written, digest(&SHA256, body).as_ref()).is_ok()
}

/// The form as it is signed: by name in the order of bytes, each name before each of its values, no value twice.
fn form(request: SignedRequest<'_>) -> Result<Vec<u8>, Refusal> {
    let body = request.body.bytes();
    if body.is_empty() {
        return Ok(Vec::new());
    }
    // One that cannot be read is not absent.
    let media_type = match request.headers.first("content-type") {
        None => FORM,
        Some(written) => std::str::from_utf8(written).unwrap_or_default(),
    };
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(FORM) {
        return Err(Refusal::Unsigned(
            "Twilio signs a body that is no form only with bodySHA256 in the address",
        ));
    }
    let mut fields: Vec<_> = pairs(body).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut signed = Vec::with_capacity(body.len());
    for (name, value) in &fields {
        signed.extend_from_slice(name);
        signed.extend_from_slice(value);
    }
    Ok(signed)
}

/// The decoded pairs of a form or of a query.
fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decode(&pair[..end]), decode(pair.get(end + 1..).unwrap_or_default()))
    })
}

/// Options of Twilio's own, such as `#rc=5`, follow the address and are neither sent nor signed.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

/// Most names and many values have nothing to decode.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

/// The ways of writing an address that Twilio may have signed.
fn addresses(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    let tails = match query {
        None => vec![path.to_owned()],
        Some(query) => [query.to_owned(), as_browsers_write(query), as_node_wrote(query)]
            .map(|query| format!("{path}?{query}"))
            .to_vec(),
    };
    let mut addresses = Vec::new();
    for authority in authorities(scheme, authority) {
        for tail in &tails {
            let address = format!("{scheme}://{authority}{tail}");
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    addresses
}

/// As it stands, without the port, and with one.
fn authorities(scheme: &str, authority: &str) -> [String; 3] {
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    // The last colon of an address such as [::1] is none before a port.
    let port = authority.rfind(':').filter(|at| *at > host && !authority[*at..].contains(']'));
    let bare = &authority[..port.unwrap_or(authority.len())];
    let standard = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let port = port.map_or(standard, |at| &authority[at..]);
    [authority.to_owned(), bare.to_owned(), format!("{bare}{port}")]
}

/// The query as the [URL standard](https://url.spec.whatwg.org/#query-state) writes it.
fn as_browsers_write(query: &str) -> String {
    query.replace('\'', "%27").replace('"', "%22").replace('<', "%3C").replace('>', "%3E")
}

/// The query decoded and written anew, as Node's `querystring` does it.
fn as_node_wrote(query: &str) -> String {
    let encode = |text: &[u8]| percent_encode(text, COMPONENT).to_string();
    let pairs = pairs(query.as_bytes()).map(|(name, value)| format!("{}={}", encode(&name), encode(&value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Adds the signature, and to the address the hash of a body that is no form.
pub(super) fn sign(secret: &Secret, draft: &mut Draft) -> Result<(), CannotSign> {
    let url = draft.url.as_deref().map(|url| without_fragment(url).to_owned());
    let mut url =
        url.ok_or_else(|| CannotSign::Request("the address that is called has to be known".to_owned()))?;
    let form = match form(draft.request()) {
        Ok(form) => form,
        Err(_) => {
            let parameter = format!("{BODY_HASH}={}", hex::encode(digest(&SHA256, draft.body.bytes())));
            url = format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' });
            draft.query = url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
            Vec::new()
        }
    };
    let mut context = hmac::Context::with_key(&hmac::Key::new(Hash::Sha1.hmac(), secret.expose()));
    context.update(url.as_bytes());
    context.update(&form);
    draft.url = Some(url);
    draft.set_header(SIGNATURE, &Encoding::Base64.encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_several_forms() {
        let check = |url: &str, expected: &[&str]| assert_eq!(addresses(url), expected, "{url}");
        check("https://a.example/x", &["https://a.example/x", "https://a.example:443/x"]);
        check("http://a.example", &["http://a.example", "http://a.example:80"]);
        check("https://u:p@a.example:8443/x", &["https://u:p@a.example:8443/x", "https://u:p@a.example/x"]);
        check("https://u:p@a.example/x", &["https://u:p@a.example/x", "https://u:p@a.example:443/x"]);
        check("http://[::1]/x", &["http://[::1]/x", "http://[::1]:80/x"]);
        check("http://[::1]:9/x", &["http://[::1]:9/x", "http://[::1]/x"]);
        check(
            "http://a:80/?q=It's+%41&r",
            &[
                "http://a:80/?q=It's+%41&r",
                "http://a:80/?q=It%27s+%41&r",
                "http://a:80/?q=It's%20A&r=",
                "http://a/?q=It's+%41&r",
                "http://a/?q=It%27s+%41&r",
                "http://a/?q=It's%20A&r=",
            ],
        );
    }

    /// A body that the signature does not cover must not get in on the strength of the address.
    #[test]
    fn a_body_that_is_not_covered_is_refused() {
        use crate::event::Body;
        use crate::signature::Scheme;
        let secret = Secret::new("12345");
        let verifier = Verifier::new(Scheme::Twilio, [secret.clone().into()]).unwrap();
        let mut draft = Draft::post(Body::default());
        draft.url = Some("https://hooks.example.com/in/twilio".to_owned());
        sign(&secret, &mut draft).unwrap();
        let check = |draft: &Draft, expected: Result<(), Refusal>| {
            assert_eq!(verifier.verify(draft.request(), 0).map(|_| ()), expected);
        };
        check(&draft, Ok(()));
        draft.body = Body::from(bytes::Bytes::from_static(b"{}"));
        let not_covered = "Twilio signs a body that is no form only with bodySHA256 in the address";
        check(&draft, Err(Refusal::BadSignature));
        draft.headers.set("content-type", "application/json").unwrap();
        check(&draft, Err(Refusal::Unsigned(not_covered)));
        sign(&secret, &mut draft).unwrap();
        check(&draft, Ok(()));
        draft.body = Body::from(bytes::Bytes::from_static(b"{ }"));
        check(&draft, Err(Refusal::BodyHash));
        // A call with GET has no body, and its query is in the address.
        let mut draft = Draft::post(Body::default());
        draft.method = "GET".to_owned();
        draft.url = Some("https://hooks.example.com/in/twilio?CallSid=CA1".to_owned());
        sign(&secret, &mut draft).unwrap();
        check(&draft, Ok(()));
        draft.url = Some("https://hooks.example.com/in/twilio?CallSid=CA2".to_owned());
        check(&draft, Err(Refusal::BadSignature));
    }

    /// The hash that counts is the one in the address that is signed.
    #[test]
    fn a_hash_beside_the_signed_address_covers_no_body() {
        use crate::event::Body;
        use crate::signature::Scheme;
        let secret = Secret::new("12345");
        let verifier = Verifier::new(Scheme::Twilio, [secret.clone().into()]).unwrap();
        let mut draft = Draft::post(Body::default());
        draft.url = Some("https://hooks.example.com/in/twilio?tenant=1".to_owned());
        sign(&secret, &mut draft).unwrap();
        let forged = b"{\"forged\":true}";
        draft.body = Body::from(bytes::Bytes::from_static(forged));
        draft.query = format!("tenant=1&{BODY_HASH}={}", hex::encode(digest(&SHA256, forged)));
        for media_type in ["application/json", FORM] {
            draft.headers.set("content-type", media_type).unwrap();
            assert!(verifier.verify(draft.request(), 0).is_err(), "{media_type}");
        }
    }

    #[test]
    fn options_after_the_address_are_not_signed() {
        use crate::event::Body;
        use crate::signature::Scheme;
        let secret = Secret::new("12345");
        let verifier = Verifier::new(Scheme::Twilio, [secret.clone().into()]).unwrap();
        for url in ["https://hooks.example.com/in/twilio", "https://hooks.example.com/in/twilio?a=1"] {
            for body in ["Body=Hi&From=%2B1", ""] {
                let mut draft = Draft::post(Body::from(bytes::Bytes::from_static(body.as_bytes())));
                draft.url = Some(url.to_owned());
                sign(&secret, &mut draft).unwrap();
                draft.url = Some(format!("{url}#rc=5&rp=all"));
                // Nor does a form have to say that it is one.
                assert_eq!(verifier.verify(draft.request(), 0).map(|_| ()), Ok(()), "{url} {body}");
                sign(&secret, &mut draft).unwrap();
                assert_eq!(draft.url.as_deref(), Some(url));
            }
        }
    }
}
