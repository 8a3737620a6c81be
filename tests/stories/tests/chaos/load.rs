//! Jobs that go on being posted.

use assay_client::{Terms, Work};
use solana_sdk::pubkey::Pubkey;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use story_tests::Story;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Jobs that are open at a time.
const OPEN: usize = 4;
/// Most jobs: what the client's purse pays for, with some left for disputes.
const MOST: u64 = 800;

/// A client that keeps some jobs open until it is told to stop.
pub(crate) struct Load {
    stop: CancellationToken,
    posting: JoinHandle<()>,
    posted: Arc<Mutex<Vec<(Pubkey, Work)>>>,
    story: Arc<Story>,
}

/// Terms with so much time that no deadline is missed by somebody who is dead half of the time.
pub(crate) fn terms(story: &Story) -> Terms {
    Terms { claim_slots: 5_000, run_slots: 4_500, ..story.terms() }
}

impl Load {
    pub(crate) fn begin(story: Arc<Story>) -> Self {
        let (stop, posted) = (CancellationToken::new(), Arc::<Mutex<Vec<_>>>::default());
        let posting = tokio::spawn(post(Arc::clone(&story), stop.clone(), Arc::clone(&posted)));
        Self { stop, posting, posted, story }
    }

    /// Told when it stops.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Stops posting and waits until all that was posted has ended; returns it.
    pub(crate) async fn end(self) -> Vec<(Pubkey, Work)> {
        self.stop.cancel();
        self.posting.await.expect("jobs are posted");
        let posted = std::mem::take(&mut *self.posted.lock().expect("nobody panicked"));
        for (job, _) in &posted {
            self.story.end(job).await;
        }
        posted
    }
}

async fn post(story: Arc<Story>, stop: CancellationToken, posted: Arc<Mutex<Vec<(Pubkey, Work)>>>) {
    let terms = terms(&story);
    let mut open: Vec<Pubkey> = Vec::new();
    let mut seed = 0;
    while !stop.is_cancelled() && seed < MOST {
        let mut still = Vec::new();
        for job in open.drain(..) {
            if !story.chain().job(&job).await.expect("nobody closes it yet").state.is_end() {
                still.push(job);
            }
        }
        open = still;
        while open.len() < OPEN {
            let work = story.work(seed);
            let job = story.post(&work, &terms).await.address;
            posted.lock().expect("nobody panicked").push((job, work));
            open.push(job);
            seed += 1;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}
