//! Events of sessions and of receipts that are called in. A conviction is announced as that of a job.

use anchor_lang::prelude::*;

/// A session was opened.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOpened {
    /// The session.
    pub session: Pubkey,
    /// Who opened it.
    pub client: Pubkey,
    /// The client's number for it.
    pub session_id: u64,
    /// The node that it is offered to.
    pub node: Pubkey,
    /// The mint of price and balance.
    pub payment_mint: Pubkey,
    /// The graph to keep warm.
    pub graph_root: [u8; 32],
    /// What one request costs, in base units of the payment mint.
    pub price: u64,
    /// What is escrowed, in base units of the payment mint.
    pub balance: u64,
    /// What the node locks, in base units of the stake mint.
    pub bond: u64,
    /// Last slot at which the node can accept.
    pub last_accept_slot: u64,
}

/// The client took an offer back.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCancelled {
    /// The session.
    pub session: Pubkey,
    /// Owed to the client.
    pub client_credit: u64,
}

/// The node did not accept in time.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionExpired {
    /// The session.
    pub session: Pubkey,
    /// Owed to the client.
    pub client_credit: u64,
}

/// The node accepted a session.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionAccepted {
    /// The session.
    pub session: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The key that signs receipts.
    pub operator: Pubkey,
    /// What the node locked, in base units of the stake mint.
    pub bond: u64,
    /// The last slot of serving.
    pub ends_slot: u64,
}

/// A party ended the serving of a session.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnded {
    /// The session.
    pub session: Pubkey,
    /// The last slot of serving.
    pub ends_slot: u64,
    /// The last slot of vouchers and receipts.
    pub last_closing_slot: u64,
}

/// A voucher was recorded.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherRecorded {
    /// The session.
    pub session: Pubkey,
    /// What the session pays so far, in base units of the payment mint.
    pub paid: u64,
}

/// A receipt was called in: it is a job with a committed result now.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptOpened {
    /// The session.
    pub session: Pubkey,
    /// The job that the receipt became.
    pub job: Pubkey,
    /// The node that signed it.
    pub node: Pubkey,
    /// Who called it in.
    pub caller: Pubkey,
    /// The client's number for the request.
    pub sequence: u64,
    /// Hash over job, node and boundary root.
    pub commitment: [u8; 32],
    /// Root over the boundary tensors.
    pub boundary_root: [u8; 32],
    /// Last slot at which it can be challenged.
    pub last_challenge_slot: u64,
}

/// The session's client said where inputs and result of a receipt are.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptAmended {
    /// The session.
    pub session: Pubkey,
    /// The receipt.
    pub job: Pubkey,
    /// SHA-256 of the manifest of the result.
    pub result_manifest: [u8; 32],
}

/// A receipt that was called in stood.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptStood {
    /// The session.
    pub session: Pubkey,
    /// The receipt.
    pub job: Pubkey,
    /// The node that signed it.
    pub node: Pubkey,
}

/// A receipt that had ended was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptClosed {
    /// The session.
    pub session: Pubkey,
    /// The receipt.
    pub job: Pubkey,
    /// Who had called it in and received the rent.
    pub caller: Pubkey,
}

/// A session was settled.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettled {
    /// The session.
    pub session: Pubkey,
    /// The node.
    pub node: Pubkey,
    /// The greatest voucher.
    pub paid: u64,
    /// Owed to the node's withdraw authority.
    pub node_credit: u64,
    /// Owed to the client.
    pub client_credit: u64,
    /// Owed to the protocol.
    pub fee_credit: u64,
}

/// A credit of a session was paid out.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCreditWithdrawn {
    /// The session.
    pub session: Pubkey,
    /// Who was owed.
    pub payee: Pubkey,
    /// Base units of the payment mint.
    pub amount: u64,
    /// The token account that received them.
    pub destination: Pubkey,
}

/// A session was removed.
#[event]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClosed {
    /// The session.
    pub session: Pubkey,
    /// Who received the rent.
    pub client: Pubkey,
    /// The protocol's fee, moved to the fee vault with the surplus.
    pub fee: u64,
    /// What the vault held beyond its debts.
    pub surplus: u64,
}
