//! Sending transactions so that each lands at most once and nothing that landed is ever called failed.
//!
//! A transaction is signed once. The same bytes are sent again until they are confirmed or their blockhash has expired;
//! only then may a caller sign anew. Where there are several endpoints, all of them get the bytes, and none of them is believed alone.
//! Between signing and sending, a caller can store the bytes ([`Sender::send_promised`]):
//! after a crash, [`Sender::deliver`] with the stored bytes finds out what became of them and, if they can still land,
//! sends them again.

mod deliver;
mod foreign;
mod prepare;
mod signed;
mod testimony;

pub use foreign::read_transaction;
pub use prepare::Simulation;
pub(crate) use prepare::{MAXIMUM_TRANSACTION_BYTES, sign, wire_bytes};
pub use signed::SignedTransaction;

use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::failure::TransactionFailure;
use crate::fees::{PriorityFee, Urgency};
use solana_sdk::{instruction::Instruction, signature::Keypair, signature::Signature};
use std::time::Duration;

/// What a transaction pays for each signature that it has, or that a program verifies for it.
pub const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// How transactions are built and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// What to pay for priority.
    pub priority_fee: PriorityFee,
    /// How soon transactions have to land: under the market's rule, the more urgent ones offer more.
    pub urgency: Urgency,
    /// How much more than the simulation used is allowed, in percent.
    pub compute_margin_percent: u32,
    /// How often the status is asked for.
    pub poll_interval: Duration,
    /// How often the same bytes are sent again.
    pub resend_interval: Duration,
    /// How long all endpoints may be unreachable before the outcome is reported as unknown.
    pub patience: Duration,
    /// How long one of several endpoints is not believed that a transaction expired while the others do not answer.
    pub second_opinion: Duration,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            priority_fee: PriorityFee::None,
            urgency: Urgency::Normal,
            compute_margin_percent: 10,
            poll_interval: Duration::from_millis(200),
            resend_interval: Duration::from_secs(2),
            patience: Duration::from_secs(120),
            second_opinion: Duration::from_secs(30),
        }
    }
}

/// What became of a transaction. All three are final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is confirmed and did what it says.
    Landed(Landed),
    /// A program refused it. If it landed, it cost the fee and changed nothing else; if not, it was never accepted.
    Failed {
        /// Why.
        failure: TransactionFailure,
        /// Where it landed, if it did.
        landed: Option<Landed>,
    },
    /// Its blockhash expired before it landed; it can never land any more.
    Expired {
        /// Signature of the transaction.
        signature: Signature,
    },
}

/// Where a transaction landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its signature.
    pub signature: Signature,
    /// The slot of its block.
    pub slot: u64,
}

impl Outcome {
    /// The success, or the error that says why there is none (`C0120`, `C0121`).
    pub fn into_result(self) -> Result<Landed> {
        match self {
            Self::Landed(landed) => Ok(landed),
            Self::Failed { failure, .. } => Err(ChainError::TransactionFailed(Box::new(failure))),
            Self::Expired { signature } => Err(ChainError::TransactionExpired { signature }),
        }
    }
}

/// Builds, signs, sends and confirms transactions; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    chain: Chain,
    options: SendOptions,
}

/// How often [`Sender::execute`] signs anew after an expiry.
const EXECUTE_ATTEMPTS: u32 = 3;

impl Sender {
    /// A sender over `chain`.
    pub fn new(chain: Chain, options: SendOptions) -> Self {
        Self { chain, options }
    }

    /// The connection.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The options.
    pub fn options(&self) -> &SendOptions {
        &self.options
    }

    /// The same for transactions of another urgency.
    pub fn with_urgency(&self, urgency: Urgency) -> Self {
        Self { chain: self.chain.clone(), options: SendOptions { urgency, ..self.options } }
    }

    /// Simulates, signs, sends once signed, and waits for the outcome. The first signer pays the fee.
    ///
    /// What the simulation refuses is `Outcome::Failed` without a signature having been made. `C0122` when the endpoint
    /// stays unreachable: the outcome is then open.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Outcome> {
        self.send_promised(instructions, signers, |_| Ok(())).await
    }

    /// As [`Sender::send`], but hands the signed transaction to `on_signed` before its first byte leaves. If that fails,
    /// nothing is sent (`C0124`).
    pub async fn send_promised(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        on_signed: impl FnOnce(&SignedTransaction) -> std::result::Result<(), String>,
    ) -> Result<Outcome> {
        let signed = match self.prepare(instructions, signers).await {
            Err(ChainError::TransactionFailed(failure)) => {
                return Ok(Outcome::Failed { failure: *failure, landed: None });
            }
            prepared => prepared?,
        };
        on_signed(&signed).map_err(|reason| ChainError::PromiseNotStored { reason })?;
        self.deliver_fresh(&signed).await
    }

    /// Sends until it lands: after an expiry it signs anew, a few times. For what may simply be done, with no promise to
    /// remember. Anything but success is an error.
    pub async fn execute(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Landed> {
        let mut attempt = 1;
        loop {
            match self.send(instructions, signers).await? {
                Outcome::Expired { signature } if attempt < EXECUTE_ATTEMPTS => {
                    tracing::info!(%signature, attempt, "expired before it landed: signing anew");
                    attempt += 1;
                }
                outcome => return outcome.into_result(),
            }
        }
    }
}
