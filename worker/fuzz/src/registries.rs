//! A second reading of the address registries, so that it and that of the store can be compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

const REGISTRIES: &str = include_str!("../../store/src/client/special_purpose.txt");

/// A range of addresses, IPv4 as IPv4-mapped, and what is said of it.
type Range = (u128, u32, &'static str);

fn ranges() -> &'static [Range] {
    static RANGES: OnceLock<Vec<Range>> = OnceLock::new();
    RANGES.get_or_init(|| {
        let read = |line: &'static str| {
            let mut words = line.split_whitespace();
            let (address, length) = words.next()?.split_once('/')?;
            let (address, length): (IpAddr, u32) = (address.parse().ok()?, length.parse().ok()?);
            let verdict = words.next()?;
            Some(match address {
                IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 96 + length, verdict),
                IpAddr::V6(address) => (address.to_bits(), length, verdict),
            })
        };
        let lines = REGISTRIES.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| read(line).expect("a range and a verdict")).collect()
    })
}

/// The IPv4 address that an IPv6 address carries, if it is of a form that carries one.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = Ipv4Addr::from_bits(bits as u32);
    match bits >> 32 {
        0xffff => Some(low),
        0 if bits > 1 => Some(low),
        high if high == 0x0064_ff9b << 64 => Some(low),
        _ if bits >> 112 == 0x2002 => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        _ => None,
    }
}

/// What the registries say of an address: `private` may be permitted, `never` may not; nothing for a public host.
pub fn listed(address: IpAddr) -> Option<&'static str> {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => match carried(address) {
            Some(inside) => return listed(inside.into()),
            None => address.to_bits(),
        },
    };
    let holds = |&&(base, length, _): &&Range| (base ^ bits).leading_zeros() >= length;
    let found = ranges().iter().filter(holds).max_by_key(|(_, length, _)| *length);
    // Of IPv6 only 2000::/3 is given out to hosts.
    let given_out = bits >> 32 == 0xffff || bits >> 125 == 1;
    found.map(|(_, _, verdict)| *verdict).or((!given_out).then_some("never"))
}
