//! Places of which each address may have so many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// Hands out places, so many to each address.
#[derive(Debug)]
pub struct AddressPlaces {
    per_address: usize,
    counts: Arc<Counts>,
}

/// An address's place; dropping it frees the place.
#[derive(Debug)]
pub struct AddressPlace {
    address: IpAddr,
    counts: Arc<Counts>,
}

impl AddressPlaces {
    /// So many places for each address.
    pub fn new(per_address: usize) -> Self {
        Self { per_address, counts: Arc::default() }
    }

    /// A place for `peer`, unless its address has all that it may have. An IPv6 /64 network counts as one address.
    pub fn take(&self, peer: IpAddr) -> Option<AddressPlace> {
        let address = counted_as(peer);
        let mut counts = lock(&self.counts);
        let count = counts.entry(address).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some(AddressPlace { address, counts: Arc::clone(&self.counts) })
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// The counts are consistent at every moment, so a panic elsewhere does not spoil them.
fn lock(counts: &Counts) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an address counts as where something is limited for each of them: one customer usually has a whole IPv6 /64
/// network, and an IPv4 address written as IPv6 is the IPv4 address.
pub fn counted_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_gone_leaves_no_trace() {
        let places = AddressPlaces::new(1);
        let held = places.take("192.0.2.1".parse().unwrap());
        assert!(held.is_some() && places.take("::ffff:192.0.2.1".parse().unwrap()).is_none());
        drop(held);
        assert!(lock(&places.counts).is_empty());
    }
}
