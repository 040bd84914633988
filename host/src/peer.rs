//! Who is at the other end of a connection: the address of the client, also where proxies stand in between. Pure: the
//! peer's address and the request's headers come in.
//!
//! Anybody can write a header. What one says counts only as far as it was written by a proxy that the operator trusts,
//! which is: from its end backwards, up to the first address that is no such proxy.

use core::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HeaderMap};
use ipnet::IpNet;

/// The address that a request's connection came from.
///
/// A gateway that serves itself knows it. A program that calls the gateway as a `tower` service inserts it into the
/// request's extensions; without, nobody passes a source's `ip_allow`:
///
/// ```
/// # let address = std::net::SocketAddr::from(([192, 0, 2, 1], 4711));
/// # let mut request = http::Request::new(());
/// request.extensions_mut().insert(hookyard::Peer(address.ip()));
/// ```
///
/// It is the address of whoever connected, be it a proxy: who stands behind one is found by `[server] trusted_proxies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client: the peer itself, or where that is a trusted proxy, whom the proxies name.
///
/// With `X-Forwarded-For` and `Forwarded` (RFC 7239) both there, each has to name the same client, since a proxy that
/// writes one of them passes the other on as it came. A header that cannot be read says nothing: then it is the peer.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_among(peer, trusted) {
        return peer;
    }
    let stranger = |hops: Vec<Option<IpAddr>>| first_stranger(hops, trusted);
    let listed = headers.contains_key(X_FORWARDED_FOR).then(|| stranger(x_forwarded_for(headers)));
    let described = headers.contains_key(FORWARDED).then(|| forwarded(headers).and_then(stranger));
    let named = match (listed, described) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other).flatten(),
    };
    named.unwrap_or(peer)
}

/// Whether an address is in one of the networks. An IPv4 address in IPv6's clothes counts as the IPv4 address.
pub(crate) fn is_among(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Going backwards, the first that is no trusted proxy; where all are, the first that was written. None where what
/// has to be read on the way cannot be.
fn first_stranger(hops: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut first = None;
    for hop in hops.into_iter().rev() {
        first = Some(hop?);
        if first.is_some_and(|hop| !is_among(hop, trusted)) {
            break;
        }
    }
    first
}

/// Each hop's address; none where there is something else.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let hops = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    hops.map(|hop| address(std::str::from_utf8(hop).ok()?.trim())).collect()
}

/// None where the syntax is wrong: a quote that is not closed would swallow what a proxy has added.
fn forwarded(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let mut hops = Vec::new();
    for value in headers.get_all(FORWARDED) {
        for element in split(value.to_str().ok()?, ',')? {
            hops.push(forwarded_for(element)?);
        }
    }
    Some(hops)
}

/// The address in `for=` of one element. The outer none is wrong syntax, the inner one no address: an element may say
/// `unknown` or a made-up name.
fn forwarded_for(element: &str) -> Option<Option<IpAddr>> {
    let mut node = None;
    for pair in split(element, ';')? {
        let (name, value) = pair.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("for") {
            continue;
        }
        if node.is_some() {
            return None;
        }
        let value = value.trim();
        // No address has a character that would have to be escaped.
        node =
            Some(address(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)));
    }
    Some(node.flatten())
}

/// The parts between separators outside of quotes; none where a quote is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn networks() -> Vec<IpNet> {
        ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec()
    }

    /// Lines are written as they come over the wire; `expected` is the client.
    #[track_caller]
    fn check(peer: &str, lines: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::try_from(name).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let client = client(peer.parse().unwrap(), &headers, &networks());
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        check("203.0.113.9", &[], "203.0.113.9");
        check("203.0.113.9", &["X-Forwarded-For: 192.0.2.1"], "203.0.113.9");
        check("203.0.113.9", &["Forwarded: for=192.0.2.1"], "203.0.113.9");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["X-Forwarded-For: 192.0.2.1"], "192.0.2.1");
        check("fd00::1", &["X-Forwarded-For: 192.0.2.1"], "192.0.2.1");
        // Addresses of IPv4 in those of IPv6 are what they stand for.
        check("::ffff:203.0.113.9", &["X-Forwarded-For: 192.0.2.1"], "203.0.113.9");
        check("::ffff:10.0.0.1", &["X-Forwarded-For: ::ffff:192.0.2.1"], "192.0.2.1");
    }

    #[test]
    fn the_rightmost_that_is_no_proxy_is_the_client() {
        let chain = |chain: &str, expected: &str| {
            check("10.0.0.1", &[&format!("X-Forwarded-For: {chain}")], expected)
        };
        chain("198.51.100.7, 192.0.2.1", "192.0.2.1");
        chain("198.51.100.7, 192.0.2.1, 10.1.1.1,fd00::2", "192.0.2.1");
        // Whatever the client wrote itself, it does not count.
        chain("nonsense, 10.0.0.9, 192.0.2.1", "192.0.2.1");
        chain(", 192.0.2.1", "192.0.2.1");
        // One of our own.
        chain("10.2.2.2, 10.1.1.1", "10.2.2.2");
        let lines = ["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1, 10.1.1.1"];
        check("10.0.0.1", &lines, "192.0.2.1");
        for (written, expected) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        ] {
            chain(written, expected);
        }
    }

    #[test]
    fn the_standard_header_is_read() {
        let chain =
            |chain: &str, expected: &str| check("10.0.0.1", &[&format!("Forwarded: {chain}")], expected);
        // The examples of RFC 7239 §4 and §7.1.
        chain("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60");
        chain("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17");
        chain("for=192.0.2.43, for=198.51.100.17", "198.51.100.17");
        chain("for=192.0.2.43,for=\"[fd00::17]\";proto=https, For = 10.0.0.7", "192.0.2.43");
        chain("for=\"192.0.2.43:80\";host=\"a,b;for=x\"", "192.0.2.43");
        chain("for=198.51.100.7;by=\"\\\"\", for=192.0.2.1", "192.0.2.1");
        check("10.0.0.1", &["Forwarded: for=192.0.2.1", "Forwarded: for=10.0.0.7"], "192.0.2.1");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_peer() {
        for line in [
            "X-Forwarded-For: ",
            "X-Forwarded-For: unknown",
            "X-Forwarded-For: 192.0.2.1, nonsense",
            "X-Forwarded-For: 192.0.2.1,",
            "X-Forwarded-For: 192.0.2.1, nonsense, 10.1.1.1",
            "X-Forwarded-For: 192.0.2.300",
            "X-Forwarded-For: 192.0.2.1:port",
            "X-Forwarded-For: [192.0.2.1]",
            "X-Forwarded-For: 192.0.2.1 10.0.0.1",
            "X-Forwarded-For: 192.0.2.1, \u{fc}",
            "Forwarded: ",
            "Forwarded: 192.0.2.1",
            "Forwarded: proto=https",
            "Forwarded: for=unknown",
            "Forwarded: for=_hidden",
            "Forwarded: for=192.0.2.1, for=unknown",
            "Forwarded: for=192.0.2.1;for=192.0.2.2",
            "Forwarded: for=\"192.0.2.1",
            "Forwarded: for=192.0.2.1, by=\"x",
            "Forwarded: for=192.0.2.1, \u{fc}=1",
        ] {
            check("10.0.0.1", &[line], "10.0.0.1");
        }
    }

    #[test]
    fn two_headers_have_to_agree() {
        let check = |listed: &str, described: &str, expected: &str| {
            let lines = [format!("X-Forwarded-For: {listed}"), format!("Forwarded: for={described}")];
            check("10.0.0.1", &[&lines[0], &lines[1]], expected);
        };
        check("192.0.2.1", "192.0.2.1", "192.0.2.1");
        check("198.51.100.7, 192.0.2.1", "192.0.2.1", "192.0.2.1");
        // One of them was written by the client, and nobody knows which.
        check("192.0.2.1", "192.0.2.2", "10.0.0.1");
        check("192.0.2.1", "unknown", "10.0.0.1");
        check("unknown", "192.0.2.1", "10.0.0.1");
    }
}
