//! Addresses of other servers as an operator writes them.

use http::Uri;

/// An absolute `http` or `https` address without credentials or fragment.
pub(super) fn absolute(text: &str) -> Result<Uri, String> {
    if text.contains('#') {
        return Err("an address that is requested has no fragment; remove it from `#` on".to_owned());
    }
    let authority = text.split_once("://").map_or(text, |(_, after)| after);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    // Not repeated in the message: what stands before the `@` is a secret.
    if authority.contains('@') {
        return Err("credentials in an address end up in logs; use `bearer`, or `headers` with a reference"
            .to_owned());
    }
    let has_scheme =
        |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if !has_scheme("http://") && !has_scheme("https://") {
        return Err(format!("an address begins with `https://` or `http://`, {text:?} does not"));
    }
    let uri: Uri = text.parse().map_err(|problem| format!("{text:?} is not an address: {problem}"))?;
    if uri.host().unwrap_or_default().is_empty() {
        return Err(format!("{text:?} names no host"));
    }
    // The parser takes any digits for a port and reports none where they are too large.
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let port = authority.get(uri.host().unwrap_or_default().len()..).unwrap_or_default();
    if !port.is_empty() && uri.port_u16().is_none_or(|port| port == 0) {
        return Err(format!("{text:?} has an impossible port"));
    }
    Ok(uri)
}

/// Scheme, host and port, in lower case and without a port that the scheme implies.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let uri = absolute(text)?;
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err("an origin is a scheme, a host and perhaps a port, without a path".to_owned());
    }
    let scheme = uri.scheme_str().unwrap_or("https").to_ascii_lowercase();
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    Ok(match (scheme.as_str(), uri.port_u16()) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("https://example.com", Ok(())),
            ("HTTP://[::1]:8080/a?b=c", Ok(())),
            ("example.com/a", Err("begins with")),
            ("ftp://example.com", Err("begins with")),
            ("https://user:pass@example.com", Err("credentials in an address")),
            ("https://example.com/#a", Err("no fragment")),
            ("https://", Err("not an address")),
            ("https://exa mple.com", Err("not an address")),
            ("https://example.com:99999", Err("port")),
            ("https://example.com:0", Err("impossible port")),
        ] {
            match (absolute(text), expected) {
                (Ok(_), Ok(())) => {}
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text}: {problem}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        assert!(!absolute("https://user:pass@example.com").unwrap_err().contains("pass"));
    }

    #[test]
    fn origins() {
        for (text, expected) in [
            ("https://API.example.com", Some("https://api.example.com")),
            ("https://api.example.com:443/", Some("https://api.example.com")),
            ("http://10.0.0.1:8080", Some("http://10.0.0.1:8080")),
            ("https://api.example.com/v1", None),
            ("api.example.com", None),
        ] {
            assert_eq!(origin(text).ok().as_deref(), expected, "{text}");
        }
    }
}
