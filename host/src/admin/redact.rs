//! What of an event is withheld unless an operator asks for it: headers and query parameters that let somebody act as
//! the sender. What a body says is shown.

use percent_encoding::percent_decode_str;

use crate::config::{Config, Verification};
use crate::event::{Event, Headers};
use crate::signature::Scheme;

use super::view::HeaderView;

/// Parts of a name that give a credential away.
const PARTS: [&str; 11] = [
    "authorization",
    "cookie",
    "signature",
    "hmac",
    "token",
    "secret",
    "password",
    "passwd",
    "credential",
    "auth-",
    "jwt",
];

/// Ends of a word of a name that do: `X-Auth`, `Ocp-Apim-Subscription-Key`, `accessKey`, `x_sig`.
const ENDS: [&str; 3] = ["auth", "key", "sig"];

/// Whether a header or a parameter of this name holds a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    PARTS.iter().any(|part| name.contains(part))
        || words.any(|word| ENDS.iter().any(|end| word.ends_with(end)))
}

/// The way in which an event's source proves itself, as far as the configuration still has it.
pub(super) fn scheme<'c>(config: &'c Config, event: &Event) -> Option<&'c Scheme> {
    match &config.sources.get(&event.source)?.verification {
        Verification::Proof { scheme, .. } => Some(scheme),
        Verification::None | Verification::Internal | Verification::Plugin { .. } => None,
    }
}

/// Whether the value of a header is kept from those who do not ask for credentials.
pub(super) fn withholds(name: &str, scheme: Option<&Scheme>) -> bool {
    is_credential(name) || scheme.is_some_and(|scheme| scheme.stands_in(name))
}

/// The fields; `scheme` is the way in which the source proves itself.
pub(super) fn headers(headers: &Headers, scheme: Option<&Scheme>, reveal: bool) -> Vec<HeaderView> {
    let withheld = |name: &str| !reveal && withholds(name, scheme);
    let fields = headers.iter().map(|(name, value)| HeaderView {
        name: name.to_owned(),
        value: (!withheld(name)).then(|| String::from_utf8_lossy(value).into_owned()),
    });
    fields.collect()
}

/// The query, with `***` for the values of credentials. Their names may be percent-encoded.
pub(super) fn query(query: &str, reveal: bool) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if !reveal && is_credential(&percent_decode_str(name).decode_utf8_lossy()) => {
            format!("{name}=***")
        }
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use crate::signature::Hash;

    use super::*;

    #[test]
    fn credentials_are_withheld() {
        let mut received = Headers::new();
        let fields = [
            ("content-type", false),
            ("authorization", true),
            ("cookie", true),
            ("x-hub-signature-256", true),
            ("x-shopify-hmac-sha256", true),
            ("x-gitlab-token", true),
            ("x-api-key", true),
            ("x-auth", true),
            ("x-auth-key", true),
            ("x-author", false),
            ("x-authorization", true),
            ("proxy-authorization", true),
            ("set-cookie", true),
            ("x-functions-key", true),
            ("x-keyword", false),
            ("x-sig", true),
            ("x-design-id", false),
            ("x-goog-iap-jwt-assertion", true),
            ("x-proof", true),
        ];
        for (name, _) in fields {
            received.set(name, "value").unwrap();
        }
        let scheme = Scheme::hex_of_body(Hash::Sha256, "X-Proof", "");
        let shown = headers(&received, Some(&scheme), false);
        let withheld: Vec<_> = shown.iter().map(|header| (&*header.name, header.value.is_none())).collect();
        assert_eq!(withheld, fields);
        assert!(headers(&received, None, true).iter().all(|header| header.value.is_some()));
        assert_eq!(query("a=1&token=abc&x&sig=9", false), "a=1&token=***&x&sig=***");
        let encoded = "%74oken=1&access%5Fkey=2&%2Fa=3&accessKey=4&signed=5&%FFsig=6";
        assert_eq!(
            query(encoded, false),
            "%74oken=***&access%5Fkey=***&%2Fa=3&accessKey=***&signed=5&%FFsig=***"
        );
        assert_eq!(query("token=abc", true), "token=abc");
    }
}
