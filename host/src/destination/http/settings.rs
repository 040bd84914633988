//! Where and how a destination is sent to.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method, Uri};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

use crate::signature::{Secret, SigningKey};

use super::address::Network;
use super::tls::TlsSettings;

/// Where and how a destination is sent to. Two destinations with equal settings may share their connections.
#[derive(Clone, PartialEq)]
pub struct HttpSettings {
    /// The destination's name, for messages.
    pub name: Arc<str>,
    /// `http` or `https`, with a host and without a user.
    pub url: Uri,
    /// POST, PUT or PATCH.
    pub method: Method,
    /// Set on each request, replacing any of the same name. Values marked sensitive are kept out of messages.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How we prove who we are, in the header `Authorization`.
    pub authorization: Option<Authorization>,
    /// Each request carries a signature by each of these.
    pub signing_keys: Vec<SigningKey>,
    /// From the first step of connecting to the end of the answer.
    pub timeout: Duration,
    /// Which addresses may be connected to.
    pub network: Network,
    /// Certificates of its own.
    pub tls: TlsSettings,
    /// Connections open at once; as many as attempts may be under way.
    pub connections: usize,
    /// Statuses from 400 on after which a message is not tried again.
    pub permanent: Vec<u16>,
}

/// What the header `Authorization` says.
#[derive(Clone, Debug, PartialEq)]
pub enum Authorization {
    /// A token that a receiver issued.
    Bearer(Secret),
    /// [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)
    Basic {
        /// Without a colon.
        user: String,
        /// Text, without control characters.
        password: Secret,
    },
}

/// Why settings cannot be used; never with a secret's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(pub &'static str);

/// Stands for a secret.
pub(super) const HIDDEN: &str = "(secret)";

impl HttpSettings {
    /// A POST to a public address, within 30 seconds, with nothing added, over up to 64 connections.
    pub fn new(name: &str, url: Uri) -> Self {
        HttpSettings {
            name: name.into(),
            url,
            method: Method::POST,
            headers: Vec::new(),
            authorization: None,
            signing_keys: Vec::new(),
            timeout: Duration::from_secs(30),
            network: Network::Public,
            tls: TlsSettings::default(),
            connections: 64,
            permanent: Vec::new(),
        }
    }

    /// The texts that no message may show.
    pub(super) fn hidden(&self) -> Vec<String> {
        let of_headers = self.headers.iter().map(|(_, value)| value).filter(|value| value.is_sensitive());
        let mut hidden: Vec<String> =
            of_headers.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
        if let Some(authorization) = &self.authorization {
            hidden.extend(authorization.hidden());
        }
        hidden.extend(of_url(&self.url));
        hidden.retain(|secret| !secret.is_empty());
        // One secret may be a part of another.
        hidden.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        hidden.dedup();
        hidden
    }
}

/// Shorter parts of a URL are no secret, and would be found in words of an answer.
const SECRET_PART: usize = 8;

/// With many receivers the URL's path or query is the credential, and their answers repeat it: as a whole, or the part
/// that matters. Each as it is written and as it reads once it is decoded.
fn of_url(url: &Uri) -> Vec<String> {
    let (path, query) = (url.path(), url.query().unwrap_or_default());
    let whole = url.path_and_query().map(|both| both.as_str());
    let long = |text: &&str| text.len() >= SECRET_PART / 2;
    let parts = path.split('/').chain(query.split(['&', '=']));
    // A plain word, as in `/services/`, is no secret.
    let is_word =
        |part: &str| part.chars().all(|letter| letter.is_ascii_lowercase() || matches!(letter, '-' | '_'));
    let parts = parts.filter(|part| part.len() >= SECRET_PART && !is_word(part));
    let found = whole.into_iter().chain([path, query]).filter(long).chain(parts);
    found
        .flat_map(|text| [text.to_owned(), percent_decode_str(text).decode_utf8_lossy().into_owned()])
        .collect()
}

impl Authorization {
    /// The header's value, or why there can be none.
    pub(super) fn header(&self) -> Result<HeaderValue, InvalidSettings> {
        let text = match self {
            Authorization::Bearer(token) => {
                let token = text(token).ok_or(InvalidSettings("the bearer token is not text"))?;
                format!("Bearer {token}")
            }
            Authorization::Basic { user, password } => {
                let password = text(password).ok_or(InvalidSettings("the password is not text"))?;
                if user.contains(':') {
                    return Err(InvalidSettings("a user with a colon cannot be told from the password"));
                }
                if user.chars().chain(password.chars()).any(char::is_control) {
                    return Err(InvalidSettings("the user or the password has a control character"));
                }
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
            }
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|_| InvalidSettings("the bearer token has a character that HTTP does not allow"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn hidden(&self) -> Vec<String> {
        let (secret, encoded) = match self {
            Authorization::Bearer(token) => (token, None),
            Authorization::Basic { user, password } => {
                let pair = [user.as_bytes(), b":", password.expose()].concat();
                (password, Some(BASE64_STANDARD.encode(pair)))
            }
        };
        text(secret).map(str::to_owned).into_iter().chain(encoded).collect()
    }
}

fn text(secret: &Secret) -> Option<&str> {
    std::str::from_utf8(secret.expose()).ok()
}

// Without what may be a secret: many a URL's path is one.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("name", &self.name)
            .field("host", &self.url.host())
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("authorization", &self.authorization)
            .field("signing_keys", &self.signing_keys)
            .field("timeout", &self.timeout)
            .field("network", &self.network)
            .field("permanent", &self.permanent)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidSettings {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_in_a_url_is_hidden() {
        let check = |url: &str, expected: &[&str]| {
            let mut hidden = HttpSettings::new("ci", url.parse().unwrap()).hidden();
            assert!(hidden.is_sorted_by_key(|text| std::cmp::Reverse(text.len())), "{hidden:?}");
            hidden.sort();
            assert_eq!(hidden, expected, "{url}");
        };
        check("https://a.example", &[]);
        check("https://a.example/in", &[]);
        check("https://a.example/webhooks", &["/webhooks"]);
        check("https://a.example/services/T0001/XyZzy12345", &["/services/T0001/XyZzy12345", "XyZzy12345"]);
        check(
            "https://a.example/?code=a%2Fb%2Fc%2Fd",
            &[
                "/?code=a%2Fb%2Fc%2Fd",
                "/?code=a/b/c/d",
                "a%2Fb%2Fc%2Fd",
                "a/b/c/d",
                "code=a%2Fb%2Fc%2Fd",
                "code=a/b/c/d",
            ],
        );
    }

    #[test]
    fn authorization() {
        let basic = |user: &str, password: &[u8]| Authorization::Basic {
            user: user.to_owned(),
            password: Secret::new(password),
        };
        for (authorization, expected) in [
            (Authorization::Bearer(Secret::new("t")), Ok("Bearer t")),
            (Authorization::Bearer(Secret::new("a\nb")), Err("a character that HTTP does not allow")),
            (Authorization::Bearer(Secret::new(*b"\xff")), Err("is not text")),
            // The example of RFC 7617 §2.
            (basic("Aladdin", b"open sesame"), Ok("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            // That of §2.1, with UTF-8.
            (basic("test", "123£".as_bytes()), Ok("Basic dGVzdDoxMjPCow==")),
            (basic("", b"a:b"), Ok("Basic OmE6Yg==")),
            (basic("a:b", b"c"), Err("a user with a colon")),
            (basic("a", b"c\x07"), Err("a control character")),
            (basic("a", b"\xff"), Err("is not text")),
        ] {
            match (authorization.header(), expected) {
                (Ok(value), Ok(expected)) => {
                    assert!(value.is_sensitive());
                    assert_eq!(value, expected);
                }
                (Err(InvalidSettings(found)), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, expected) => panic!("{found:?} is not {expected:?}"),
            }
        }
    }
}
