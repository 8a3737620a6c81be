//! `assay network`: what governs the market, and what is in it.

mod governance;
mod migrate;
mod parameters;
mod proposals;

use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay_chain::accounts::{JobFilter, NodeFilter};
use clap::Subcommand;
use parameters::parameter_values;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parameters, payment mints, nodes and jobs
    Show,
    /// What a chain lacks of what the migrations say; changes nothing
    Plan(migrate::Migrations),
    /// Show the plan, and do it with --yes; where there is nothing to do, nothing is sent
    Apply(migrate::Apply),
    /// Every parameter with its bounds, who governs, what is proposed, whether work is paused
    Params,
    /// Propose a change, which waits for the network's timelock
    Propose(governance::Propose),
    /// Carry a proposed change out, in its time; anybody may
    Execute {
        /// Number of the proposal
        number: u64,
    },
    /// Veto a proposed change, as the guardian
    Veto {
        /// Number of the proposal
        number: u64,
        #[command(flatten)]
        signing: governance::Signing,
    },
    /// Withdraw a proposed change, as the authority
    Withdraw {
        /// Number of the proposal
        number: u64,
        #[command(flatten)]
        signing: governance::Signing,
    },
    /// Remove a proposal that nobody carried out in time; its rent returns to whoever proposed
    Close {
        /// Number of the proposal
        number: u64,
    },
    /// Pause new jobs and claims, as the guardian; the pause ends by itself
    Pause {
        /// For how many slots
        slots: u64,
        #[command(flatten)]
        signing: governance::Signing,
    },
    /// Bring the accounts of network and jobs to the layout of this program; anybody may
    Migrate,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::Show => show(&context, output).await,
        Command::Plan(migrations) => migrate::show_plan(&context, &migrations, output).await,
        Command::Apply(arguments) => migrate::apply(&context, &arguments, output).await,
        Command::Params => governance::params(&context, output).await,
        Command::Propose(arguments) => governance::propose(&context, &arguments, output).await,
        Command::Execute { number } => governance::execute(&context, number, output).await,
        Command::Veto { number, signing } => governance::veto(&context, number, &signing, output).await,
        Command::Withdraw { number, signing } => governance::withdraw(&context, number, &signing, output).await,
        Command::Close { number } => governance::close(&context, number, output).await,
        Command::Pause { slots, signing } => governance::pause(&context, slots, &signing, output).await,
        Command::Migrate => governance::migrate(&context, output).await,
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

#[cfg(test)]
mod tests {
    use assay::state::Parameters;
    use assay_chain::migrations::Desired;
    use solana_sdk::pubkey::Pubkey;

    /// Those of the built-in migrations.
    pub(super) fn parameters() -> Parameters {
        let mint = Pubkey::new_from_array([7; 32]).to_string();
        let pairs = [
            ("program", assay::ID.to_string()),
            ("program_file", "x".to_owned()),
            ("stake_mint", mint.clone()),
            ("payment_mint", mint),
        ];
        let variables = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Desired::builtin(&variables).expect("the built-in migrations are valid").parameters
    }
}
