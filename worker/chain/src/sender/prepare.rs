//! From instructions to a signed transaction: simulate, size, price, sign.

use super::{Sender, SignedTransaction};
use crate::backoff::retry_read;
use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::failure::TransactionFailure;
use crate::fees::MAXIMUM_COMPUTE_UNITS;
use futures_util::future::join_all;
use solana_client::rpc_config::RpcSimulateTransactionConfig;
use solana_commitment_config::CommitmentConfig;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::transaction::{Transaction, TransactionError};
use solana_sdk::{hash::Hash, instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};

/// What a packet carries.
pub(crate) const MAXIMUM_TRANSACTION_BYTES: usize = 1_232;
/// Added to the simulated units besides the margin, so that small figures have room too.
const COMPUTE_UNITS_SLACK: u64 = 1_000;

/// The compute budget of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    units: u32,
    micro_lamports_per_unit: u64,
}

impl Budget {
    /// The instructions in front of the caller's. Both are always there, so that a simulation counts what will run.
    fn with(self, instructions: &[Instruction]) -> Vec<Instruction> {
        let mut all = vec![
            ComputeBudgetInstruction::set_compute_unit_limit(self.units),
            ComputeBudgetInstruction::set_compute_unit_price(self.micro_lamports_per_unit),
        ];
        all.extend_from_slice(instructions);
        all
    }
}

/// What a simulation that succeeded found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Compute units used, those of the compute budget instructions included.
    pub compute_units: u64,
    /// What the programs logged.
    pub logs: Vec<String>,
}

impl Sender {
    /// Runs the instructions without sending them. `C0120` with the program's reason when they would be refused; where there are
    /// several endpoints, one that has come less far does not decide that.
    pub async fn simulate(&self, instructions: &[Instruction], payer: &Pubkey) -> Result<Simulation> {
        let budget = Budget { units: MAXIMUM_COMPUTE_UNITS, micro_lamports_per_unit: 0 };
        let with_budget = budget.with(instructions);
        let transaction = Transaction::new_with_payer(&with_budget, Some(payer));
        check_size(&transaction)?;
        let mut run = retry_read(|| simulate_once(&self.chain, &transaction)).await?;
        if run.error.is_some() {
            // What an endpoint refuses because it has not seen the latest accounts, another one may not.
            let circle = self.chain.circle();
            let others = circle.iter().skip(1).map(|chain| simulate_once(chain, &transaction));
            let fresher = join_all(others).await.into_iter().flatten().max_by_key(|other| other.slot);
            run = fresher.filter(|other| other.slot > run.slot).unwrap_or(run);
        }
        let Run { error, logs, compute_units, .. } = run;
        if let Some(error) = error {
            let programs: Vec<_> = with_budget.iter().map(|instruction| instruction.program_id).collect();
            let failure = TransactionFailure::new(error, logs, &programs);
            return Err(ChainError::TransactionFailed(Box::new(failure)));
        }
        Ok(Simulation { compute_units: compute_units.unwrap_or(u64::from(MAXIMUM_COMPUTE_UNITS)), logs })
    }

    /// Simulates and signs; nothing leaves. The first signer pays the fee.
    ///
    /// `C0120` when a program would refuse, `C0123` when a signer is missing, `C0126` when it does not fit a packet.
    pub async fn prepare(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<SignedTransaction> {
        let payer = signers
            .first()
            .map(|keypair| keypair.pubkey())
            .ok_or_else(|| ChainError::SigningFailed { reason: "there is no signer to pay the fee".to_owned() })?;
        let simulation = self.simulate(instructions, &payer).await?;
        let units = compute_limit(simulation.compute_units, self.options.compute_margin_percent);
        let micro_lamports_per_unit = self.price(instructions, units).await?;
        let blockhash = self.chain.recent_blockhash().await?;
        let budget = Budget { units, micro_lamports_per_unit };
        let transaction = sign(&budget.with(instructions), &payer, signers, blockhash.hash)?;
        Ok(SignedTransaction { transaction, last_valid_block_height: blockhash.last_valid_block_height })
    }

    async fn price(&self, instructions: &[Instruction], units: u32) -> Result<u64> {
        let fee = self.options.priority_fee;
        let mut lately = Vec::new();
        if fee.asks_the_market() {
            let written = written_accounts(instructions);
            let recent = retry_read(|| async {
                self.chain.rpc().get_recent_prioritization_fees(&written).await.map_err(|error| self.chain.error(error))
            });
            lately = recent.await?.into_iter().map(|slot| slot.prioritization_fee).collect();
        }
        Ok(fee.price(self.options.urgency, lately, units))
    }
}

/// What a simulation came to.
struct Run {
    /// The slot that it saw.
    slot: u64,
    error: Option<TransactionError>,
    logs: Vec<String>,
    compute_units: Option<u64>,
}

async fn simulate_once(chain: &Chain, transaction: &Transaction) -> Result<Run> {
    let config = RpcSimulateTransactionConfig {
        sig_verify: false,
        replace_recent_blockhash: true,
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcSimulateTransactionConfig::default()
    };
    let answer = chain.rpc().simulate_transaction_with_config(transaction, config).await;
    let answer = answer.map_err(|error| chain.error(error))?;
    Ok(Run {
        slot: answer.context.slot,
        error: answer.value.err.map(Into::into),
        logs: answer.value.logs.unwrap_or_default(),
        compute_units: answer.value.units_consumed,
    })
}

/// Signs `instructions` as they are. `C0123` when a signer is missing, `C0126` when they do not fit a packet.
pub(crate) fn sign(
    instructions: &[Instruction],
    payer: &Pubkey,
    signers: &[&Keypair],
    blockhash: Hash,
) -> Result<Transaction> {
    let mut transaction = Transaction::new_with_payer(instructions, Some(payer));
    check_size(&transaction)?;
    transaction
        .try_sign(signers, blockhash)
        .map_err(|error| ChainError::SigningFailed { reason: error.to_string() })?;
    Ok(transaction)
}

/// Size of a transaction on the wire; the signatures count even while they are missing.
pub(crate) fn wire_bytes(transaction: &Transaction) -> Result<usize> {
    let signed = Transaction {
        signatures: vec![Default::default(); usize::from(transaction.message.header.num_required_signatures)],
        message: transaction.message.clone(),
    };
    let bytes =
        bincode::serialized_size(&signed).map_err(|error| ChainError::SigningFailed { reason: error.to_string() })?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn check_size(transaction: &Transaction) -> Result<()> {
    let bytes = wire_bytes(transaction)?;
    if bytes > MAXIMUM_TRANSACTION_BYTES {
        return Err(ChainError::TransactionTooLarge { bytes });
    }
    Ok(())
}

/// What a transaction may use when its simulation used `units`.
fn compute_limit(units: u64, margin_percent: u32) -> u32 {
    let margin = u128::from(units) * u128::from(margin_percent) / 100;
    let limit = u128::from(units) + margin + u128::from(COMPUTE_UNITS_SLACK);
    u32::try_from(limit).unwrap_or(u32::MAX).min(MAXIMUM_COMPUTE_UNITS)
}

fn written_accounts(instructions: &[Instruction]) -> Vec<Pubkey> {
    let mut written: Vec<_> = instructions
        .iter()
        .flat_map(|instruction| &instruction.accounts)
        .filter(|account| account.is_writable)
        .map(|account| account.pubkey)
        .collect();
    written.sort_unstable();
    written.dedup();
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compute_limit_has_a_margin_and_a_ceiling() {
        assert_eq!(compute_limit(0, 10), 1_000);
        assert_eq!(compute_limit(20_000, 10), 23_000);
        assert_eq!(compute_limit(20_000, 0), 21_000);
        assert_eq!(compute_limit(1_390_000, 10), MAXIMUM_COMPUTE_UNITS);
        assert_eq!(compute_limit(u64::MAX, u32::MAX), MAXIMUM_COMPUTE_UNITS);
    }

    #[test]
    fn a_transaction_that_does_not_fit_is_refused_before_signing() {
        let payer = Keypair::new();
        let long = Instruction::new_with_bytes(Pubkey::new_unique(), &[0; 1_200], vec![]);
        let error = sign(&[long], &payer.pubkey(), &[&payer], Hash::default()).unwrap_err();
        assert_eq!(error.code(), "C0126");
    }

    #[test]
    fn a_missing_signer_is_named_as_such() {
        let (payer, other) = (Keypair::new(), Keypair::new());
        let transfer = solana_system_interface::instruction::transfer(&other.pubkey(), &payer.pubkey(), 1);
        let error = sign(&[transfer], &payer.pubkey(), &[&payer], Hash::default()).unwrap_err();
        assert_eq!(error.code(), "C0123");
    }

    #[test]
    fn the_size_counts_signatures_that_are_still_missing() {
        let payer = Keypair::new();
        let transfer = solana_system_interface::instruction::transfer(&payer.pubkey(), &Pubkey::new_unique(), 1);
        let unsigned = Transaction::new_with_payer(std::slice::from_ref(&transfer), Some(&payer.pubkey()));
        let signed = sign(&[transfer], &payer.pubkey(), &[&payer], Hash::default()).unwrap();
        assert_eq!(wire_bytes(&unsigned).unwrap(), bincode::serialize(&signed).unwrap().len());
    }
}
