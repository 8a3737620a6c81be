//! The disputes of the market in memory: challenges and demands that tests make, and what the program would make of the
//! node's moves. The accounts and their transitions are the program's own.

use crate::rig::ROWS;
use crate::world::{World, pack};
use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use assay::AssayError;
use assay::address;
use assay::dispute::{ChallengeEvent, ChallengeState, Clocks, Wait};
use assay::state::{Buffer, Challenge, Demand, DemandKey, DemandState, DemandTree, Fault, Job, SegmentClaim};
use assay::units::{Slot, TokenAmount};
use assay_models::mlp;
use assay_node::defence::cost::rent_lamports;
use assay_node::defence::duties::Dispute;
use assay_node::market::{Move, OwnBuffer};
use referee::graph::ResolvedGraph;
use referee::opening::{Place, Tree};
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

type Accounts = BTreeMap<[u8; 32], Vec<u8>>;

/// All accounts of disputes.
#[derive(Clone, Debug, Default, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct Court {
    challenges: Accounts,
    demands: Accounts,
    claims: Accounts,
    pub(crate) buffers: BTreeMap<u64, TestBuffer>,
    /// Transactions of the node that landed.
    pub(crate) transactions: u64,
    /// Demands that were answered, in order.
    pub(crate) answered: Vec<[u8; 32]>,
    /// Roots that were recorded, in order.
    pub(crate) recorded: Vec<(u16, [u8; 32])>,
    /// Pieces that were written.
    pub(crate) writes: u64,
}

#[derive(Clone, Debug, Default, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct TestBuffer {
    pub(crate) held_by: Option<[u8; 32]>,
    pub(crate) bytes: Vec<u8>,
}

fn unpacked<T: AnchorDeserialize>(accounts: &Accounts, address: &Pubkey) -> Option<T> {
    accounts.get(&address.to_bytes()).map(|bytes| T::deserialize(&mut bytes.as_slice()).unwrap())
}

fn all<T: AnchorDeserialize>(accounts: &Accounts) -> impl Iterator<Item = (Pubkey, T)> {
    accounts
        .keys()
        .map(|key| (Pubkey::new_from_array(*key), unpacked(accounts, &Pubkey::new_from_array(*key)).unwrap()))
}

/// The graph of every job of these tests.
pub(crate) fn graph() -> ResolvedGraph {
    mlp::model(&crate::rig::shape(), 5).unwrap().resolve(&[ROWS]).unwrap()
}

impl Court {
    pub(crate) fn dispute(&self, job: &Pubkey) -> Dispute {
        Dispute {
            challenges: all::<Challenge>(&self.challenges).filter(|(_, account)| account.job == *job).collect(),
            demands: all::<Demand>(&self.demands).filter(|(_, account)| account.job == *job).collect(),
        }
    }

    pub(crate) fn claims_of(&self, job: &Pubkey) -> Vec<(Pubkey, SegmentClaim)> {
        all::<SegmentClaim>(&self.claims).filter(|(_, account)| account.job == *job).collect()
    }

    pub(crate) fn demand(&self, address: &Pubkey) -> Option<Demand> {
        unpacked(&self.demands, address)
    }

    pub(crate) fn buffer(&self, id: u64) -> Option<OwnBuffer> {
        let buffer = self.buffers.get(&id)?;
        let held_by = buffer.held_by.map(Pubkey::new_from_array);
        Some(OwnBuffer { held_by, bytes: buffer.bytes.clone() })
    }

    /// Whether nothing is left of what the node opened, and no demand that it has answered with a buffer.
    pub(crate) fn is_clean(&self) -> bool {
        let held = all::<Demand>(&self.demands).any(|(_, demand)| demand.answer != Pubkey::default());
        !held && self.claims.is_empty() && self.buffers.is_empty()
    }

    pub(crate) fn challenge(&self, address: &Pubkey) -> Challenge {
        unpacked(&self.challenges, address).unwrap()
    }
}

/// What a test demands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) tree: DemandTree,
    pub(crate) slot: u16,
    pub(crate) bound: [u8; 32],
}

impl World {
    /// A challenge by a key made of `who`, committed and revealed just now.
    pub(crate) fn challenge(&mut self, job_address: &Pubkey, who: u8) -> Pubkey {
        let mut job = self.job(job_address).unwrap();
        job.open_challenge(Slot(self.slot)).unwrap();
        let challenger = Pubkey::new_from_array([who; 32]);
        let address = address::challenge(job_address, &challenger);
        let challenge = Challenge {
            version: Challenge::VERSION,
            state: ChallengeState::Revealed,
            job: *job_address,
            challenger,
            bond: job.dispute.challenge_bond,
            committed_slot: self.slot,
            revealed_slot: self.slot,
            clocks: Clocks::started(Slot(self.slot), false),
            ..Challenge::default()
        };
        self.court.challenges.insert(address.to_bytes(), pack(&challenge));
        self.put_job(job_address, &job);
        address
    }

    /// The challenger demands the top of a tree, or a root, or joins who did already.
    pub(crate) fn ask(&mut self, challenge_address: &Pubkey, asked: Asked) -> Pubkey {
        let mut challenge = self.court.challenge(challenge_address);
        let job = self.job(&challenge.job).unwrap();
        let graph = graph();
        let height = match asked.tree {
            DemandTree::SegmentRoot => 0,
            _ => tree(&graph, asked.tree, asked.slot).top().height,
        };
        let origin = if asked.tree == DemandTree::SegmentRoot { [0; 32] } else { asked.bound };
        let key = DemandKey { origin, tree: asked.tree, slot: asked.slot, height, index: 0 };
        let address = address::demand(&challenge.job, &key);
        let known = self.court.demand(&address);
        let before = self.court.demand(&challenge.clocks.demand).map(|demand| demand.progress()).unwrap_or_default();
        let clock_slots = job.dispute.challenger_clock_slots;
        let wait = Wait { demand: address, poster_answers: false, most: 24 };
        challenge.clocks.wait_for(wait, before, Slot(self.slot), clock_slots).unwrap();
        let demand = known.unwrap_or(Demand {
            version: Demand::VERSION,
            job: challenge.job,
            key,
            bound: asked.bound,
            payer: challenge.challenger,
            fee_lamports: job.dispute.opening_fee_lamports,
            opened_slot: self.slot,
            ..Demand::default()
        });
        self.court.demands.insert(address.to_bytes(), pack(&demand));
        self.court.challenges.insert(challenge_address.to_bytes(), pack(&challenge));
        address
    }

    /// The program convicts the node over the job.
    pub(crate) fn convict(&mut self, job_address: &Pubkey, settled: bool) {
        let mut job = self.job(job_address).unwrap();
        job.convict(Fault::Withheld, [1; 32], TokenAmount(0), Slot(self.slot)).unwrap();
        job.record.settled = settled;
        job.record.challenges_open = 0;
        self.put_job(job_address, &job);
    }

    /// The client accepts the result.
    pub(crate) fn accept(&mut self, job_address: &Pubkey) {
        let mut job = self.job(job_address).unwrap();
        job.accept().unwrap();
        self.put_job(job_address, &job);
    }

    fn is_over(&self, job: &Pubkey) -> bool {
        self.job(job).is_none_or(|job| job.is_over())
    }

    /// What the program would do with a move of the node.
    pub(crate) fn carry_out(&mut self, job_address: &Pubkey, one: &Move) -> Result<(), AssayError> {
        let (now, operator) = (Slot(self.slot), Pubkey::new_from_array(self.operator));
        match one {
            Move::RecordRoot { segment, root } => {
                let job = self.job(job_address).ok_or(AssayError::WrongJob)?;
                if !job.state.can_be_challenged() {
                    return Err(AssayError::JobNotChallengeable);
                }
                let claim = address::segment_claim(job_address, *segment, &operator);
                if self.court.claims.contains_key(&claim.to_bytes()) {
                    return Err(AssayError::InvariantBroken);
                }
                let record = SegmentClaim {
                    version: SegmentClaim::VERSION,
                    signed: true,
                    job: *job_address,
                    segment: *segment,
                    author: operator,
                    root: *root,
                    payer: operator,
                    posted_slot: now.0,
                    ..SegmentClaim::default()
                };
                self.pay(rent_lamports(SegmentClaim::SPACE))?;
                self.court.claims.insert(claim.to_bytes(), pack(&record));
                self.court.recorded.push((*segment, *root));
                let address = address::demand(job_address, &DemandKey::segment_root(*segment));
                if let Some(mut demand) = self.court.demand(&address) {
                    self.lamports += demand.sign(now);
                    self.court.demands.insert(address.to_bytes(), pack(&demand));
                }
            }
            Move::OpenBuffer { id, bytes } => {
                if self.court.buffers.contains_key(id) {
                    return Err(AssayError::InvariantBroken);
                }
                self.pay(rent_lamports(Buffer::space(*bytes)))?;
                let bytes = vec![0; *bytes as usize];
                self.court.buffers.insert(*id, TestBuffer { held_by: None, bytes });
            }
            Move::WriteBuffer { id, offset, bytes } => {
                let buffer = self.court.buffers.get_mut(id).ok_or(AssayError::WrongBuffer)?;
                if buffer.held_by.is_some() {
                    return Err(AssayError::BufferHeld);
                }
                let start = *offset as usize;
                let range = buffer.bytes.get_mut(start..start + bytes.len());
                range.ok_or(AssayError::BufferRangeInvalid)?.copy_from_slice(bytes);
                self.court.writes += 1;
            }
            Move::Answer { address, id, .. } => {
                let mut demand = self.court.demand(address).ok_or(AssayError::WrongDemand)?;
                demand.check_open()?;
                let buffer = self.court.buffers.get_mut(id).ok_or(AssayError::WrongBuffer)?;
                if buffer.held_by.is_some() {
                    return Err(AssayError::BufferHeld);
                }
                let tree = tree(&graph(), demand.key.tree, demand.key.slot);
                let place = Place { height: demand.key.height, index: demand.key.index };
                tree.verify_answer(place, &demand.bound, &buffer.bytes).map_err(|_| AssayError::InvariantBroken)?;
                self.lamports += demand.answer(address::buffer(&operator, *id), now)?;
                buffer.held_by = Some(address.to_bytes());
                self.court.answered.push(address.to_bytes());
                self.court.demands.insert(address.to_bytes(), pack(&demand));
            }
            Move::CloseBuffer { id } => {
                let buffer = self.court.buffers.get(id).ok_or(AssayError::WrongBuffer)?;
                if buffer.held_by.is_some() {
                    return Err(AssayError::BufferHeld);
                }
                self.lamports += rent_lamports(Buffer::space(buffer.bytes.len() as u32));
                self.court.buffers.remove(id);
            }
            Move::TimeOut { challenge } => self.time_out(job_address, challenge)?,
            Move::CloseDemand { address, demand: given } => {
                let demand = self.court.demand(address).ok_or(AssayError::WrongDemand)?;
                if given.answer != demand.answer || given.payer != demand.payer {
                    return Err(AssayError::WrongDemand);
                }
                if !self.is_over(&demand.job) {
                    return Err(AssayError::DisputeNotOver);
                }
                for buffer in self.court.buffers.values_mut().filter(|held| held.held_by == Some(address.to_bytes())) {
                    buffer.held_by = None;
                }
                self.court.demands.remove(&address.to_bytes());
            }
            Move::CloseClaim { address, .. } => {
                if !self.is_over(job_address) {
                    return Err(AssayError::DisputeNotOver);
                }
                self.court.claims.remove(&address.to_bytes()).ok_or(AssayError::WrongSegmentClaim)?;
                self.lamports += rent_lamports(SegmentClaim::SPACE);
            }
        }
        Ok(())
    }

    fn time_out(&mut self, job: &Pubkey, given: &Challenge) -> Result<(), AssayError> {
        let mut account: Job = self.job(job).ok_or(AssayError::WrongJob)?;
        let address = address::challenge(job, &given.challenger);
        let mut challenge = self.court.challenge(&address);
        if given.clocks.demand != challenge.clocks.demand {
            return Err(AssayError::WrongDemand);
        }
        let progress = self.court.demand(&challenge.clocks.demand).map(|demand| demand.progress());
        let clock_slots = account.dispute.challenger_clock_slots;
        let in_time = challenge.clocks.check_challenger(progress.unwrap_or_default(), Slot(self.slot), clock_slots);
        if in_time.is_ok() {
            return Err(AssayError::ChallengerHasTime);
        }
        challenge.lose(ChallengeEvent::TimeOut)?;
        account.end_challenge(challenge.target)?;
        self.court.challenges.insert(address.to_bytes(), pack(&challenge));
        self.put_job(job, &account);
        Ok(())
    }

    /// Whether a demand is answered.
    pub(crate) fn is_answered(&self, demand: &Pubkey) -> bool {
        self.court.demand(demand).is_some_and(|demand| demand.state == DemandState::Answered)
    }
}

fn tree(graph: &ResolvedGraph, tree: DemandTree, slot: u16) -> Tree {
    match tree {
        DemandTree::Boundary => Tree::Boundary { count: graph.boundary.len() as u16 },
        DemandTree::Segment => Tree::Segment { index: slot, count: graph.segment_slots(slot).len() as u16 },
        DemandTree::Tensor => Tree::Tensor { layout: graph.tensors[usize::from(slot)].layout.clone() },
        DemandTree::SegmentRoot => panic!("a root has no tree"),
    }
}
