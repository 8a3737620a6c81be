//! Places for followers of events, in all and of one address.

use crate::error::RequestError;
use assay_store::{AddressPlace, AddressPlaces};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts followers.
#[derive(Debug)]
pub(super) struct Followers {
    places: Arc<Semaphore>,
    addresses: AddressPlaces,
}

/// A follower's place; dropping it frees the place.
pub(super) struct Place {
    _in_all: OwnedSemaphorePermit,
    _of_address: AddressPlace,
}

impl Followers {
    pub(super) fn new(most: usize, most_of_an_address: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { places, addresses: AddressPlaces::new(most_of_an_address) }
    }

    /// A place for a follower at `peer`. An IPv6 /64 network counts as one address.
    ///
    /// # Errors
    /// All places are taken, or all that one address may have.
    pub(super) fn place(&self, peer: IpAddr) -> Result<Place, RequestError> {
        let in_all = Arc::clone(&self.places).try_acquire_owned();
        let in_all = in_all.map_err(|_| RequestError::Busy("followers of events"))?;
        let of_address = self.addresses.take(peer).ok_or(RequestError::Busy("followers of events at one address"))?;
        Ok(Place { _in_all: in_all, _of_address: of_address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_places_to_others() {
        let followers = Followers::new(3, 2);
        let place = |address: &str| followers.place(address.parse().unwrap());
        let held = [place("2001:db8::1").unwrap(), place("2001:db8::2").unwrap()];
        assert!(place("2001:db8::3").is_err());
        let _other = place("192.0.2.1").unwrap();
        assert!(place("192.0.2.2").is_err(), "all are taken");
        drop(held);
        assert!(place("2001:db8::3").is_ok());
    }
}
