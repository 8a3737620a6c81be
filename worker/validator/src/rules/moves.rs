//! What can be done in a dispute.

use assay::DemandOpeningArgs;
use assay::dispute::Target;
use assay_chain::instructions::Binding;
use solana_sdk::pubkey::Pubkey;

/// A move in a dispute. `me` of [`check`](super::check) is who makes it.
#[derive(Clone, Debug)]
pub enum Move {
    /// Commit a sealed challenge.
    Commit {
        /// What is said to be wrong.
        target: Target,
        /// The own hash there.
        own_hash: [u8; 32],
        /// Blinds the seal.
        salt: [u8; 32],
    },
    /// Reveal the own challenge.
    Reveal {
        /// What was sealed.
        target: Target,
        /// The own hash there.
        own_hash: [u8; 32],
        /// The salt.
        salt: [u8; 32],
    },
    /// Prove the fault.
    Prove {
        /// The proof.
        proof: Vec<u8>,
        /// The segment root that the proof uses: number, root, and the account if it is there already. Without an
        /// account, the operator's signature is recorded in the same transaction.
        segment: Option<ProofSegment>,
    },
    /// Record a segment root that the operator signed.
    RecordRoot(SignedSegment),
    /// Prove that the operator signed this root besides the recorded one.
    ProveEquivocation(SignedSegment),
    /// Demand the root of a segment.
    DemandRoot {
        /// The segment.
        segment: u16,
        /// A tensor that the segment produces, whose descriptor is the witness.
        slot: u16,
        /// The buffer with the witness, where the demand is new.
        witness: Option<Pubkey>,
    },
    /// Demand an opening.
    DemandOpening {
        /// Address of the demand that the opening would be.
        demand: Pubkey,
        /// What binds the place.
        binding: Binding,
        /// What is demanded.
        args: DemandOpeningArgs,
    },
    /// Give the own challenge up.
    Withdraw,
    /// End a challenge whose clock ran out.
    TimeOutChallenger {
        /// The challenge.
        challenge: Pubkey,
    },
    /// End the demand for which the defending side's clock ran out.
    TimeOutDefender {
        /// The challenge that waits for it.
        challenge: Pubkey,
    },
    /// Decide a challenge after a conviction through another one.
    Resolve {
        /// The challenge.
        challenge: Pubkey,
    },
    /// Share the bounty out.
    Settle,
    /// Close a challenge and take what it holds.
    CloseChallenge {
        /// The challenge.
        challenge: Pubkey,
    },
    /// Burn what the dispute leaves to be burned.
    BurnSlash,
    /// Close a demand.
    CloseDemand {
        /// The demand.
        demand: Pubkey,
    },
    /// Close a segment root.
    CloseClaim {
        /// The account.
        claim: Pubkey,
    },
}

/// The segment root that a proof uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofSegment {
    /// The segment.
    pub segment: u16,
    /// Its root.
    pub root: [u8; 32],
    /// The account that holds it, if there is one already.
    pub claim: Option<Pubkey>,
}

/// A segment root that the operator signed, with the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedSegment {
    /// The segment.
    pub segment: u16,
    /// Its root.
    pub root: [u8; 32],
    /// The operator's signature over it.
    pub signature: [u8; 64],
}
