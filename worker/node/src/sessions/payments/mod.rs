//! Payment by `402`: strangers without a session open one with their first request.
//!
//! | module | what it is |
//! |---|---|
//! | `offer` | the terms of what is offered, and the same as x402 has it |
//! | `keep` | loads what is offered, and brings its terms up to date |
//! | `verify` | whether a payment is exactly what was offered: a pure function |
//! | `opening` | from a payment that is, to a session that is served |
//! | `http` | the requests |
//! | `refused` | why there is no answer |
//!
//! This node is its own facilitator: it verifies, sends, and waits. It signs nothing for a payment, and pays nothing for it: the
//! transaction is the client's whole, fee included, and names this node's account to be read and no other one of the node's. What
//! the node does afterwards, accepting the session, it does as for any session that it is offered, by the same driver, journal and
//! checks; whatever happens here, the session's account is the truth, and its client can take an offer back that nobody accepts.

#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod http;
pub(crate) mod keep;
mod offer;
mod opening;
mod refused;
mod verify;

pub(super) use http::{owed_response, routes};

use crate::config;
use crate::rate::Rates;
use offer::Offers;
use opening::Progress;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// What payments share.
#[derive(Debug)]
pub(super) struct Payments {
    /// What is offered at present.
    offers: RwLock<Arc<Offers>>,
    /// Payments that each address may send.
    rates: Rates,
    /// One permit for each payment that is under way.
    places: Arc<Semaphore>,
    /// Payments under way, by the session that each opens: who sends one again waits for the same.
    under_way: Mutex<HashMap<Pubkey, watch::Receiver<Progress>>>,
    /// Ends the waiting when the node ends.
    stop: CancellationToken,
}

impl Payments {
    /// Nothing is offered yet.
    pub(super) fn new(settings: &config::Payments) -> Self {
        Self {
            offers: RwLock::default(),
            rates: Rates::new(settings.payments_per_minute),
            places: Arc::new(Semaphore::new(settings.most_pending)),
            under_way: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// What is offered at present.
    fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.offers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn offer(&self, offers: Offers) {
        let mut offered = self.offers.write().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock: what is closed stays so.
        if !self.stop.is_cancelled() {
            *offered = Arc::new(offers);
        }
    }

    /// Takes no more payments, and waits for none.
    pub(super) fn close(&self) {
        self.stop.cancel();
        *self.offers.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// The map is whole at every moment at which a panic could happen.
    fn under_way(&self) -> MutexGuard<'_, HashMap<Pubkey, watch::Receiver<Progress>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
