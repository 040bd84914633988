//! Networks of clients and proxies: `["192.0.2.0/24", "2001:db8::1"]`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::field::{Format, Shape};
use super::value::Value;

/// One network, or one address.
pub(super) static NETWORK: Shape =
    Shape::Text(Format::free("a network or an address such as \"192.0.2.0/24\" or \"2001:db8::1\""));

/// At least one of them.
pub(super) fn networks(value: Value<'_>, if_none: &str) -> Option<Vec<IpNet>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.fail(if_none);
    }
    items.into_iter().map(|item| item.parse(network)).collect()
}

/// A network of IPv4 addresses in those of IPv6 is the one that it stands for.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()));
    let network = network
        .ok_or_else(|| format!("{text:?} is neither a network such as \"192.0.2.0/24\" nor an address"))?;
    let mapped = match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(length)) if network.addr().is_ipv6() => {
            IpNet::new(address, length).ok()
        }
        _ => None,
    };
    Ok(mapped.unwrap_or(network).trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses() {
        for (text, expected) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::/0", "::/0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "localhost", "192.0.2.0/33", "192.0.2", "192.0.2.1:80", "[::1]"] {
            assert!(network(text).unwrap_err().contains("neither a network"), "{text}");
        }
    }
}
