//! Why a request is not taken for genuine. No refusal carries a secret or an expected signature.

use std::fmt;

/// Why a request is not taken for genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A header that the scheme needs is absent or empty.
    MissingHeader(String),
    /// A query parameter that the scheme needs is absent or empty.
    MissingParameter(String),
    /// A node of the body's JSON view that the scheme needs is absent, or the body has no such view.
    MissingNode(String),
    /// A header that must be single is there twice.
    DuplicateHeader(String),
    /// The header is not of the scheme's form.
    MalformedHeader(String),
    /// The header carries signatures, but none of the kind that the scheme names.
    NoSignatureOfExpectedVersion(String),
    /// The signature in this place is not of the scheme's encoding.
    MalformedSignature(String),
    /// The time of signing is not one of the scheme's form.
    MalformedTimestamp,
    /// Signed too long ago, in seconds.
    StaleTimestamp(u64),
    /// Signed in the future, in seconds.
    FutureTimestamp(u64),
    /// The body is empty, which this provider never sends.
    EmptyBody,
    /// The body's hash is not the one that is signed.
    BodyHash,
    /// The sender does not sign such requests; what to do.
    Unsigned(&'static str),
    /// An object of the body that is signed by its members has one of them twice.
    RepeatedKey,
    /// The certificate that the request names is not at the sender's own place.
    UntrustedCertificateUrl,
    /// The address that would confirm a subscription is not at the sender's own place.
    UntrustedSubscribeUrl,
    /// There is no certificate to check the signature with.
    NoCertificate,
    /// It comes from a topic that is not one of the source's.
    UnknownTopic(String),
    /// The token in this place is not of the form of a JSON Web Token.
    MalformedToken(String),
    /// The token says that it is signed with an algorithm that does not count here.
    OtherAlgorithm(String),
    /// A claim of the token is absent or does not say what it has to.
    WrongClaim(String),
    /// The token does not say how long it counts.
    NoExpiry,
    /// The token expired longer ago than the clocks may differ; both in seconds.
    TokenExpired(u64, u32),
    /// The token was issued longer ago than it counts; both in seconds.
    TokenTooOld(u64, u32),
    /// This claim of the token lies further ahead than the clocks may differ; both in seconds.
    TokenNotYet(&'static str, u64, u32),
    /// The scheme covers the address that the sender called, and that address is not known.
    UnknownUrl,
    /// The sender is to bring the secret, and has not yet.
    NoSecretYet,
    /// Every secret has expired.
    NoActiveSecret,
    /// No active secret makes this signature.
    BadSignature,
    /// The token, or the user name with the password, is none of the active secrets.
    WrongToken,
    /// A plugin says that it is not genuine, for this reason.
    RejectedByPlugin(String),
}

impl Refusal {
    /// A stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::MissingHeader(_) => "missing_header",
            Refusal::MissingParameter(_) => "missing_parameter",
            Refusal::MissingNode(_) => "missing_json",
            Refusal::DuplicateHeader(_) => "duplicate_header",
            Refusal::MalformedHeader(_) => "malformed_header",
            Refusal::NoSignatureOfExpectedVersion(_) => "no_signature_of_expected_version",
            Refusal::MalformedSignature(_) => "malformed_signature",
            Refusal::MalformedTimestamp => "malformed_timestamp",
            Refusal::StaleTimestamp(_) | Refusal::TokenExpired(..) | Refusal::TokenTooOld(..) => {
                "stale_timestamp"
            }
            Refusal::FutureTimestamp(_) | Refusal::TokenNotYet(..) => "future_timestamp",
            Refusal::EmptyBody => "empty_body",
            Refusal::BodyHash => "bad_body_hash",
            Refusal::Unsigned(_) => "unsigned",
            Refusal::RepeatedKey => "repeated_key",
            Refusal::UntrustedCertificateUrl => "untrusted_cert_url",
            Refusal::UntrustedSubscribeUrl => "untrusted_subscribe_url",
            Refusal::NoCertificate => "no_certificate",
            Refusal::UnknownTopic(_) => "unknown_topic",
            Refusal::MalformedToken(_) => "malformed_token",
            Refusal::OtherAlgorithm(_) => "other_algorithm",
            Refusal::WrongClaim(_) | Refusal::NoExpiry => "wrong_claim",
            Refusal::UnknownUrl => "unknown_url",
            Refusal::NoSecretYet => "no_secret_yet",
            Refusal::NoActiveSecret => "no_active_secret",
            // Of old one name for both.
            Refusal::BadSignature | Refusal::WrongToken => "bad_signature",
            Refusal::RejectedByPlugin(_) => "rejected_by_plugin",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::MissingHeader(name) => write!(f, "header {name} is missing or empty"),
            Refusal::MissingParameter(name) => write!(f, "query parameter {name} is missing or empty"),
            Refusal::MissingNode(pointer) => write!(f, "there is no text at {pointer} of the body"),
            Refusal::DuplicateHeader(name) => write!(f, "header {name} is there more than once"),
            Refusal::MalformedHeader(name) => write!(f, "header {name} is not of the form this provider sends"),
            Refusal::NoSignatureOfExpectedVersion(name) => {
                write!(f, "header {name} has no signature of the expected version")
            }
            Refusal::MalformedSignature(place) => {
                write!(f, "the signature in {place} is not of the expected encoding")
            }
            Refusal::MalformedTimestamp => f.write_str("the time of signing is not of the expected form"),
            Refusal::StaleTimestamp(age) => {
                write!(f, "it was signed {age} s ago; check both clocks, or raise `tolerance`")
            }
            Refusal::FutureTimestamp(ahead) => {
                write!(f, "it was signed {ahead} s in the future; check both clocks")
            }
            Refusal::EmptyBody => f.write_str("the body is empty"),
            Refusal::BodyHash => f.write_str("the body is not the one whose hash is signed"),
            Refusal::Unsigned(what) => f.write_str(what),
            Refusal::RepeatedKey => f.write_str(
                "an object of the body has a key twice, of which a receiver may read another than is signed",
            ),
            Refusal::UntrustedCertificateUrl => {
                f.write_str("the certificate that the request names is not at the sender's own place")
            }
            Refusal::UntrustedSubscribeUrl => {
                f.write_str("the address that confirms the subscription is not at the sender's own place")
            }
            Refusal::NoCertificate => f.write_str("there is no certificate to check the signature with"),
            Refusal::UnknownTopic(topic) => {
                write!(f, "topic {topic:?} is not one of this source's; if it is, add it to `topics`")
            }
            Refusal::MalformedToken(place) => write!(f, "{place} holds no JSON Web Token of the expected form"),
            Refusal::OtherAlgorithm(name) => {
                write!(f, "the token is signed with {name:?}, which is not one of `algorithms`")
            }
            Refusal::WrongClaim(name) => {
                write!(f, "the token's claim {name:?} is absent or does not say what it has to")
            }
            Refusal::NoExpiry => f.write_str(
                "the token does not say by `exp` how long it counts; where its sender leaves that out, set `max_age`, \
                 which counts from `iat`",
            ),
            Refusal::TokenExpired(ago, leeway) => {
                write!(f, "the token expired {ago} s ago; `leeway` is {leeway} s")
            }
            Refusal::TokenTooOld(ago, max_age) => {
                write!(f, "the token was issued {ago} s ago; `max_age` is {max_age} s")
            }
            Refusal::TokenNotYet(claim, ahead, leeway) => {
                write!(f, "the token's `{claim}` is {ahead} s in the future; `leeway` is {leeway} s; check both clocks")
            }
            Refusal::UnknownUrl => f.write_str(
                "this sender signs the address that it calls; set `[server] public_url` to what it is told to call",
            ),
            Refusal::NoSecretYet => f.write_str("the sender has not brought its secret yet, by X-Hook-Secret"),
            Refusal::NoActiveSecret => f.write_str("every secret of this source has expired"),
            // A stranger may have written it: no line of a log begins in it.
            Refusal::RejectedByPlugin(reason) => write!(f, "{}", reason.escape_debug()),
            Refusal::BadSignature => f.write_str(
                "no active secret makes this signature; compare the secret here with the sender's",
            ),
            Refusal::WrongToken => {
                f.write_str("the sender's token or password is not the secret here; compare the two")
            }
        }
    }
}
