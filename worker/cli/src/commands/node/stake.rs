//! `assay node stake`, `unstake` and `withdraw`: tokens into the node and out of it.

use super::Folder;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay::state::Node;
use assay::units::Slots;
use assay_chain::instructions::{self, TokenMint};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// What Solana aims at.
const NOMINAL_SLOT_MS: u64 = 400;

pub(super) async fn stake(context: &Context, folder: &Folder, amount: u64, output: Output) -> Result<(), CliError> {
    let (funder, node) = (context.keypair()?, folder.node()?);
    let mint = context.chain().stake_mint().await?;
    let source = mint.associated_account(&funder.pubkey());
    let held = context.chain().token_balance(&source).await?.unwrap_or(0);
    if held < amount {
        let (mint, funder) = (mint.address, funder.pubkey());
        let text =
            format!("{funder} holds {held} base units of the stake mint {mint} and {amount} are needed; send it more");
        return Err(CliError::new("A0206", text));
    }
    let instruction = instructions::stake(&funder.pubkey(), &node, mint, &source, amount);
    context.sender.execute(&[instruction], &[&funder]).await?;
    show_stake(context, &node, output).await
}

pub(super) async fn unstake(context: &Context, folder: &Folder, amount: u64, output: Output) -> Result<(), CliError> {
    let (authority, node) = (context.keypair()?, folder.node()?);
    let instruction = instructions::request_withdrawal(&authority.pubkey(), &node, amount);
    context.sender.execute(&[instruction], &[&authority]).await?;
    show_stake(context, &node, output).await
}

pub(super) async fn withdraw(
    context: &Context,
    folder: &Folder,
    deregister: bool,
    output: Output,
) -> Result<(), CliError> {
    let (authority, node) = (context.keypair()?, folder.node()?);
    let mint: TokenMint = context.chain().stake_mint().await?;
    let destination = mint.associated_account(&authority.pubkey());
    let account = context.chain().node(&node).await?;
    let slot = context.chain().slot().await?;
    settle_correlation(context, &node, &account, mint, slot).await?;
    let unbonding = || account.unbonding.iter().filter(|place| place.amount > 0);
    if unbonding().any(|place| place.release_slot <= slot) {
        let steps = [
            mint.create_associated_account(&authority.pubkey(), &authority.pubkey()),
            instructions::withdraw_stake(&authority.pubkey(), &node, mint, &destination),
        ];
        context.sender.execute(&steps, &[&authority]).await?;
    } else if let Some(next) = unbonding().map(|place| place.release_slot).min() {
        let minutes = next.saturating_sub(slot).saturating_mul(NOMINAL_SLOT_MS) / 60_000;
        return Err(CliError::new(
            "A0204",
            format!("stake unbonds until slot {next} and it is slot {slot}; try again in about {minutes} minutes"),
        ));
    } else if !deregister {
        return Err(CliError::new("A0205", "no stake is unbonding; request it with `assay node unstake AMOUNT`"));
    }
    if deregister {
        context.sender.execute(&[instructions::deregister_node(&authority.pubkey(), &node)], &[&authority]).await?;
        return output
            .result(&json!({ "node": node.to_string(), "deregistered": true }), || format!("node {node} is closed"));
    }
    show_stake(context, &node, output).await
}

/// Has the charge taken that a conviction in company leads to, without which no stake leaves.
async fn settle_correlation(
    context: &Context,
    node: &Pubkey,
    account: &Node,
    mint: TokenMint,
    slot: u64,
) -> Result<(), CliError> {
    let window = Slots(context.chain().network().await?.parameters.scheduling.correlation_window_slots);
    let due = account.pending_charge.due_slot(window).map_err(|error| CliError::new("A0208", error.to_string()))?;
    match due {
        None => Ok(()),
        Some(due) if slot < due.0 => Err(CliError::new(
            "A0208",
            format!(
                "the node was convicted, and its charge for other convictions is due in slot {}; it is slot {slot}, nothing can be withdrawn before",
                due.0
            ),
        )),
        Some(_) => {
            let charge = instructions::charge_correlation(node, mint);
            context.sender.execute(&[charge], &[&context.keypair()?]).await?;
            Ok(())
        }
    }
}

async fn show_stake(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let account = context.chain().node(node).await?;
    let slot = context.chain().slot().await?;
    let unbonding: Vec<_> = account.unbonding.iter().filter(|place| place.amount > 0).collect();
    let value = json!({
        "node": node.to_string(),
        "stake": account.stake,
        "locked": account.locked,
        "free": account.stake.saturating_sub(account.locked),
        "slot": slot,
        "unbonding": unbonding.iter().map(|place| json!({
            "amount": place.amount,
            "release_slot": place.release_slot,
        })).collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let mut rows = vec![
            ("node", node.to_string()),
            ("stake", account.stake.to_string()),
            ("locked", account.locked.to_string()),
            ("free", account.stake.saturating_sub(account.locked).to_string()),
        ];
        rows.extend(
            unbonding
                .iter()
                .map(|place| ("unbonding", format!("{} until slot {}, now {slot}", place.amount, place.release_slot))),
        );
        fields(rows)
    })
}
