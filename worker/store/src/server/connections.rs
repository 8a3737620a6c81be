//! How many connections there may be, in all and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts connections.
pub(super) struct ConnectionLimits {
    slots: Arc<Semaphore>,
    per_address: usize,
    counts: Arc<Counts>,
}

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// A connection's place; dropping it frees the place.
pub(super) struct Place {
    _slot: Option<OwnedSemaphorePermit>,
    address: IpAddr,
    counts: Arc<Counts>,
}

impl ConnectionLimits {
    pub(super) fn new(in_all: usize, per_address: usize) -> Self {
        let slots = Arc::new(Semaphore::new(in_all.min(Semaphore::MAX_PERMITS)));
        Self { slots, per_address, counts: Arc::default() }
    }

    /// Waits for a free slot among all; the semaphore is never closed, so there always is one in the end.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// A place for a connection of `peer`, unless that address has too many.
    pub(super) fn place(&self, slot: Option<OwnedSemaphorePermit>, peer: IpAddr) -> Option<Place> {
        let address = counted_as(peer);
        let mut counts = lock(&self.counts);
        let count = counts.entry(address).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some(Place { _slot: slot, address, counts: Arc::clone(&self.counts) })
    }
}

impl Drop for Place {
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
    fn one_address_cannot_take_every_place() {
        let limits = ConnectionLimits::new(10, 2);
        let place = |address: &str| limits.place(None, address.parse().unwrap());
        let (first, second) = (place("192.0.2.1"), place("192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(place("192.0.2.1").is_none());
        assert!(place("::ffff:192.0.2.1").is_none());
        assert!(place("192.0.2.2").is_some());
        drop(first);
        assert!(place("192.0.2.1").is_some());
        drop(second);
        assert!(lock(&limits.counts).is_empty(), "an address without connections leaves no trace");
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let limits = ConnectionLimits::new(10, 1);
        let place = |address: &str| limits.place(None, address.parse().unwrap());
        let _held = place("2001:db8:1:2::1").unwrap();
        assert!(place("2001:db8:1:2:ffff::9").is_none());
        assert!(place("2001:db8:1:3::1").is_some());
    }

    #[tokio::test]
    async fn places_in_all_are_bounded() {
        let limits = ConnectionLimits::new(1, 10);
        let held = limits.place(limits.slot().await, "192.0.2.1".parse().unwrap());
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), limits.slot()).await;
        assert!(waited.is_err());
        drop(held);
        assert!(limits.slot().await.is_some());
    }
}
