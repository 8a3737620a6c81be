//! Wakes the driver of a job when somebody records a root of one of its segments: such a record changes no job.

use crate::driver::Shared;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the recorded roots are read.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Looks until `cancel`.
pub(crate) async fn run(shared: Arc<Shared>, cancel: CancellationToken) {
    let mut known = BTreeSet::new();
    while !cancel.is_cancelled() {
        match shared.chain().all_segment_claims().await {
            Ok(claims) => {
                let now: BTreeSet<(Pubkey, Pubkey)> =
                    claims.iter().filter(|(_, claim)| claim.signed).map(|(at, claim)| (claim.job, *at)).collect();
                for (job, _) in now.difference(&known) {
                    shared.board.ring(job);
                }
                known = now;
            }
            Err(error) => tracing::warn!(%error, "the vigil goes on after a pause"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            () = cancel.cancelled() => {}
        }
    }
}
