//! What the client of the demo posts, and how each job is followed to its end.

use super::report::{happening, state_words, tokens};
use super::verify::reference_output;
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::output::Output;
use assay::state_machine::JobState;
use assay_client::{ArtifactUris, Client, Ended, Posted, Terms, Work};
use assay_localnet::market::TOKEN;
use assay_models::digits::{self, Dataset, Image};
use assay_store::LocalStore;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

/// How a job of the demo is priced, and what should become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Posted at a price that somebody takes, now or as it rises.
    Settle { min: u64, max: u64, minimum_stake: u64 },
    /// Cheaper than honest nodes work: the third one takes it and lies. Its bond and window are large, and whoever has little at stake
    /// may take it.
    Bargain,
    /// Too cheap for every node: expires, and everything comes back.
    TooCheap,
    /// Taken back by the client.
    Cancel,
}

/// What dear jobs ask of a node: more than the second node has.
const DEAR_STAKE: u64 = 2_000 * TOKEN;
/// What all other jobs ask but the bargain: more than the third node has.
const CAREFUL_STAKE: u64 = 400 * TOKEN;
/// What the node locks for the bargain.
const BARGAIN_BOND: u64 = 40 * TOKEN;
/// What honest nodes ask at least.
pub(super) const HONEST_FLOOR: u64 = TOKEN;
/// What the third node asks at least, and has at stake.
pub(super) const LIARS_FLOOR: u64 = TOKEN * 6 / 10;
pub(super) const LIARS_STAKE: u64 = 200 * TOKEN;
/// How long the bargain can be challenged. A conviction ends it sooner.
const BARGAIN_WINDOW_SLOTS: u64 = 60;

impl Plan {
    /// Prices differ, so that both nodes find what they want: dear jobs ask for a node with more at stake, cheap ones
    /// go to the lower floor.
    fn of_batch(index: usize) -> Self {
        let (min, max, minimum_stake) = match index % 4 {
            0 => (4 * TOKEN, 6 * TOKEN, DEAR_STAKE),
            1 => (TOKEN / 2, 5 * TOKEN, CAREFUL_STAKE),
            2 => (3 * TOKEN, 8 * TOKEN, DEAR_STAKE),
            _ => (TOKEN, 2 * TOKEN, CAREFUL_STAKE),
        };
        Self::Settle { min, max, minimum_stake }
    }

    fn terms(self, payment_mint: Pubkey) -> Terms {
        let (min, max, minimum_stake, ramp_slots, claim_slots) = match self {
            Self::Settle { min, max, minimum_stake } => (min, max, Some(minimum_stake), 24, 100),
            Self::Bargain => (TOKEN / 2, TOKEN * 9 / 10, None, 10, 100),
            Self::TooCheap | Self::Cancel => (TOKEN / 10, TOKEN / 2, Some(CAREFUL_STAKE), 10, 20),
        };
        let is_bargain = self == Self::Bargain;
        Terms {
            ramp_hold_slots: 4,
            ramp_slots,
            claim_slots,
            run_slots: 250,
            minimum_stake,
            bond: is_bargain.then_some(BARGAIN_BOND),
            window_slots: is_bargain.then_some(BARGAIN_WINDOW_SLOTS),
            ..Terms::new(payment_mint, min, max)
        }
    }
}

/// A job that is about to be posted.
pub(super) struct Prepared {
    plan: Plan,
    images: Vec<Image>,
    work: Work,
    artifacts: ArtifactUris,
}

/// A job of the demo from posting to its end.
pub(super) struct Entry {
    pub(super) plan: Plan,
    pub(super) posted: Posted,
    pub(super) images: Vec<Image>,
    pub(super) work: Work,
    /// What the scalar reference gives: computed while the market works.
    pub(super) reference: JoinHandle<Result<Vec<u8>, CliError>>,
}

/// Jobs on their way to their ends.
pub(super) type Following = JoinSet<Result<Ended, CliError>>;

/// All jobs of the demo, their artifacts in `store`. The one that nobody will take comes first: it waits longest.
pub(super) async fn prepare(
    images_per_job: u32,
    store: &LocalStore,
    store_url: &str,
) -> Result<Vec<Prepared>, CliError> {
    let model = digits::model()?;
    let (graph, params) = (Arc::new(model.graph), Arc::new(model.params));
    let dataset = Dataset::embedded();
    let batches: Vec<&[Image]> = dataset.held_out.chunks(images_per_job as usize).collect();
    let mut plans: Vec<(Plan, &[Image])> =
        batches.iter().enumerate().map(|(index, images)| (Plan::of_batch(index), *images)).collect();
    if let Some(first) = batches.first() {
        // The two that take longest come first.
        plans.insert(0, (Plan::TooCheap, first));
        plans.insert(1, (Plan::Bargain, first));
        plans.push((Plan::Cancel, first));
    }
    let mut prepared = Vec::new();
    for (plan, images) in plans {
        let work = Work::new(graph.clone(), params.clone(), digits::inputs(images), &digits::symbols(images))?;
        let artifacts = work.store(store, store_url).await?;
        prepared.push(Prepared { plan, images: images.to_vec(), work, artifacts });
    }
    Ok(prepared)
}

/// Posts every job and follows it from that moment on.
pub(super) async fn post(
    prepared: Vec<Prepared>,
    client: &Arc<Client>,
    ready: &Ready,
    names: &HashMap<Pubkey, &'static str>,
    output: Output,
) -> Result<(Vec<Entry>, Following), CliError> {
    let mint: Pubkey = ready.payment_mint.parse()?;
    let mut entries = Vec::new();
    let mut following = JoinSet::new();
    // The nodes need the other cores.
    let one_at_a_time = Arc::new(Mutex::new(()));
    for Prepared { plan, images, work, artifacts } in prepared {
        let terms = plan.terms(mint);
        let posted = client.post(&work, &artifacts, &terms).await?;
        output.say(happening(posted.job_id, posted.slot, &posted_words(images.len(), &terms)));
        if plan == Plan::Cancel {
            client.cancel(&posted.address).await?;
        }
        following.spawn(follow(Arc::clone(client), posted, names.clone(), output));
        let (at_hand, turn) = (work.clone(), Arc::clone(&one_at_a_time));
        let reference = tokio::spawn(async move {
            let _turn = turn.lock().await;
            tokio::task::spawn_blocking(move || reference_output(&at_hand)).await?
        });
        entries.push(Entry { plan, posted, images, work, reference });
    }
    Ok((entries, following))
}

fn posted_words(images: usize, terms: &Terms) -> String {
    let (min, max) = (tokens(terms.price_min), tokens(terms.price_max));
    let stake = terms
        .minimum_stake
        .map_or_else(|| ", of any node".to_owned(), |stake| format!(", of a node with {} at stake", tokens(stake)));
    format!("posted: {images} images for {min}, rising to {max}{stake}")
}

/// Waits for the end of one job and says what happens to it on the way.
async fn follow(
    client: Arc<Client>,
    posted: Posted,
    names: HashMap<Pubkey, &'static str>,
    output: Output,
) -> Result<Ended, CliError> {
    let mut last = JobState::Posted;
    let ended = client
        .wait(&posted.address, |seen| {
            if seen.job.state != last {
                last = seen.job.state;
                let node = names.get(&seen.job.node).copied().unwrap_or("a node");
                output.say(happening(posted.job_id, seen.slot, &state_words(&seen.job, node)));
            }
        })
        .await?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_leave_work_for_both_nodes_one_job_for_the_liar_and_one_for_nobody() {
        let mint = Pubkey::default();
        for index in 0..8 {
            let terms = Plan::of_batch(index).terms(mint);
            assert!(terms.price_min <= terms.price_max && terms.price_max > TOKEN, "{index}");
            assert!(
                terms.claim_slots > terms.ramp_hold_slots + terms.ramp_slots,
                "the ramp ends while it can be claimed"
            );
        }
        let (bargain, cheap) = (Plan::Bargain.terms(mint), Plan::TooCheap.terms(mint));
        assert!(bargain.price_max < HONEST_FLOOR && LIARS_FLOOR < bargain.price_max, "for the third node alone");
        assert!(cheap.price_max < LIARS_FLOOR, "below the floor of every node");
        for plan in (0..4).map(Plan::of_batch).chain([Plan::TooCheap, Plan::Cancel]) {
            assert!(plan.terms(mint).minimum_stake.is_some_and(|stake| stake > LIARS_STAKE), "{plan:?}");
        }
    }
}
