//! What the service needs of the chain, and nothing else: so that the life of a job can be tested without one.

use crate::defence::duties::Dispute;
use crate::identity::Statement;
use crate::journal::{HeldVoucher, InFlight, Purpose, SessionPurpose};
use assay::fairness::seed::Found;
use assay::session::Receipt;
use assay::state::{Challenge, Demand, Job, Node, Parameters, PaymentMint, Profile, SegmentClaim, Session};
use assay_chain::{EndpointReport, Paid, Traffic};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::transaction::Transaction;
use std::future::Future;

/// An account as it was at a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    /// The confirmed slot that the answer speaks of: deadlines are compared with this one, never with another source's.
    pub slot: u64,
    /// The account; `None` when there is none.
    pub account: Option<T>,
}

/// What one RPC endpoint says of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointView {
    /// Which endpoint, without what keys its address holds.
    pub endpoint: String,
    /// The confirmed slot that its answer speaks of.
    pub slot: u64,
    /// Tells its cluster from others.
    pub genesis_hash: [u8; 32],
    /// A hash of this node's account at that slot; nothing if it has none.
    pub node: Option<[u8; 32]>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in a confirmed block and did what it should.
    Landed {
        /// In which slot.
        slot: u64,
    },
    /// It was refused, by the program or before; it changed nothing and never will.
    Failed {
        /// Stable code, if the program gave one.
        code: String,
        /// In words.
        reason: String,
    },
    /// Its blockhash is too old: it can never land.
    Expired,
}

/// What signing gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed<P = Purpose> {
    /// Ready to be written down, then sent.
    Ready(InFlight<P>),
    /// The simulation refused it: nothing was signed, and nothing is owed.
    Refused {
        /// Stable code, if the program gave one.
        code: String,
        /// In words.
        reason: String,
    },
}

/// The chain cannot be asked, or told, anything at present.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("N0301 the RPC endpoint does not answer: {reason}; the node tries again")]
pub struct Unreachable {
    /// What the client said.
    pub reason: String,
}

/// How the RPC endpoints are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RpcUse {
    /// What went over each so far, in the order of the settings.
    pub traffic: Vec<Traffic>,
    /// How each is doing, in the same order.
    pub endpoints: Vec<EndpointReport>,
    /// How often another one was taken into use.
    pub failovers: u64,
    /// What transactions that landed cost since the start.
    pub paid: Paid,
}

/// One node's view of the market.
pub trait Market: Send + Sync + 'static {
    /// The job's account at a slot not before `minimum_slot`: an endpoint that lags behind it counts as unreachable.
    fn job(&self, job: &Pubkey, minimum_slot: u64) -> impl Future<Output = Result<Seen<Job>, Unreachable>> + Send;

    /// This node's account at a slot not before `minimum_slot`.
    fn node(&self, minimum_slot: u64) -> impl Future<Output = Result<Seen<Node>, Unreachable>> + Send;

    /// The network's parameters at a slot not before `minimum_slot`.
    fn parameters(&self, minimum_slot: u64) -> impl Future<Output = Result<Parameters, Unreachable>> + Send;

    /// The first slot in which the network takes new work again; in the past, or 0, if nobody pauses it.
    fn paused_until_slot(&self) -> impl Future<Output = Result<u64, Unreachable>> + Send;

    /// What went over each endpoint so far, how each is doing, and what was paid.
    fn rpc(&self) -> RpcUse {
        RpcUse::default()
    }

    /// What each endpoint says at present, in the order of the settings; nothing for one that does not answer.
    fn endpoint_views(&self) -> impl Future<Output = Vec<Option<EndpointView>>> + Send {
        std::future::ready(Vec::new())
    }

    /// What the chain remembers of the first slot present at or after `wanted`; nothing while there is none.
    fn remembered(&self, wanted: u64) -> impl Future<Output = Result<Option<Found>, Unreachable>> + Send;

    /// Simulates and signs what carries out `action` with the operator's key. It is not sent.
    fn sign(
        &self,
        address: &Pubkey,
        job: &Job,
        action: &Action,
    ) -> impl Future<Output = Result<Signed, Unreachable>> + Send;

    /// The operator's signature over the root of a segment, in the form that the program checks; nothing if this node's
    /// key is not the one that the job pins. The caller has the root on disk, and never asks for a second one.
    fn sign_segment(&self, address: &Pubkey, job: &Job, segment: u16, root: &[u8; 32]) -> Option<[u8; 64]>;

    /// The session's account at a slot not before `minimum_slot`.
    fn session(
        &self,
        session: &Pubkey,
        minimum_slot: u64,
    ) -> impl Future<Output = Result<Seen<Session>, Unreachable>> + Send;

    /// Simulates and signs what carries out `action` with the operator's key. It is not sent.
    fn sign_session(
        &self,
        address: &Pubkey,
        session: &Session,
        action: &SessionAction,
    ) -> impl Future<Output = Result<Signed<SessionPurpose>, Unreachable>> + Send;

    /// The operator's signature over a receipt, in the form that the program checks; nothing if this node's key is not
    /// `operator`, the one that the session pins. The caller has the receipt on disk, and never asks for another one of its
    /// sequence.
    fn sign_receipt(&self, operator: &Pubkey, receipt: &Receipt) -> Option<[u8; 64]>;

    /// The operator's signature over a statement of identity, which promises nothing.
    fn sign_identity(&self, statement: &Statement) -> [u8; 64];

    /// Tells this cluster from others in what is signed.
    fn genesis_hash(&self) -> [u8; 32];

    /// Sends signed bytes, again and again, until their fate is known. Sending what has already landed is harmless.
    fn submit<P: Sync>(&self, transaction: &InFlight<P>) -> impl Future<Output = Result<Fate, Unreachable>> + Send;

    /// Sends a transaction that a client signed, for as long as it can land, and waits for its fate. It names nothing of this
    /// node's that could be spent: the caller has checked it. Sending what has already landed is harmless.
    fn settle(&self, transaction: &Transaction) -> impl Future<Output = Result<Fate, Unreachable>> + Send;

    /// The network's record of a payment mint; nothing if it has none.
    fn payment_mint(&self, mint: &Pubkey) -> impl Future<Output = Result<Option<PaymentMint>, Unreachable>> + Send;

    /// The key that this node acts with.
    fn operator(&self) -> Pubkey;

    /// What that key holds.
    fn balance_lamports(&self) -> impl Future<Output = Result<u64, Unreachable>> + Send;

    /// Says something of the node itself in one transaction, and waits for its fate. Saying it again is harmless.
    fn keep_up(&self, upkeep: &Upkeep) -> impl Future<Output = Result<CarriedOut, Unreachable>> + Send;

    /// What a transaction of this node can cost at most, rents not counted.
    fn most_fee_lamports(&self) -> u64;

    /// Challenges and demands of a job, at the slot that comes with them, which is not before `minimum_slot`.
    fn dispute(
        &self,
        job: &Pubkey,
        minimum_slot: u64,
    ) -> impl Future<Output = Result<(u64, Dispute), Unreachable>> + Send;

    /// The roots of a job's segments that somebody stands for.
    fn segment_claims(
        &self,
        job: &Pubkey,
        minimum_slot: u64,
    ) -> impl Future<Output = Result<Vec<(Pubkey, SegmentClaim)>, Unreachable>> + Send;

    /// A demand.
    fn demand(
        &self,
        address: &Pubkey,
        minimum_slot: u64,
    ) -> impl Future<Output = Result<Option<Demand>, Unreachable>> + Send;

    /// This node's buffer with this number.
    fn buffer(&self, id: u64, minimum_slot: u64)
    -> impl Future<Output = Result<Option<OwnBuffer>, Unreachable>> + Send;

    /// Carries out moves of a dispute in one transaction, and waits for its fate. All of them say something about the chain
    /// that is either still to be done or refused, so that repeating them is harmless. `due_slot` is when an answer in the
    /// job's disputes is due, if one is: the less is left, the more is paid to be in time.
    fn carry_out(
        &self,
        job: &Pubkey,
        moves: &[Move],
        due_slot: Option<u64>,
    ) -> impl Future<Output = Result<CarriedOut, Unreachable>> + Send;
}

/// A buffer of this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnBuffer {
    /// The demand that holds it, if one does.
    pub held_by: Option<Pubkey>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// That it is there.
    Heartbeat,
    /// What it can do, how fast, where, and for how much.
    Profile(Profile),
}

/// One instruction of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Record the root of a segment with this node's signature over it.
    RecordRoot {
        /// The segment.
        segment: u16,
        /// Its root.
        root: [u8; 32],
    },
    /// Open a buffer.
    OpenBuffer {
        /// This node's number for it.
        id: u64,
        /// How much it holds.
        bytes: u32,
    },
    /// Write into a buffer.
    WriteBuffer {
        /// This node's number for it.
        id: u64,
        /// Where the bytes go.
        offset: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Answer a demand with what is in a buffer.
    Answer {
        /// Address of the demand.
        address: Pubkey,
        /// The demand.
        demand: Box<Demand>,
        /// This node's number for the buffer.
        id: u64,
    },
    /// Close a buffer that no demand holds.
    CloseBuffer {
        /// This node's number for it.
        id: u64,
    },
    /// End a challenge whose challenger is out of time.
    TimeOut {
        /// The challenge as it is now.
        challenge: Box<Challenge>,
    },
    /// Close a demand of a job that is over, which lets the buffer of its answer go.
    CloseDemand {
        /// Address of the demand.
        address: Pubkey,
        /// The demand.
        demand: Box<Demand>,
    },
    /// Close this node's signed root of a job that is over.
    CloseClaim {
        /// Address of the claim.
        address: Pubkey,
        /// The claim.
        claim: Box<SegmentClaim>,
    },
}

/// What became of moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarriedOut {
    /// They are in a confirmed block.
    Landed {
        /// In which slot.
        slot: u64,
        /// What the transaction cost.
        fee_lamports: u64,
    },
    /// They were refused, or their time ran out; they changed nothing.
    Refused {
        /// Stable code, if the program gave one.
        code: String,
        /// In words.
        reason: String,
    },
}

/// A purpose with what its instruction needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Claim the job.
    Claim {
        /// Whether the seed is sealed in the same transaction, because nobody did.
        seal: bool,
    },
    /// Commit to a result.
    Commit {
        /// Root of the boundary list.
        boundary_root: [u8; 32],
        /// Root of the output tensor.
        output_root: [u8; 32],
        /// Path of the output in the boundary tree.
        output_path: Vec<[u8; 32]>,
        /// Artifact that lists the boundary tensors.
        manifest: [u8; 32],
    },
    /// End the challenge window, of a job or of a receipt that was called in.
    Finalise,
    /// Move the payment to the payee's associated token account.
    Withdraw,
    /// End a claim whose deadline has passed, which frees what the miss left of the bond.
    Expire,
}

impl Action {
    /// The purpose that the journal records.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Claim { .. } => Purpose::Claim,
            Self::Commit { .. } => Purpose::Commit,
            Self::Finalise => Purpose::Finalise,
            Self::Withdraw => Purpose::Withdraw,
            Self::Expire => Purpose::Expire,
        }
    }
}

/// A purpose in a session with what its instruction needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAction {
    /// Accept the session.
    Accept,
    /// Record a voucher.
    Record(HeldVoucher),
    /// Settle the session.
    Finalise,
    /// Move the payment to the payee's associated token account.
    Withdraw,
}

impl SessionAction {
    /// The purpose that the journal records.
    pub fn purpose(&self) -> SessionPurpose {
        match self {
            Self::Accept => SessionPurpose::Accept,
            Self::Record(_) => SessionPurpose::Record,
            Self::Finalise => SessionPurpose::Finalise,
            Self::Withdraw => SessionPurpose::Withdraw,
        }
    }
}
