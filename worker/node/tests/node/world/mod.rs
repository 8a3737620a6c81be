//! A market in memory: the program's own accounts and transitions, with transactions that land, expire and are refused.
//! It can live in a file, so that a process that dies finds it again.

mod market;
mod sessions;

pub(crate) use market::{Freeze, TestMarket};

use crate::court::Court;
use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use assay::AssayError;
use assay::state::{CommittedResult, DisputeParameters, Job, JobNode, Node, Parameters, SchedulingParameters};
use assay::state_machine::JobEvent;
use assay::units::{BasisPoints, Slot, TokenAmount};
use assay_node::defence::cost::rent_lamports;
use assay_node::journal::Purpose;
use referee::commit::commitment;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;

/// What a transaction costs, and what the node thinks that it can cost.
pub(crate) const FEE_LAMPORTS: u64 = 5_000;
pub(crate) const MOST_FEE_LAMPORTS: u64 = 10_000;
/// Slots for which a transaction can land: more than a busy machine takes to send what is signed.
pub(crate) const VALID_SLOTS: u64 = 5_000;

/// Everything that is on the chain, and what was sent to it.
#[derive(Clone, Debug, Default, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct World {
    pub(crate) slot: u64,
    pub(crate) node_address: [u8; 32],
    pub(crate) operator: [u8; 32],
    /// What the operator holds.
    pub(crate) lamports: u64,
    pub(crate) jobs: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) sessions: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) node: Vec<u8>,
    pub(crate) landed: Vec<u64>,
    /// Every transaction that was signed, in order.
    pub(crate) signed: Vec<Transaction>,
    /// Ids of the transactions that were sent, in order.
    pub(crate) sent: Vec<u64>,
    pub(crate) paid: u64,
    /// Transactions that get lost until their blockhash expires.
    pub(crate) lose: u64,
    /// Roots of segments that were signed, in order.
    pub(crate) segments_signed: Vec<SignedSegment>,
    /// Messages of receipts that were signed, in order.
    pub(crate) receipts_signed: Vec<Vec<u8>>,
    /// Payments of strangers that were sent, each time that they were.
    pub(crate) payments_sent: u64,
    /// Signatures of those that landed, and where.
    pub(crate) payments_landed: BTreeMap<Vec<u8>, u64>,
    /// While it is set, no payment is confirmed.
    pub(crate) hold_payments: bool,
    /// What sessions that are opened leave the node to answer challenges, instead of what the network says.
    pub(crate) hasty_clock_slots: Option<u32>,
    pub(crate) court: Court,
}

/// A root that the node signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct SignedSegment {
    pub(crate) job: [u8; 32],
    pub(crate) segment: u16,
    pub(crate) root: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) purpose: u8,
    pub(crate) job: [u8; 32],
    pub(crate) last_slot: u64,
    /// What is committed to, if that is the purpose.
    pub(crate) result: Option<Committed>,
    /// What is recorded of a session, if that is the purpose.
    pub(crate) voucher: Option<Vec<u8>>,
}

/// Added to the numbers of the purposes of sessions, so that they are none of jobs.
pub(crate) const OF_SESSIONS: u8 = 100;
/// The cluster of these tests.
pub(crate) const GENESIS: [u8; 32] = [5; 32];

/// The blockhash that this chain knows.
pub(crate) const BLOCKHASH: [u8; 32] = [3; 32];
/// The only payment mint.
pub(crate) const PAYMENT_MINT: [u8; 32] = [9; 32];

/// Arguments of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub(crate) struct Committed {
    pub(crate) boundary_root: [u8; 32],
    pub(crate) output_root: [u8; 32],
    pub(crate) manifest: [u8; 32],
    pub(crate) output_path: Vec<[u8; 32]>,
}

/// The rules under which these tests run: nobody is drawn, and nothing jails.
fn scheduling() -> SchedulingParameters {
    SchedulingParameters { epoch_slots: 1_000_000, stake_per_job: 1, ..SchedulingParameters::default() }
}

fn parameters() -> Parameters {
    Parameters {
        maximum_open_jobs_per_node: 1_000,
        maximum_claim_slots: 20_000,
        maximum_run_slots: 200_000,
        minimum_window_slots: 200,
        maximum_window_slots: 1_000,
        protocol_fee_bps: 250,
        dispute: DisputeParameters {
            challenge_bond_bps: 1_000,
            reveal_slots: 20,
            challenger_clock_slots: 60,
            defender_clock_slots: 20_000,
            slash_bps: 2_500,
            bounty_bps: 5_000,
            opening_fee_lamports: 70_000,
        },
        scheduling: scheduling(),
        ..Parameters::default()
    }
}

pub(crate) fn pack<T: AnchorSerialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.serialize(&mut bytes).unwrap();
    bytes
}

impl World {
    pub(crate) fn job(&self, address: &Pubkey) -> Option<Job> {
        self.jobs.get(&address.to_bytes()).map(|bytes| Job::deserialize(&mut bytes.as_slice()).unwrap())
    }

    pub(crate) fn put_job(&mut self, address: &Pubkey, job: &Job) {
        self.jobs.insert(address.to_bytes(), pack(job));
    }

    pub(crate) fn node(&self) -> Node {
        Node::deserialize(&mut self.node.as_slice()).unwrap()
    }

    pub(crate) fn put_node(&mut self, node: &Node) {
        self.node = pack(node);
    }

    /// Takes lamports from the operator, who has to keep the rent of its own account.
    pub(crate) fn pay(&mut self, lamports: u64) -> Result<(), AssayError> {
        let rest = self.lamports.checked_sub(lamports).filter(|rest| *rest >= rent_lamports(0));
        self.lamports = rest.ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Distinct transactions of a purpose that were sent.
    pub(crate) fn sent(&self, purpose: Purpose) -> Vec<&Transaction> {
        self.signed.iter().filter(|tx| tx.purpose == purpose as u8 && self.sent.contains(&tx.id)).collect()
    }

    /// What the program would do, with its own checks in its own order.
    pub(crate) fn execute(&mut self, tx: &Transaction) -> Result<(), AssayError> {
        if tx.purpose >= OF_SESSIONS {
            return self.execute_in_session(tx);
        }
        let address = Pubkey::new_from_array(tx.job);
        let mut job = self.job(&address).ok_or(AssayError::IllegalTransition)?;
        let mut node = self.node();
        let now = Slot(self.slot);
        match tx.purpose {
            purpose if purpose == Purpose::Claim as u8 => {
                job.state.after(JobEvent::Claim)?;
                if job.claim_deadline()?.has_passed(now) {
                    return Err(AssayError::ClaimWindowClosed);
                }
                if node.stake < job.minimum_stake {
                    return Err(AssayError::StakeBelowJobMinimum);
                }
                let by = JobNode {
                    node: Pubkey::new_from_array(self.node_address),
                    operator: Pubkey::new_from_array(self.operator),
                    payee: node.withdraw_authority,
                };
                job.claim(by, now)?;
                let slash = BasisPoints(u32::from(job.dispute.slash_bps));
                node.lock_bond(TokenAmount(job.bond), slash, now, job.last_obligation()?)?;
            }
            purpose if purpose == Purpose::Commit as u8 => {
                job.state.after(JobEvent::Commit)?;
                if job.run_deadline()?.has_passed(now) {
                    return Err(AssayError::RunDeadlinePassed);
                }
                let Committed { boundary_root, output_root, manifest: result_manifest, output_path } =
                    tx.result.clone().unwrap();
                if job.output.boundary_root(&output_root, &output_path)? != boundary_root {
                    return Err(AssayError::BoundaryRootMismatch);
                }
                let commitment = commitment(&tx.job, &job.node.to_bytes(), &boundary_root);
                job.commit(CommittedResult { commitment, boundary_root, output_root, result_manifest }, now)?;
            }
            purpose if purpose == Purpose::Finalise as u8 => {
                job.state.after(JobEvent::Finalise)?;
                if !job.challenge_deadline()?.has_passed(now) {
                    return Err(AssayError::ChallengeWindowOpen);
                }
                job.finalise()?;
                if job.is_receipt() {
                    let mut session = self.session(&job.session).ok_or(AssayError::SessionMissing)?;
                    session.end_receipt()?;
                    self.put_session(&job.session, &session);
                } else {
                    node.settle_job(TokenAmount(job.bond))?;
                }
            }
            purpose if purpose == Purpose::Withdraw as u8 => {
                if job.credits.node == 0 {
                    return Err(AssayError::NothingOwed);
                }
                self.paid += job.credits.node;
                job.credits.node = 0;
            }
            _ => {
                job.state.after(JobEvent::Miss)?;
                if !job.run_deadline()?.has_passed(now) {
                    return Err(AssayError::RunDeadlineNotPassed);
                }
                let (cost, _) = node.record_miss(&job, now, &scheduling())?;
                job.miss(&cost)?;
            }
        }
        node.invariant()?;
        job.invariant()?;
        self.put_job(&address, &job);
        self.put_node(&node);
        Ok(())
    }
}
