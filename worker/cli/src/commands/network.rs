//! `assay network`: what governs the market, and what is in it.

use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay_chain::accounts::{JobFilter, NodeFilter};
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parameters, payment mints, nodes and open jobs
    Show,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let Command::Show = command;
    let context = chain.context()?;
    let chain = context.chain();
    let network = chain.network().await?;
    let mints = chain.payment_mints().await?;
    let nodes = chain.nodes(NodeFilter::default()).await?;
    let jobs = chain.jobs(JobFilter::default()).await?;
    let parameters = &network.parameters;
    let value = json!({
        "program": assay::ID.to_string(),
        "authority": network.authority.to_string(),
        "stake_mint": network.stake_mint.to_string(),
        "parameters": {
            "minimum_stake": parameters.minimum_stake,
            "unbonding_slots": parameters.unbonding_slots,
            "protocol_fee_bps": parameters.protocol_fee_bps,
            "miss_charge_bps": parameters.miss_charge_bps,
            "minimum_bond_bps": parameters.minimum_bond_bps,
            "maximum_claim_slots": parameters.maximum_claim_slots,
            "maximum_run_slots": parameters.maximum_run_slots,
            "minimum_window_slots": parameters.minimum_window_slots,
            "maximum_window_slots": parameters.maximum_window_slots,
            "maximum_open_jobs_per_node": parameters.maximum_open_jobs_per_node,
        },
        "payment_mints": mints.iter().map(|mint| json!({
            "mint": mint.mint.to_string(),
            "enabled": mint.enabled,
            "freezable": mint.freezable,
            "decimals": mint.decimals,
            "bond_rate": [mint.bond_numerator, mint.bond_denominator],
        })).collect::<Vec<_>>(),
        "nodes": nodes.iter().map(|(address, node)| json!({
            "address": address.to_string(),
            "stake": node.stake,
            "locked": node.locked,
            "open_jobs": node.open_jobs,
            "jobs_settled": node.jobs_settled,
            "jobs_missed": node.jobs_missed,
            "endpoint": node.endpoint,
        })).collect::<Vec<_>>(),
        "jobs": jobs.len(),
    });
    output.result(&value, || {
        let mut settings = Table::new(&["parameter", "value"]);
        for (name, setting) in value["parameters"].as_object().into_iter().flatten() {
            settings.row([name.clone(), setting.to_string()]);
        }
        let mut payments = Table::new(&["payment mint", "enabled", "freezable", "stake units per unit"]);
        for mint in &mints {
            payments.row([
                mint.mint.to_string(),
                mint.enabled.to_string(),
                mint.freezable.to_string(),
                format!("{}/{}", mint.bond_numerator, mint.bond_denominator),
            ]);
        }
        let mut list = Table::new(&["node", "stake", "locked", "open", "settled", "missed", "endpoint"]);
        for (address, node) in &nodes {
            list.row([
                address.to_string(),
                node.stake.to_string(),
                node.locked.to_string(),
                node.open_jobs.to_string(),
                node.jobs_settled.to_string(),
                node.jobs_missed.to_string(),
                node.endpoint.clone(),
            ]);
        }
        format!(
            "program    {}\nauthority  {}\nstake mint {}\n\n{}\n\n{}\n\n{}\n\njobs on-chain: {}",
            assay::ID,
            network.authority,
            network.stake_mint,
            settings.render(),
            payments.render(),
            list.render(),
            jobs.len()
        )
    })
}
