//! A docket over RPC.

use crate::docket::{BufferView, Docket};
use assay::address;
use assay::state::Buffer;
use assay_chain::accounts::{ChallengeFilter, DemandFilter, decode_job};
use assay_chain::{Chain, ChainError};
use solana_sdk::pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

impl Docket {
    /// Reads everything about the dispute of a job, at a slot not before `minimum_slot`. `own` is a buffer, by owner and
    /// number, that is read too; so are the buffers that hold answers.
    ///
    /// # Errors
    /// The chain does not answer, or answers nonsense.
    pub async fn read(
        chain: &Chain,
        address: &Pubkey,
        own: Option<(Pubkey, u64)>,
        minimum_slot: u64,
    ) -> Result<Self, ChainError> {
        let observed = chain.accounts(&[*address], minimum_slot).await?;
        // What was closed within its last slot has no data and belongs to the system program.
        let live = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
        let job = live.map(|account| decode_job(address, &account)).transpose()?;
        let challenges = ChallengeFilter { job: Some(*address), ..ChallengeFilter::default() };
        let demands = DemandFilter { job: Some(*address), ..DemandFilter::default() };
        // None of the others is from before the job: what a job counts is among them.
        let challenges = chain.challenges_at(challenges, observed.slot).await?.value;
        let demands = chain.demands_at(demands, observed.slot).await?.value;
        let claims = chain.segment_claims(address).await?;
        let mut docket = Self {
            slot: observed.slot,
            address: *address,
            job,
            challenges: challenges.into_iter().collect(),
            claims: claims.into_iter().collect(),
            demands: demands.into_iter().collect(),
            buffers: BTreeMap::new(),
        };
        let answers = docket.demands.values().map(|demand| demand.answer).filter(|answer| *answer != Pubkey::default());
        let own = own.map(|(owner, id)| address::buffer(&owner, id));
        let wanted: BTreeSet<Pubkey> = answers.chain(own).collect();
        for buffer in wanted {
            if let Some((head, bytes)) = chain.find_buffer(&buffer).await? {
                let Buffer { owner, id, held_by, .. } = head;
                docket.buffers.insert(buffer, BufferView { id, owner, held_by, bytes });
            }
        }
        Ok(docket)
    }
}
