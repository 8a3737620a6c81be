//! `budget` and `jobs`: what there is to spend, and what was posted.

use super::{Call, Effect, tool};
use crate::error::Refusal;
use crate::offer::address;
use crate::purse::Account;
use crate::view::{JobView, Said};
use assay_chain::accounts::JobFilter;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;

/// Most jobs that one call lists.
const MOST_JOBS: usize = 50;

/// Which budget.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetArguments {
    /// Address of the budget [default: the one that this server spends out of]
    #[serde(default)]
    budget: Option<String>,
}

/// A budget with what is left of it. Amounts are base units of its payment mint.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct BudgetView {
    /// Its address
    budget: String,
    /// Who funds it and sets its limits
    owner: String,
    /// Who may post out of it
    agent: Option<String>,
    /// The last slot in which the agent may
    agent_until_slot: u64,
    /// The slot as of which this is said
    slot: u64,
    /// The mint of its jobs
    payment_mint: String,
    /// What its vault holds
    vault_base_units: u64,
    /// Lamports for the rent of its jobs
    lamports: u64,
    /// What may still be escrowed in this period
    allowance_base_units: u64,
    /// Most that one job escrows
    per_job_base_units: u64,
    /// Most that the jobs of one period escrow
    per_period_base_units: u64,
    /// Length of a period
    period_slots: u64,
    /// Highest maximum price
    price_max_base_units: u64,
    /// Jobs posted and not yet closed
    open_jobs: u32,
    /// Most of them
    open_jobs_max: u32,
    /// Roots of the graphs that may be run; missing where any may
    graphs: Option<Vec<String>>,
    /// Nodes of which each job has to invite one; missing where a job may be open to all
    nodes: Option<Vec<String>>,
    /// What this server allows besides, if it spends out of this budget
    server: Option<ServerLimits>,
}

/// Limits of this server beyond the budget's.
#[derive(Debug, JsonSchema, Serialize)]
struct ServerLimits {
    /// Highest maximum price
    price_max_base_units: Option<u64>,
    /// Most open jobs when one is posted
    open_jobs_max: u32,
    /// Why nothing can be posted now, whatever it is
    nothing_can_be_posted_because: Option<Said>,
}

/// Which jobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobsArguments {
    /// Address of the key or budget that posted them [default: the budget that this server spends out of, else everybody's]
    #[serde(default)]
    client: Option<String>,
    /// Only those that have not ended [default: false]
    #[serde(default)]
    only_open: bool,
    /// How many to list, the newest first, at most 50 [default: 20]
    #[serde(default)]
    max_jobs: Option<usize>,
}

/// Jobs, the newest first.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Jobs {
    /// The jobs
    jobs: Vec<JobView>,
    /// How many there are that were asked for, listed or not. Closed jobs have no account any more
    total: usize,
}

pub(super) fn budget_definition() -> Tool {
    tool::<BudgetArguments, BudgetView>(
        "budget",
        "Show a budget",
        Effect::Reads,
        "A budget's limits, what is left of it in this period, what it holds, and whether this server may spend out of it now.",
    )
}

pub(super) fn jobs_definition() -> Tool {
    tool::<JobsArguments, Jobs>(
        "jobs",
        "List jobs",
        Effect::Reads,
        "Jobs on-chain, the newest first: those of this server's budget, of any other client, or everybody's.",
    )
}

pub(super) async fn budget(call: &Call, arguments: BudgetArguments) -> Result<BudgetView, Refusal> {
    let context = &call.context;
    let own = context.purse.as_ref().map(|purse| purse.budget);
    let asked = arguments.budget.as_deref().map(|budget| address("budget", budget)).transpose()?;
    let address = asked.or(own).ok_or_else(|| {
        Refusal::new("Y0102", "this server spends out of no budget; give the address of one as `budget`")
    })?;
    let account = Account::read(&context.chain, &address).await?;
    let server = match &context.purse {
        Some(purse) if purse.budget == address => {
            let because = match purse.open().await {
                Ok(_) => None,
                Err(refusal) => Some(Said::from(refusal)),
            };
            Some(ServerLimits {
                price_max_base_units: purse.max_price_base_units,
                open_jobs_max: purse.max_open_jobs,
                nothing_can_be_posted_because: because,
            })
        }
        _ => None,
    };
    Ok(describe(&address, &account, server))
}

fn describe(address: &Pubkey, account: &Account, server: Option<ServerLimits>) -> BudgetView {
    let (budget, limits) = (&account.budget, &account.budget.limits);
    BudgetView {
        budget: address.to_string(),
        owner: budget.owner.to_string(),
        agent: (budget.agent != Pubkey::default()).then(|| budget.agent.to_string()),
        agent_until_slot: limits.last_slot,
        slot: account.slot,
        payment_mint: budget.payment_mint.to_string(),
        vault_base_units: account.vault_base_units,
        lamports: account.lamports,
        allowance_base_units: account.allowance_base_units(),
        per_job_base_units: limits.maximum_job_escrow,
        per_period_base_units: limits.maximum_period_escrow,
        period_slots: limits.period_slots,
        price_max_base_units: limits.maximum_price,
        open_jobs: account.open_jobs,
        open_jobs_max: limits.maximum_open_jobs,
        graphs: (!limits.any_graph).then(|| limits.graphs.iter().map(hex::encode).collect()),
        nodes: (!limits.any_node).then(|| limits.nodes.iter().map(ToString::to_string).collect()),
        server,
    }
}

pub(super) async fn jobs(call: &Call, arguments: JobsArguments) -> Result<Jobs, Refusal> {
    let most = arguments.max_jobs.unwrap_or(20);
    if most == 0 || most > MOST_JOBS {
        return Err(Refusal::new("Y0102", format!("`max_jobs` is from 1 to {MOST_JOBS}")));
    }
    let asked = arguments.client.as_deref().map(|client| address("client", client)).transpose()?;
    let client = asked.or_else(|| call.context.purse.as_ref().map(|purse| purse.budget));
    let mut jobs = call.context.chain.jobs(JobFilter { client, ..JobFilter::default() }).await?;
    jobs.retain(|(_, job)| !arguments.only_open || !job.state.is_end());
    jobs.sort_by_key(|(_, job)| std::cmp::Reverse((job.posted_slot, job.job_id)));
    let total = jobs.len();
    Ok(Jobs { jobs: jobs.iter().take(most).map(|(address, job)| JobView::of(address, job)).collect(), total })
}
