//! `assay budget show` and `list`.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields_of};
use assay::state::Budget;
use assay::units::Slot;
use assay_chain::accounts::BudgetFilter;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

/// What the text form shows of a budget, in the order in which a person asks.
const SHOWN: [&str; 19] = [
    "budget",
    "owner",
    "agent",
    "agent_until_slot",
    "payment_mint",
    "vault",
    "tokens",
    "lamports",
    "allowance",
    "period_until_slot",
    "per_job",
    "per_period",
    "period_slots",
    "max_price",
    "open_jobs",
    "max_open_jobs",
    "graphs",
    "nodes",
    "next_job_id",
];

pub(super) async fn show(context: &Context, address: &Pubkey, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let budget = chain.budget(address).await?;
    let counter = chain.find_client(address).await?.unwrap_or_default();
    let vault = chain.token_mint(&budget.payment_mint).await?.associated_account(address);
    let mut value = describe(address, &budget, chain.slot().await?);
    value["vault"] = json!(vault.to_string());
    value["tokens"] = json!(chain.token_balance(&vault).await?.unwrap_or(0));
    value["lamports"] = json!(chain.balance_lamports(address).await?);
    value["open_jobs"] = json!(counter.open_jobs);
    value["next_job_id"] = json!(counter.next_job_id);
    output.result(&value, || fields_of(&value, &SHOWN))
}

pub(super) async fn list(
    context: &Context,
    owner: Option<Pubkey>,
    agent: Option<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let budgets = context.chain().budgets(BudgetFilter { owner, agent }).await?;
    let slot = context.chain().slot().await?;
    let values: Vec<Value> = budgets.iter().map(|(address, budget)| describe(address, budget, slot)).collect();
    output.result(&values, || {
        let mut table = Table::new(&["budget", "owner", "agent", "allowance"]);
        for (address, budget) in &budgets {
            let agent = named(&budget.agent).unwrap_or_else(|| "-".to_owned());
            table.row([address.to_string(), budget.owner.to_string(), agent, allowance(budget, slot).to_string()]);
        }
        if budgets.is_empty() {
            return "no budgets".to_owned();
        }
        table.render()
    })
}

/// A budget as JSON. A list of graphs or nodes is `"any"` where any is allowed.
fn describe(address: &Pubkey, budget: &Budget, slot: u64) -> Value {
    let limits = &budget.limits;
    let listed = |any: bool, list: Vec<String>| if any { json!("any") } else { json!(list) };
    // The end of the period of this slot: whole periods after the one that is on record.
    let periods = slot.saturating_sub(budget.period_start_slot) / limits.period_slots.max(1) + 1;
    let until = periods.checked_mul(limits.period_slots).and_then(|slots| budget.period_start_slot.checked_add(slots));
    json!({
        "budget": address.to_string(),
        "owner": budget.owner.to_string(),
        "index": budget.index,
        "agent": named(&budget.agent),
        "agent_until_slot": limits.last_slot,
        "payment_mint": budget.payment_mint.to_string(),
        "allowance": allowance(budget, slot),
        "period_until_slot": until.map(|end| end - 1),
        "per_job": limits.maximum_job_escrow,
        "per_period": limits.maximum_period_escrow,
        "period_slots": limits.period_slots,
        "max_price": limits.maximum_price,
        "max_open_jobs": limits.maximum_open_jobs,
        "graphs": listed(limits.any_graph, limits.graphs.iter().map(hex::encode).collect()),
        "nodes": listed(limits.any_node, limits.nodes.iter().map(ToString::to_string).collect()),
    })
}

/// What may still be escrowed in this period.
fn allowance(budget: &Budget, slot: u64) -> u64 {
    budget.allowance(Slot(slot)).map_or(0, |left| left.0)
}

/// A key that is not the zero key.
fn named(key: &Pubkey) -> Option<String> {
    (*key != Pubkey::default()).then(|| key.to_string())
}
