//! A job: what is to be computed, for how much, by when, and where it is in its life.

mod dispute;

pub use dispute::{DisputeRecord, DisputeTerms, Fault};

use super::versioned::versioned_account;
use super::{check_invariant, check_version, JobAudit, Session};
use crate::address::JOB_SEED;
use crate::dispute::penalty::MAXIMUM_VALID_CLAIMS;
use crate::dispute::{Target, TargetKind};
use crate::error::{AssayError, Checked};
use crate::fairness::endings::{FaultSide, Reason};
use crate::fairness::filter::JobFilter;
use crate::fairness::lateness::{expected_slots, late_price, lateness};
use crate::fairness::reputation::ReputationRules;
use crate::fairness::seed::Found;
use crate::fairness::sortition::{SeedRecord, Sortition};
use crate::fairness::standing::MissCost;
use crate::market::{settle, Deadline, OutputDescriptor, PriceRamp, Split, MAXIMUM_URI_BYTES};
use crate::state_machine::{JobEvent, JobState};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// What the vault of a job owes to whom, in base units of the payment mint. Written when the job ends.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    /// To `payee`.
    pub node: u64,
    /// To `client`.
    pub client: u64,
    /// To the fee vault.
    pub fee: u64,
    /// To attestations together.
    pub audits: u64,
    /// To those who delegate to the node, together; collected into their pool.
    pub delegators: u64,
}

impl Credits {
    /// Everything that is owed.
    pub fn total(&self) -> Checked<TokenAmount> {
        TokenAmount(self.node)
            .plus(TokenAmount(self.client))?
            .plus(TokenAmount(self.fee))?
            .plus(TokenAmount(self.audits))?
            .plus(TokenAmount(self.delegators))
    }
}

/// The node that claims a job; all of it is pinned at the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobNode {
    /// Address of the node account.
    pub node: Pubkey,
    /// The node's operator at the claim.
    pub operator: Pubkey,
    /// The node's withdraw authority.
    pub payee: Pubkey,
}

/// What a node commits to. See the fields of the same names in [`Job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedResult {
    /// Hash over job, node and boundary root.
    pub commitment: [u8; 32],
    /// Root over the boundary tensors.
    pub boundary_root: [u8; 32],
    /// Root of the output tensor.
    pub output_root: [u8; 32],
    /// SHA-256 of the manifest that lists where the bytes are.
    pub result_manifest: [u8; 32],
}

/// One job, or one receipt of a session that was called in. Prices are base units of the payment mint, bonds and charges of the stake mint.
///
/// The seed and the strings come last, so that everything before them lies at a fixed offset; the account is exactly as long as
/// they need. After posting, the terms (all down to `bond_denominator`, `dispute`, those of `audit`, and the strings) never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Layout version of this account.
    pub version: u8,
    /// Bump of this account's address.
    pub bump: u8,
    /// Where the job is in its life.
    pub state: JobState,
    /// Who posted and pays.
    pub client: Pubkey,
    /// The client's number for the job; never used twice.
    pub job_id: u64,
    /// The mint of the price.
    pub payment_mint: Pubkey,
    /// Node account that claimed; zero before the claim.
    pub node: Pubkey,
    /// Key that may commit: the node's operator at the claim.
    pub operator: Pubkey,
    /// Key that owns the node's credit: the node's withdraw authority.
    pub payee: Pubkey,
    /// The token account that holds the escrow.
    pub vault: Pubkey,

    /// Root of the graph.
    pub graph_root: [u8; 32],
    /// Root of weights, biases, multipliers and tables.
    pub params_root: [u8; 32],
    /// Root of the inputs.
    pub inputs_root: [u8; 32],
    /// Version of the graph language.
    pub ir_version: u16,
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
    /// Where the output lies in what will be committed.
    pub output: OutputDescriptor,
    /// Price until the hold ends.
    pub price_min: u64,
    /// Price at the end of the ramp; all of it is escrowed.
    pub price_max: u64,
    /// How long the price stays at the minimum.
    pub ramp_hold_slots: u64,
    /// How long it then rises.
    pub ramp_slots: u64,
    /// The last slot of claiming is `posted_slot + claim_slots`.
    pub claim_slots: u64,
    /// The last slot of committing is `claimed_slot + run_slots`.
    pub run_slots: u64,
    /// The last slot of challenging is `committed_slot + window_slots`.
    pub window_slots: u64,
    /// Least active stake of a node that claims.
    pub minimum_stake: u64,
    /// What the claiming node locks.
    pub bond: u64,
    /// The only node that may claim; zero: every node.
    pub invited_node: Pubkey,
    /// The protocol's share of the price, as it was when the job was posted.
    pub protocol_fee_bps: u16,
    /// The share of the bond that a miss costs, as it was when the job was posted.
    pub miss_charge_bps: u16,
    /// The share of the price that a result loses which comes in the last slot, as it was when the job was posted.
    pub late_price_bps: u16,
    /// Which nodes the client wants, besides the stake.
    pub filter: JobFilter,
    /// What the graph costs by the graph language's own measure, as the client says; 0 says nothing, and no result is late.
    pub cost_units: u64,
    /// Who may claim and when: the rules and the weight of the network, as they were when the job was posted.
    pub sortition: Sortition,
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... that so many base units of the payment mint were worth when the job was posted.
    pub bond_denominator: u64,

    /// When the job was posted.
    pub posted_slot: u64,
    /// When it was claimed; 0 before.
    pub claimed_slot: u64,
    /// When its result was committed; 0 before.
    pub committed_slot: u64,
    /// The price, fixed by the claim; 0 before.
    pub price: u64,
    /// Hash over job, node and boundary root; zero before the commit.
    pub commitment: [u8; 32],
    /// Root over the boundary tensors of the result; zero before the commit.
    pub boundary_root: [u8; 32],
    /// Root of the output tensor; zero before the commit.
    pub output_root: [u8; 32],
    /// SHA-256 of the manifest through which the result's bytes are found; zero before the commit. A hint: whoever
    /// follows it checks the bytes against the roots.
    pub result_manifest: [u8; 32],
    /// What the vault owes; zero before the end.
    pub credits: Credits,
    /// What the stake vault owes to the client for a miss.
    pub charge_credit: u64,
    /// The terms of disputes, as they were when the job was posted.
    pub dispute: DisputeTerms,
    /// What became of challenges.
    pub record: DisputeRecord,
    /// The audit: its terms, as they were when the job was posted, and its record.
    pub audit: JobAudit,
    /// Filings that the output is unavailable that are not decided. While there is one, the client does not accept.
    pub unavailable_open: u32,
    /// The session whose receipt this is, called in by `client`; zero for an ordinary job. A receipt has no price and no vault,
    /// its bond is the session's, and `job_id` is its sequence.
    pub session: Pubkey,
    /// How long the node should take by its own speed, fixed by the claim; 0 before.
    pub expected_slots: u64,
    /// The share of the node's part that is its delegators', fixed by the claim; 0 before.
    pub delegators_bps: u16,
    /// How late the result was, as a share of the time that was left; 0 in time.
    pub late_bps: u32,
    /// Why it ended.
    pub reason: Reason,
    /// Whose fault that was.
    pub fault_side: FaultSide,
    /// The slot hash that decides who may claim.
    pub seed: SeedRecord,

    /// Where the graph can be fetched.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub graph_uri: String,
    /// Where the parameters can be fetched.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub params_uri: String,
    /// Where the inputs can be fetched.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub inputs_uri: String,
    /// Where the node uploads the result; may be empty.
    #[max_len(MAXIMUM_URI_BYTES)]
    pub store_uri: String,
}

versioned_account!(Job, [75, 124, 80, 203, 161, 180, 202, 80]);

impl Job {
    /// The layout version that this program writes.
    pub const VERSION: u8 = 3;
    /// Offset of `state` in the account's data, for filters.
    pub const STATE_OFFSET: usize = 10;
    /// Offset of `client` in the account's data, for filters.
    pub const CLIENT_OFFSET: usize = 11;
    /// Offset of `payment_mint` in the account's data, for filters.
    pub const PAYMENT_MINT_OFFSET: usize = 51;
    /// Offset of `node` in the account's data, for filters.
    pub const NODE_OFFSET: usize = 83;

    /// Size of the account's data when its four strings have `uri_bytes` bytes together.
    pub const fn space(uri_bytes: usize) -> usize {
        const FOUR_LONGEST_URIS: usize = MAXIMUM_URI_BYTES.saturating_mul(4);
        const WITHOUT_URIS: usize =
            Job::INIT_SPACE.saturating_sub(FOUR_LONGEST_URIS).saturating_add(Job::DISCRIMINATOR.len());
        WITHOUT_URIS.saturating_add(uri_bytes)
    }

    /// Size of the account's data of an ordinary job with these strings.
    pub fn space_with_uris(&self) -> usize {
        let uris = [&self.graph_uri, &self.params_uri, &self.inputs_uri, &self.store_uri];
        Self::space(uris.into_iter().fold(0, |sum, uri| sum.saturating_add(uri.len())))
    }

    /// Size of the account's data of a receipt of `session` that is called in, with room for any place of its inputs: the
    /// client can name another one.
    pub fn receipt_space(session: &Session) -> usize {
        let uri_bytes = session.graph_uri.len().saturating_add(session.params_uri.len());
        Self::space(uri_bytes.saturating_add(MAXIMUM_URI_BYTES))
    }

    /// The price over time.
    pub fn price_ramp(&self) -> PriceRamp {
        PriceRamp {
            minimum: TokenAmount(self.price_min),
            maximum: TokenAmount(self.price_max),
            hold: Slots(self.ramp_hold_slots),
            rise: Slots(self.ramp_slots),
        }
    }

    /// What a claim at `now` would fix as the price.
    pub fn price_at(&self, now: Slot) -> Checked<TokenAmount> {
        self.price_ramp().price_after(now.since(Slot(self.posted_slot)))
    }

    /// Until when the job can be claimed.
    pub fn claim_deadline(&self) -> Checked<Deadline> {
        Deadline::new(Slot(self.posted_slot), Slots(self.claim_slots))
    }

    /// Until when the node can commit; means something once the job is claimed.
    pub fn run_deadline(&self) -> Checked<Deadline> {
        Deadline::new(Slot(self.claimed_slot), Slots(self.run_slots))
    }

    /// Until when the result can be challenged; means something once it is committed.
    pub fn challenge_deadline(&self) -> Checked<Deadline> {
        Deadline::new(Slot(self.committed_slot), Slots(self.window_slots))
    }

    /// The last slot at which a dispute can end if the result is committed and challenged at the last moment.
    pub fn last_obligation(&self) -> Checked<Slot> {
        self.run_deadline()?.last().plus(Slots(self.window_slots))?.plus(self.dispute.longest_slots())
    }

    /// Whether the job is for one node alone. Such jobs know no sortition, and raise no reputation.
    pub fn is_invitation(&self) -> bool {
        self.invited_node != Pubkey::default()
    }

    /// Whether a node may claim, as far as the invitation goes.
    pub fn invites(&self, node: &Pubkey) -> bool {
        self.invited_node == Pubkey::default() || self.invited_node == *node
    }

    /// Fixes the price and pins the node.
    pub fn claim(&mut self, by: JobNode, now: Slot) -> Checked {
        let state = self.state.after(JobEvent::Claim)?;
        self.price = self.price_at(now)?.0;
        self.node = by.node;
        self.operator = by.operator;
        self.payee = by.payee;
        self.claimed_slot = now.0;
        self.state = state;
        Ok(())
    }

    /// Fixes how long a node of this speed should take.
    pub fn expect_by(&mut self, units_per_slot: u64) -> Checked {
        let allowed = Slots(self.run_slots);
        let promised = self.cost_units > 0 && units_per_slot > 0;
        self.expected_slots = match promised {
            true => expected_slots(self.cost_units, units_per_slot, allowed)?.0,
            false => allowed.0,
        };
        Ok(())
    }

    /// Fixes the delegators' share of what the node earns.
    pub fn share_with_delegators(&mut self, share: BasisPoints) -> Checked {
        self.delegators_bps = u16::try_from(share.0).map_err(|_| AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Takes what is owed to delegators out of the job's books. `NothingOwed`.
    pub fn collect_for_delegators(&mut self) -> Checked<TokenAmount> {
        match core::mem::take(&mut self.credits.delegators) {
            0 => Err(AssayError::NothingOwed),
            owed => Ok(TokenAmount(owed)),
        }
    }

    /// Records the slot hash that decides who may claim, or that it is forgotten. `SeedAlreadySealed`.
    pub fn record_seed(&mut self, found: Found) -> Checked {
        // Only what nobody has claimed has a use for it.
        self.state.after(JobEvent::Claim)?;
        if self.seed != SeedRecord::Open {
            return Err(AssayError::SeedAlreadySealed);
        }
        self.seed = match found {
            Found::Seed { hash, .. } => SeedRecord::Sealed(hash),
            Found::Forgotten => SeedRecord::Forgotten,
        };
        Ok(())
    }

    /// Records a result that was checked against the job's output descriptor.
    pub fn commit(&mut self, result: CommittedResult, now: Slot) -> Checked {
        let state = self.state.after(JobEvent::Commit)?;
        self.commitment = result.commitment;
        self.boundary_root = result.boundary_root;
        self.output_root = result.output_root;
        self.result_manifest = result.result_manifest;
        self.committed_slot = now.0;
        let (claimed, expected) = (Slot(self.claimed_slot), Slots(self.expected_slots));
        self.late_bps = lateness(claimed, expected, self.run_deadline()?.last(), now)?.0;
        self.state = state;
        Ok(())
    }

    /// Ends the job with a result that stood; shares out the audit pot, and the escrow unless the client's acceptance did
    /// before.
    ///
    /// `ChallengesOpen` while a challenge has not ended.
    pub fn finalise(&mut self) -> Checked {
        let state = self.state.after(JobEvent::Finalise)?;
        if self.record.challenges_open != 0 {
            return Err(AssayError::ChallengesOpen);
        }
        if self.state == JobState::Committed {
            self.share_out()?;
        }
        self.end_with(match (self.late_bps > 0, self.record.challenges_lost > 0) {
            (true, _) => Reason::CompletedLate,
            (false, true) => Reason::CompletedDisputed,
            (false, false) => Reason::Completed,
        });
        let pot = self.audit.settle()?;
        self.credits.audits = pot.audits.0;
        self.credits.client = TokenAmount(self.credits.client).plus(pot.client)?.0;
        self.state = state;
        Ok(())
    }

    /// Shares out the escrow before the window is over, because the client accepts the result. The audit pot stays.
    ///
    /// `OutputUnavailable` while it is not decided whether the output can be had.
    pub fn accept(&mut self) -> Checked {
        let state = self.state.after(JobEvent::Accept)?;
        if self.unavailable_open != 0 {
            return Err(AssayError::OutputUnavailable);
        }
        self.share_out()?;
        self.state = state;
        Ok(())
    }

    /// The price less what lateness takes off.
    pub fn earned_price(&self) -> Checked<TokenAmount> {
        let most = BasisPoints(u32::from(self.late_price_bps));
        Ok(late_price(TokenAmount(self.price), BasisPoints(self.late_bps), most)?)
    }

    /// What the job counts for reputation, in millionths of an observation: by the fee that it pays. An
    /// invitation counts nothing, nor does a receipt.
    pub fn observations(&self, rules: &ReputationRules) -> Checked<u64> {
        let fee = self.split(self.earned_price()?)?.fee;
        let in_stake = u128::from(fee.0)
            .checked_mul(u128::from(self.bond_numerator))
            .and_then(|product| product.checked_div(u128::from(self.bond_denominator)))
            .unwrap_or(0);
        Ok(rules
            .observations(u64::try_from(in_stake).unwrap_or(u64::MAX), self.is_receipt() || self.is_invitation())?)
    }

    fn split(&self, price: TokenAmount) -> Checked<Split> {
        settle(TokenAmount(self.price_max), price, BasisPoints(u32::from(self.protocol_fee_bps)))
    }

    fn end_with(&mut self, reason: Reason) {
        let accepted = self.state == JobState::Accepted;
        self.reason = reason;
        self.fault_side = reason.consequence(accepted).map_or(FaultSide::None, |consequence| consequence.fault);
    }

    /// For a job that the first program wrote: why it ended, and that a claim promised no speed.
    pub(super) fn explain_first_ending(&mut self) -> Checked {
        if self.node != Pubkey::default() {
            self.expected_slots = self.run_slots;
        }
        let reason = match self.state {
            JobState::Posted | JobState::Claimed | JobState::Committed | JobState::Accepted => return Ok(()),
            JobState::Cancelled => Reason::Cancelled,
            JobState::Expired => Reason::Unclaimed,
            JobState::Missed => Reason::NoShow,
            JobState::Settled if self.record.challenges_lost > 0 => Reason::CompletedDisputed,
            JobState::Settled => Reason::Completed,
            JobState::Convicted => Reason::of_fault(self.record.fault).ok_or(AssayError::InvariantBroken)?,
        };
        self.end_with(reason);
        Ok(())
    }

    fn share_out(&mut self) -> Checked {
        let split = self.split(self.earned_price()?)?;
        let delegators = split.node.portion(BasisPoints(u32::from(self.delegators_bps)))?;
        self.credits = Credits {
            node: split.node.minus(delegators)?.0,
            client: split.client.0,
            fee: split.fee.0,
            audits: 0,
            delegators: delegators.0,
        };
        Ok(())
    }

    /// Records a conviction and what it took: the job's own bond, and `slashed` beyond it. The client gets the audit pot back,
    /// and the escrow unless it has accepted the result.
    pub fn convict(&mut self, fault: Fault, key: [u8; 32], slashed: TokenAmount, now: Slot) -> Checked {
        let state = self.state.after(JobEvent::Convict)?;
        self.end_with(Reason::of_fault(fault).ok_or(AssayError::InvariantBroken)?);
        if self.state == JobState::Committed {
            self.credits = Credits { client: self.price_max, ..Credits::default() };
        }
        self.credits.client = TokenAmount(self.credits.client).plus(TokenAmount(self.audit.pot))?.0;
        let bond = TokenAmount(self.bond);
        let bounty = bond.portion(BasisPoints(u32::from(self.dispute.bounty_bps)))?;
        self.record.bounty = bounty.0;
        self.burn(bond.minus(bounty)?.plus(slashed)?)?;
        self.record.convicted_slot = now.0;
        self.record.proven_key = key;
        self.record.fault = fault;
        self.state = state;
        Ok(())
    }

    /// Whether the job is a receipt of a session that was called in.
    pub fn is_receipt(&self) -> bool {
        self.session != Pubkey::default()
    }

    /// `JobIsReceipt` unless the job is an ordinary one.
    pub fn check_ordinary(&self) -> Checked {
        if self.is_receipt() {
            Err(AssayError::JobIsReceipt)
        } else {
            Ok(())
        }
    }

    /// `JobIsNoReceipt` unless the job is a receipt that was called in, `WrongSession` unless it is one of `session`.
    pub fn check_receipt_of(&self, session: &Pubkey) -> Checked {
        if !self.is_receipt() {
            return Err(AssayError::JobIsNoReceipt);
        }
        if self.session != *session {
            return Err(AssayError::WrongSession);
        }
        Ok(())
    }

    /// `WrongSession` or `SessionMissing` unless `session` is the address of the job's session, or none for an ordinary job. A
    /// receipt that is convicted already does without: its session may be gone.
    pub fn check_session(&self, session: Option<Pubkey>) -> Checked {
        match session {
            Some(session) if !self.is_receipt() || session != self.session => Err(AssayError::WrongSession),
            None if self.is_receipt() && self.state != JobState::Convicted => Err(AssayError::SessionMissing),
            _ => Ok(()),
        }
    }

    /// Adds to what is to be burned.
    pub fn burn(&mut self, amount: TokenAmount) -> Checked {
        self.record.burn_credit = TokenAmount(self.record.burn_credit).plus(amount)?.0;
        Ok(())
    }

    /// Counts a challenge that was committed. `JobNotChallengeable`, `ChallengeWindowClosed`.
    pub fn open_challenge(&mut self, now: Slot) -> Checked {
        if !self.state.can_be_challenged() {
            return Err(AssayError::JobNotChallengeable);
        }
        if self.challenge_deadline()?.has_passed(now) {
            return Err(AssayError::ChallengeWindowClosed);
        }
        let open = self.record.challenges_open.checked_add(1);
        self.record.challenges_open = open.ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts a filing that the output is unavailable. As [`open_challenge`](Self::open_challenge).
    pub fn open_filing(&mut self, now: Slot) -> Checked {
        self.open_challenge(now)?;
        self.unavailable_open = self.unavailable_open.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Counts a challenge, or a filing, with this target that ended.
    pub fn end_challenge(&mut self, target: Target) -> Checked {
        let open = self.record.challenges_open.checked_sub(1);
        self.record.challenges_open = open.ok_or(AssayError::InvariantBroken)?;
        if target.kind == TargetKind::Output {
            self.unavailable_open = self.unavailable_open.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        }
        Ok(())
    }

    /// Counts a valid claim; `false`, and nothing is counted, when there are as many as can share a bounty.
    pub fn count_valid_claim(&mut self) -> bool {
        let counts = self.record.valid_claims < MAXIMUM_VALID_CLAIMS;
        if counts {
            self.record.valid_claims = self.record.valid_claims.saturating_add(1);
        }
        counts
    }

    /// Whether nothing about a dispute of this job can change any more.
    pub fn is_over(&self) -> bool {
        self.state.is_end() && (self.state != JobState::Convicted || self.record.settled)
    }

    /// Ends the job by `event` (cancel, expire or miss) and owes the whole escrow to the client.
    pub fn refund(&mut self, event: JobEvent) -> Checked {
        let state = self.state.after(event)?;
        self.end_with(match state {
            JobState::Cancelled => Reason::Cancelled,
            JobState::Expired => Reason::Unclaimed,
            // Only the node's next sign of life says whether it was away.
            JobState::Missed => Reason::NoShow,
            _ => return Err(AssayError::IllegalTransition),
        });
        self.credits = Credits { client: self.escrow()?.0, ..Credits::default() };
        self.state = state;
        Ok(())
    }

    /// Ends the job without a result: everything back to the client, and what the miss costs the node.
    pub fn miss(&mut self, cost: &MissCost) -> Checked {
        self.refund(JobEvent::Miss)?;
        if cost.in_maintenance {
            self.end_with(Reason::MissedInMaintenance);
        }
        self.charge_credit = cost.charge.0;
        self.burn(cost.burned)
    }

    /// Takes the fee of one attestation out of what the job owes to all, and counts the attestation out. `NothingOwed`.
    pub fn collect_audit_fee(&mut self) -> Checked<TokenAmount> {
        let fee = TokenAmount(self.audit.fee);
        if self.state != JobState::Settled || fee == TokenAmount::ZERO {
            return Err(AssayError::NothingOwed);
        }
        self.credits.audits = TokenAmount(self.credits.audits).minus(fee)?.0;
        self.audit.close()?;
        Ok(fee)
    }

    /// All that the client put into the vault.
    pub fn escrow(&self) -> Checked<TokenAmount> {
        TokenAmount(self.price_max).plus(TokenAmount(self.audit.pot))
    }

    /// What the vault must hold: the escrow until it is shared out, then what is owed of it.
    pub fn liabilities(&self) -> Checked<TokenAmount> {
        match self.state {
            JobState::Posted | JobState::Claimed | JobState::Committed => self.escrow(),
            JobState::Accepted => self.credits.total()?.plus(TokenAmount(self.audit.pot)),
            _ => self.credits.total(),
        }
    }

    /// The last slot at which a dispute over the committed result can end.
    pub fn last_dispute(&self) -> Checked<Slot> {
        self.challenge_deadline()?.last().plus(self.dispute.longest_slots())
    }

    /// `JobNotEnded`, `DisputeUnsettled`, `AttestationsOpen` or `CreditsOutstanding` unless the job has ended and owes nothing.
    pub fn check_closable(&self) -> Checked {
        if !self.state.is_end() {
            return Err(AssayError::JobNotEnded);
        }
        if !self.is_over() {
            return Err(AssayError::DisputeUnsettled);
        }
        if self.audit.open_attestations != 0 {
            return Err(AssayError::AttestationsOpen);
        }
        if self.credits != Credits::default() || self.charge_credit != 0 || self.record.burn_credit != 0 {
            return Err(AssayError::CreditsOutstanding);
        }
        Ok(())
    }

    /// Hands `sign` the seeds, bump included, that let the job sign for its vault.
    pub fn with_signer_seeds<T>(&self, sign: impl FnOnce(&[&[u8]]) -> T) -> T {
        sign(&[JOB_SEED, self.client.as_ref(), &self.job_id.to_le_bytes(), &[self.bump]])
    }

    /// What must always be true.
    pub fn invariant(&self) -> Checked {
        check_version(self.version, Self::VERSION)?;
        let owed = self.credits.total()?.0;
        let claimed = self.node != Pubkey::default();
        let holds = match self.state {
            JobState::Posted => !claimed && owed == 0 && self.charge_credit == 0,
            JobState::Claimed | JobState::Committed => claimed && owed == 0 && self.charge_credit == 0,
            JobState::Cancelled | JobState::Expired => {
                !claimed && owed == self.credits.client && self.charge_credit == 0
            }
            JobState::Accepted | JobState::Settled | JobState::Convicted => claimed && self.charge_credit == 0,
            JobState::Missed => claimed && owed == self.credits.client && self.charge_credit <= self.bond,
        };
        let covered = self.liabilities()? <= self.escrow()?;
        let receipt = !self.is_receipt() || (self.escrow()? == TokenAmount::ZERO && self.vault == Pubkey::default());
        let records_hold = self.record_holds() && self.audit_holds();
        let explained = self.state.is_end() == (self.reason != Reason::Open);
        check_invariant(holds && covered && receipt && explained && self.price <= self.price_max && records_hold)
    }

    /// Fees are owed exactly as long as attestations of a settled job are open; and nobody attests for nothing.
    fn audit_holds(&self) -> bool {
        let audit = &self.audit;
        let owed = match self.state {
            JobState::Settled => u64::from(audit.open_attestations).checked_mul(audit.fee),
            _ => Some(0),
        };
        let known = audit.fee == 0 || self.state == JobState::Settled;
        let counted = audit.open_attestations <= audit.attestations && (audit.pot > 0 || audit.attestations == 0);
        let filed = self.unavailable_open <= self.record.challenges_open;
        owed == Some(self.credits.audits) && known && counted && filed && audit.cap <= audit.pot
    }

    fn record_holds(&self) -> bool {
        let record = &self.record;
        if self.state == JobState::Convicted {
            let known = record.convicted_slot > 0 && record.fault != Fault::None && record.valid_claims > 0;
            return known && (!record.settled || (record.challenges_open == 0 && record.bounty == 0));
        }
        let innocent = record.convicted_slot == 0 && record.fault == Fault::None && record.valid_claims == 0;
        let quiet = record.challenges_open == 0 || self.state.can_be_challenged();
        innocent && quiet && record.bounty == 0 && !record.settled
    }
}

#[cfg(test)]
mod tests;
