//! Mode `defend`: answers demands about results that this machine computed itself and found right.
//!
//! Anybody may answer for a node that cannot, and earns the fee of the opening. A root is posted under a bond of our own,
//! and only where our own replay has exactly the boundary that the node committed to: such a post cannot be refuted. What
//! is opened or posted is checked first as the program will check it, and every buffer and post is taken back after the
//! dispute. What the chain holds already is never sent twice, so that a restart goes on where it was.

use crate::budget::OverBudget;
use crate::driver::upload::{first_step, missing, steps};
use crate::driver::{DriveError, Shared};
use crate::evidence::{OwnTrace, Replay, ReplayError};
use crate::journal::{JournalError, Post};
use assay::address;
use assay::state::{Demand, DemandState, DemandTree, Job};
use assay_audit::answer::{Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_chain::accounts::DemandFilter;
use assay_chain::instructions;
use assay_kernels::commit::Hasher;
use referee::commit::sha256;
use referee::opening::Place;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often open demands are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(800);
/// Replays that are kept for further demands.
const KEPT_CASES: usize = 4;

/// A job that was replayed for its defence.
struct Case {
    replay: Arc<Replay>,
    /// Whether the committed result is our own.
    right: bool,
    traces: BTreeMap<u16, OwnTrace>,
}

/// The defender of one validator.
pub(crate) struct Defender {
    shared: Arc<Shared>,
    cases: BTreeMap<Pubkey, Case>,
    /// Jobs that cannot be replayed here.
    refused: Vec<Pubkey>,
}

impl Defender {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, cases: BTreeMap::new(), refused: Vec::new() }
    }

    /// Works until `cancel`.
    ///
    /// # Errors
    /// The journal failed.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), JournalError> {
        while !cancel.is_cancelled() {
            match self.look().await {
                Ok(()) => {}
                Err(DriveError::Journal(error)) => return Err(error),
                Err(error) => tracing::warn!(%error, "the defence goes on after a pause"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = cancel.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), DriveError> {
        self.take_back().await?;
        let open = DemandFilter { state: Some(DemandState::Open), job: None };
        for (address, demand) in self.shared.chain().demands(open).await? {
            if self.refused.contains(&demand.job) {
                continue;
            }
            let Some(job) = self.shared.chain().find_job(&demand.job).await? else { continue };
            if !job.state.can_be_challenged() || !self.is_right(&demand.job, &job).await? {
                continue;
            }
            let done = match demand.key.tree {
                DemandTree::SegmentRoot => self.post(&address, &demand, &job).await,
                _ => self.answer(&address, &demand).await,
            };
            if let Err(error) = done {
                match error {
                    DriveError::Journal(error) => return Err(error.into()),
                    error => tracing::warn!(demand = %address, %error, "a demand is not answered yet"),
                }
            }
        }
        Ok(())
    }

    /// Whether our own replay has exactly the boundary that was committed to.
    async fn is_right(&mut self, address: &Pubkey, job: &Job) -> Result<bool, DriveError> {
        if let Some(case) = self.cases.get(address) {
            return Ok(case.right);
        }
        let _place = Arc::clone(&self.shared.replays).acquire_owned().await;
        let replay = match self.shared.sources.replay(job, self.shared.config.selection.max_operations).await {
            Ok(replay) => Arc::new(replay),
            Err(ReplayError::Refused { code, reason }) => {
                tracing::info!(job = %address, code, reason, "not defended");
                self.refused.push(*address);
                return Ok(false);
            }
            Err(error) => return Err(DriveError::Replay(error)),
        };
        let right = replay.own.agrees(&job.boundary_root);
        if self.cases.len() >= KEPT_CASES {
            self.cases.pop_first();
        }
        self.cases.insert(*address, Case { replay, right, traces: BTreeMap::new() });
        Ok(right)
    }

    /// Opens what is demanded, out of our own tensors.
    async fn answer(&mut self, address: &Pubkey, demand: &Demand) -> Result<(), DriveError> {
        let Some(bytes) = self.opening(demand).await? else { return Ok(()) };
        let id = buffer_id(address);
        let me = self.shared.terms.me;
        let buffer = address::buffer(&me, id);
        // Noted before the buffer is opened: it is taken back whatever happens in between.
        self.shared.journal.note_post(address, &Post { job: demand.job.to_string(), buffer: Some(id), bond: 0 })?;
        let present = self.shared.chain().find_buffer(&buffer).await?.map(|(_, bytes)| bytes);
        let mut open = Vec::new();
        let length = match &present {
            None => {
                open.push(instructions::open_buffer(&me, id, first_step(bytes.len())));
                bytes.len().min(usize::try_from(first_step(bytes.len())).unwrap_or(usize::MAX))
            }
            Some(present) => present.len(),
        };
        open.extend(steps(length, bytes.len()).into_iter().map(|length| instructions::grow_buffer(&me, id, length)));
        if !open.is_empty() {
            self.shared.send_within_budget(&open).await?;
        }
        let mut written = present.unwrap_or_default();
        written.resize(bytes.len(), 0);
        for piece in missing(&written, &bytes) {
            let (offset, part) = (u32::try_from(piece.start).unwrap_or(u32::MAX), bytes.get(piece).unwrap_or_default());
            self.shared.send_within_budget(&[instructions::write_buffer(&me, id, offset, part)]).await?;
        }
        self.shared.send_within_budget(&[instructions::answer_opening(&me, address, demand, &buffer)]).await?;
        tracing::info!(job = %demand.job, demand = %address, bytes = bytes.len(), "answered for a node");
        Ok(())
    }

    /// The bytes that answer a demand, checked as the program will check them; `None` if ours are not what is bound.
    async fn opening(&mut self, demand: &Demand) -> Result<Option<Vec<u8>>, DriveError> {
        let segment = {
            let Some(case) = self.cases.get(&demand.job) else { return Ok(None) };
            let graph = &case.replay.work.resolved;
            match demand.key.tree {
                DemandTree::Segment => Some(demand.key.slot),
                DemandTree::Tensor => graph.tensors.get(usize::from(demand.key.slot)).map(|t| t.placement.segment),
                DemandTree::Boundary | DemandTree::SegmentRoot => None,
            }
        };
        if let Some(segment) = segment {
            self.trace(&demand.job, segment).await?;
        }
        let Some(case) = self.cases.get(&demand.job) else { return Ok(None) };
        let graph = &case.replay.work.resolved;
        let own = segment.and_then(|segment| case.traces.get(&segment));
        let (tree, content) = match demand.key.tree {
            DemandTree::Boundary => {
                (Some(boundary_tree(graph)), Some(Content::Hashes(&case.replay.own.boundary.hashes)))
            }
            DemandTree::Segment => {
                (Some(segment_tree(graph, demand.key.slot)), own.map(|own| Content::Hashes(&own.trace.hashes)))
            }
            DemandTree::Tensor => (
                tensor_tree(graph, demand.key.slot),
                own.and_then(|own| own.tensors.get(&demand.key.slot)).map(|bytes| Content::Bytes(bytes)),
            ),
            DemandTree::SegmentRoot => (None, None),
        };
        let (Some(tree), Some(content)) = (tree, content) else { return Ok(None) };
        let place = Place { height: demand.key.height, index: demand.key.index };
        // What is bound may be another's false root: then ours does not open it, and that is no defence of ours.
        Ok(answer(&tree, place, &demand.bound, content, &Hasher::default()).ok())
    }

    /// Posts the root of a segment under a bond of our own.
    async fn post(&mut self, address: &Pubkey, demand: &Demand, job: &Job) -> Result<(), DriveError> {
        let (segment, me) = (demand.key.slot, self.shared.terms.me);
        let claim = address::segment_claim(&demand.job, segment, &me);
        if self.shared.chain().find_segment_claim(&claim).await?.is_some() {
            return Ok(());
        }
        let root = self.trace(&demand.job, segment).await?;
        let bond = job.dispute.challenge_bond;
        let shared = Arc::clone(&self.shared);
        let _purse = shared.purse.lock().await;
        let standing = shared.journal.standing(&shared.config.budget, shared.today())?;
        let sum = standing.bonds.saturating_add(bond);
        if sum > shared.config.budget.max_bonds {
            let limit = shared.config.budget.max_bonds;
            return Err(OverBudget::Bonds { at_risk: standing.bonds, bond, limit }.into());
        }
        shared.journal.note_post(address, &Post { job: demand.job.to_string(), buffer: None, bond })?;
        let (mint, source) = (shared.stake_mint, shared.stake_mint.associated_account(&me));
        let post = instructions::post_segment_root(&me, &demand.job, &job.node, segment, root, mint, &source);
        self.shared.send_within_budget(&[post]).await?;
        tracing::info!(job = %demand.job, segment, bond, "posted a segment root for a silent node");
        Ok(())
    }

    /// The own root of a segment, computed once.
    async fn trace(&mut self, job: &Pubkey, segment: u16) -> Result<[u8; 32], DriveError> {
        let missing = || DriveError::Stuck { code: "V0701".to_owned(), reason: "the job was not replayed".to_owned() };
        let case = self.cases.get_mut(job).ok_or_else(missing)?;
        if let Some(own) = case.traces.get(&segment) {
            return Ok(own.trace.root);
        }
        let own = self.shared.sources.own_trace(&case.replay, segment).await.map_err(DriveError::Replay)?;
        let root = own.trace.root;
        case.traces.insert(segment, own);
        Ok(root)
    }

    /// Takes back what stands on the chain for disputes that are over: buffers, posts and their bonds.
    async fn take_back(&mut self) -> Result<(), DriveError> {
        for (demand_address, post) in self.shared.journal.posts()? {
            let Ok(job_address) = post.job.parse::<Pubkey>() else { continue };
            let job = self.shared.chain().find_job(&job_address).await?;
            if job.as_ref().is_some_and(|job| !job.is_over()) {
                continue;
            }
            let me = self.shared.terms.me;
            let demand = self.shared.chain().find_demand(&demand_address).await?;
            let mut close: Vec<Instruction> = Vec::new();
            let segment = demand.as_ref().map(|demand| demand.key.slot);
            close.extend(demand.as_ref().map(|demand| instructions::close_demand(&demand_address, demand)));
            if let Some(id) = post.buffer
                && self.shared.chain().find_buffer(&address::buffer(&me, id)).await?.is_some()
            {
                close.push(instructions::close_buffer(&me, id));
            }
            if post.buffer.is_none() {
                let claims = self.shared.chain().segment_claims(&job_address).await?;
                let ours = claims.iter().filter(|(_, claim)| {
                    claim.payer == me && !claim.signed && segment.is_none_or(|segment| segment == claim.segment)
                });
                let mint = self.shared.stake_mint;
                close.extend(ours.map(|(address, claim)| instructions::close_segment_claim(&me, address, claim, mint)));
            }
            if !close.is_empty() {
                self.shared.send_within_budget(&close).await?;
            }
            self.shared.journal.forget_post(&demand_address)?;
        }
        Ok(())
    }
}

/// The number of the buffer that answers a demand.
fn buffer_id(demand: &Pubkey) -> u64 {
    let digest = sha256(&[b"assay/answer/1", demand.as_ref()]);
    digest.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
