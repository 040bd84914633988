//! Which addresses may be connected to. Pure: an address and the operator's word in, yes or a reason out.
//!
//! IPv6 is closed by default: what is not global unicast is refused. An IPv4 address inside an IPv6 one counts as what
//! it is, or else a name could reach `127.0.0.1` as `::ffff:127.0.0.1`. The ranges are those of the IANA special-purpose
//! registries, <https://www.iana.org/assignments/iana-ipv4-special-registry> and its IPv6 sibling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Which addresses a destination may be connected to. Metadata services of clouds never: they hand out credentials to
/// whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Addresses of the public internet.
    #[default]
    Public,
    /// Those and private, shared, loopback and link-local ones.
    Private,
    /// These networks only.
    Only(Vec<IpNet>),
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It would be allowed with `network = "private"`; what it is, such as `a loopback address`.
    NotPublic(&'static str),
    /// It is not in the networks listed.
    NotListed,
    /// It would only be allowed by listing it; what it is.
    Special(&'static str),
    /// A metadata service: never allowed.
    Metadata,
}

impl Network {
    /// Whether a connection to the address is allowed.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let class = class(address);
        match (self, class) {
            (_, Class::Metadata) => Err(Refused::Metadata),
            (Network::Public | Network::Private, Class::Public) | (Network::Private, Class::Private(_)) => {
                Ok(())
            }
            (Network::Public, Class::Private(what)) => Err(Refused::NotPublic(what)),
            (Network::Public | Network::Private, Class::Special(what)) => Err(Refused::Special(what)),
            (Network::Only(networks), _) => {
                let address = address.to_canonical();
                match networks.iter().any(|network| network.contains(&address)) {
                    true => Ok(()),
                    false => Err(Refused::NotListed),
                }
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotPublic(what) | Refused::Special(what) => f.write_str(what),
            Refused::NotListed => f.write_str("which is in none of its networks"),
            Refused::Metadata => f.write_str("a cloud's metadata service"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Public,
    Private(&'static str),
    Special(&'static str),
    Metadata,
}

/// From the documentation of AWS (also EC2, ECS, EKS), Google, Azure, Oracle, Alibaba, Tencent, Scaleway, Volcengine
/// and OpenStack; most others share the first.
const METADATA: [IpAddr; 14] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    IpAddr::V4(Ipv4Addr::new(100, 96, 0, 96)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

fn class(address: IpAddr) -> Class {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Class::Metadata;
    }
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        [127, ..] => Class::Private("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private("a private address"),
        [169, 254, ..] => Class::Private("a link-local address"),
        [100, 64..=127, ..] => Class::Private("an address shared behind a carrier's NAT"),
        [0, ..] => Class::Special("an unspecified address"),
        [192, 0, 0, _] => Class::Special("an address reserved for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Class::Special("an address for documentation")
        }
        [192, 88, 99, _] => Class::Special("a 6to4 relay"),
        [198, 18..=19, ..] => Class::Special("an address for benchmarks"),
        [224..=239, ..] => Class::Special("a multicast address"),
        [255, 255, 255, 255] => Class::Special("the broadcast address"),
        [240..=255, ..] => Class::Special("a reserved address"),
        _ => Class::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> Class {
    let bits = address.to_bits();
    let v4 = |shift: u32| class(Ipv4Addr::from_bits((bits >> shift) as u32).into());
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private("a loopback address"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Special("the unspecified address"),
        [0, 0, 0, 0, 0, 0, ..] => unless_metadata(v4(0), Class::Special("an IPv4-compatible address")),
        // DNS64 on networks without IPv4 makes these of public addresses.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4(0),
        // RFC 6052 puts the address at one of these places, depending on a prefix length that nobody tells.
        [0x64, 0xff9b, 1, ..] => {
            let spread = (bits >> 64) as u32 & 0xffff;
            let spread = Ipv4Addr::from_bits(spread << 16 | (bits >> 40) as u32 & 0xffff);
            let local = unless_metadata(v4(0), Class::Private("an address of a local NAT64"));
            unless_metadata(class(spread.into()), local)
        }
        [0x2002, ..] => unless_metadata(v4(80), Class::Special("a 6to4 address")),
        [0x2001, 0, ..] => {
            let client = Ipv4Addr::from_bits(!(bits as u32));
            unless_metadata(class(client.into()), Class::Special("a Teredo address"))
        }
        [0x2001, 0x2, 0, ..] => Class::Special("an address for benchmarks"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Special("an address for documentation"),
        [0x2001, 0..=0x1ff, ..] => Class::Special("an address reserved for protocols"),
        [0x2000..=0x3fff, ..] => Class::Public,
        [0xfc00..=0xfdff, ..] => Class::Private("a unique local address"),
        [0xfe80..=0xfebf, ..] => Class::Private("a link-local address"),
        [0xff00..=0xffff, ..] => Class::Special("a multicast address"),
        _ => Class::Special("a reserved address"),
    }
}

fn unless_metadata(embedded: Class, class: Class) -> Class {
    if embedded == Class::Metadata { embedded } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &Network, address: &str) -> Result<(), Refused> {
        network.check(address.parse().expect(address))
    }

    #[test]
    fn public_addresses() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert_eq!(check(&Network::Public, address), Ok(()), "{address}");
            assert_eq!(check(&Network::Private, address), Ok(()), "{address}");
        }
    }

    #[test]
    fn private_addresses() {
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1.1.1.1",
        ] {
            assert!(matches!(check(&Network::Public, address), Err(Refused::NotPublic(_))), "{address}");
            assert_eq!(check(&Network::Private, address), Ok(()), "{address}");
        }
    }

    #[test]
    fn special_addresses() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::0.0.0.0",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fec0::1",
            "ff02::1",
            "::ffff:0.0.0.0",
        ] {
            for network in [Network::Public, Network::Private] {
                assert!(matches!(check(&network, address), Err(Refused::Special(_))), "{address}");
            }
        }
    }

    #[test]
    fn metadata_services_are_never_allowed() {
        let everything = Network::Only(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        let mut addresses: Vec<IpAddr> = METADATA.to_vec();
        for disguised in [
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "2002:a9fe:a9fe::",
            "2001:0:1234:5678:0:0:5601:5601",
        ] {
            addresses.push(disguised.parse().unwrap());
        }
        for address in addresses {
            for network in [&Network::Public, &Network::Private, &everything] {
                assert_eq!(network.check(address), Err(Refused::Metadata), "{address}");
            }
        }
        assert_eq!(check(&everything, "127.0.0.1"), Ok(()));
    }

    #[test]
    fn listed_networks_are_the_only_ones() {
        let network = Network::Only(vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for (address, expected) in [
            ("10.1.2.3", Ok(())),
            ("::ffff:10.1.2.3", Ok(())),
            ("fd00:1::5", Ok(())),
            ("10.2.0.1", Err(Refused::NotListed)),
            ("1.1.1.1", Err(Refused::NotListed)),
            ("127.0.0.1", Err(Refused::NotListed)),
            ("::1", Err(Refused::NotListed)),
        ] {
            assert_eq!(check(&network, address), expected, "{address}");
        }
    }
}
