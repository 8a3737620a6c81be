//! Transactions: written down before they are sent, signed anew only when the old one can never land; and what they cost.

use super::{DriveError, Driver, now};
use crate::act;
use crate::docket::Docket;
use crate::failpoint;
use crate::journal::{InFlight, Purpose, Record};
use crate::rules::{self, Move};
use assay_chain::{ChainError, Landed, Outcome, SignedTransaction, TransactionFailure, Urgency};
use solana_sdk::instruction::Instruction;

/// What Solana takes for each signature, those that the ed25519 program checks included.
pub(super) const LAMPORTS_PER_SIGNATURE: u64 = 5_000;

impl Driver {
    /// Makes a move, if every rule allows it and the budget holds.
    pub(super) async fn make(&mut self, docket: &Docket, record: Record, wanted: &Move) -> Result<(), DriveError> {
        let margin = self.shared.terms.window_margin_slots;
        let me = self.shared.terms.me;
        rules::check(docket, &me, wanted, margin).map_err(|broken| stuck(&broken.to_string()))?;
        let context = act::Context {
            docket,
            me,
            stake_mint: self.shared.stake_mint,
            genesis_hash: self.shared.genesis_hash,
            record: Some(&record),
            proof: self.memory.proof.as_deref(),
        };
        let mut last = None;
        // The longer form does more in one transaction; where it does not fit or is refused, the move goes alone.
        for form in act::forms(&context, wanted) {
            match self.promise(record.clone(), act::purpose(wanted), &form.instructions, form.lamports).await {
                Err(DriveError::Refused { code, reason }) => {
                    tracing::debug!(job = %self.address, code, reason, "a longer form was refused");
                    last = Some(DriveError::Refused { code, reason });
                }
                Err(DriveError::Chain(ChainError::TransactionTooLarge { bytes })) => {
                    last = Some(stuck(&format!("V0504 the transaction has {bytes} bytes")));
                }
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| stuck("V0505 no transaction can be built for this move")))
    }

    /// Writes the signed transaction and its fee to the journal, sends it, and notes its fate. `lamports` is what it
    /// prepays besides its fee.
    pub(super) async fn promise(
        &mut self,
        mut record: Record,
        purpose: Purpose,
        instructions: &[Instruction],
        lamports: u64,
    ) -> Result<(), DriveError> {
        let fee = self.fee_lamports(instructions);
        let Some(dispute) = &mut record.dispute else {
            return Err(stuck("V0506 there is no dispute that this transaction could belong to"));
        };
        let needed = fee.saturating_add(lamports);
        self.shared.config.budget.check_move(dispute.costs.budgeted_lamports(), needed)?;
        let sender = self.shared.sender.with_urgency(urgency_of(purpose));
        let signed = match sender.prepare(instructions, &[&self.shared.key]).await {
            Ok(signed) => signed,
            Err(ChainError::TransactionFailed(failure)) => return Err(refused(&failure)),
            Err(error) => return Err(error.into()),
        };
        dispute.costs.fees_lamports = dispute.costs.fees_lamports.saturating_add(fee);
        dispute.costs.opening_lamports = dispute.costs.opening_lamports.saturating_add(lamports);
        record.in_flight =
            Some(InFlight { purpose, signature: signed.signature().to_string(), transaction: signed.to_bytes()? });
        record.last_slot = record.last_slot.max(self.looked);
        self.shared.journal.put_with_fees(&self.address, &record, self.shared.today(), needed)?;
        failpoint::reach(signed_point(purpose));
        self.settle_fate(purpose, &signed).await
    }

    /// Finds out what became of a transaction that was signed earlier, perhaps in another life.
    pub(super) async fn resolve(&mut self) -> Result<(), DriveError> {
        let Some(in_flight) = self.record()?.in_flight else { return Ok(()) };
        let signed = SignedTransaction::from_bytes(&in_flight.transaction)?;
        self.settle_fate(in_flight.purpose, &signed).await
    }

    async fn settle_fate(&mut self, purpose: Purpose, signed: &SignedTransaction) -> Result<(), DriveError> {
        let outcome = self.shared.sender.deliver(signed).await?;
        let receipt = match &outcome {
            Outcome::Landed(landed) => Some(self.receipt(landed).await),
            _ => None,
        };
        let mut record = self.record()?;
        record.in_flight = None;
        if let Some(receipt) = receipt {
            self.looked = self.looked.max(receipt.slot);
            note_costs(&mut record, &receipt);
            if let Some(dispute) = &mut record.dispute {
                dispute.committed |= purpose == Purpose::Commit;
            }
            tracing::info!(
                job = %self.address, ?purpose, slot = receipt.slot, units = receipt.compute_units,
                bytes = receipt.bytes, signature = %signed.signature(), "landed"
            );
        }
        self.save(&mut record)?;
        match outcome {
            Outcome::Landed(_) => {
                failpoint::reach(landed_point(purpose));
                Ok(())
            }
            Outcome::Failed { failure, .. } => Err(refused(&failure)),
            // The chain decides again: the next step is taken from its state.
            Outcome::Expired { .. } => Ok(()),
        }
    }

    /// What a transaction that landed cost, by the chain's own account; where the endpoint does not say, only that it
    /// landed.
    pub(super) async fn receipt(&self, landed: &Landed) -> Landing {
        let nothing = Landing { slot: landed.slot, compute_units: 0, bytes: 0 };
        match self.shared.chain().receipt(&landed.signature, landed.slot).await {
            Ok(receipt) => Landing { slot: landed.slot, compute_units: receipt.compute_units, bytes: receipt.bytes },
            Err(error) => {
                tracing::debug!(%error, "no receipt for a transaction that landed");
                nothing
            }
        }
    }

    /// The most that a transaction of these instructions costs in fees.
    pub(super) fn fee_lamports(&self, instructions: &[Instruction]) -> u64 {
        let checked = instructions.iter().filter(|instruction| instruction.program_id == act::ED25519_PROGRAM).count();
        let signatures = u64::try_from(checked).unwrap_or(u64::MAX).saturating_add(1);
        let priority = self.shared.sender.options().priority_fee.most_lamports();
        LAMPORTS_PER_SIGNATURE.saturating_mul(signatures).saturating_add(priority)
    }

    /// Closes the own buffer.
    pub(super) async fn close_buffer(&mut self, record: Record) -> Result<(), DriveError> {
        let Some(dispute) = &record.dispute else { return Ok(()) };
        let close = [assay_chain::instructions::close_buffer(&self.shared.terms.me, dispute.buffer)];
        self.promise(record, Purpose::Close, &close, 0).await
    }
}

/// A transaction that landed, and what it used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Landing {
    pub(super) slot: u64,
    pub(super) compute_units: u64,
    pub(super) bytes: u64,
}

/// Adds a landed transaction to the costs of the dispute.
pub(super) fn note_costs(record: &mut Record, landing: &Landing) {
    if let Some(dispute) = &mut record.dispute {
        dispute.costs.transactions = dispute.costs.transactions.saturating_add(1);
        dispute.costs.compute_units = dispute.costs.compute_units.saturating_add(landing.compute_units);
        dispute.costs.transaction_bytes = dispute.costs.transaction_bytes.saturating_add(landing.bytes);
        dispute.last_at = now();
    }
}

pub(super) fn stuck(text: &str) -> DriveError {
    let (code, reason) = text.split_once(' ').unwrap_or(("V0500", text));
    DriveError::Stuck { code: code.to_owned(), reason: reason.to_owned() }
}

pub(super) fn refused(failure: &TransactionFailure) -> DriveError {
    let code = failure.assay_error().map(assay_chain::program_error::code).unwrap_or_default();
    DriveError::Refused { code, reason: failure.to_string() }
}

/// A clock of the validator's runs while it proves; what only tidies up can wait.
fn urgency_of(purpose: Purpose) -> Urgency {
    match purpose {
        Purpose::Close => Urgency::Low,
        Purpose::Settle => Urgency::Normal,
        _ => Urgency::High,
    }
}

fn signed_point(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Commit => "after_commit_signed",
        Purpose::Reveal => "after_reveal_signed",
        Purpose::Prove => "after_prove_signed",
        _ => "",
    }
}

fn landed_point(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Commit => "after_commit_landed",
        Purpose::Reveal => "after_reveal_landed",
        Purpose::Prove => "after_prove_landed",
        Purpose::Settle => "after_settle_landed",
        Purpose::Close => "after_close_landed",
        _ => "",
    }
}
