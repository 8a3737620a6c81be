//! What became of transactions and what they cost, as the chain itself remembers it.
//!
//! Everything that is said about the price of a dispute is counted here, from the blocks, and not by whoever sent the
//! transactions.

use crate::backoff::retry_read;
use crate::chain::Chain;
use crate::error::{ChainError, Result};
use serde_json::{Value, json};
use solana_client::rpc_request::RpcRequest;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

/// Signatures that one request may return.
const PAGE: usize = 1_000;

/// A transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its first signature.
    pub signature: Signature,
    /// The slot of its block.
    pub slot: u64,
    /// Whether it failed: it cost the fee and changed nothing else.
    pub failed: bool,
    /// What it cost whoever paid for it.
    pub fee_lamports: u64,
    /// What it used.
    pub compute_units: u64,
    /// Its length.
    pub bytes: u64,
    /// Names of the program's instructions in it, in their order.
    pub instructions: Vec<String>,
}

impl Chain {
    /// Receipts of every transaction since `first_slot` that names `address`, the earliest first.
    pub async fn receipts(&self, address: &Pubkey, first_slot: u64) -> Result<Vec<Receipt>> {
        let mut receipts = Vec::new();
        for (signature, slot) in self.signatures(address, first_slot).await? {
            receipts.push(self.receipt(&signature, slot).await?);
        }
        receipts.sort_by_key(|receipt| receipt.slot);
        Ok(receipts)
    }

    /// The receipt of a transaction that landed in `slot`.
    pub async fn receipt(&self, signature: &Signature, slot: u64) -> Result<Receipt> {
        let parameters = json!([
            signature.to_string(),
            { "encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 },
        ]);
        let answer = self.ask(RpcRequest::GetTransaction, &parameters).await?;
        receipt(*signature, slot, &answer).ok_or_else(|| ChainError::RpcRefused {
            endpoint: self.endpoint().shown(),
            request: RpcRequest::GetTransaction.to_string(),
            rpc_code: None,
            reason: format!("it does not say what became of {signature}"),
        })
    }

    /// Signatures and slots of what names `address`, the latest first.
    async fn signatures(&self, address: &Pubkey, first_slot: u64) -> Result<Vec<(Signature, u64)>> {
        let mut found: Vec<(Signature, u64)> = Vec::new();
        loop {
            let before = found.last().map(|(signature, _)| signature.to_string());
            let parameters =
                json!([address.to_string(), { "limit": PAGE, "before": before, "commitment": "confirmed" }]);
            let answer = self.ask(RpcRequest::GetSignaturesForAddress, &parameters).await?;
            let page: Vec<(Signature, u64)> = answer
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|entry| Some((entry["signature"].as_str()?.parse().ok()?, entry["slot"].as_u64()?)))
                .collect();
            let whole = page.len() == PAGE;
            let reached = page.iter().any(|(_, slot)| *slot < first_slot);
            found.extend(page.into_iter().filter(|(_, slot)| *slot >= first_slot));
            if reached || !whole {
                return Ok(found);
            }
        }
    }

    async fn ask(&self, request: RpcRequest, parameters: &Value) -> Result<Value> {
        retry_read(|| async {
            self.rpc().send::<Value>(request, parameters.clone()).await.map_err(|error| self.error(error))
        })
        .await
    }
}

/// Reads an answer of `getTransaction`.
fn receipt(signature: Signature, slot: u64, answer: &Value) -> Option<Receipt> {
    let (meta, encoded) = (&answer["meta"], answer["transaction"].get(0)?.as_str()?);
    let logs: Vec<&str> = meta["logMessages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Some(Receipt {
        signature,
        slot,
        failed: !meta["err"].is_null(),
        fee_lamports: meta["fee"].as_u64()?,
        compute_units: meta["computeUnitsConsumed"].as_u64()?,
        bytes: base64_bytes(encoded),
        instructions: instruction_names(&logs, &assay::ID.to_string()),
    })
}

/// How many bytes a base64 text of full quartets stands for.
fn base64_bytes(text: &str) -> u64 {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count() as u64;
    (text.len() as u64 / 4 * 3).saturating_sub(padding)
}

/// Names that the program logged for its own instructions; those of programs that it calls are left out.
fn instruction_names(logs: &[&str], program: &str) -> Vec<String> {
    let (mut names, mut stack) = (Vec::new(), Vec::new());
    for line in logs {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["Program", "log:", "Instruction:", name] if stack.last() == Some(&program) => {
                names.push((*name).to_owned());
            }
            ["Program", "log:" | "data:", ..] => {}
            ["Program", invoked, "invoke", _] => stack.push(*invoked),
            ["Program", _, "success"] | ["Program", _, "failed:", ..] => {
                stack.pop();
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_receipt() {
        let program = assay::ID.to_string();
        let answer = json!({
            "slot": 7,
            "transaction": ["AAAAAAA=", "base64"],
            "meta": {
                "err": null,
                "fee": 5_000,
                "computeUnitsConsumed": 321,
                "logMessages": [
                    format!("Program {program} invoke [1]"),
                    "Program log: Instruction: PostJob",
                    "Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA invoke [2]",
                    "Program log: Instruction: Transfer",
                    "Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA success",
                    "Program log: Instruction: never by hand",
                    format!("Program {program} success"),
                    format!("Program {program} invoke [1]"),
                    "Program log: Instruction: Prove",
                    format!("Program {program} failed: custom program error: 0x1"),
                    "Program log: Instruction: Nobody",
                ],
            },
        });
        let seen = receipt(Signature::default(), 7, &answer).unwrap();
        assert_eq!((seen.failed, seen.fee_lamports, seen.compute_units, seen.bytes), (false, 5_000, 321, 5));
        assert_eq!(seen.instructions, ["PostJob", "Prove"]);
        assert_eq!(receipt(Signature::default(), 7, &Value::Null), None);
    }
}
