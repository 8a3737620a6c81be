//! `assay budget fund`, `withdraw` and `close`: tokens and lamports into a budget and out of it.

use super::Funds;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Output;
use assay::WithdrawBudgetArgs;
use assay_chain::instructions;
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use solana_system_interface::instruction::transfer;

/// What sends tokens of the signer to the budget's vault, and lamports to the budget.
pub(super) async fn fund(
    context: &Context,
    budget: &Pubkey,
    mint: &Pubkey,
    funds: Funds,
) -> Result<Vec<Instruction>, CliError> {
    check(funds)?;
    let funder = context.keypair()?.pubkey();
    let token = context.chain().token_mint(mint).await?;
    let mut steps = vec![token.create_associated_account(&funder, budget)];
    if funds.tokens > 0 {
        let held = context.chain().token_balance(&token.associated_account(&funder)).await?.unwrap_or(0);
        if held < funds.tokens {
            let needed = funds.tokens;
            let text = format!("{funder} holds {held} base units of {mint} and {needed} are needed; send it more");
            return Err(CliError::new("A0801", text));
        }
        let decimals = context.chain().token_decimals(mint).await?;
        let vault = token.associated_account(budget);
        steps.push(instructions::transfer_tokens(&funder, token, decimals, &vault, funds.tokens));
    }
    if funds.lamports > 0 {
        steps.push(transfer(&funder, budget, funds.lamports));
    }
    Ok(steps)
}

/// What takes tokens and lamports out of the budget, to the owner.
pub(super) async fn withdraw(
    context: &Context,
    budget: &Pubkey,
    mint: Option<Pubkey>,
    funds: Funds,
) -> Result<Vec<Instruction>, CliError> {
    check(funds)?;
    let owner = context.keypair()?.pubkey();
    let mint = match mint {
        Some(mint) => mint,
        None => context.chain().budget(budget).await?.payment_mint,
    };
    let token = context.chain().token_mint(&mint).await?;
    let args = WithdrawBudgetArgs { tokens: funds.tokens, lamports: funds.lamports };
    let destination = token.associated_account(&owner);
    Ok(vec![
        token.create_associated_account(&owner, &owner),
        token.create_associated_account(&owner, budget),
        instructions::withdraw_budget(&owner, budget, token, &destination, args),
    ])
}

/// Removes the budget; its tokens go to the owner's associated token account.
pub(super) async fn close(context: &Context, budget: &Pubkey, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    let account = context.chain().budget(budget).await?;
    let token = context.chain().token_mint(&account.payment_mint).await?;
    let tokens = context.chain().token_balance(&token.associated_account(budget)).await?.unwrap_or(0);
    let destination = token.associated_account(&owner);
    let steps = [
        token.create_associated_account(&owner, &owner),
        token.create_associated_account(&owner, budget),
        instructions::close_budget(&owner, budget, token, &destination),
    ];
    context.sender.execute(&steps, &[&context.keypair()?]).await?;
    let value = json!({ "budget": budget.to_string(), "closed": true, "tokens": tokens });
    output.result(&value, || format!("budget {budget} is closed; {tokens} base units are back"))
}

fn check(funds: Funds) -> Result<(), CliError> {
    if funds.tokens > 0 || funds.lamports > 0 {
        return Ok(());
    }
    Err(CliError::new("A0802", "nothing is to be moved; give --tokens, --lamports or both")
        .with_status(ExitStatus::Usage))
}
