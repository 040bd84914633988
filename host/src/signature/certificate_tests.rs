//! Senders with certificates: what is signed here is genuine here, and who vouches for a certificate.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::{
    Draft, PayPal, Refusal, Scheme, Secret, SignedRequest, SigningCertificate, Sns, Unvouched, Verifier, sign,
};

const NOW: i64 = 1_780_000_000_000;

struct Made {
    pem: String,
    key: Secret,
}

pub(super) fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
}

fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

/// A certificate that vouches for itself.
fn certificate() -> Made {
    let pair = rsa_key();
    let made = CertificateParams::new(vec!["sender.example".to_owned()]).unwrap().self_signed(&pair).unwrap();
    Made { pem: pem("CERTIFICATE", made.der()), key: Secret::new(pem("PRIVATE KEY", &pair.serialize_der())) }
}

fn schemes() -> [Scheme; 2] {
    [
        Scheme::PayPal(PayPal { webhook_id: "WH-1".to_owned(), tolerance: Some(60) }),
        Scheme::Sns(Sns::default()),
    ]
}

fn draft() -> Draft {
    Draft::post(Bytes::from_static(br#"{"Message":"two\nlines \u2713","Subject":"s","extra":1}"#).into())
}

/// What of an SNS message is not signed, and may be altered by whoever is in between.
fn signed_part(body: &[u8]) -> Option<Value> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let members = value.as_object_mut()?;
    let signed = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"];
    members.retain(|name, _| signed.contains(&name.as_str()));
    Some(value)
}

#[test]
fn what_is_signed_here_is_genuine_here_and_any_changed_bit_is_not() {
    let made = certificate();
    for scheme in schemes() {
        let verifier = Verifier::new(scheme.clone(), [Secret::new(made.pem.clone()).into()]).unwrap();
        let mut draft = draft();
        sign(&scheme, &made.key, &mut draft, "id-1", NOW).unwrap();
        let genuine = draft.body.bytes().to_vec();
        assert_eq!(verifier.verify(draft.request(), NOW).map(|_| ()), Ok(()), "{}", scheme.name());
        for bit in 0..genuine.len() * 8 {
            let mut changed = genuine.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            draft.body = Bytes::from(changed.clone()).into();
            let is_same = matches!(scheme, Scheme::Sns(_)) && signed_part(&changed) == signed_part(&genuine);
            assert!(verifier.verify(draft.request(), NOW).is_err() || is_same, "{scheme:?} bit {bit}");
        }
        draft.body = Bytes::from(genuine).into();
        let other = Verifier::new(scheme.clone(), [Secret::new(certificate().pem).into()]).unwrap();
        assert_eq!(other.verify(draft.request(), NOW).map(|_| ()), Err(Refusal::BadSignature));
    }
}

#[test]
fn a_certificate_may_come_with_the_request() {
    let made = certificate();
    let known = SigningCertificate::from_pem(made.pem.as_bytes()).unwrap();
    let unknown = SigningCertificate::from_pem(certificate().pem.as_bytes()).unwrap();
    for scheme in schemes() {
        let verifier = Verifier::new(scheme.clone(), []).unwrap();
        let mut draft = draft();
        sign(&scheme, &made.key, &mut draft, "id-1", NOW).unwrap();
        let url = verifier.certificate_url(draft.request()).unwrap().unwrap();
        assert!(url.url.starts_with("https://") && !url.names.is_empty());
        let result =
            |certificate| verifier.verify(SignedRequest { certificate, ..draft.request() }, NOW).map(|_| ());
        assert_eq!(result(None), Err(Refusal::NoCertificate));
        assert_eq!(result(Some(&unknown)), Err(Refusal::BadSignature));
        assert_eq!(result(Some(&known)), Ok(()));
        // One that is known beforehand is not replaced by one that a request brings along.
        let pinned = Verifier::new(scheme, [Secret::new(certificate().pem).into()]).unwrap();
        assert_eq!(pinned.certificate_url(draft.request()), Ok(None));
        let request = SignedRequest { certificate: Some(&known), ..draft.request() };
        assert_eq!(pinned.verify(request, NOW).map(|_| ()), Err(Refusal::BadSignature));
    }
}

#[test]
fn paypal_signs_for_one_webhook_at_one_time() {
    let made = certificate();
    let paypal = PayPal { webhook_id: "WH-1".to_owned(), tolerance: Some(60) };
    let mut draft = draft();
    sign(&Scheme::PayPal(paypal.clone()), &made.key, &mut draft, "id-1", NOW).unwrap();
    let check = |paypal: PayPal, now: i64, expected: Result<(), Refusal>| {
        let verifier = Verifier::new(Scheme::PayPal(paypal), [Secret::new(made.pem.clone()).into()]).unwrap();
        assert_eq!(verifier.verify(draft.request(), now).map(|_| ()), expected);
    };
    check(paypal.clone(), NOW + 60_000, Ok(()));
    check(paypal.clone(), NOW + 61_000, Err(Refusal::StaleTimestamp(61)));
    check(PayPal { tolerance: None, ..paypal.clone() }, NOW + 61_000, Ok(()));
    check(PayPal { webhook_id: "WH-2".to_owned(), ..paypal }, NOW, Err(Refusal::BadSignature));
}

#[test]
fn of_sns_the_source_s_own_topics_count_for_an_hour() {
    let made = certificate();
    let check = |sns: Sns, now: i64, change: &dyn Fn(&mut Draft), expected: Result<(), Refusal>| {
        let scheme = Scheme::Sns(sns);
        let verifier = Verifier::new(scheme.clone(), [Secret::new(made.pem.clone()).into()]).unwrap();
        let mut draft = draft();
        sign(&scheme, &made.key, &mut draft, "id-1", NOW).unwrap();
        change(&mut draft);
        assert_eq!(verifier.verify(draft.request(), now).map(|_| ()), expected);
    };
    let nothing = |_: &mut Draft| ();
    let ours = "arn:aws:sns:us-east-1:123456789012:sample";
    let only = |topic: &str| Sns { topics: vec![topic.to_owned()], ..Sns::default() };
    check(only(ours), NOW, &nothing, Ok(()));
    check(only("arn:aws:sns:us-east-1:1:x"), NOW, &nothing, Err(Refusal::UnknownTopic(ours.to_owned())));
    check(Sns::default(), NOW + 3_600_000, &nothing, Ok(()));
    check(Sns::default(), NOW + 3_601_000, &nothing, Err(Refusal::StaleTimestamp(3601)));
    check(Sns::default(), NOW - 3_601_000, &nothing, Err(Refusal::FutureTimestamp(3601)));
    check(Sns { tolerance: None, ..Sns::default() }, NOW * 2, &nothing, Ok(()));
    let raw = |draft: &mut Draft| draft.headers.set("x-amz-sns-rawdelivery", "true").unwrap();
    let switch_off = "SNS does not sign raw deliveries; switch raw message delivery off";
    check(Sns::default(), NOW, &raw, Err(Refusal::Unsigned(switch_off)));
    let edit = |from: &'static str, to: &'static str| {
        move |draft: &mut Draft| {
            let text = String::from_utf8(draft.body.bytes().to_vec()).unwrap();
            assert!(text.contains(from));
            draft.body = Bytes::from(text.replacen(from, to, 1)).into();
        }
    };
    let twice = edit(r#""Subject":"s""#, r#""Subject":"t","Subject":"s""#);
    check(Sns::default(), NOW, &twice, Err(Refusal::RepeatedKey));
    // From one member into the next: the text that is signed would be the same.
    let moved = edit(r#""Subject":"s""#, r#""Subject":"s\nTimestamp""#);
    check(Sns::default(), NOW, &moved, Err(Refusal::MissingNode("/Subject".to_owned())));
    let version = edit(r#""SignatureVersion":"2""#, r#""SignatureVersion":"3""#);
    let place = "/SignatureVersion of the body".to_owned();
    check(Sns::default(), NOW, &version, Err(Refusal::NoSignatureOfExpectedVersion(place)));
}

#[test]
fn an_authority_has_to_vouch_for_it() {
    let root = authority(None);
    let between = authority(Some(&root));
    let other_root = authority(None);
    let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let pair = rsa_key();
    let leaf = params.signed_by(&pair, &between).unwrap();
    let (leaf, issuer) = (pem("CERTIFICATE", leaf.der()), pem("CERTIFICATE", between.der()));
    let alone = SigningCertificate::from_pem(leaf.as_bytes()).unwrap();
    let whole = SigningCertificate::from_pem((leaf + &issuer).as_bytes()).unwrap();
    let issuers: [CertificateDer<'static>; 1] = [between.der().clone()];
    let check = |certificate: &SigningCertificate, issuers: &[_], root: &Authority, name: &str, now: i64| {
        let anchor = webpki::anchor_from_trusted_cert(root.der()).unwrap();
        certificate.vouched(issuers, &[anchor], &["x.example".to_owned(), name.to_owned()], now)
    };
    assert_eq!(check(&whole, &[], &root, "sns.amazonaws.com", NOW), Ok(()));
    assert_eq!(check(&alone, &issuers, &root, "sns.amazonaws.com", NOW), Ok(()));
    assert_eq!(check(&alone, &[], &root, "sns.amazonaws.com", NOW), Err(Unvouched::Issuer));
    // It has the same name, and another key.
    assert!(check(&whole, &issuers, &other_root, "sns.amazonaws.com", NOW).is_err());
    assert_eq!(check(&whole, &[], &root, "sns.us-east-1.amazonaws.com", NOW), Err(Unvouched::Name));
    let expired = check(&whole, &[], &root, "sns.amazonaws.com", 1_900_000_000_000);
    assert!(matches!(expired, Err(Unvouched::Other(_))), "{expired:?}");
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(by: Option<&Authority>) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Issuers are found by their names.
    let name = if by.is_some() { "between" } else { "root" };
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    match by {
        Some(by) => CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), by).unwrap(),
        None => CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
    }
}

/// Amazon publishes no more than the certificate itself, which says where that of its issuer is.
#[test]
fn a_certificate_says_where_its_issuer_is() {
    let real = include_bytes!("sns_certificate.pem");
    let certificate = SigningCertificate::from_pem(real).unwrap();
    assert_eq!(certificate.issuer_url(), Some("http://crt.r2m01.amazontrust.com/r2m01.cer"));
    let roots = webpki_roots::TLS_SERVER_ROOTS;
    let unvouched = certificate.vouched(&[], roots, &["sns.amazonaws.com".to_owned()], NOW);
    assert_eq!(unvouched, Err(Unvouched::Issuer));
    let issuer = CertificateDer::from_pem_slice(include_bytes!("sns_issuer.pem")).unwrap();
    let vouched =
        |name: &str| certificate.vouched(std::slice::from_ref(&issuer), roots, &[name.to_owned()], NOW);
    assert_eq!(vouched("sns.amazonaws.com"), Ok(()));
    assert_eq!(vouched("sns.us-east-1.amazonaws.com"), Err(Unvouched::Name));
    assert_eq!(
        SigningCertificate::from_pem(certificate_without_issuer().as_bytes()).unwrap().issuer_url(),
        None
    );
}

fn certificate_without_issuer() -> String {
    certificate().pem
}
