//! Where a caller is: the peer of the connection, unless that is a proxy that we were told to trust.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

/// The address that a request came from. In the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What a limit counts by: the address, or for IPv6 its network of 64 bits, which one subscriber has whole.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        }
    }
}

/// The proxies whose `X-Forwarded-For` and `X-Request-Id` are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// The text is not a list of addresses or networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a network like 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    /// Addresses and networks, separated by commas.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| Network::read(part).ok_or_else(|| NotANetwork(part.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Some(width), |bits| bits.parse().ok())?;
        (prefix_bits <= width).then_some(Self { address, prefix_bits })
    }

    fn has(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix_bits).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix_bits).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl TrustedProxies {
    /// Whether the address is one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address.to_canonical()))
    }

    /// The caller behind a trusted peer: the last hop of `X-Forwarded-For` that is not itself a trusted proxy. What
    /// stands before it was written by the caller.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer;
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            client = address;
            if !self.has(address) {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(forwarded: &[&str]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, ::1".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client("10.0.0.1".parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_caller_is_the_last_hop_that_is_not_a_proxy_of_ours() {
        assert_eq!(behind(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(behind(&["1.2.3.4, 203.0.113.9, 10.1.1.1"]), "203.0.113.9");
        assert_eq!(behind(&["1.2.3.4", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(behind(&[]), "10.0.0.1");
        assert_eq!(behind(&["rubbish"]), "10.0.0.1");
    }

    #[test]
    fn networks_are_read_and_rubbish_is_refused() {
        let proxies: TrustedProxies = "192.168.1.7,2001:db8::/32,0.0.0.0/0".parse().unwrap();

        assert!(proxies.has("2001:db8:1::9".parse().unwrap()));
        assert!(!proxies.has("2001:db9::9".parse().unwrap()));
        assert!(proxies.has("::ffff:8.8.8.8".parse().unwrap()));
        for text in ["10.0.0.0/33", "ten", "10.0.0.0/-1"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_subscriber_of_ipv6_is_one_network() {
        let first = ClientAddress("2001:db8:0:1::1".parse().unwrap());
        let second = ClientAddress("2001:db8:0:1:ffff::2".parse().unwrap());

        assert_eq!(first.network(), second.network());
        assert_eq!(ClientAddress("::ffff:10.0.0.1".parse().unwrap()).network(), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
