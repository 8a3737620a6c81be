//! `assay network`: what governs the market, and what is in it.

mod migrate;

use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay::state::{Parameters, SchedulingParameters};
use assay_chain::accounts::{JobFilter, NodeFilter};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parameters, payment mints, nodes and jobs
    Show,
    /// What a chain lacks of what the migrations say; changes nothing
    Plan(migrate::Migrations),
    /// Show the plan, and do it with --yes; where there is nothing to do, nothing is sent
    Apply(migrate::Apply),
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.context()?;
    match command {
        Command::Show => show(&context, output).await,
        Command::Plan(migrations) => migrate::show_plan(&context, &migrations, output).await,
        Command::Apply(arguments) => migrate::apply(&context, &arguments, output).await,
    }
}

async fn show(context: &Context, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let network = chain.network().await?;
    let mints = chain.payment_mints().await?;
    let nodes = chain.nodes(NodeFilter::default()).await?;
    let jobs = chain.jobs(JobFilter::default()).await?;
    let value = json!({
        "program": assay::ID.to_string(),
        "authority": network.authority.to_string(),
        "stake_mint": network.stake_mint.to_string(),
        "parameters": parameter_values(&network.parameters),
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
        let mut list = Table::new(&["node", "stake", "open", "settled", "missed", "endpoint"]);
        for (address, node) in &nodes {
            list.row([
                address.to_string(),
                node.stake.to_string(),
                node.open_jobs.to_string(),
                node.jobs_settled.to_string(),
                node.jobs_missed.to_string(),
                node.endpoint.clone(),
            ]);
        }
        let about = fields([
            ("program", assay::ID.to_string()),
            ("authority", network.authority.to_string()),
            ("stake mint", network.stake_mint.to_string()),
            ("jobs on-chain", jobs.len().to_string()),
        ]);
        let nodes = if nodes.is_empty() { "no nodes".to_owned() } else { list.render() };
        format!("{about}\n\n{}\n\n{}\n\n{nodes}", settings.render(), payments.render())
    })
}

/// Parameters by name.
fn parameter_values(parameters: &Parameters) -> Value {
    json!({
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
        "dispute_challenge_bond_bps": parameters.dispute.challenge_bond_bps,
        "dispute_reveal_slots": parameters.dispute.reveal_slots,
        "dispute_challenger_clock_slots": parameters.dispute.challenger_clock_slots,
        "dispute_defender_clock_slots": parameters.dispute.defender_clock_slots,
        "dispute_slash_bps": parameters.dispute.slash_bps,
        "dispute_bounty_bps": parameters.dispute.bounty_bps,
        "dispute_opening_fee_lamports": parameters.dispute.opening_fee_lamports,
        "audit_epoch_slots": parameters.audit.epoch_slots,
        "audit_audits_per_job": parameters.audit.audits_per_job,
        "audit_attestation_bond_bps": parameters.audit.attestation_bond_bps,
        "audit_minimum_validator_stake": parameters.audit.minimum_validator_stake,
        "scheduling": scheduling_values(&parameters.scheduling),
    })
}

/// The parameters of scheduling by name.
fn scheduling_values(scheduling: &SchedulingParameters) -> Value {
    let SchedulingParameters { opening, reputation, standing, .. } = scheduling;
    json!({
        "epoch_slots": scheduling.epoch_slots,
        "stake_per_job": scheduling.stake_per_job,
        "late_price_bps": scheduling.late_price_bps,
        "correlation_window_slots": scheduling.correlation_window_slots,
        "absent_epochs": scheduling.absent_epochs,
        "opening_delay_slots": opening.delay_slots,
        "opening_step_slots": opening.step_slots,
        "opening_first_expected": opening.first_expected,
        "opening_steps": opening.steps,
        "reputation_fee_per_observation": reputation.fee_per_observation,
        "reputation_maximum_per_job": reputation.maximum_per_job,
        "reputation_kept_per_epoch": reputation.kept_per_epoch,
        "reputation_no_show_bps": reputation.no_show_bps,
        "reputation_outage_bps": reputation.outage_bps,
        "reputation_maintenance_bps": reputation.maintenance_bps,
        "reputation_missed_heartbeat_bps": reputation.missed_heartbeat_bps,
        "standing_recovery_slots": standing.recovery_slots,
        "standing_jail_slots": standing.jail_slots,
        "standing_maximum_jail_slots": standing.maximum_jail_slots,
        "standing_silence_slots": standing.silence_slots,
        "standing_repeat_bps": standing.repeat_bps,
        "standing_lates_per_tier": standing.lates_per_tier,
        "maintenance_notice_slots": standing.maintenance.notice_slots,
        "maintenance_maximum_slots": standing.maintenance.maximum_slots,
        "maintenance_gap_slots": standing.maintenance.gap_slots,
    })
}
