//! Requests at work: how many in all and of one address, and which one makes room when all places are taken.
//!
//! A body that keeps the lowest rate may last for hours. That is patience with slow clients while there is room; once there is none,
//! whoever holds a place has to move more, or the slowest of them loses it to the next client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ServerOptions;
use super::places::counted_as;
use crate::error::{Result, StoreError};

/// Ends the connection that a request came by.
#[derive(Clone, Debug)]
pub(super) struct Cut(pub(super) CancellationToken);

/// Hands out places for requests.
pub(super) struct Admission {
    places: Arc<Mutex<Places>>,
}

#[derive(Default)]
struct Places {
    next: u64,
    held: HashMap<u64, Held>,
}

struct Held {
    address: IpAddr,
    began: Instant,
    moved_bytes: Arc<AtomicU64>,
    cut: CancellationToken,
}

impl Held {
    /// Its average rate in bytes per second.
    fn rate(&self, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.began).as_secs_f64();
        self.moved_bytes.load(Ordering::Relaxed) as f64 / seconds.max(f64::MIN_POSITIVE)
    }
}

/// A request's place; dropping it frees the place.
pub(super) struct Admitted {
    number: u64,
    moved_bytes: Arc<AtomicU64>,
    places: Arc<Mutex<Places>>,
}

impl Admitted {
    /// Counts bytes of the body.
    pub(super) fn moved(&self, bytes: usize) {
        self.moved_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        lock(&self.places).held.remove(&self.number);
    }
}

impl Admission {
    pub(super) fn new() -> Self {
        Self { places: Arc::default() }
    }

    /// A place for a request of `peer`. Where all are taken, the slowest body that is slower than it may be then loses its own.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where the address has all that it may have, or all places are taken by what moves.
    pub(super) fn admit(&self, peer: IpAddr, cut: &Cut, options: &ServerOptions) -> Result<Admitted> {
        let (address, now) = (counted_as(peer), Instant::now());
        let mut places = lock(&self.places);
        if places.held.values().filter(|held| held.address == address).count() >= options.max_requests_per_address {
            return Err(StoreError::Busy);
        }
        if places.held.len() >= options.max_requests {
            let slowest = places.slowest(now, options).ok_or(StoreError::Busy)?;
            if let Some(held) = places.held.remove(&slowest) {
                tracing::debug!(address = %held.address, "cut off: too slow while all places are taken");
                held.cut.cancel();
            }
        }
        let (number, moved_bytes) = (places.next, Arc::<AtomicU64>::default());
        places.next += 1;
        let held = Held { address, began: now, moved_bytes: Arc::clone(&moved_bytes), cut: cut.0.clone() };
        places.held.insert(number, held);
        Ok(Admitted { number, moved_bytes, places: Arc::clone(&self.places) })
    }
}

impl Places {
    /// The slowest body of those that are slower than they may be while all places are taken.
    fn slowest(&self, now: Instant, options: &ServerOptions) -> Option<u64> {
        let rates =
            self.held.iter().filter(|(_, held)| now.saturating_duration_since(held.began) >= options.full_grace);
        let rates = rates.map(|(number, held)| (*number, held.rate(now)));
        let too_slow = rates.filter(|(_, rate)| *rate < options.full_min_bytes_per_second as f64);
        too_slow.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(number, _)| number)
    }
}

/// The places are consistent at every moment, so a panic elsewhere does not spoil them.
fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn options(max_requests: usize, max_requests_per_address: usize) -> ServerOptions {
        ServerOptions { max_requests, max_requests_per_address, ..ServerOptions::default() }
    }

    fn cut() -> Cut {
        Cut(CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_a_part_of_the_places() {
        let (admission, options) = (Admission::new(), options(10, 2));
        let admit = |address: &str| admission.admit(address.parse().unwrap(), &cut(), &options);
        let held = [admit("192.0.2.1").unwrap(), admit("::ffff:192.0.2.1").unwrap()];
        assert!(admit("192.0.2.1").is_err());
        let _other = admit("192.0.2.2").unwrap();
        drop(held);
        assert!(admit("192.0.2.1").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_places_are_taken_the_slowest_makes_room_and_what_moves_keeps_its_place() {
        let (admission, options) = (Admission::new(), options(3, 3));
        let peer: IpAddr = [192, 0, 2, 1].into();
        let cuts = [cut(), cut(), cut()];
        let held = cuts.each_ref().map(|cut| admission.admit(peer, cut, &options).unwrap());
        let client = || admission.admit([192, 0, 2, 9].into(), &cut(), &options);
        assert!(client().is_err(), "they have only begun");
        tokio::time::advance(Duration::from_secs(1_000)).await;
        // The rate that is enough while there is room, twice that, and the rate that is enough when there is none.
        let enough = usize::try_from(options.min_bytes_per_second).unwrap();
        held[0].moved(1_000 * enough * 2);
        held[1].moved(1_000 * enough);
        held[2].moved(1_000 * usize::try_from(options.full_min_bytes_per_second).unwrap());
        let first = client().unwrap();
        assert_eq!(cuts.each_ref().map(|cut| cut.0.is_cancelled()), [false, true, false]);
        let second = client().unwrap();
        assert_eq!(cuts.each_ref().map(|cut| cut.0.is_cancelled()), [true, true, false]);
        assert!(client().is_err(), "the others have only begun or move");
        drop(held);
        assert_eq!(lock(&admission.places).held.len(), 2, "who lost a place frees none of another");
        drop((first, second));
        assert!(lock(&admission.places).held.is_empty());
    }
}
