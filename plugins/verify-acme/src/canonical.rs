//! What is signed.

use sha2::{Digest as _, Sha256};

use crate::signature::hex;

/// Method, path, the query's parameters in order, the time, and the body's SHA-256 in hex: a line each.
pub fn canonical(method: &str, path: &str, query: &str, time: &str, body: &[u8]) -> String {
    let mut parameters: Vec<&str> = query.split('&').filter(|parameter| !parameter.is_empty()).collect();
    parameters.sort_unstable();
    [method, path, &parameters.join("&"), time, &hex(&Sha256::digest(body))].join("\n")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (query, expected) in
            [("", ""), ("a=1", "a=1"), ("b=2&a=1", "a=1&b=2"), ("b=2&&b=1&a", "a&b=1&b=2")]
        {
            let signed = canonical("POST", "/in/acme", query, "1795281600", b"");
            assert_eq!(signed, ["POST", "/in/acme", expected, "1795281600", empty].join("\n"), "{query}");
        }
    }
}
