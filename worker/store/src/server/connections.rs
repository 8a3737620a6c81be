//! How many connections there may be, in all and of one address.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::places::{AddressPlace, AddressPlaces};

/// Counts connections.
pub(super) struct ConnectionLimits {
    slots: Arc<Semaphore>,
    addresses: AddressPlaces,
}

/// A connection's place; dropping it frees the place.
pub(super) struct Place {
    _slot: Option<OwnedSemaphorePermit>,
    _of_address: AddressPlace,
}

impl ConnectionLimits {
    pub(super) fn new(in_all: usize, per_address: usize) -> Self {
        let slots = Arc::new(Semaphore::new(in_all.min(Semaphore::MAX_PERMITS)));
        Self { slots, addresses: AddressPlaces::new(per_address) }
    }

    /// Waits for a free slot among all; the semaphore is never closed, so there always is one in the end.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// A place for a connection of `peer`, unless that address has too many.
    pub(super) fn place(&self, slot: Option<OwnedSemaphorePermit>, peer: IpAddr) -> Option<Place> {
        let of_address = self.addresses.take(peer)?;
        Some(Place { _slot: slot, _of_address: of_address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let limits = ConnectionLimits::new(10, 2);
        let place = |address: &str| limits.place(None, address.parse().unwrap());
        let first = place("192.0.2.1").unwrap();
        let _second = place("192.0.2.1").unwrap();
        assert!(place("192.0.2.1").is_none());
        assert!(place("::ffff:192.0.2.1").is_none());
        assert!(place("192.0.2.2").is_some());
        drop(first);
        assert!(place("192.0.2.1").is_some());
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
