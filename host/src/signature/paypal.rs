//! PayPal: RSA over the id and time of a transmission, the webhook's own id, and the body's checksum.
//!
//! <https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverification>. The checksum is a CRC-32, which anybody
//! can make fit to another body: who has seen one genuine request can send the same one again with another body. That is
//! PayPal's choice; the body is proven no better than this.

use crate::event::UnixMillis;

use super::certificate::{CertificateUrl, RsaHash};
use super::encoding::Encoding;
use super::refusal::Refusal;
use super::request::{SignedRequest, single};
use super::rsa;
use super::scheme::TimestampFormat;
use super::secret::Secret;
use super::sign::{CannotSign, Draft};
use super::signed::check_age;
use super::trace::Trace;
use super::verifier::{Verified, Verifier};

/// How PayPal proves itself to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayPal {
    /// The webhook's id in PayPal's settings, which is signed. Not a secret.
    pub webhook_id: String,
    /// Seconds that the time of signing may lie away; None does not check, since it is not known whether PayPal signs a
    /// repetition anew.
    pub tolerance: Option<u32>,
}

const ID: &str = "PayPal-Transmission-Id";
const TIME: &str = "PayPal-Transmission-Time";
pub(super) const SIGNATURE: &str = "PayPal-Transmission-Sig";
const CERTIFICATE: &str = "PayPal-Cert-Url";
const ALGORITHM: &str = "PayPal-Auth-Algo";

/// The only algorithm.
const SHA256_WITH_RSA: &str = "SHA256withRSA";

/// Where certificates are, and to whom they belong there.
const HOSTS: [(&str, &str); 4] = [
    ("api.paypal.com", "messageverificationcerts.paypal.com"),
    ("api-m.paypal.com", "messageverificationcerts.paypal.com"),
    ("api.sandbox.paypal.com", "messageverificationcerts.sandbox.paypal.com"),
    ("api-m.sandbox.paypal.com", "messageverificationcerts.sandbox.paypal.com"),
];

/// What precedes the name of a certificate.
const PATH: &str = "/v1/notifications/certs/";

pub(super) fn verify<T: Trace>(
    scheme: &PayPal,
    verifier: &Verifier,
    request: SignedRequest<'_>,
    now: UnixMillis,
    trace: &mut T,
) -> Result<Verified, Refusal> {
    let algorithm = single(request.headers, ALGORITHM)?;
    let (id, time) = (single(request.headers, ID)?, single(request.headers, TIME)?);
    let written = single(request.headers, SIGNATURE)?;
    if !algorithm.eq_ignore_ascii_case(SHA256_WITH_RSA) {
        return Err(Refusal::MalformedHeader(ALGORITHM.to_owned()));
    }
    certificate_url(request)?;
    trace.candidate(SIGNATURE, written);
    let signature = Encoding::Base64.decode(written.as_bytes()).filter(|bytes| !bytes.is_empty());
    let signature = signature.ok_or_else(|| Refusal::MalformedSignature(SIGNATURE.to_owned()))?;
    let covered = covered(scheme, id, time, request.body.bytes());
    trace.covered(std::iter::once(Some(covered.as_bytes())));
    let signed_at = TimestampFormat::Rfc3339.read(time).ok_or(Refusal::MalformedTimestamp)?;
    let verified = verifier.certified(request, now, trace, |certificate| {
        certificate.made(RsaHash::Sha256, covered.as_bytes(), &signature)
    })?;
    check_age(signed_at, now, scheme.tolerance, scheme.tolerance).map(|()| verified)
}

/// Where the request's certificate is.
pub(super) fn certificate_url(request: SignedRequest<'_>) -> Result<CertificateUrl, Refusal> {
    let url = single(request.headers, CERTIFICATE)?;
    let found = url.strip_prefix("https://").and_then(|rest| {
        let (host, path) = rest.split_at(rest.find('/')?);
        let name = path.strip_prefix(PATH)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_name = !name.is_empty() && name.bytes().all(plain);
        HOSTS.iter().find(|(known, _)| is_name && *known == host)
    });
    let (_, name) = found.ok_or(Refusal::UntrustedCertificateUrl)?;
    let mut names = vec![(*name).to_owned()];
    if name.contains("sandbox") {
        names.push(HOSTS[0].1.to_owned());
    }
    Ok(CertificateUrl { url: url.to_owned(), names })
}

fn covered(scheme: &PayPal, id: &str, time: &str, body: &[u8]) -> String {
    format!("{id}|{time}|{}|{}", scheme.webhook_id, crc32(body))
}

/// The CRC-32 of Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut value = at as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |sum, byte| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8))
}

/// Signs as PayPal does; `secret` is the private key in PEM.
pub(super) fn sign(
    scheme: &PayPal,
    secret: &Secret,
    draft: &mut Draft,
    id: &str,
    now: UnixMillis,
) -> Result<(), CannotSign> {
    let time = jiff::Timestamp::from_second(now / 1000).map(|time| time.to_string()).unwrap_or_default();
    let signature = rsa::sign(secret, covered(scheme, id, &time, draft.body.bytes()).as_bytes())?;
    draft.set_header(ID, id)?;
    draft.set_header(TIME, &time)?;
    draft.set_header(CERTIFICATE, &format!("https://{}{PATH}CERT-sample", HOSTS[0].0))?;
    draft.set_header(ALGORITHM, SHA256_WITH_RSA)?;
    draft.set_header(SIGNATURE, &Encoding::Base64.encode(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        // The check value that catalogues of checksums list.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn certificates_come_from_paypal_only() {
        let check = |url: &str, expected: Option<&str>| {
            let mut draft = Draft::post(crate::event::Body::default());
            draft.set_header(CERTIFICATE, url).unwrap();
            let found = certificate_url(draft.request());
            match expected {
                Some(name) => assert_eq!(found.unwrap().names[0], name, "{url}"),
                None => assert_eq!(found, Err(Refusal::UntrustedCertificateUrl), "{url}"),
            }
        };
        let (live, sandbox) = (Some(HOSTS[0].1), Some(HOSTS[2].1));
        check("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1", live);
        check("https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1", sandbox);
        for url in [
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "https://evil.example/v1/notifications/certs/CERT-1",
            "https://evil.example#@api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/",
            "https://api.paypal.com/v1/notifications/certs/../../x",
            "https://api.paypal.com/v1/other/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
            "api.paypal.com",
        ] {
            check(url, None);
        }
    }
}
