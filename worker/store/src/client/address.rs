//! Which addresses a request may go to, as pure functions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressKind {
    /// A host of the public internet.
    Public,
    /// This machine or its own network: reached only where the options allow private addresses.
    Private(&'static str),
    /// Never a store: metadata services of clouds, link-local, multicast and reserved addresses.
    Forbidden(&'static str),
}

impl AddressKind {
    /// Why a request may not go there; `None` where it may.
    pub(crate) fn refusal(self, allow_private: bool) -> Option<&'static str> {
        match self {
            Self::Public => None,
            Self::Private(_) if allow_private => None,
            Self::Private(reason) | Self::Forbidden(reason) => Some(reason),
        }
    }
}

const METADATA: AddressKind = AddressKind::Forbidden("a cloud's metadata service");
const LINK_LOCAL: AddressKind =
    AddressKind::Forbidden("a link-local address, where clouds keep their metadata services");
const MULTICAST: AddressKind = AddressKind::Forbidden("a multicast or broadcast address");
const RESERVED: AddressKind = AddressKind::Forbidden("a reserved address");
const UNSPECIFIED: AddressKind = AddressKind::Forbidden("an unspecified address");
const LOOPBACK: AddressKind = AddressKind::Private("a loopback address");
const PRIVATE: AddressKind = AddressKind::Private("a private address");
const SHARED: AddressKind = AddressKind::Private("an address shared behind a provider's translator");

/// What stands behind `address`. IPv6 forms that carry an IPv4 address are judged by that.
pub(crate) fn kind_of(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

/// The special-purpose registry of IPv4 (RFC 6890 and its updates), and clouds' metadata services outside link-local.
fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        // Alibaba, Azure and Oracle.
        [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => METADATA,
        [0, ..] => UNSPECIFIED,
        [127, ..] => LOOPBACK,
        [169, 254, ..] => LINK_LOCAL,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => PRIVATE,
        [100, 64..=127, ..] => SHARED,
        // Protocol assignments, documentation, 6to4 relays, benchmarks.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => RESERVED,
        [224..=239, ..] | [255, 255, 255, 255] => MULTICAST,
        [240..=255, ..] => RESERVED,
        _ => AddressKind::Public,
    }
}

/// Only 2000::/3 is given out to hosts (RFC 4291); within it, what is special or carries an IPv4 address.
fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => UNSPECIFIED,
        [0, 0, 0, 0, 0, 0, 0, 1] => LOOPBACK,
        // Mapped, and the deprecated "compatible" form.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => kind_of_v4(embedded(high, low)),
        // Translated by NAT64: the well-known prefix. 64:ff9b:1::/48 is a network's own and falls to the reserved ones.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => kind_of_v4(embedded(high, low)),
        // 6to4.
        [0x2002, high, low, ..] => kind_of_v4(embedded(high, low)),
        // Amazon's metadata service.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254] => METADATA,
        [0xfc00..=0xfdff, ..] => PRIVATE,
        [0xfe80..=0xfebf, ..] => LINK_LOCAL,
        [0xfec0..=0xfeff, ..] => PRIVATE,
        [0xff00..=0xffff, ..] => MULTICAST,
        // Protocol assignments with Teredo and ORCHID, documentation, deprecated test networks.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3ffe, ..] | [0x3fff, 0..=0x0fff, ..] => RESERVED,
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => RESERVED,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registries as a list, which the code above does not read: two readings of one thing.
    const REGISTRIES: &str = include_str!("special_purpose.txt");

    fn kind(address: &str) -> AddressKind {
        kind_of(address.parse().unwrap())
    }

    /// The range of a line in 128 bits, IPv4 as IPv4-mapped, and what the line says of it.
    fn ranges() -> Vec<(u128, u32, &'static str)> {
        let read = |line: &'static str| {
            let mut words = line.split_whitespace();
            let (range, verdict) = (words.next().unwrap(), words.next().unwrap());
            let (address, length) = range.split_once('/').unwrap();
            let (address, length): (IpAddr, u32) = (address.parse().unwrap(), length.parse().unwrap());
            match address {
                IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 96 + length, verdict),
                IpAddr::V6(address) => (address.to_bits(), length, verdict),
            }
        };
        REGISTRIES.lines().filter(|line| !line.starts_with('#')).map(read).collect()
    }

    /// What the list says of an address: the most specific range that holds it.
    fn listed(address: u128) -> Option<&'static str> {
        let holds = |&(base, length, _): &(u128, u32, &str)| (base ^ address).leading_zeros() >= length;
        ranges().into_iter().filter(holds).max_by_key(|(_, length, _)| *length).map(|(_, _, verdict)| verdict)
    }

    #[test]
    fn both_ends_of_every_registered_range_are_refused_and_their_neighbours_judged_by_their_own() {
        let ranges = ranges();
        assert!(ranges.len() >= 35, "{}", ranges.len());
        for (base, length, verdict) in ranges {
            let last = base | u128::MAX.checked_shr(length).unwrap_or(0);
            let middle = base | ((last ^ base) / 3);
            for inside in [base, middle, last] {
                let address = IpAddr::V6(inside.into()).to_canonical();
                let found = kind_of(address);
                let expected = listed(inside).unwrap();
                let private = matches!(found, AddressKind::Private(_));
                assert!(found.refusal(false).is_some(), "{address} of a {verdict} range is {found:?}");
                assert_eq!(private, expected == "private", "{address} of a {verdict} range is {found:?}");
            }
            for outside in [base.wrapping_sub(1), last.wrapping_add(1)] {
                let address = IpAddr::V6(outside.into()).to_canonical();
                // Of IPv6 only 2000::/3 is given out; the rest is refused without standing in any list.
                let given_out = address.is_ipv4() || outside >> 125 == 1;
                if given_out && listed(outside).is_none() && outside >> 112 != 0x2002 {
                    assert_eq!(kind_of(address), AddressKind::Public, "{address}");
                }
            }
        }
    }

    /// Every form in which an IPv6 address carries an IPv4 address is judged by that.
    #[test]
    fn an_address_inside_another_is_judged_like_itself() {
        for (base, length, _) in ranges() {
            if base >> 32 != 0xffff || length < 96 {
                continue;
            }
            let last = base | u128::MAX.checked_shr(length).unwrap_or(0);
            for mapped in [base, last, base ^ (1 << 31)] {
                let v4 = u128::from(mapped as u32);
                let own = kind_of(Ipv4Addr::from_bits(mapped as u32).into());
                for carrier in [(0xffff << 32) | v4, (0x0064_ff9b << 96) | v4, (0x2002 << 112) | (v4 << 80) | 0x77] {
                    assert_eq!(kind_of(IpAddr::V6(carrier.into())), own, "{}", Ipv6Addr::from_bits(carrier));
                }
            }
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
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
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::8.8.8.8",
            "2002:0808:0808::1",
        ] {
            assert_eq!(kind(address), AddressKind::Public, "{address}");
            assert_eq!(kind(address).refusal(false), None, "{address}");
        }
    }

    #[test]
    fn addresses_of_ones_own_network_need_permission() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.168.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::192.168.0.1",
            "2002:7f00:0001::",
            "2002:c0a8:0001::1",
        ] {
            assert!(matches!(kind(address), AddressKind::Private(_)), "{address} is {:?}", kind(address));
            assert!(kind(address).refusal(false).is_some(), "{address}");
            assert_eq!(kind(address).refusal(true), None, "{address}");
        }
    }

    #[test]
    fn metadata_link_local_and_reserved_addresses_are_never_reached() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "192.0.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "::",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2001:1ff::1",
            "100::1",
            "64:ff9b:1::1",
            "4000::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "3fff::1",
        ] {
            assert!(matches!(kind(address), AddressKind::Forbidden(_)), "{address} is {:?}", kind(address));
            assert!(kind(address).refusal(true).is_some(), "{address}");
        }
    }
}
