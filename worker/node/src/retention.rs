//! Which artifacts stay in the node's store. What no job needs any more is removed; what is being fetched or written at
//! this moment is not, even though the journal does not name it yet.
//!
//! A job holds its artifacts in the journal ([`Journal::hold`](crate::journal::Journal::hold)). Before that, and wherever
//! an artifact is about to be needed, a [`Pin`] holds it: pin first, then look whether it is there.

use crate::driver::Shared;
use crate::journal::{Journal, JournalError};
use crate::market::Market;
use assay_store::{ArtifactId, LocalStore, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio_util::sync::CancellationToken;

/// Finished records that stay in the journal at least.
const KEPT_RECORDS: usize = 1_000;
/// Slots for which every record stays in the journal: about a day.
const KEPT_SLOTS: u64 = 216_000;
/// Slots between two looks for what can be removed: about an hour.
const TIDY_SLOTS: u64 = 9_000;

/// For how long a count of the store is good.
const COUNT_AGE: Duration = Duration::from_secs(2);
/// Between two counts while nobody asks for one.
const COUNT_PAUSE: Duration = Duration::from_secs(60);
/// Slots between two looks for what can be removed because the store is full: about a minute.
const FULL_TIDY_SLOTS: u64 = 150;

/// Guards the artifacts of one store.
#[derive(Debug)]
pub struct Keeper {
    store: LocalStore,
    pins: Arc<Mutex<Pins>>,
    counted: Mutex<Counted>,
    /// Slot from which on a full store is tidied again.
    next_tidy_slot: AtomicU64,
}

/// What the store was last seen to hold.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Bytes; nothing before the first count.
    bytes: Option<u64>,
    /// When, if nothing is known to have been written since.
    when: Option<Instant>,
}

#[derive(Debug, Default)]
struct Pins {
    counts: HashMap<ArtifactId, usize>,
    /// What was pinned since the sweep under way began; `None` while there is none. The journal that the sweep read may
    /// not know of it.
    since_sweep: Option<HashSet<ArtifactId>>,
}

/// Keeps artifacts in the store as long as it lives.
#[derive(Debug)]
pub struct Pin {
    ids: Vec<ArtifactId>,
    pins: Arc<Mutex<Pins>>,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many artifacts.
    pub artifacts: usize,
    /// Their bytes together.
    pub bytes: u64,
}

/// Why a sweep ended early; what it removed before is gone.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The journal does not say what is needed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Keeper {
    /// A keeper of `store`; there must be one only.
    pub fn new(store: LocalStore) -> Self {
        Self { store, pins: Arc::default(), counted: Mutex::default(), next_tidy_slot: AtomicU64::new(0) }
    }

    /// Bytes in the store, counted anew if something was written since the last count, or that is older than two seconds.
    ///
    /// # Errors
    /// The disk failed.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let known = *lock(&self.counted);
        if let Counted { bytes: Some(bytes), when: Some(when) } = known
            && when.elapsed() < COUNT_AGE
        {
            return Ok(bytes);
        }
        let when = Some(Instant::now());
        let bytes = self.store.list().await?.iter().fold(0u64, |sum, stored| sum.saturating_add(stored.bytes));
        *lock(&self.counted) = Counted { bytes: Some(bytes), when };
        Ok(bytes)
    }

    /// Notes that something was written or removed: the next count is a new one.
    pub(crate) fn note_change(&self) {
        lock(&self.counted).when = None;
    }

    /// What was counted last.
    pub fn counted(&self) -> Option<u64> {
        lock(&self.counted).bytes
    }

    /// Whether a full store is to be tidied at `slot`: not at once again.
    pub(crate) fn may_tidy(&self, slot: u64) -> bool {
        let next = slot.saturating_add(FULL_TIDY_SLOTS);
        self.next_tidy_slot
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |due| (slot >= due).then_some(next))
            .is_ok()
    }

    /// Keeps artifacts, whether they are there already or not, until the pin is dropped.
    pub fn pin(&self, ids: impl IntoIterator<Item = ArtifactId>) -> Pin {
        let ids: Vec<ArtifactId> = ids.into_iter().collect();
        let mut pins = lock(&self.pins);
        for id in &ids {
            *pins.counts.entry(*id).or_default() += 1;
            if let Some(since_sweep) = &mut pins.since_sweep {
                since_sweep.insert(*id);
            }
        }
        Pin { ids, pins: Arc::clone(&self.pins) }
    }

    /// Removes what no job holds, nobody pins, and was written longer ago than `unused_for`.
    ///
    /// # Errors
    /// The journal or the disk failed.
    pub async fn sweep(&self, journal: &Journal, unused_for: Duration) -> Result<Swept, SweepError> {
        {
            let mut pins = lock(&self.pins);
            pins.since_sweep = Some(pins.counts.keys().copied().collect());
        }
        let swept = self.sweep_rest(journal, unused_for).await;
        lock(&self.pins).since_sweep = None;
        self.note_change();
        swept
    }

    async fn sweep_rest(&self, journal: &Journal, unused_for: Duration) -> Result<Swept, SweepError> {
        let held = journal.held()?;
        let now = SystemTime::now();
        let is_old = |modified: SystemTime| now.duration_since(modified).is_ok_and(|age| age >= unused_for);
        let mut swept = Swept::default();
        for stored in self.store.list().await? {
            if held.contains(stored.id.as_bytes()) || !is_old(stored.modified) {
                continue;
            }
            if self.remove_unpinned(stored.id)? {
                swept.artifacts += 1;
                swept.bytes = swept.bytes.saturating_add(stored.bytes);
            }
            tokio::task::yield_now().await;
        }
        self.store.remove_unfinished(unused_for).await?;
        Ok(swept)
    }

    /// Whoever pins waits for the removal of this one file, and then sees that it is gone.
    fn remove_unpinned(&self, id: ArtifactId) -> Result<bool, StoreError> {
        let pins = lock(&self.pins);
        let was_pinned = pins.since_sweep.as_ref().is_some_and(|since_sweep| since_sweep.contains(&id));
        if was_pinned || pins.counts.contains_key(&id) {
            return Ok(false);
        }
        self.store.remove_now(&id)
    }
}

impl<M: Market> Shared<M> {
    /// Removes records and artifacts that are needed no longer at `slot`.
    ///
    /// # Errors
    /// The journal or the disk failed.
    pub async fn tidy(&self, slot: u64) -> Result<Swept, SweepError> {
        let records = self.journal.prune(slot.saturating_sub(KEPT_SLOTS), KEPT_RECORDS)?;
        let sessions = self.journal.prune_sessions(slot.saturating_sub(KEPT_SLOTS), KEPT_RECORDS)?;
        let jobs = self.journal.forget_released(slot)?;
        let unused_for = Duration::from_secs(self.config.now().retention.unused_seconds);
        let swept = self.publisher.keeper.sweep(&self.journal, unused_for).await?;
        tracing::debug!(
            records,
            sessions,
            jobs,
            artifacts = swept.artifacts,
            bytes = swept.bytes,
            "old records and artifacts removed"
        );
        Ok(swept)
    }

    /// Holds the results that an earlier version of this node left without a holding.
    ///
    /// # Errors
    /// The journal failed. A result that is not in the store is not held, and logged.
    pub async fn adopt_results(&self) -> Result<(), JournalError> {
        for (job, record) in self.journal.live()? {
            let Some(executed) = record.stage.executed() else { continue };
            if self.journal.holding(&job)?.is_some() {
                continue;
            }
            match self.publisher.listed(&executed.manifest).await {
                Ok(artifacts) => self.journal.hold(&job, &artifacts)?,
                Err(error) => tracing::error!(%job, %error, "a result that was promised is not in the store"),
            }
        }
        Ok(())
    }
}

/// Tidies up from time to time until `stop`. A disk that fails is told about and tried again; the journal is needed.
pub(crate) async fn keep_tidy<M: Market>(shared: Arc<Shared<M>>, stop: CancellationToken) -> Result<(), JournalError> {
    let tidying = async {
        let mut next_slot = 1;
        loop {
            tokio::select! {
                () = shared.board.reached(next_slot) => {}
                () = tokio::time::sleep(COUNT_PAUSE) => {
                    if let Err(error) = shared.publisher.keeper.count().await {
                        tracing::warn!(%error, "artifacts cannot be counted");
                    }
                    continue;
                }
            }
            let slot = shared.board.slot();
            next_slot = slot.saturating_add(TIDY_SLOTS);
            match shared.tidy(slot).await {
                Ok(_) => {}
                Err(SweepError::Journal(error)) => return Err(error),
                Err(SweepError::Store(error)) => tracing::warn!(%error, "artifacts cannot be removed"),
            }
        }
    };
    stop.run_until_cancelled(tidying).await.unwrap_or(Ok(()))
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = lock(&self.pins);
        for id in &self.ids {
            if let Some(count) = pins.counts.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    pins.counts.remove(id);
                }
            }
        }
    }
}

/// What is locked is whole at every moment at which a panic could happen.
fn lock<T>(locked: &Mutex<T>) -> MutexGuard<'_, T> {
    locked.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::pubkey::Pubkey;

    struct Fixture {
        keeper: Keeper,
        journal: Journal,
        store: LocalStore,
        _folder: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("artifacts")).unwrap();
        let journal = Journal::open(&folder.path().join("journal.redb")).unwrap();
        Fixture { keeper: Keeper::new(store.clone()), journal, store, _folder: folder }
    }

    impl Fixture {
        async fn put(&self, text: &str) -> ArtifactId {
            self.store.put_bytes(text.to_owned()).await.unwrap()
        }

        async fn sweep(&self) -> usize {
            self.keeper.sweep(&self.journal, Duration::ZERO).await.unwrap().artifacts
        }
    }

    #[tokio::test]
    async fn what_is_held_or_pinned_stays_and_the_rest_goes() {
        let fixture = fixture();
        let (held, pinned, rest) = (fixture.put("held").await, fixture.put("pinned").await, fixture.put("rest").await);
        let job = Pubkey::new_unique();
        fixture.journal.hold(&job, &[*held.as_bytes()]).unwrap();
        let (pin, again) = (fixture.keeper.pin([pinned]), fixture.keeper.pin([pinned]));
        let swept = fixture.keeper.sweep(&fixture.journal, Duration::ZERO).await.unwrap();
        assert_eq!(swept, Swept { artifacts: 1, bytes: 4 });
        assert!(!fixture.store.contains(&rest).await.unwrap());
        drop(pin);
        assert_eq!(fixture.sweep().await, 0, "somebody else still pins it");
        drop(again);
        assert_eq!(fixture.sweep().await, 1);
        fixture.journal.release(&job, 7).unwrap();
        fixture.journal.forget_released(7).unwrap();
        assert_eq!(fixture.sweep().await, 1);
        assert!(fixture.store.list().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_was_written_just_now_stays() {
        let fixture = fixture();
        fixture.put("fresh").await;
        let swept = fixture.keeper.sweep(&fixture.journal, Duration::from_secs(60)).await.unwrap();
        assert_eq!(swept, Swept::default());
    }

    #[tokio::test]
    async fn what_was_pinned_during_a_sweep_stays_even_though_the_journal_that_it_read_is_older() {
        let fixture = fixture();
        let id = fixture.put("result").await;
        // The sweep has begun and has read the journal; now a job writes its result down.
        lock(&fixture.keeper.pins).since_sweep = Some(HashSet::new());
        drop(fixture.keeper.pin([id]));
        assert!(!fixture.keeper.remove_unpinned(id).unwrap());
        lock(&fixture.keeper.pins).since_sweep = None;
        assert!(fixture.keeper.remove_unpinned(id).unwrap(), "without the mark it would be removed");
    }
}
