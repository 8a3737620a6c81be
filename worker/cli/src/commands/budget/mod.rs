//! `assay budget`: a vault out of which an agent's key posts jobs within limits.

mod funds;
mod limits;
mod show;

use crate::commands::job::only_mint;
use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::Output;
use assay::SetBudgetArgs;
use assay_chain::instructions;
use clap::{Args, Subcommand};
use limits::{ChangedLimits, NewLimits};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a budget of the keypair of -k, and fund it if asked
    Create(Box<Create>),
    /// Send tokens to a budget's vault, and lamports for the rent of its jobs
    Fund {
        /// Address of the budget
        budget: Pubkey,
        #[command(flatten)]
        funds: Funds,
    },
    /// Change agent or limits; what is not given stays
    Set(Box<Set>),
    /// A budget: its limits, what is left of its period, what it holds
    Show {
        /// Address of the budget
        budget: Pubkey,
    },
    /// Budgets on-chain
    List {
        /// Only this owner's [default: everybody's]
        #[arg(long)]
        owner: Option<Pubkey>,
        /// Only those with this agent
        #[arg(long)]
        agent: Option<Pubkey>,
    },
    /// Take the agent's power away at once; its open jobs stay, the owner can cancel them
    Revoke {
        /// Address of the budget
        budget: Pubkey,
    },
    /// Take tokens or lamports out, to the owner
    Withdraw {
        /// Address of the budget
        budget: Pubkey,
        #[command(flatten)]
        funds: Funds,
        /// Mint of the tokens; charges of missed claims come in the stake mint [default: the budget's payment mint]
        #[arg(long)]
        mint: Option<Pubkey>,
    },
    /// Remove a budget without open jobs; everything in it goes to the owner
    Close {
        /// Address of the budget
        budget: Pubkey,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// Who posts out of it [default: nobody but the owner]
    #[arg(long)]
    agent: Option<Pubkey>,
    /// Tells the budgets of one owner apart
    #[arg(long, default_value_t = 0)]
    index: u16,
    /// Payment mint of its jobs [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
    #[command(flatten)]
    limits: NewLimits,
    #[command(flatten)]
    funds: Funds,
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    /// Address of the budget
    budget: Pubkey,
    /// Who posts out of it from now on
    #[arg(long)]
    agent: Option<Pubkey>,
    #[command(flatten)]
    limits: ChangedLimits,
}

/// What is moved.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Funds {
    /// Tokens, in base units of the mint
    #[arg(long, default_value_t = 0)]
    tokens: u64,
    /// Lamports: a job takes about 0.012 SOL of rent, which returns when it is closed
    #[arg(long, default_value_t = 0)]
    lamports: u64,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::Create(arguments) => create(&context, *arguments, output).await,
        Command::Fund { budget, funds } => {
            let account = context.chain().budget(&budget).await?;
            let steps = funds::fund(&context, &budget, &account.payment_mint, funds).await?;
            send(&context, &budget, steps, output).await
        }
        Command::Set(arguments) => set(&context, *arguments, output).await,
        Command::Show { budget } => show::show(&context, &budget, output).await,
        Command::List { owner, agent } => show::list(&context, owner, agent, output).await,
        Command::Revoke { budget } => {
            let owner = context.keypair()?.pubkey();
            send(&context, &budget, vec![instructions::revoke_budget(&owner, &budget)], output).await
        }
        Command::Withdraw { budget, funds, mint } => {
            let steps = funds::withdraw(&context, &budget, mint, funds).await?;
            send(&context, &budget, steps, output).await
        }
        Command::Close { budget } => funds::close(&context, &budget, output).await,
    }
}

async fn create(context: &Context, arguments: Create, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    let mint = match arguments.mint {
        Some(mint) => mint,
        None => only_mint(context).await?,
    };
    let limits = arguments.limits.limits(context.chain().slot().await?);
    let budget = assay::address::budget(&owner, arguments.index);
    let agent = arguments.agent.unwrap_or_default();
    let token = context.chain().token_mint(&mint).await?;
    let steps = vec![
        instructions::create_budget(&owner, arguments.index, &mint, &agent, limits),
        // The vault is there from the beginning: whoever knows the budget can send to it.
        token.create_associated_account(&owner, &budget),
    ];
    context.sender.execute(&steps, &[&context.keypair()?]).await?;
    let steps = match arguments.funds {
        Funds { tokens: 0, lamports: 0 } => vec![],
        funds => funds::fund(context, &budget, &mint, funds).await?,
    };
    send(context, &budget, steps, output).await
}

async fn set(context: &Context, arguments: Set, output: Output) -> Result<(), CliError> {
    let owner = context.keypair()?.pubkey();
    let budget = arguments.budget;
    let before = context.chain().budget(&budget).await?.limits;
    let after = arguments.limits.applied_to(before.clone(), context.chain().slot().await?);
    let args = SetBudgetArgs { agent: arguments.agent, limits: (after != before).then_some(after) };
    send(context, &budget, vec![instructions::set_budget(&owner, &budget, args)], output).await
}

/// Sends the steps, if there are any, and shows the budget.
async fn send(context: &Context, budget: &Pubkey, steps: Vec<Instruction>, output: Output) -> Result<(), CliError> {
    if !steps.is_empty() {
        context.sender.execute(&steps, &[&context.keypair()?]).await?;
    }
    show::show(context, budget, output).await
}
