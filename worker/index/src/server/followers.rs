//! Places for followers of events, in all and of one address.

use crate::error::RequestError;
use assay_store::counted_as;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts followers.
#[derive(Debug)]
pub(super) struct Followers {
    most: usize,
    most_of_an_address: usize,
    counts: Arc<Counts>,
}

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// A follower's place; dropping it frees the place.
pub(super) struct Place {
    address: IpAddr,
    counts: Arc<Counts>,
}

impl Followers {
    pub(super) fn new(most: usize, most_of_an_address: usize) -> Self {
        Self { most, most_of_an_address, counts: Arc::default() }
    }

    /// A place for a follower at `peer`. An IPv6 /64 network counts as one address.
    ///
    /// # Errors
    /// All places are taken, or all that one address may have.
    pub(super) fn place(&self, peer: IpAddr) -> Result<Place, RequestError> {
        let address = counted_as(peer);
        let mut counts = lock(&self.counts);
        if counts.values().sum::<usize>() >= self.most {
            return Err(RequestError::Busy("followers of events"));
        }
        if counts.get(&address).is_some_and(|count| *count >= self.most_of_an_address) {
            return Err(RequestError::Busy("followers of events at one address"));
        }
        *counts.entry(address).or_default() += 1;
        Ok(Place { address, counts: Arc::clone(&self.counts) })
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
        assert_eq!(lock(&followers.counts).len(), 1, "who has gone leaves no trace");
    }
}
