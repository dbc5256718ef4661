//! Which addresses may be reached: what keeps a name learned from the network out of our own network.
//!
//! A module path, a `go-import` page or a redirect can name any host. Were they followed anywhere, anybody who may ask
//! for a module could read the cloud's metadata service or an intranet through us (server-side request forgery). So an
//! address that nobody wrote into the configuration must be public. The rule is kept where the connection is
//! made, in the resolver ([`resolver`]), so that a name cannot resolve to one address for the check and to another
//! for the connection.

pub(crate) mod resolver;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address lies from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Anywhere on the internet.
    Public,
    /// This machine or the network around it: loopback, private (RFC 1918, RFC 4193), shared by a carrier
    /// (RFC 6598) and link-local addresses.
    Internal,
    /// Nothing to fetch modules from: unspecified, multicast, reserved, and the metadata services of clouds.
    Never,
}

/// How far a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Public and internal addresses.
    Internal,
    /// Whatever the configuration names.
    Everywhere,
}

impl Reach {
    /// Whether an address lies within reach.
    pub fn covers(self, address: IpAddr) -> bool {
        match (self, Scope::of(address)) {
            (Self::Everywhere, _) | (_, Scope::Public) => true,
            (reach, Scope::Internal) => reach == Self::Internal,
            (_, Scope::Never) => false,
        }
    }
}

impl Scope {
    /// Judges an address by the registries of special-purpose addresses (IANA, RFC 6890). An IPv6 address that stands
    /// for an IPv4 one is judged as that.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

/// Whether an address lies in our own network.
pub(crate) fn is_internal(address: IpAddr) -> bool {
    Scope::of(address) == Scope::Internal
}

fn of_v4(address: Ipv4Addr) -> Scope {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // Metadata services: link-local by number on most clouds, but shared or even public on some.
        (169, 254, 169, 254) | (169, 254, 170, 2 | 23) | (100, 100, 100, 200) | (168, 63, 129, 16) => {
            Scope::Never
        }
        (10 | 127, ..) | (172, 16..=31, ..) | (192, 168, ..) | (169, 254, ..) | (100, 64..=127, ..) => {
            Scope::Internal
        }
        // "This network", protocol assignments, documentation, 6to4 relays, benchmarking, multicast, reserved.
        (0, ..)
        | (192, 0, 0 | 2, _)
        | (192, 88, 99, _)
        | (198, 18 | 19, ..)
        | (198, 51, 100, _)
        | (203, 0, 113, _)
        | (224.., ..) => Scope::Never,
        _ => Scope::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Scope {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Internal,
        // IPv4-mapped, IPv4-compatible, and translated (RFC 6052, the well-known prefix of NAT64).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4 (RFC 3056) holds the IPv4 address of its router.
        [0x2002, high, low, ..] => embedded(high, low),
        // The metadata services of Amazon by IPv6.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] => Scope::Never,
        [0xfc00..=0xfdff, ..] | [0xfe80..=0xfebf, ..] => Scope::Internal,
        // Teredo, benchmarking and the other protocol assignments; documentation (both).
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Scope::Never,
        // ISATAP (RFC 5214) carries an IPv4 address behind any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => embedded(high, low),
        // Global unicast is 2000::/3; the rest is unassigned, local, or multicast.
        [0x2000..=0x3fff, ..] => Scope::Public,
        _ => Scope::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(expected: Scope, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(Scope::of(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_internet_is_public() {
        scopes(
            Scope::Public,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.0.1",
                "172.32.0.1",
            ],
        );
        scopes(
            Scope::Public,
            &["192.0.1.1", "192.169.0.1", "198.17.0.1", "223.255.255.255"],
        );
        scopes(
            Scope::Public,
            &["2606:4700::1111", "2a00:1450:4001::5", "2001:4860:4860::8888"],
        );
        scopes(
            Scope::Public,
            &["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
        );
    }

    #[test]
    fn our_own_network_is_internal_however_it_is_written() {
        scopes(
            Scope::Internal,
            &[
                "127.0.0.1",
                "127.255.0.9",
                "10.0.0.1",
                "172.16.0.1",
                "172.31.9.9",
                "192.168.1.1",
            ],
        );
        scopes(Scope::Internal, &["169.254.1.1", "100.64.0.1", "100.127.255.255"]);
        scopes(Scope::Internal, &["::1", "fc00::1", "fd12:3456::1", "fe80::1"]);
        scopes(
            Scope::Internal,
            &[
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::127.0.0.1",
                "::ffff:0:10.0.0.1",
            ],
        );
        scopes(
            Scope::Internal,
            &[
                "64:ff9b::7f00:1",
                "64:ff9b::a00:1",
                "2002:7f00:1::",
                "2002:a00:1::1",
            ],
        );
        scopes(
            Scope::Internal,
            &["2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1"],
        );
    }

    #[test]
    fn some_addresses_are_never_reached() {
        scopes(
            Scope::Never,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "224.0.0.1",
                "239.1.1.1",
                "240.0.0.1",
                "255.255.255.255",
            ],
        );
        scopes(
            Scope::Never,
            &[
                "169.254.169.254",
                "169.254.170.2",
                "100.100.100.200",
                "168.63.129.16",
            ],
        );
        scopes(
            Scope::Never,
            &[
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.1",
                "198.18.0.1",
                "192.0.0.192",
            ],
        );
        scopes(
            Scope::Never,
            &[
                "::",
                "ff02::1",
                "fec0::1",
                "fd00:ec2::254",
                "2001:db8::1",
                "3fff::1",
                "100::1",
            ],
        );
        scopes(
            Scope::Never,
            &[
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "2002:a9fe:a9fe::",
                "::ffff:0.0.0.0",
            ],
        );
        scopes(
            Scope::Never,
            &["2001:0:4136:e378::1", "64:ff9b:1::a00:1", "4000::1"],
        );
    }

    #[test]
    fn reach_is_what_trust_allows() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        for (reach, public, internal, never) in [
            (Reach::Public, true, false, false),
            (Reach::Internal, true, true, false),
            (Reach::Everywhere, true, true, true),
        ] {
            assert_eq!(reach.covers(at("8.8.8.8")), public, "{reach:?}");
            assert_eq!(reach.covers(at("127.0.0.1")), internal, "{reach:?}");
            assert_eq!(reach.covers(at("169.254.169.254")), never, "{reach:?}");
        }
    }
}
