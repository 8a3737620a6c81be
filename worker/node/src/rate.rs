//! How much one address may ask for: a bucket that fills with time.

use assay_store::counted_as;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at most; when there are more, those with full buckets are forgotten, which changes
/// nothing, and then all, which lets some ask once more.
const MOST_ADDRESSES: usize = 10_000;

/// Buckets of all addresses.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Requests that a full bucket holds, and that flow in within a minute.
    per_minute: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    requests: f64,
    filled: Instant,
}

impl Rates {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), buckets: Mutex::default() }
    }

    /// Takes a request out of the bucket of `peer`; if it is empty, how long until it is not.
    pub(crate) fn take(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let most = f64::from(self.per_minute);
        let per_second = most / 60.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let level = |bucket: &Bucket| {
            (bucket.requests + now.saturating_duration_since(bucket.filled).as_secs_f64() * per_second).min(most)
        };
        if buckets.len() >= MOST_ADDRESSES {
            buckets.retain(|_, bucket| level(bucket) < most);
            if buckets.len() >= MOST_ADDRESSES {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(counted_as(peer)).or_insert(Bucket { requests: most, filled: now });
        *bucket = Bucket { requests: level(bucket), filled: now };
        if bucket.requests < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.requests) / per_second));
        }
        bucket.requests -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_ask_as_often_as_its_bucket_fills_and_others_do_not_suffer() {
        let rates = Rates::new(6);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let start = Instant::now();
        for _ in 0..6 {
            assert_eq!(rates.take(one, start), Ok(()));
        }
        let wait = rates.take(one, start).unwrap_err();
        assert!((9.9..10.1).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(rates.take(other, start), Ok(()));
        let later = start + Duration::from_millis(10_100);
        assert_eq!(rates.take(one, later), Ok(()));
        assert!(rates.take(one, later).is_err());
        let next_day = start + Duration::from_secs(86_400);
        assert_eq!((0..100).filter(|_| rates.take(one, next_day).is_ok()).count(), 6, "a bucket holds a minute");
        let network = "2001:db8::ffff".parse().unwrap();
        assert_eq!((0..100).filter(|_| rates.take(network, start).is_ok()).count(), 5, "one bucket a network");
    }

    #[test]
    fn the_memory_is_bounded() {
        let rates = Rates::new(1);
        let now = Instant::now();
        for address in 0..3 * MOST_ADDRESSES as u32 {
            let _ = rates.take(IpAddr::V4(address.into()), now);
        }
        assert!(rates.buckets.lock().unwrap().len() <= MOST_ADDRESSES);
    }
}
