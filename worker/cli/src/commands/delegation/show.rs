//! `assay delegation show` and `list`.

use super::pool_of;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields_of};
use assay::address;
use assay::fairness::delegation::cap;
use assay::fairness::loss::WHOLE;
use assay::state::{Delegation, DelegationPool};
use assay::units::{BasisPoints, Slot, TokenAmount};
use assay_chain::delegation::DelegationFilter;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;

/// What the text form shows, in the order in which a person asks.
const SHOWN: [&str; 15] = [
    "node",
    "pool",
    "commission_bps",
    "next_commission_bps",
    "next_commission_slot",
    "own_stake",
    "delegated",
    "room",
    "unbonding",
    "slashed_bps",
    "slash_outstanding",
    "owner",
    "value",
    "unbonding_value",
    "release_slot",
];

pub(super) async fn show(
    context: &Context,
    node: &Pubkey,
    owner: Option<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let chain = context.chain();
    let (pool, account) = (pool_of(context, node).await?, chain.node(node).await?);
    let (slot, network) = (chain.slot().await?, chain.network().await?);
    let multiple = BasisPoints(network.parameters.scheduling.delegation_multiple_bps);
    let most = cap(TokenAmount(account.stake), multiple).0;
    let convicted = account.fraud_convictions > 0;
    let room = if convicted { 0 } else { most.saturating_sub(pool.stake.active.tokens) };
    let commission = account.delegation.commission;
    let announced = commission.next_slot > slot;
    let mut value = json!({
        "node": node.to_string(),
        "pool": address::delegation_pool(node).to_string(),
        "commission_bps": commission.at(Slot(slot)).0,
        "next_commission_bps": announced.then_some(commission.next_bps),
        "next_commission_slot": announced.then_some(commission.next_slot),
        "own_stake": account.stake,
        "delegated": pool.stake.active.tokens,
        "unbonding": pool.stake.unbonding.tokens,
        "room": room,
        "slashed_bps": account.delegation.loss.taken / (WHOLE / 10_000),
        "slash_outstanding": pool.check_up_to_date(&account).is_err(),
        "delegations": pool.delegations,
        "mints": pool.rewards.iter().filter(|place| place.mint != Pubkey::default()).map(|place| json!({
            "mint": place.mint.to_string(),
            "owed": place.sum.owed,
        })).collect::<Vec<_>>(),
    });
    let filter = DelegationFilter { pool: Some(address::delegation_pool(node)), owner };
    if let (Some(owner), Some((_, delegation))) = (owner, chain.delegations(filter).await?.pop()) {
        value["owner"] = json!(owner.to_string());
        let own = describe(&pool, &delegation);
        for (name, part) in own.as_object().into_iter().flatten() {
            value[name.as_str()] = part.clone();
        }
    }
    output.result(&value, || fields_of(&value, &SHOWN))
}

pub(super) async fn list(
    context: &Context,
    owner: Option<Pubkey>,
    node: Option<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let pools: HashMap<Pubkey, DelegationPool> = context.chain().delegation_pools().await?.into_iter().collect();
    let filter = DelegationFilter { pool: node.map(|node| address::delegation_pool(&node)), owner };
    let mut values: Vec<Value> = Vec::new();
    for (_, delegation) in context.chain().delegations(filter).await? {
        // A pool that was opened since, or closed with its last delegation, is of the next look.
        let Some(pool) = pools.get(&delegation.pool) else { continue };
        let mut value = describe(pool, &delegation);
        value["node"] = json!(pool.node.to_string());
        value["owner"] = json!(delegation.owner.to_string());
        values.push(value);
    }
    output.result(&values, || {
        let mut table = Table::new(&["node", "owner", "value", "unbonding", "until slot"]);
        for value in &values {
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| value[name].as_u64().unwrap_or(0).to_string();
            let row = [text("node"), text("owner"), number("value"), number("unbonding_value"), number("release_slot")];
            table.row(row);
        }
        if values.is_empty() { "no delegations".to_owned() } else { table.render() }
    })
}

/// What one delegation holds, at the pool's present worth, and what it has earned.
fn describe(pool: &DelegationPool, delegation: &Delegation) -> Value {
    let mut settled = Delegation { rewards: delegation.rewards, held: delegation.held, ..Delegation::default() };
    settled.settle_rewards(pool);
    let earned = pool.rewards.iter().zip(&settled.rewards).filter(|(_, claim)| claim.owed > 0);
    let worth = |value: Result<TokenAmount, _>| value.map_or(0, |amount| amount.0);
    let held = delegation.held;
    json!({
        "shares": held.shares,
        "value": worth(pool.stake.active.value(held.shares)),
        "unbonding_value": worth(pool.stake.unbonding.value(held.unbonding_shares)),
        "release_slot": (held.unbonding_shares > 0).then_some(held.release_slot),
        "rewards": earned.map(|(place, claim)| json!({
            "mint": place.mint.to_string(),
            "amount": claim.owed,
        })).collect::<Vec<_>>(),
    })
}
