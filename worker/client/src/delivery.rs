//! Accepting a result early; and having an output that nobody serves opened on-chain, leaf by leaf.

use crate::client::{Client, LOOK_INTERVAL};
use crate::error::ClientError;
use crate::work::Work;
use assay::DemandOpeningArgs;
use assay::address;
use assay::dispute::ChallengeState;
use assay::state::{Challenge, Demand, DemandKey, DemandState, DemandTree, Job};
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::instructions::{self, Binding};
use referee::commit::{Hash, tensor_hash};
use referee::opening::{Form, Place, Tree, child_path};
use referee::proof::build::{GraphTree, Leaves, PartialTree};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

/// Bytes of a buffer that are written in one transaction.
const WRITE_BYTES: usize = 900;

/// How far an output is that is being opened on-chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Openings that are answered.
    pub answered: usize,
    /// Openings that are known to be still needed.
    pub missing: usize,
}

impl Client {
    /// Accepts a job's result: its node is paid now, and can still be challenged until the window is over.
    ///
    /// # Errors
    /// The job has no result that is open, or somebody filed that its output is unavailable.
    pub async fn accept(&self, job: &Pubkey) -> Result<(), ClientError> {
        let accept = match &self.budget {
            Some(budget) => instructions::accept_budget_result(&self.address(), budget, job),
            None => instructions::accept_result(&self.address(), job),
        };
        self.sender.execute(&[accept], &[&self.key]).await?;
        Ok(())
    }

    /// Files, under the challenge bond that the job pinned, that the job's output is not to be had.
    ///
    /// Nothing happens by itself then: [`open_output`](Self::open_output) demands the output and brings the bond back.
    ///
    /// # Errors
    /// The job has no result that is open, or too few tokens of the stake mint for the bond.
    pub async fn file_unavailable(&self, job: &Pubkey) -> Result<(), ClientError> {
        let stake_mint = self.chain().stake_mint().await?;
        let me = self.address();
        let source = stake_mint.associated_account(&me);
        let file = instructions::file_unavailable(&me, job, stake_mint, &source, None, self.budget);
        self.sender.execute(&[file], &[&self.key]).await?;
        Ok(())
    }

    /// Has the output opened on-chain and gives its bytes, which are the committed ones. Files that it is unavailable if this
    /// client has not; goes on where an earlier call ended; at the end the filing is over and its bond is back.
    ///
    /// # Errors
    /// [`ClientError::Withheld`] when the node's side did not answer in time: the job is convicted and the escrow can be
    /// reclaimed. Other errors leave the filing open: call again before its clock runs out.
    pub async fn open_output(
        &self,
        address: &Pubkey,
        work: &Work,
        mut see: impl FnMut(Opened),
    ) -> Result<Vec<u8>, ClientError> {
        let Some(job) = self.chain().find_job(address).await? else { return Err(ClientError::NoJob { job: *address }) };
        work.check_is_of(&job)?;
        match self.chain().find_challenge(&address::challenge(address, &self.address())).await? {
            Some(filing) if filing.state == ChallengeState::Revealed => {}
            Some(_) => {
                // An earlier one ended before everything was open: it makes room for the next.
                let (me, stake_mint) = (self.address(), self.chain().stake_mint().await?);
                let close = instructions::close_challenge(&me, address, &me, stake_mint);
                self.sender.execute(&[close], &[&self.key]).await?;
                self.file_unavailable(address).await?;
            }
            None => self.file_unavailable(address).await?,
        }
        let mut output = Output::of(work, &job)?;
        while let Some(place) = output.next() {
            see(output.progress());
            let demand = address::demand(address, &output.key(place));
            let answer = match self.find_answer(&demand).await? {
                Some(answer) => answer,
                None => {
                    self.demand(address, &job, work, &output, place).await?;
                    self.await_answer(address, &job, &demand).await?
                }
            };
            output.learn(place, &answer)?;
        }
        see(output.progress());
        self.end_filing(address, &job).await?;
        output.bytes()
    }

    async fn find_filing(&self, job: &Pubkey) -> Result<Option<Challenge>, ClientError> {
        let filing = self.chain().find_challenge(&address::challenge(job, &self.address())).await?;
        Ok(filing.filter(|filing| filing.state == ChallengeState::Revealed))
    }

    async fn find_answer(&self, demand: &Pubkey) -> Result<Option<Vec<u8>>, ClientError> {
        match self.chain().find_demand(demand).await? {
            Some(Demand { state: DemandState::Answered, answer, .. }) => {
                Ok(self.chain().find_buffer(&answer).await?.map(|(_, bytes)| bytes))
            }
            _ => Ok(None),
        }
    }

    async fn demand(
        &self,
        address: &Pubkey,
        job: &Job,
        work: &Work,
        output: &Output,
        place: Place,
    ) -> Result<(), ClientError> {
        let Some(filing) = self.find_filing(address).await? else {
            return Err(ClientError::FilingOver { job: *address });
        };
        let enters = place == output.tree.top();
        let witness = if enters { Some(self.write_witness(job, work).await?) } else { None };
        let parent = output.parent(place).map(|parent| address::demand(address, &output.key(parent)));
        let arguments = DemandOpeningArgs {
            key: output.key(place),
            witness_slot: 0,
            bound: output.bound(place)?,
            path: output.path(place)?,
        };
        let demand = instructions::demand_opening(&filing, Binding { parent, claim: None, witness }, arguments);
        let sent = self.sender.execute(&[demand], &[&self.key]).await;
        if witness.is_some() {
            let close = instructions::close_buffer(&self.address(), job.job_id);
            if let Err(error) = self.sender.execute(&[close], &[&self.key]).await {
                tracing::warn!(job = %address, %error, "the rent of the witness stays in its buffer");
            }
        }
        sent?;
        Ok(())
    }

    /// Puts the descriptor of the output, with its path to the graph root, where the program can read it.
    async fn write_witness(&self, job: &Job, work: &Work) -> Result<Pubkey, ClientError> {
        let me = self.address();
        let witness = GraphTree::new(&work.graph)
            .tensor_witness(work.output_slot)
            .map_err(|error| ClientError::Opening { reason: error.to_string() })?;
        let buffer = address::buffer(&me, job.job_id);
        if self.chain().find_buffer(&buffer).await?.is_some() {
            // Left over from a call that broke off.
            self.sender.execute(&[instructions::close_buffer(&me, job.job_id)], &[&self.key]).await?;
        }
        let length = u32::try_from(witness.len()).unwrap_or(u32::MAX);
        let mut steps: Vec<Vec<Instruction>> =
            instructions::create_buffer(&me, job.job_id, length).into_iter().map(|step| vec![step]).collect();
        for (at, bytes) in witness.chunks(WRITE_BYTES).enumerate() {
            let offset = u32::try_from(at * WRITE_BYTES).unwrap_or(u32::MAX);
            steps.push(vec![instructions::write_buffer(&me, job.job_id, offset, bytes)]);
        }
        for step in steps {
            self.sender.execute(&step, &[&self.key]).await?;
        }
        Ok(buffer)
    }

    /// Waits until the demand is answered; ends the dispute when the node's side is out of time.
    async fn await_answer(&self, address: &Pubkey, job: &Job, demand: &Pubkey) -> Result<Vec<u8>, ClientError> {
        loop {
            if let Some(answer) = self.find_answer(demand).await? {
                return Ok(answer);
            }
            let now = self.chain().find_job(address).await?;
            if now.is_none_or(|job| job.state == JobState::Convicted) {
                return Err(ClientError::Withheld { job: *address });
            }
            if let (Some(filing), Some(demanded)) =
                (self.find_filing(address).await?, self.chain().find_demand(demand).await?)
            {
                let slot = Slot(self.chain().slot().await?);
                let clock = job.dispute.defender_clock_slots;
                if filing.clocks.check_defender_is_out(demanded.progress(), slot, clock).is_ok() {
                    let time_out = instructions::time_out_defender(&filing, job, None);
                    // An answer, or somebody else, may be faster: the next look shows it.
                    if let Err(error) = self.sender.execute(&[time_out], &[&self.key]).await {
                        tracing::debug!(job = %address, %error, "not timed out by us");
                    }
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn end_filing(&self, address: &Pubkey, job: &Job) -> Result<(), ClientError> {
        let me = self.address();
        let Some(filing) = self.find_filing(address).await? else { return Ok(()) };
        // Everything had been opened before by others' demands: this filing asked for nothing.
        let end = match filing.clocks.is_waiting() {
            true => instructions::end_filing(&me, address, &filing.clocks.demand),
            false => instructions::withdraw_challenge(&me, address, &job.node),
        };
        let stake_mint = self.chain().stake_mint().await?;
        let close = instructions::close_challenge(&me, address, &me, stake_mint);
        self.sender.execute(&[end, close], &[&self.key]).await?;
        Ok(())
    }
}

/// The output's tree as far as answers showed it.
struct Output {
    tree: Tree,
    known: PartialTree,
    slot: u16,
    top: Hash,
    /// Places to open, with the hashes that bind them; the last comes next.
    open: Vec<Place>,
    bounds: BTreeMap<Place, Hash>,
    parents: BTreeMap<Place, Place>,
    answered: usize,
}

impl Output {
    fn of(work: &Work, job: &Job) -> Result<Self, ClientError> {
        let missing = || ClientError::Outputs { outputs: 0 };
        let layout = work.resolved.tensors.get(usize::from(work.output_slot)).ok_or_else(missing)?.layout.clone();
        let descriptor = &job.output;
        let top = tensor_hash(&descriptor.uid, descriptor.leaves, descriptor.depth, &job.output_root);
        let tree = Tree::Tensor { layout };
        Ok(Self {
            known: PartialTree::new(tree.clone()),
            slot: work.output_slot,
            top,
            open: vec![tree.top()],
            bounds: BTreeMap::from([(tree.top(), top)]),
            parents: BTreeMap::new(),
            answered: 0,
            tree,
        })
    }

    fn next(&self) -> Option<Place> {
        self.open.last().copied()
    }

    fn progress(&self) -> Opened {
        Opened { answered: self.answered, missing: self.open.len() }
    }

    fn key(&self, place: Place) -> DemandKey {
        DemandKey {
            origin: DemandKey::origin(&self.top, None),
            tree: DemandTree::Tensor,
            slot: self.slot,
            height: place.height,
            index: place.index,
        }
    }

    fn parent(&self, place: Place) -> Option<Place> {
        self.parents.get(&place).copied()
    }

    fn bound(&self, place: Place) -> Result<Hash, ClientError> {
        let unknown = || ClientError::Opening { reason: format!("nothing binds {place:?}") };
        self.bounds.get(&place).copied().ok_or_else(unknown)
    }

    fn path(&self, place: Place) -> Result<Vec<Hash>, ClientError> {
        let Some(parent) = self.parent(place) else { return Ok(Vec::new()) };
        let unknown = || ClientError::Opening { reason: format!("no path leads to {place:?}") };
        child_path(&self.tree, &self.known, parent, place).ok_or_else(unknown)
    }

    /// Takes in the answer at `place`, the one that came next.
    fn learn(&mut self, place: Place, answer: &[u8]) -> Result<(), ClientError> {
        use referee::proof::build::Nodes;
        let invalid =
            |rejection: referee::proof::Rejection| ClientError::Opening { reason: rejection.message().to_owned() };
        self.known.learn(place, &self.bound(place)?, answer).map_err(invalid)?;
        self.open.pop();
        self.answered += 1;
        if let Form::Hashes { .. } = self.tree.form(place).map_err(invalid)? {
            for child in self.tree.children(place).map_err(invalid)?.into_iter().rev() {
                let hash = self.known.node(child.height, child.index);
                self.bounds.extend(hash.map(|hash| (child, hash)));
                self.parents.insert(child, place);
                self.open.push(child);
            }
        }
        Ok(())
    }

    /// The bytes, once everything is open.
    fn bytes(&self) -> Result<Vec<u8>, ClientError> {
        let Tree::Tensor { layout } = &self.tree else { return Err(ClientError::Outputs { outputs: 0 }) };
        let mut bytes = vec![0; usize::try_from(layout.bytes()).unwrap_or(usize::MAX)];
        let positions = u32::try_from(1u64 << layout.depth()).unwrap_or(u32::MAX);
        for position in 0..positions {
            let Some(range) = layout.leaf_range(position) else { continue };
            let unknown = || ClientError::Opening { reason: format!("leaf {position} was never opened") };
            let leaf = self.known.leaf(position).ok_or_else(unknown)?;
            bytes.get_mut(range.start as usize..range.end as usize).ok_or_else(unknown)?.copy_from_slice(leaf);
        }
        Ok(bytes)
    }
}
