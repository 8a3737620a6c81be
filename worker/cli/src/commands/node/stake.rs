//! `assay node stake`, `unstake` and `withdraw`: tokens into the node and out of it.

use super::Folder;
use super::offline::{Offline, Signing};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay::state::Node;
use assay::units::Slots;
use assay_chain::instructions::{self, TokenMint};
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// What Solana aims at.
const NOMINAL_SLOT_MS: u64 = 400;

pub(super) async fn stake(
    context: &Context,
    folder: &Folder,
    amount: u64,
    offline: &Offline,
    output: Output,
) -> Result<(), CliError> {
    let node = folder.node()?;
    let signing = offline.signing(context, folder)?;
    let funder = signing.address();
    let mint = context.chain().stake_mint().await?;
    let source = mint.associated_account(&funder);
    let held = context.chain().token_balance(&source).await?.unwrap_or(0);
    if held < amount {
        let mint = mint.address;
        let text =
            format!("{funder} holds {held} base units of the stake mint {mint} and {amount} are needed; send it more");
        return Err(CliError::new("A0206", text));
    }
    let instruction = instructions::stake(&funder, &node, mint, &source, amount);
    carried_out(context, &signing, &[instruction], &node, output).await
}

pub(super) async fn unstake(
    context: &Context,
    folder: &Folder,
    amount: u64,
    offline: &Offline,
    output: Output,
) -> Result<(), CliError> {
    let node = folder.node()?;
    let signing = offline.signing(context, folder)?;
    let instruction = instructions::request_withdrawal(&signing.address(), &node, amount);
    carried_out(context, &signing, &[instruction], &node, output).await
}

/// Sends the steps and shows the stake, or writes them to a file.
async fn carried_out(
    context: &Context,
    signing: &Signing,
    steps: &[Instruction],
    node: &Pubkey,
    output: Output,
) -> Result<(), CliError> {
    match signing.carry_out(context, steps, output).await? {
        true => show_stake(context, node, output).await,
        false => Ok(()),
    }
}

pub(super) async fn withdraw(
    context: &Context,
    folder: &Folder,
    deregister: bool,
    offline: &Offline,
    output: Output,
) -> Result<(), CliError> {
    let node = folder.node()?;
    let signing = offline.signing(context, folder)?;
    let authority = signing.address();
    let mint: TokenMint = context.chain().stake_mint().await?;
    let destination = mint.associated_account(&authority);
    let account = context.chain().node(&node).await?;
    let slot = context.chain().slot().await?;
    let mut steps: Vec<Instruction> =
        correlation_charge(context, &node, &account, mint, slot).await?.into_iter().collect();
    let unbonding = || account.unbonding.iter().filter(|place| place.amount > 0);
    if unbonding().any(|place| place.release_slot <= slot) {
        steps.push(mint.create_associated_account(&authority, &authority));
        steps.push(instructions::withdraw_stake(&authority, &node, mint, &destination));
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
        steps.push(instructions::deregister_node(&authority, &node));
        if !signing.carry_out(context, &steps, output).await? {
            return Ok(());
        }
        return output
            .result(&json!({ "node": node.to_string(), "deregistered": true }), || format!("node {node} is closed"));
    }
    carried_out(context, &signing, &steps, &node, output).await
}

/// What takes the charge that a conviction in company leads to, without which no stake leaves; nothing if there is none.
async fn correlation_charge(
    context: &Context,
    node: &Pubkey,
    account: &Node,
    mint: TokenMint,
    slot: u64,
) -> Result<Option<Instruction>, CliError> {
    let window = Slots(context.chain().network().await?.parameters.scheduling.correlation_window_slots);
    let due = account.pending_charge.due_slot(window).map_err(|error| CliError::new("A0208", error.to_string()))?;
    match due {
        None => Ok(None),
        Some(due) if slot < due.0 => Err(CliError::new(
            "A0208",
            format!(
                "the node was convicted, and its charge for other convictions is due in slot {}; it is slot {slot}, nothing can be withdrawn before",
                due.0
            ),
        )),
        Some(_) => Ok(Some(instructions::charge_correlation(node, mint))),
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
