//! The job whose node lies: how the validator catches it, what that takes, and who pays whom.

use super::report::tokens;
use crate::error::CliError;
use crate::local_market::{NodeInfo, ValidatorInfo};
use crate::output::Table;
use assay::state::Job;
use assay_chain::{Chain, Receipt};
use console::style;
use indicatif::HumanCount;
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;

/// Where a mint has its supply.
const SUPPLY_OFFSET: usize = 36;

/// What a conviction changes, at one moment. Base units of the stake mint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// At stake for the node that lies, its bonds included.
    pub(super) stake: u64,
    /// In the validator's own account.
    pub(super) validator: u64,
    /// All that there is.
    pub(super) supply: u64,
}

/// What the validator found and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Caught {
    job: u64,
    /// What is wrong: op, tensor, element, claimed and true value.
    finding: Value,
    /// Bytes of the proof.
    proof_bytes: u64,
    /// Everything that the validator sent, as the chain has it.
    receipts: Vec<Receipt>,
    /// Slots from the commitment of the result to the conviction.
    slots: u64,
    /// What the job's node had locked for it.
    bond: u64,
    before: Holdings,
    after: Holdings,
    /// What the client gets back, base units of the payment mint.
    refund: u64,
}

impl Holdings {
    /// As of now.
    pub(super) async fn of(
        chain: &Chain,
        stake_mint: &Pubkey,
        node: &NodeInfo,
        validator: &ValidatorInfo,
    ) -> Result<Self, CliError> {
        let mint = assay_chain::instructions::TokenMint::spl_token(*stake_mint);
        let account = chain.account(stake_mint).await?.map(|account| account.data).unwrap_or_default();
        let supply = account.get(SUPPLY_OFFSET..SUPPLY_OFFSET + 8).and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            stake: chain.node(&node.address).await?.stake,
            validator: chain.token_balance(&mint.associated_account(&validator.key)).await?.unwrap_or(0),
            supply: supply.map_or(0, u64::from_le_bytes),
        })
    }
}

impl Caught {
    /// Puts together what is known of a convicted job. `record` is the validator's.
    pub(super) fn new(
        job_id: u64,
        job: &Job,
        record: &Value,
        receipts: Vec<Receipt>,
        before: Holdings,
        after: Holdings,
    ) -> Self {
        Self {
            job: job_id,
            finding: record["audit"]["finding"].clone(),
            proof_bytes: record["proof"]["bytes"].as_u64().unwrap_or(0),
            slots: job.record.convicted_slot.saturating_sub(job.committed_slot),
            bond: job.bond,
            refund: job.price_max,
            receipts,
            before,
            after,
        }
    }

    pub(super) fn transactions(&self) -> usize {
        self.receipts.len()
    }

    pub(super) fn compute_units(&self) -> u64 {
        self.receipts.iter().map(|receipt| receipt.compute_units).sum()
    }

    fn bytes(&self) -> u64 {
        self.receipts.iter().map(|receipt| receipt.bytes).sum()
    }

    fn fees(&self) -> u64 {
        self.receipts.iter().map(|receipt| receipt.fee_lamports).sum()
    }

    /// What was wrong and what it took to prove it.
    pub(super) fn words(&self) -> String {
        let Self { finding, .. } = self;
        let coordinates: Vec<String> =
            finding["coordinates"].as_array().into_iter().flatten().map(Value::to_string).collect();
        let place = format!(
            "op {} ({}), tensor {}, element {} at [{}]: the node says {}, the op gives {}",
            finding["op"],
            finding["kind"].as_str().unwrap_or("?"),
            finding["tensor"],
            finding["element"],
            coordinates.join(", "),
            finding["claimed"],
            finding["computed"],
        );
        format!(
            "  job {}  {}\n  {} slots from the commitment to the conviction; a proof of {} bytes; in all {} transactions, \
             {} compute units, {} bytes, {} lamports of fees",
            self.job,
            style(place).red(),
            self.slots,
            self.proof_bytes,
            self.transactions(),
            HumanCount(self.compute_units()),
            HumanCount(self.bytes()),
            HumanCount(self.fees()),
        )
    }

    /// Every transaction of the dispute.
    pub(super) fn transaction_table(&self) -> Table {
        let mut table = Table::new(&["slot", "transaction", "compute units", "bytes"]);
        for receipt in &self.receipts {
            let failed = if receipt.failed { " (failed)" } else { "" };
            table.row([
                receipt.slot.to_string(),
                format!("{}{failed}", instruction_words(&receipt.instructions)),
                HumanCount(receipt.compute_units).to_string(),
                receipt.bytes.to_string(),
            ]);
        }
        table
    }

    /// Who paid whom.
    pub(super) fn payment_table(&self) -> Table {
        let taken = self.before.stake.saturating_sub(self.after.stake);
        let bounty = self.after.validator.saturating_sub(self.before.validator);
        let burned = self.before.supply.saturating_sub(self.after.supply);
        let mut table = Table::new(&["who", "what", "tokens"]);
        for (who, what, sign, amount) in [
            ("node-c", "bond of the job", '-', self.bond),
            ("node-c", "slashed of its stake", '-', taken.saturating_sub(self.bond)),
            ("validator", "bounty; its own bond came back", '+', bounty),
            ("nobody", "burned", '+', burned),
            ("client", "the whole escrow back", '+', self.refund),
        ] {
            table.row([who.to_owned(), what.to_owned(), format!("{sign}{}", tokens(amount))]);
        }
        table
    }

    /// Whether what the node lost is what the validator got and what was burned, to the last unit.
    pub(super) fn balances(&self) -> bool {
        let lost = self.before.stake.checked_sub(self.after.stake);
        let bounty = self.after.validator.checked_sub(self.before.validator);
        let burned = self.before.supply.checked_sub(self.after.supply);
        lost.is_some() && bounty.zip(burned).and_then(|(bounty, burned)| bounty.checked_add(burned)) == lost
    }
}

/// `OpenBuffer, WriteBuffer, WriteBuffer` as `open buffer, write buffer (2)`.
fn instruction_words(names: &[String]) -> String {
    let mut words: Vec<(String, u32)> = Vec::new();
    for name in names {
        let mut word = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !word.is_empty() {
                word.push(' ');
            }
            word.extend(letter.to_lowercase());
        }
        match words.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => words.push((word, 1)),
        }
    }
    let with_count =
        |(word, count): &(String, u32)| if *count > 1 { format!("{word} ({count})") } else { word.clone() };
    words.iter().map(with_count).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_words() {
        let names = ["OpenBuffer", "WriteBuffer", "WriteBuffer", "Prove"].map(str::to_owned);
        assert_eq!(instruction_words(&names), "open buffer, write buffer (2), prove");
        assert_eq!(instruction_words(&[]), "");
    }

    #[test]
    fn what_the_node_lost_is_accounted_for_to_the_last_unit() {
        let before = Holdings { stake: 100, validator: 10, supply: 1_000 };
        let caught = |after| Caught {
            job: 1,
            finding: Value::Null,
            proof_bytes: 0,
            receipts: Vec::new(),
            slots: 0,
            bond: 0,
            before,
            after,
            refund: 0,
        };
        assert!(caught(Holdings { stake: 40, validator: 30, supply: 960 }).balances());
        assert!(!caught(Holdings { stake: 40, validator: 30, supply: 961 }).balances());
        assert!(!caught(Holdings { stake: 40, validator: 9, supply: 939 }).balances());
    }
}
