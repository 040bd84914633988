//! `network = …`: which addresses may be connected to, by a destination or by a plugin.

use std::net::IpAddr;

use ipnet::IpNet;

use super::field::{Choice, Format, Shape};
use super::value::Value;

/// Which addresses may be connected to. Metadata services of clouds never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Addresses of the public internet.
    #[default]
    Public,
    /// Those and private, loopback and link-local ones.
    Private,
    /// These networks only.
    Only(Vec<IpNet>),
}

static CIDR: Shape = Shape::Text(Format::free("a network such as \"10.0.0.0/8\""));

pub(super) const NETWORK: Shape = Shape::Either(&[
    Shape::Choice(&[
        Choice { word: "public", doc: "addresses of the public internet" },
        Choice { word: "private", doc: "those and private, loopback and link-local ones" },
    ]),
    Shape::List(&CIDR),
]);

/// Which addresses are meant.
pub(super) fn read(value: Value<'_>) -> Option<Network> {
    if !value.node.get_ref().is_array() {
        let private = value.choice(&[("public", false), ("private", true)])?;
        return Some(if private { Network::Private } else { Network::Public });
    }
    let networks = value.items()?;
    if networks.is_empty() {
        return value.fail("what has no network can never be connected to");
    }
    let network = |item: Value<'_>| item.parse(cidr);
    networks.into_iter().map(network).collect::<Option<_>>().map(Network::Only)
}

fn cidr(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>().map(|network| network.trunc()).map_err(|_| match text.parse::<IpAddr>() {
        Ok(address) => format!("{text:?} is an address, not a network; write \"{}\"", IpNet::from(address)),
        Err(_) => format!("{text:?} is not a network such as \"10.0.0.0/8\""),
    })
}
