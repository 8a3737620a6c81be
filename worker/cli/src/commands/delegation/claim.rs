//! `assay delegation claim`: rewards, out of jobs into the pool and out of the pool.

use super::pool_of;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use assay::state::RewardPlace;
use assay_chain::accounts::JobFilter;
use assay_chain::instructions;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

pub(super) async fn claim(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let keypair = context.keypair()?;
    let owner = keypair.pubkey();
    pool_of(context, node).await?;
    let collected = collect(context, node).await?;
    let pool = pool_of(context, node).await?;
    let mut delegation = context.chain().delegation(node, &owner).await?;
    delegation.settle_rewards(&pool);
    let earned = pool.rewards.iter().zip(&delegation.rewards).filter(|(_, claim)| claim.owed > 0);
    let earned: Vec<(RewardPlace, u64)> = earned.map(|(place, claim)| (*place, claim.owed)).collect();
    for (place, _) in &earned {
        let mint = context.chain().token_mint(&place.mint).await?;
        let destination = mint.associated_account(&owner);
        let steps = [
            mint.create_associated_account(&owner, &owner),
            instructions::withdraw_delegation_reward(&owner, node, mint, &destination),
        ];
        context.sender.execute(&steps, &[&keypair]).await?;
    }
    let value = json!({
        "node": node.to_string(),
        "owner": owner.to_string(),
        "jobs_collected": collected,
        "rewards": earned.iter().map(|(place, amount)| json!({
            "mint": place.mint.to_string(),
            "amount": amount,
        })).collect::<Vec<_>>(),
    });
    output.result(&value, || match &earned[..] {
        [] => "no reward is owed".to_owned(),
        earned => {
            let lines = earned.iter().map(|(place, amount)| format!("{amount} base units of {}", place.mint));
            lines.collect::<Vec<_>>().join("\n")
        }
    })
}

/// Collects what jobs of the node owe to its delegators, and says of how many.
async fn collect(context: &Context, node: &Pubkey) -> Result<usize, CliError> {
    let keypair = context.keypair()?;
    let filter = JobFilter { node: Some(*node), ..JobFilter::default() };
    let mut collected: usize = 0;
    for (address, job) in context.chain().jobs(filter).await? {
        if job.credits.delegators == 0 {
            continue;
        }
        let mint = context.chain().token_mint(&job.payment_mint).await?;
        let payer = keypair.pubkey();
        let steps = context.chain().delegation_reward_instructions(&payer, &address, &job, mint).await?;
        match context.sender.execute(&steps, &[&keypair]).await {
            Ok(_) => collected += 1,
            // Anybody may collect: then it is in the pool all the same. Or the job's mint does not move: others may.
            Err(error) => tracing::warn!(job = %address, %error, "not collected"),
        }
    }
    Ok(collected)
}
