//! What of an event is withheld unless an operator asks for it: headers and query parameters that let somebody act as
//! the sender. What a body says is shown.

use crate::config::{Config, Source, Verification};
use crate::event::{Event, Headers};
use crate::routing::parameter;
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

/// Headers in which no sender proves itself.
const HARMLESS: [&str; 21] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "expect",
    "forwarded",
    "host",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Whether a header or a parameter of this name holds a credential.
fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    PARTS.iter().any(|part| name.contains(part))
        || words.any(|word| ENDS.iter().any(|end| word.ends_with(end)))
}

/// Which headers and parameters of one event hold credentials, by what the configuration says of its source.
#[derive(Debug)]
pub(super) struct Credentials<'c> {
    /// The ways in which its sender may have proven itself.
    schemes: Vec<&'c Scheme>,
    /// Whether nobody can tell where else a credential stands: the source is gone, or a plugin verifies its requests.
    unknown: bool,
}

impl<'c> Credentials<'c> {
    pub(super) fn of(config: &'c Config, event: &Event) -> Self {
        let sources: Vec<&Source> = match config.sources.get(&event.source) {
            None => return Credentials { schemes: Vec::new(), unknown: true },
            // Came in by one of the others.
            Some(source) if matches!(source.verification, Verification::Internal) => {
                config.sources.values().collect()
            }
            Some(source) => vec![source],
        };
        Credentials {
            unknown: sources.iter().any(|source| matches!(source.verification, Verification::Plugin { .. })),
            schemes: sources.into_iter().flat_map(schemes).collect(),
        }
    }

    /// Whether the value of a header is kept from those who do not ask for credentials.
    pub(super) fn has_header(&self, name: &str) -> bool {
        is_credential(name)
            || self.schemes.iter().any(|scheme| scheme.stands_in(name))
            || self.unknown && !HARMLESS.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether the value of a query parameter is. Its name is decoded.
    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.unknown || is_credential(name) || self.schemes.iter().any(|scheme| scheme.stands_in_query(name))
    }

    /// The fields as they are shown.
    pub(super) fn headers(&self, headers: &Headers, reveal: bool) -> Vec<HeaderView> {
        let withheld = |name: &str| !reveal && self.has_header(name);
        let fields = headers.iter().map(|(name, value)| HeaderView {
            name: name.to_owned(),
            value: (!withheld(name)).then(|| String::from_utf8_lossy(value).into_owned()),
        });
        fields.collect()
    }

    /// The query, with `***` for the values of credentials.
    pub(super) fn query(&self, query: &str, reveal: bool) -> String {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if !reveal && self.has_parameter(&parameter(pair)) => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Every way that is asked of a source's requests.
fn schemes(source: &Source) -> impl Iterator<Item = &Scheme> {
    let (main, require) = match &source.verification {
        Verification::None | Verification::Internal => (None, &[][..]),
        Verification::Plugin { require, .. } => (None, &require[..]),
        Verification::Proof { scheme, require, .. } => (Some(scheme), &require[..]),
    };
    main.into_iter().chain(require.iter().map(|proof| &proof.scheme))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::event::sample;

    use super::*;

    const SIGNED: &str =
        "secret = { env = \"A\" }\nverify = { type = \"hmac\", signature = { header = \"X-Proof\" } }";

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
        let config = config(SIGNED);
        let shown = of(&config, "a").headers(&received, false);
        let withheld: Vec<_> = shown.iter().map(|header| (&*header.name, header.value.is_none())).collect();
        assert_eq!(withheld, fields);
        assert!(of(&config, "gone").headers(&received, true).iter().all(|header| header.value.is_some()));
        let query = |query, reveal| of(&config, "a").query(query, reveal);
        assert_eq!(query("a=1&token=abc&x&sig=9", false), "a=1&token=***&x&sig=***");
        let encoded = "%74oken=1&access%5Fkey=2&%2Fa=3&accessKey=4&signed=5&%FFsig=6";
        assert_eq!(
            query(encoded, false),
            "%74oken=***&access%5Fkey=***&%2Fa=3&accessKey=***&signed=5&%FFsig=***"
        );
        assert_eq!(query("token=abc", true), "token=abc");
    }

    #[test]
    fn what_any_proof_of_the_source_is_read_from_is_withheld() {
        let mut received = Headers::new();
        for name in ["content-type", "x-proof", "x-company", "x-kind", "user-agent"] {
            received.set(name, "value").unwrap();
        }
        let check = |lines: &str, source: &str, headers: &str, query: &str| {
            let config = config(lines);
            let credentials = of(&config, source);
            let shown =
                credentials.headers(&received, false).into_iter().filter(|header| header.value.is_none());
            let withheld: Vec<_> = shown.map(|header| header.name).collect();
            assert_eq!(withheld.join(" "), headers, "{lines} for {source}");
            assert_eq!(credentials.query("p%61ss=1&kind=2", false), query, "{lines} for {source}");
        };
        let and = |place: &str| {
            format!(
                "{SIGNED}\nrequire = [{{ type = \"token\", token = {{ {place} }}, secret = {{ env = \"B\" }} }}]"
            )
        };
        check(SIGNED, "a", "x-proof", "p%61ss=1&kind=2");
        check(&and("header = \"X-Company\""), "a", "x-proof x-company", "p%61ss=1&kind=2");
        check(&and("query = \"pass\""), "a", "x-proof", "p%61ss=***&kind=2");
        // Came in by the source before.
        check(&and("query = \"pass\""), "inner", "x-proof", "p%61ss=***&kind=2");
        let plugin = "verify = { plugin = \"p\" }\n[plugins.p]\npath = \"p.wasm\"";
        check(plugin, "a", "x-proof x-company x-kind", "p%61ss=***&kind=***");
        check(&and("query = \"pass\""), "gone", "x-proof x-company x-kind", "p%61ss=***&kind=***");
    }

    /// A configuration with a source `a` of these lines, and with an internal one.
    fn config(lines: &str) -> Config {
        let toml = format!(
            "[sources.a]\n{lines}\n[sources.inner]\nverify = \"internal\"\n\
             [routes.all]\nsource = \"a\"\nto = [\"c\"]\n[destinations.c]\ntype = \"console\"\n"
        );
        crate::config::parse(&toml, "config.toml", Path::new("/etc/hookyard")).unwrap()
    }

    fn of<'c>(config: &'c Config, source: &str) -> Credentials<'c> {
        Credentials::of(config, &Event { source: source.into(), ..sample::event(1) })
    }
}
