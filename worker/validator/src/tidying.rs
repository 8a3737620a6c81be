//! What the validator's store keeps. Everything that a replay reads is fetched into it, so that without this the disk would fill
//! up, job after job. What a dispute of ours needs stays until it is over: whoever served it may be gone by then.

use crate::driver::Shared;
use crate::journal::{JournalError, Record};
use assay_store::{ArtifactId, LocalStore, StoreError};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// Slots between two looks for what can be removed: about an hour.
const TIDY_SLOTS: u64 = 9_000;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) artifacts: usize,
    pub(crate) bytes: u64,
}

/// The artifacts that open disputes need: those of their jobs, and their proofs.
pub(crate) fn held<'a>(records: impl IntoIterator<Item = &'a Record>) -> HashSet<ArtifactId> {
    let open = records.into_iter().filter(|record| record.ending.is_none());
    let named = open.flat_map(|record| {
        let proof = record.proof.iter().map(|proof| &proof.artifact);
        proof.chain(record.dispute.iter().flat_map(|dispute| &dispute.artifacts))
    });
    named.filter_map(|id| id.parse().ok()).collect()
}

/// Removes what no dispute needs and was written longer ago than `unused_for`, and downloads that broke off as long ago.
pub(crate) async fn sweep(
    store: &LocalStore,
    held: &HashSet<ArtifactId>,
    unused_for: Duration,
) -> Result<Swept, StoreError> {
    let now = SystemTime::now();
    let is_old = |modified: SystemTime| now.duration_since(modified).is_ok_and(|age| age >= unused_for);
    let mut swept = Swept::default();
    for stored in store.list().await? {
        if held.contains(&stored.id) || !is_old(stored.modified) {
            continue;
        }
        // Whoever is about to read it fetches it again.
        if store.remove_now(&stored.id)? {
            swept.artifacts += 1;
            swept.bytes = swept.bytes.saturating_add(stored.bytes);
        }
        tokio::task::yield_now().await;
    }
    store.remove_unfinished(unused_for).await?;
    Ok(swept)
}

/// Tidies up from time to time until `cancel`. A disk that fails is told about and tried again; the journal is needed.
pub(crate) async fn keep_tidy(shared: Arc<Shared>, cancel: CancellationToken) -> Result<(), JournalError> {
    let unused_for = Duration::from_secs(shared.config.retention.unused_seconds);
    let tidying = async {
        let mut next_slot = 1;
        loop {
            shared.board.reached(next_slot).await;
            next_slot = shared.board.slot().saturating_add(TIDY_SLOTS);
            let held = held(shared.journal.live()?.iter().map(|(_, record)| record));
            match sweep(&shared.sources.store, &held, unused_for).await {
                Ok(Swept { artifacts, bytes }) => tracing::debug!(artifacts, bytes, "old artifacts removed"),
                Err(error) => tracing::warn!(%error, "artifacts cannot be removed"),
            }
        }
    };
    cancel.run_until_cancelled(tidying).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Costs, Dispute, Ending, PreparedProof};
    use solana_sdk::pubkey::Pubkey;

    fn disputed(proof: ArtifactId, artifacts: &[ArtifactId]) -> Record {
        let mut record = Record::new(&Pubkey::new_unique(), 1);
        record.proof =
            Some(PreparedProof { artifact: proof.to_string(), bytes: 1, segment: None, words: String::new() });
        record.dispute = Some(Dispute {
            challenger: String::new(),
            salt: [0; 32],
            sealed: [0; 32],
            bond: 1,
            buffer: 1,
            artifacts: artifacts.iter().map(ArtifactId::to_string).collect(),
            sealed_slot: 1,
            sealed_at: 1,
            last_at: 1,
            committed: false,
            result: None,
            received: 0,
            costs: Costs::default(),
        });
        record
    }

    #[tokio::test]
    async fn what_an_open_dispute_needs_stays_and_the_rest_goes_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path().join("artifacts")).unwrap();
        let put = async |text: &'static str| store.put_bytes(text).await.unwrap();
        let (proof, inputs, rest) = (put("proof").await, put("inputs").await, put("rest").await);
        let mut record = disputed(proof, &[inputs]);
        let needed = held([&record, &Record::new(&Pubkey::new_unique(), 1)]);
        assert_eq!(needed, HashSet::from([proof, inputs]));
        assert_eq!(sweep(&store, &needed, Duration::from_secs(60)).await.unwrap(), Swept::default(), "all are fresh");
        assert_eq!(sweep(&store, &needed, Duration::ZERO).await.unwrap(), Swept { artifacts: 1, bytes: 4 });
        assert!(!store.contains(&rest).await.unwrap() && store.contains(&proof).await.unwrap());
        record.ending = Some(Ending::Won { received: 1 });
        assert_eq!(sweep(&store, &held([&record]), Duration::ZERO).await.unwrap().artifacts, 2);
        assert!(store.list().await.unwrap().is_empty());
    }
}
