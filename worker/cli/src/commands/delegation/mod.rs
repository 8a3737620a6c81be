//! `assay delegation`: stake that one lends to a node for a share of what it earns.

mod claim;
mod show;

use crate::context::{ChainArguments, Context};
use crate::error::{CliError, ExitStatus};
use crate::output::Output;
use assay::state::{Delegation, DelegationPool};
use assay_chain::instructions;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Delegations on-chain
    List {
        /// Only this owner's [default: everybody's]
        #[arg(long)]
        owner: Option<Pubkey>,
        /// Only those to this node
        #[arg(long)]
        node: Option<Pubkey>,
    },
    /// A node's pool, and what one owner has of it
    Show {
        /// Address of the node
        node: Pubkey,
        /// Whose delegation [default: that of the keypair of -k, if there is one]
        #[arg(long)]
        owner: Option<Pubkey>,
    },
    /// Delegate stake to a node
    Add {
        /// Address of the node
        node: Pubkey,
        /// How much, in base units of the stake mint
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        amount: u64,
    },
    /// Start to unbond; what unbonds earns nothing and can still be slashed until it is withdrawn
    Undelegate(Undelegate),
    /// Withdraw what has unbonded, to the owner's associated token account
    Withdraw {
        /// Address of the node
        node: Pubkey,
    },
    /// Collect what the node's jobs owe to its delegators, and withdraw one's own rewards in every mint
    Claim {
        /// Address of the node
        node: Pubkey,
    },
    /// Close a delegation of which nothing is left; its rent returns
    Close {
        /// Address of the node
        node: Pubkey,
    },
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").args(["amount", "all"]).required(true))]
pub(crate) struct Undelegate {
    /// Address of the node
    node: Pubkey,
    /// How much, in base units of the stake mint
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    amount: Option<u64>,
    /// All of it
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::List { owner, node } => show::list(&context, owner, node, output).await,
        Command::Show { node, owner } => {
            let owner = owner.or_else(|| context.keypair().ok().map(|keypair| keypair.pubkey()));
            show::show(&context, &node, owner, output).await
        }
        Command::Add { node, amount } => add(&context, &node, amount, output).await,
        Command::Undelegate(arguments) => undelegate(&context, arguments, output).await,
        Command::Withdraw { node } => withdraw(&context, &node, output).await,
        Command::Claim { node } => claim::claim(&context, &node, output).await,
        Command::Close { node } => {
            let owner = context.keypair()?.pubkey();
            send(&context, vec![instructions::close_delegation(&owner, &node)]).await?;
            let value = json!({ "node": node.to_string(), "owner": owner.to_string(), "closed": true });
            output.result(&value, || format!("the delegation to {node} is closed"))
        }
    }
}

async fn add(context: &Context, node: &Pubkey, amount: u64, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    pool_of(context, node).await?;
    let mint = context.chain().stake_mint().await?;
    let source = mint.associated_account(&owner);
    let held = context.chain().token_balance(&source).await?.unwrap_or(0);
    if held < amount {
        let mint = mint.address;
        let text =
            format!("{owner} holds {held} base units of the stake mint {mint} and {amount} are needed; send it more");
        return Err(CliError::new("A0902", text));
    }
    send(context, vec![instructions::delegate(&owner, node, mint, &source, amount)]).await?;
    show::show(context, node, Some(owner), output).await
}

async fn undelegate(context: &Context, arguments: Undelegate, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    let node = &arguments.node;
    // What the shares are worth is known once every slash has reached the pool.
    let settle = settle_slash(context, node).await?;
    if !settle.is_empty() {
        send(context, settle).await?;
    }
    let pool = pool_of(context, node).await?;
    let delegation = context.chain().delegation(node, &owner).await?;
    let shares = match arguments.amount {
        Some(amount) => shares_for(&pool, &delegation, amount)?,
        None => delegation.held.shares,
    };
    send(context, vec![instructions::undelegate(&owner, node, shares)]).await?;
    show::show(context, node, Some(owner), output).await
}

async fn withdraw(context: &Context, node: &Pubkey, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    let held = context.chain().delegation(node, &owner).await?.held;
    let slot = context.chain().slot().await?;
    if held.unbonding_shares == 0 {
        let text = format!("nothing unbonds; request it with `assay delegation undelegate {node} --all`");
        return Err(CliError::new("A0903", text));
    }
    if held.release_slot > slot {
        let text = format!("it unbonds until slot {} and it is slot {slot}; try again then", held.release_slot);
        return Err(CliError::new("A0904", text));
    }
    let mint = context.chain().stake_mint().await?;
    let destination = mint.associated_account(&owner);
    let mut steps = settle_slash(context, node).await?;
    steps.push(mint.create_associated_account(&owner, &owner));
    steps.push(instructions::withdraw_delegation(&owner, node, mint, &destination));
    send(context, steps).await?;
    show::show(context, node, Some(owner), output).await
}

/// What lets a slash of the node reach its pool, if one waits.
async fn settle_slash(context: &Context, node: &Pubkey) -> Result<Vec<Instruction>, CliError> {
    let pool = pool_of(context, node).await?;
    let account = context.chain().node(node).await?;
    if pool.check_up_to_date(&account).is_ok() {
        return Ok(vec![]);
    }
    Ok(vec![instructions::settle_delegation_slash(node, context.chain().stake_mint().await?)])
}

/// The shares that are worth `amount` at least, and never more than there are.
fn shares_for(pool: &DelegationPool, delegation: &Delegation, amount: u64) -> Result<u64, CliError> {
    let (held, active) = (delegation.held.shares, pool.stake.active);
    let worth = active.value(held).map_or(0, |worth| worth.0);
    if amount > worth {
        let text = format!("the delegation is worth {worth} base units, and {amount} are asked for; use --all");
        return Err(CliError::new("A0905", text).with_status(ExitStatus::Usage));
    }
    let shares = (u128::from(amount) * u128::from(active.shares)).div_ceil(u128::from(active.tokens.max(1)));
    Ok(u64::try_from(shares).unwrap_or(u64::MAX).min(held))
}

async fn pool_of(context: &Context, node: &Pubkey) -> Result<DelegationPool, CliError> {
    context.chain().find_delegation_pool(node).await?.ok_or_else(|| {
        CliError::new("A0901", format!("{node} takes no delegations; its owner opens a pool, or choose another node"))
    })
}

async fn send(context: &Context, steps: Vec<Instruction>) -> Result<(), CliError> {
    context.sender.execute(&steps, &[&context.keypair()?]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_becomes_as_many_shares_as_are_worth_it() {
        let (mut pool, mut delegation) = (DelegationPool::default(), Delegation::default());
        (pool.stake.active.tokens, pool.stake.active.shares) = (75, 100);
        delegation.held.shares = 40;
        let shares = |amount| shares_for(&pool, &delegation, amount).map_err(|error| error.code().to_owned());
        assert_eq!((shares(30), shares(3), shares(1)), (Ok(40), Ok(4), Ok(2)));
        assert_eq!(shares(31), Err("A0905".to_owned()));
        assert!(shares_for(&DelegationPool::default(), &Delegation::default(), 1).is_err());
    }
}
