//! The sessions that are served at present: what their requests share, and how many there may be at a time.

use super::ledger::{Ledger, NotBegun};
use super::material::Material;
use super::payments::Payments;
use super::writer::Writer;
use crate::config;
use crate::engine::WarmModel;
use crate::journal::{HeldVoucher, SessionRecord};
use crate::rate::Rates;
use assay::state::Session;
use assay_session::{LENGTH_BYTES, MAX_HEADER_BYTES, SessionReport};
use assay_store::counted_as;
use solana_sdk::pubkey::Pubkey;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// All sessions that a node serves.
#[derive(Debug)]
pub struct Sessions {
    served: Mutex<HashMap<Pubkey, Arc<Served>>>,
    /// Addresses of sessions that this node has accepted, or is about to: no more than the settings allow.
    taken: Mutex<HashSet<Pubkey>>,
    /// Addresses of sessions that strangers are paying for: as many fewer are left to take. Locked before `taken`.
    promised: Mutex<HashSet<Pubkey>>,
    /// Payments of strangers.
    pub(super) payments: Payments,
    /// One permit for each request that is computed.
    pub(super) runs: Arc<Semaphore>,
    /// Requests of each address that are read, wait or are computed.
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    requests_per_address: usize,
    /// Receipts that each address may ask for again.
    pub(super) repeats: Rates,
    pub(super) writer: Writer,
    /// Requests that are computed: they go on when whoever asked does not wait.
    pub(super) tasks: TaskTracker,
    /// Bytes of inputs that are kept.
    pub(super) kept_bytes: AtomicU64,
}

/// A place of a request among those of its address; dropping it frees the place.
#[derive(Debug)]
pub(super) struct AddressPlace {
    address: IpAddr,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One session that is served.
#[derive(Debug)]
pub(crate) struct Served {
    /// Its address.
    pub(crate) address: Pubkey,
    /// Its account as it was when serving began; what is read of it never changes.
    pub(crate) account: Session,
    /// Graph and params.
    pub(crate) material: Material,
    /// Last slot at which requests are answered.
    ends_slot: AtomicU64,
    ledger: Mutex<Ledger>,
    /// One permit for each request that is read, waits or is computed.
    places: Arc<Semaphore>,
    most_places: u32,
    _warm: WarmModel,
}

/// A request that came in, alone with its sequence; dropping it lets it go.
#[derive(Debug)]
pub(super) struct Begun {
    served: Arc<Served>,
    sequence: u64,
    _place: OwnedSemaphorePermit,
}

impl Sessions {
    /// Nothing is served yet.
    pub fn new(limits: &config::Sessions) -> Self {
        Self {
            served: Mutex::default(),
            taken: Mutex::default(),
            promised: Mutex::default(),
            payments: Payments::new(&limits.payments),
            runs: Arc::new(Semaphore::new(limits.concurrent_runs)),
            addresses: Arc::default(),
            requests_per_address: limits.requests_per_address,
            repeats: Rates::new(limits.repeats_per_minute),
            writer: Writer::default(),
            tasks: TaskTracker::new(),
            kept_bytes: AtomicU64::new(0),
        }
    }

    /// Takes a place for a session that is about to be accepted; `false` if there is none.
    pub(crate) fn take(&self, session: &Pubkey, most: usize) -> bool {
        let promised = lock(&self.promised);
        let mut taken = lock(&self.taken);
        if !has_place(&taken, &promised, session, most) {
            return false;
        }
        taken.insert(*session);
        true
    }

    /// Keeps a place for a session that a stranger is about to pay for; `false` if there is none.
    pub(super) fn promise(&self, session: &Pubkey, most: usize) -> bool {
        let mut promised = lock(&self.promised);
        let has_place = has_place(&lock(&self.taken), &promised, session, most);
        if has_place {
            promised.insert(*session);
        }
        has_place
    }

    /// Keeps it no longer. A session that was taken meanwhile has its place by that.
    pub(super) fn unpromise(&self, session: &Pubkey) {
        lock(&self.promised).remove(session);
    }

    /// Notes that this node has accepted a session, whatever the settings say by now.
    pub(crate) fn taken(&self, session: &Pubkey) {
        lock(&self.taken).insert(*session);
    }

    /// Gives the place of a session back.
    pub(crate) fn leave(&self, session: &Pubkey) {
        lock(&self.taken).remove(session);
    }

    /// Answers requests of a session from now on.
    pub(crate) fn serve(&self, session: Served) {
        lock(&self.served).insert(session.address, Arc::new(session));
    }

    /// The session, if it is served.
    pub(crate) fn get(&self, session: &Pubkey) -> Option<Arc<Served>> {
        lock(&self.served).get(session).cloned()
    }

    /// Begins no more requests of a session; returns it if it was served.
    pub(crate) fn stop(&self, session: &Pubkey) -> Option<Arc<Served>> {
        lock(&self.served).remove(session)
    }

    /// Takes no more payments, and waits for none that is under way: its client finds the session, or its money, where it is.
    pub(crate) fn close_payments(&self) {
        self.payments.close();
    }

    /// Waits until every request that is computed has its receipt, or has failed.
    pub(crate) async fn close(&self) {
        lock(&self.served).clear();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A place among the requests of an address.
    pub(super) fn place_of(&self, peer: IpAddr) -> Option<AddressPlace> {
        let address = counted_as(peer);
        let mut counts = lock(&self.addresses);
        let count = counts.entry(address).or_default();
        if *count >= self.requests_per_address {
            return None;
        }
        *count += 1;
        Some(AddressPlace { address, addresses: Arc::clone(&self.addresses) })
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut counts = lock(&self.addresses);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl Served {
    pub(crate) fn new(
        address: Pubkey,
        account: Session,
        material: Material,
        record: &SessionRecord,
        warm: WarmModel,
        places: usize,
    ) -> Self {
        Self {
            address,
            ends_slot: AtomicU64::new(account.ends_slot),
            ledger: Mutex::new(Ledger::new(account.price, record.receipts, record.greatest_sequence, record.voucher)),
            account,
            material,
            places: Arc::new(Semaphore::new(places)),
            most_places: u32::try_from(places).unwrap_or(u32::MAX),
            _warm: warm,
        }
    }

    /// Most bytes of a request.
    pub(super) fn most_bytes(&self) -> u64 {
        self.material.most_input_bytes.saturating_add((LENGTH_BYTES + MAX_HEADER_BYTES) as u64)
    }

    /// Notes when the session ends: either side may end it early.
    pub(crate) fn ends(&self, slot: u64) {
        self.ends_slot.store(slot, Ordering::Relaxed);
    }

    /// Last slot at which requests are answered.
    pub(super) fn ends_slot(&self) -> u64 {
        self.ends_slot.load(Ordering::Relaxed)
    }

    /// A place among the requests of the session.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Waits until no request is read, waits or is computed, and keeps further ones out.
    pub(crate) async fn emptied(&self) {
        // The semaphore is never closed; without its permits, nothing begins.
        if let Ok(all) = self.places.acquire_many(self.most_places).await {
            all.forget();
        }
    }

    /// The greatest voucher that the node holds; `given` was checked.
    pub(super) fn best(&self, given: HeldVoucher) -> HeldVoucher {
        self.ledger().voucher().filter(|held| held.amount > given.amount).unwrap_or(given)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// What the node says of the session.
    pub(super) fn report(&self, serving: bool) -> SessionReport {
        let ledger = self.ledger();
        let (receipts, greatest_sequence) = ledger.receipts();
        SessionReport {
            session: self.address.to_string(),
            serving,
            receipts,
            greatest_sequence,
            voucher_amount: ledger.promised(),
            owed: ledger.owed(),
            ends_slot: self.ends_slot(),
        }
    }
}

impl Begun {
    /// A request with this sequence comes in.
    pub(super) fn new(served: Arc<Served>, sequence: u64, place: OwnedSemaphorePermit) -> Result<Self, NotBegun> {
        served.ledger().enter(sequence)?;
        Ok(Self { served, sequence, _place: place })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.served.ledger().leave(self.sequence);
    }
}

/// Whether a session has a place already, or there is one left.
fn has_place(taken: &HashSet<Pubkey>, promised: &HashSet<Pubkey>, session: &Pubkey, most: usize) -> bool {
    taken.contains(session) || promised.contains(session) || taken.union(promised).count() < most
}

/// What is locked here is whole at every moment at which a panic could happen.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_paid_for_are_not_given_to_others() {
        let sessions = Sessions::new(&config::Sessions::default());
        let [one, two, three] = [1, 2, 3].map(|byte| Pubkey::new_from_array([byte; 32]));
        assert!(sessions.take(&one, 2) && sessions.promise(&two, 2));
        assert!(!sessions.take(&three, 2) && !sessions.promise(&three, 2), "no place is left");
        assert!(sessions.take(&one, 2) && sessions.promise(&two, 2), "those who have one keep it");
        assert!(sessions.take(&two, 2), "what was promised is taken");
        sessions.unpromise(&two);
        assert!(!sessions.take(&three, 2), "it has its place by being taken");
        sessions.leave(&two);
        assert!(sessions.promise(&three, 2));
        sessions.leave(&three);
        assert!(!sessions.take(&two, 2), "a promise is not left");
        sessions.unpromise(&three);
        assert!(sessions.take(&two, 2));
    }
}
