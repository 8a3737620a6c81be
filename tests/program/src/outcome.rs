//! What a transaction did, or why it was refused.

use anchor_lang::error::ErrorCode;
use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::{AnchorDeserialize, Discriminator};
use assay::AssayError;
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use solana_sdk::instruction::InstructionError;
use solana_sdk::transaction::TransactionError;
use std::fmt;

/// A transaction that went through.
#[derive(Debug)]
pub struct Outcome {
    /// Compute units of the whole transaction.
    pub compute_units: u64,
    /// The program's log.
    pub logs: Vec<String>,
    events: Vec<Vec<u8>>,
}

impl Outcome {
    pub(crate) fn new(meta: TransactionMetadata) -> Self {
        let inner = meta.inner_instructions.into_iter().flatten();
        let events = inner
            .filter_map(|inner| inner.instruction.data.strip_prefix(EVENT_IX_TAG_LE).map(<[u8]>::to_vec))
            .collect();
        Self { compute_units: meta.compute_units_consumed, logs: meta.logs, events }
    }

    /// The one event that the transaction emitted.
    ///
    /// # Panics
    /// If it emitted none, several, or one of another type.
    pub fn event<E: AnchorDeserialize + Discriminator>(&self) -> E {
        let [event] = &self.events[..] else { panic!("{} events instead of one", self.events.len()) };
        let body = event.strip_prefix(E::DISCRIMINATOR).expect("an event of another type");
        E::try_from_slice(body).expect("an event that cannot be read")
    }
}

/// Why a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A program's error code: ours, Anchor's (below 6,000) or a token program's (below 100).
    Code(u32),
    /// An error of the runtime.
    Runtime(InstructionError),
    /// The transaction was refused before any instruction ran.
    Transaction(TransactionError),
}

impl From<AssayError> for Why {
    fn from(error: AssayError) -> Self {
        Self::Code(error.into())
    }
}

impl From<ErrorCode> for Why {
    fn from(error: ErrorCode) -> Self {
        Self::Code(error.into())
    }
}

impl From<InstructionError> for Why {
    fn from(error: InstructionError) -> Self {
        Self::Runtime(error)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The system program's error for an account that exists where one should be created.
pub const ACCOUNT_IN_USE: Why = Why::Code(0);
/// The token programs' error for an account that holds too little.
pub const TOKEN_INSUFFICIENT_FUNDS: Why = Why::Code(1);
/// The token programs' error for an account of another mint.
pub const TOKEN_MINT_MISMATCH: Why = Why::Code(3);
/// The token programs' error for an account that belongs to somebody else.
pub const TOKEN_OWNER_MISMATCH: Why = Why::Code(4);
/// The token programs' error for a frozen account.
pub const TOKEN_ACCOUNT_FROZEN: Why = Why::Code(17);

/// A transaction that was refused. It changed nothing.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// The program's log.
    pub logs: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(failed: FailedTransactionMetadata) -> Self {
        let why = match failed.err {
            TransactionError::InstructionError(_, InstructionError::Custom(code)) => Why::Code(code),
            TransactionError::InstructionError(_, error) => Why::Runtime(error),
            error => Why::Transaction(error),
        };
        Self { why, logs: failed.meta.logs }
    }
}
