//! What a job pins about disputes when it is posted, and the record of those that happened.

use crate::dispute::penalty::challenge_bond;
use crate::error::Checked;
use crate::state::parameters::longest_dispute;
use crate::state::DisputeParameters;
use crate::units::{BasisPoints, Slots, TokenAmount};
use anchor_lang::prelude::*;

/// What was proved against the node. The byte is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// An element is not what its op computes from its operands.
    WrongElement,
    /// A boundary tensor has another hash in the signed segment than in the committed boundary.
    BoundaryMismatch,
    /// Two different roots of one segment are signed.
    Equivocation,
    /// What had to be opened was not opened in time.
    Withheld,
}

/// The terms of disputes over one job, as they were when it was posted.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisputeTerms {
    /// What a challenger, or who posts a segment root, locks: base units of the stake mint.
    pub challenge_bond: u64,
    /// The last slot of revealing is that of the commit plus this.
    pub reveal_slots: u32,
    /// What a challenger may use up in all its moves.
    pub challenger_clock_slots: u32,
    /// What the defending side may use up for all that one challenge demands.
    pub defender_clock_slots: u32,
    /// The share of the node's stake that goes with the bond.
    pub slash_bps: u16,
    /// The share of the bond that valid challenges get.
    pub bounty_bps: u16,
    /// What a challenger prepays for each opening.
    pub opening_fee_lamports: u64,
}

impl DisputeTerms {
    /// The terms of a job with this bond that is posted under these parameters.
    pub fn new(parameters: &DisputeParameters, bond: TokenAmount) -> Checked<Self> {
        Ok(Self {
            challenge_bond: challenge_bond(bond, BasisPoints(u32::from(parameters.challenge_bond_bps)))?.0,
            reveal_slots: parameters.reveal_slots,
            challenger_clock_slots: parameters.challenger_clock_slots,
            defender_clock_slots: parameters.defender_clock_slots,
            slash_bps: parameters.slash_bps,
            bounty_bps: parameters.bounty_bps,
            opening_fee_lamports: parameters.opening_fee_lamports,
        })
    }

    /// See [`DisputeParameters::longest_slots`].
    pub fn longest_slots(&self) -> Slots {
        longest_dispute(self.reveal_slots, self.challenger_clock_slots, self.defender_clock_slots)
    }
}

/// What became of the challenges of one job.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisputeRecord {
    /// Challenges that were committed and have not ended.
    pub challenges_open: u32,
    /// Challenges that lost their bond: of them the result was right.
    pub challenges_lost: u32,
    /// Challenges that were right.
    pub valid_claims: u16,
    /// When the job was convicted; 0 if it was not.
    pub convicted_slot: u64,
    /// Key of the claim that convicted (see [`claim_key`](crate::dispute::claim_key)); zero before.
    pub proven_key: [u8; 32],
    /// What was proved.
    pub fault: Fault,
    /// What the stake vault still owes to the valid challenges together, until it is shared out.
    pub bounty: u64,
    /// What the stake vault holds to be burned: lost bonds of challengers, and slashed stake.
    pub burn_credit: u64,
    /// Whether the bounty was shared out.
    pub settled: bool,
}
