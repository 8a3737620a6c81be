//! `assay validator register`, `stake`, `unstake`, `withdraw`: a validator account for paid audits.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::instructions;
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// Registers the key of -k as authority, or changes its auditor.
pub(super) async fn register(context: &Context, auditor: Option<Pubkey>, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?;
    let auditor = auditor.unwrap_or_else(|| authority.pubkey());
    let step = match context.chain().find_validator(&authority.pubkey()).await? {
        None => Some(instructions::register_validator(&authority.pubkey(), &auditor)),
        Some(known) if known.auditor != auditor => Some(instructions::update_validator(&authority.pubkey(), &auditor)),
        Some(_) => None,
    };
    if let Some(step) = step {
        context.sender.execute(&[step], &[&authority]).await?;
    }
    show(context, output).await
}

/// Adds stake out of the authority's associated token account.
pub(super) async fn stake(context: &Context, amount: u64, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?.pubkey();
    let mint = context.chain().stake_mint().await?;
    let source = mint.associated_account(&authority);
    let held = context.chain().token_balance(&source).await?.unwrap_or(0);
    if held < amount {
        let text = format!(
            "{authority} holds {held} base units of the stake mint {} and {amount} are needed; send it more",
            mint.address
        );
        return Err(CliError::new("A0206", text));
    }
    send(context, vec![instructions::stake_validator(&authority, mint, &source, amount)], output).await
}

/// Begins to withdraw stake.
pub(super) async fn unstake(context: &Context, amount: u64, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?.pubkey();
    send(context, vec![instructions::request_validator_withdrawal(&authority, amount)], output).await
}

/// Takes released stake out to the authority's associated token account.
pub(super) async fn withdraw(context: &Context, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?.pubkey();
    let mint = context.chain().stake_mint().await?;
    let destination = mint.associated_account(&authority);
    let steps = vec![
        mint.create_associated_account(&authority, &authority),
        instructions::withdraw_validator_stake(&authority, mint, &destination),
    ];
    send(context, steps, output).await
}

async fn send(context: &Context, steps: Vec<Instruction>, output: Output) -> Result<(), CliError> {
    context.sender.execute(&steps, &[&context.keypair()?]).await?;
    show(context, output).await
}

async fn show(context: &Context, output: Output) -> Result<(), CliError> {
    let authority = context.keypair()?.pubkey();
    let address = assay::address::validator(&authority);
    let Some(account) = context.chain().find_validator(&authority).await? else {
        let text = format!("{authority} has no validator account; make one with `assay validator register`");
        return Err(CliError::new("A0403", text));
    };
    let value = json!({
        "validator": address.to_string(),
        "authority": authority.to_string(),
        "auditor": account.auditor.to_string(),
        "stake": account.stake,
        "locked": account.locked,
        "unbonding": account.unbonding.amount,
        "release_slot": (account.unbonding.amount > 0).then_some(account.unbonding.release_slot),
        "open_attestations": account.open_attestations,
        "upheld": account.upheld,
        "slashed": account.slashed,
    });
    output.result(&value, || {
        fields([
            ("validator", address.to_string()),
            ("auditor", account.auditor.to_string()),
            ("stake", account.stake.to_string()),
            ("locked", account.locked.to_string()),
            ("unbonding", format!("{} until slot {}", account.unbonding.amount, account.unbonding.release_slot)),
            (
                "attestations",
                format!("{} open, {} upheld, {} slashed", account.open_attestations, account.upheld, account.slashed),
            ),
        ])
    })
}
