//! A challenger moved by hand: one that lies, or that does what no honest service would.

use crate::story::{PATIENCE, Story};
use assay::DemandOpeningArgs;
use assay::address;
use assay::dispute::{ChallengeState, Target, seal};
use assay::state::{Challenge, DemandKey, Job};
use assay::state_machine::JobState;
use assay_audit::{Prover, Subject};
use assay_chain::accounts::DemandFilter;
use assay_chain::instructions::{self as dispute, Binding, TokenMint};
use assay_chain::{Landed, Sender, read_keypair};
use assay_client::Work;
use assay_kernels::commit::Hasher;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::time::{Duration, Instant};

/// A key with lamports and stake tokens, and what it says of one job.
pub struct Challenger {
    key: Keypair,
    sender: Sender,
    stake: TokenMint,
    job: Pubkey,
    target: Target,
    own_hash: [u8; 32],
    salt: [u8; 32],
}

impl Challenger {
    /// A new challenger of `job` that says its own hash at `target` is `own_hash`.
    pub fn new(story: &Story, name: &str, job: &Pubkey, target: Target, own_hash: [u8; 32]) -> Self {
        let key = read_keypair(&story.new_owner(name)).expect("its keypair");
        let salt = key.pubkey().to_bytes();
        Self { key, sender: story.sender().clone(), stake: story.stake_mint(), job: *job, target, own_hash, salt }
    }

    /// One that says the first boundary tensor of a right result is wrong, and demands the root of the first segment.
    pub async fn demanding(story: &Story, work: &Work, job: &Pubkey) -> Self {
        Self::demanding_as(story, "challenger", work, job).await
    }

    /// The same under a name of its own, where a story has several.
    pub async fn demanding_as(story: &Story, name: &str, work: &Work, job: &Pubkey) -> Self {
        // Everything that takes time comes before the result: its window may be short.
        let challenger = Self::new(story, name, job, Target::boundary(0), [3; 32]);
        let (graph, resolved) = (work.graph.clone(), work.resolved.clone());
        let subject = Subject { graph, resolved, params: work.params.clone(), inputs: work.inputs.clone() };
        let hasher = Hasher::default();
        let slot = work.resolved.segment_slots(0)[0];
        let prover = Prover::new(&subject, &hasher).expect("the work is whole");
        let witness = prover.tensor_witness(slot).expect("the tensor is one of the graph");
        let committed = story.committed(job).await;
        challenger.commit().await;
        challenger.reveal().await;
        challenger.demand_segment_root(&committed.operator, 0, slot, &witness).await;
        challenger
    }

    /// Its address.
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// Commits its sealed claim, with the bond.
    pub async fn commit(&self) -> Landed {
        let sealed = seal(&self.address(), &self.job, self.target, &self.own_hash, &self.salt);
        let source = self.stake.associated_account(&self.address());
        self.land(dispute::commit_challenge(&self.address(), &self.job, self.stake, &source, sealed)).await
    }

    /// Reveals it, in a slot after that of the commit.
    pub async fn reveal(&self) -> Landed {
        let committed = self.challenge().await.expect("it was committed").committed_slot;
        self.sender.chain().wait_for_slot(committed + 1).await.expect("the chain goes on");
        let (target, hash, salt) = (self.target, self.own_hash, self.salt);
        self.land(dispute::reveal_challenge(&self.address(), &self.job, target, hash, salt)).await
    }

    /// Demands the root of a segment, with the descriptor of the tensor at `slot` from a buffer.
    pub async fn demand_segment_root(&self, operator: &Pubkey, segment: u16, slot: u16, witness: &[u8]) -> Pubkey {
        let (owner, id) = (self.address(), 1);
        for instruction in fill(&owner, id, witness) {
            self.land(instruction).await;
        }
        let challenge = self.challenge().await.expect("it is there");
        let buffer = Some(address::buffer(&owner, id));
        self.land(dispute::demand_segment_root(&challenge, operator, segment, slot, buffer)).await;
        self.land(dispute::close_buffer(&owner, id)).await;
        address::demand(&self.job, &DemandKey::segment_root(segment))
    }

    /// Demands the place of `key`, which `path` leads from up to what binds `bound`. A witness is the descriptor of a tensor,
    /// where a segment's or a tensor's tree is entered; `claim` the segment root below which it lies.
    pub async fn demand_opening(
        &self,
        key: DemandKey,
        bound: [u8; 32],
        path: &[[u8; 32]],
        witness: Option<(u16, &[u8])>,
        claim: Option<Pubkey>,
    ) -> Pubkey {
        let (owner, id) = (self.address(), 2);
        for instruction in witness.iter().flat_map(|(_, bytes)| fill(&owner, id, bytes)) {
            self.land(instruction).await;
        }
        let challenge = self.challenge().await.expect("it is there");
        let buffer = witness.map(|_| address::buffer(&owner, id));
        let binding = Binding { parent: None, claim, witness: buffer };
        let witness_slot = witness.map_or(0, |(slot, _)| slot);
        let args = DemandOpeningArgs { key, witness_slot, bound, path: path.to_vec() };
        self.land(dispute::demand_opening(&challenge, binding, args)).await;
        if witness.is_some() {
            self.land(dispute::close_buffer(&owner, id)).await;
        }
        address::demand(&self.job, &key)
    }

    /// Gives up.
    pub async fn withdraw(&self) -> Landed {
        let node = self.job().await.node;
        self.land(dispute::withdraw_challenge(&self.address(), &self.job, &node)).await
    }

    /// Ends its challenge after somebody else's conviction of the job; somebody else may do it first.
    pub async fn resolve(&self) {
        let resolve = dispute::resolve_challenge(&self.job, &self.address());
        let resolved = self.sender.execute(&[resolve], &[&self.key]).await;
        let ended = self.challenge().await.is_none_or(|challenge| challenge.state.is_end());
        assert!(ended, "the challenge is still open after {resolved:?}");
    }

    /// Its challenge as it is on the chain.
    pub async fn challenge(&self) -> Option<Challenge> {
        let address = address::challenge(&self.job, &self.address());
        self.sender.chain().find_challenge(&address).await.expect("the chain answers")
    }

    /// Waits until its challenge is in `state`.
    pub async fn reaches(&self, state: ChallengeState) -> Challenge {
        let started = Instant::now();
        loop {
            let challenge = self.challenge().await;
            match challenge {
                Some(challenge) if challenge.state == state => return challenge,
                other => {
                    let late = started.elapsed() > PATIENCE;
                    assert!(!late, "the challenge is {other:?}, expected {state:?}");
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends its challenge, as anybody may, once its time is over.
    pub async fn time_out(&self) {
        let started = Instant::now();
        while let Some(challenge) = self.challenge().await.filter(|challenge| !challenge.state.is_end()) {
            let node = self.job().await.node;
            let end = dispute::time_out_challenger(&challenge, &node);
            if self.sender.execute(&[end], &[&self.key]).await.is_err() {
                assert!(started.elapsed() < PATIENCE, "the challenge cannot be ended");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Convicts the node once its time to answer is over, as anybody may.
    pub async fn time_out_the_node(&self) {
        let started = Instant::now();
        while self.job().await.state != JobState::Convicted {
            let Some(challenge) = self.challenge().await else { return };
            let out = dispute::time_out_defender(&challenge, &self.job().await, None);
            if self.sender.execute(&[out], &[&self.key]).await.is_err() {
                assert!(started.elapsed() < PATIENCE, "the node cannot be convicted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Shares the bounty out; it alone won. Somebody else may do it first.
    pub async fn settle(&self) {
        let own = address::challenge(&self.job, &self.address());
        let settled = self.sender.execute(&[dispute::settle_dispute(&self.job, &[own])], &[&self.key]).await;
        let job = self.sender.chain().find_job(&self.job).await.expect("the chain answers");
        assert!(job.is_none_or(|job| job.record.settled), "{settled:?}");
    }

    /// Closes what it demanded, which returns the rent; the node may have closed what it answered.
    pub async fn close_demands(&self) {
        let filter = DemandFilter { job: Some(self.job), ..DemandFilter::default() };
        for (address, demand) in self.sender.chain().demands(filter).await.expect("the chain answers") {
            if demand.payer == self.address() {
                let closed = self.sender.execute(&[dispute::close_demand(&address, &demand)], &[&self.key]).await;
                let left = self.sender.chain().find_demand(&address).await.expect("the chain answers");
                assert!(left.is_none(), "{closed:?}");
            }
        }
    }

    /// Closes its challenge, which pays it out; somebody else may have done it.
    pub async fn close(&self) {
        let close = dispute::close_challenge(&self.address(), &self.job, &self.address(), self.stake);
        let closed = self.sender.execute(&[close], &[&self.key]).await;
        assert!(closed.is_ok() || self.challenge().await.is_none(), "{closed:?}");
    }

    /// Burns what the dispute left to be burned, if there is anything; somebody else may do it first.
    pub async fn burn(&self) {
        if self.job().await.record.burn_credit > 0 {
            let burned = self.sender.execute(&[dispute::burn_slash(&self.job, self.stake)], &[&self.key]).await;
            let left = self.sender.chain().find_job(&self.job).await.expect("the chain answers");
            assert!(left.is_none_or(|job| job.record.burn_credit == 0), "{burned:?}");
        }
    }

    async fn job(&self) -> Job {
        self.sender.chain().job(&self.job).await.expect("the job is there")
    }

    async fn land(&self, instruction: Instruction) -> Landed {
        self.sender.execute(&[instruction], &[&self.key]).await.expect("the program takes it")
    }
}

/// What creates a buffer with these bytes.
fn fill(owner: &Pubkey, id: u64, bytes: &[u8]) -> Vec<Instruction> {
    let mut fill = dispute::create_buffer(owner, id, bytes.len() as u32);
    for (index, bytes) in bytes.chunks(700).enumerate() {
        fill.push(dispute::write_buffer(owner, id, (index * 700) as u32, bytes));
    }
    fill
}
