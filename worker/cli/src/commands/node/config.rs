//! `assay node config`: settings for this machine, checked, and where each value comes from.

use super::Folder;
use crate::commands::write_file;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay::state::Network;
use assay_chain::{Chain, Endpoint};
use assay_node::benchmark::benchmark;
use assay_node::config::keys::shown;
use assay_node::config::layers::{Entry, Loaded, variable_of};
use assay_node::config::suggest::{Known, suggest};
use assay_node::config::{Layers, NodeConfig};
use assay_node::doctor::{Machine, ThisMachine};
use clap::{Args, Subcommand};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure this machine and write settings that suit it, every key explained
    Generate(Generate),
    /// Check the settings: every value, and, unless told otherwise, against the chain
    ///
    /// Ends with 1 and says what is wrong, and with what to replace it.
    Validate {
        #[command(flatten)]
        folder: Folder,
        /// Ask no endpoint
        #[arg(long)]
        offline: bool,
    },
    /// Every setting with its value and where that comes from: default, file, environment or flag
    Show {
        #[command(flatten)]
        folder: Folder,
        /// Only what is not as it is by default
        #[arg(long)]
        changed: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Generate {
    #[command(flatten)]
    folder: Folder,
    /// Where to write it [default: node.toml of the data folder]; - for stdout
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write over a file that is there; what it says is kept, but for what the machine decides
    #[arg(long)]
    replace: bool,
    /// Leave out measuring the speed: the node promises none
    #[arg(long)]
    quick: bool,
}

impl Command {
    pub(super) fn needs_chain(&self) -> bool {
        matches!(self, Self::Validate { offline: false, .. })
    }
}

/// What needs no endpoint.
pub(super) fn offline(command: &Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Generate(arguments) => generate(arguments, output),
        Command::Show { folder, changed } => show(folder, *changed, output),
        Command::Validate { folder, .. } => {
            folder.config()?;
            valid(folder, false, output)
        }
    }
}

/// What asks the chain.
pub(super) async fn online(context: &Context, command: &Command, output: Output) -> Result<(), CliError> {
    let Command::Validate { folder, .. } = command else { return offline(command, output) };
    let config = folder.config()?;
    let network = context.chain().network().await?;
    let mints = context.chain().payment_mints().await?;
    let mints: Vec<Pubkey> = mints.into_iter().filter(|known| known.enabled).map(|known| known.mint).collect();
    fits(&config, &network, &mints)?;
    for url in &config.disputes.further_endpoints {
        let endpoint = Endpoint::parse_listed(url)?;
        let shown = endpoint.shown();
        let genesis = Chain::new(endpoint).genesis_hash().await?;
        if genesis.to_bytes() != network.genesis_hash {
            return Err(CliError::new(
                "A0211",
                format!(
                    "disputes.further_endpoints: {shown} is of the cluster {genesis}, the network was made on another; name one of that cluster"
                ),
            ));
        }
    }
    valid(folder, true, output)
}

fn valid(folder: &Folder, asked_chain: bool, output: Output) -> Result<(), CliError> {
    let path = folder.config_path();
    output.result(&json!({ "config": path, "valid": true, "asked_chain": asked_chain }), || {
        let how = if asked_chain { "and fit the network" } else { "by themselves; no endpoint was asked" };
        format!("the settings in {} are valid {how}", path.display())
    })
}

/// Refuses settings with which a node would skip every job of a network.
fn fits(config: &NodeConfig, network: &Network, mints: &[Pubkey]) -> Result<(), CliError> {
    let refused = |text: String| Err(CliError::new("A0211", text));
    for mint in &config.accepted_mints {
        if !mints.iter().any(|known| known.to_string() == *mint) {
            let known: Vec<String> = mints.iter().map(|known| known.to_string()).collect();
            return refused(format!(
                "accepted_mints: the network allows no payments in {mint}; it allows {}",
                if known.is_empty() { "none at all".to_owned() } else { known.join(", ") }
            ));
        }
    }
    let (clock, least) = (network.parameters.dispute.defender_clock_slots, config.disputes.least_clock_slots);
    if least > clock {
        return refused(format!(
            "disputes.least_clock_slots is {least}, and jobs of this network leave {clock} slots: every job would be skipped (N0215); lower it to {clock}"
        ));
    }
    let (fee, least) = (network.parameters.dispute.opening_fee_lamports, config.disputes.least_opening_fee_lamports);
    if least > fee {
        return refused(format!(
            "disputes.least_opening_fee_lamports is {least}, and jobs of this network have {fee}: every job would be skipped (N0216); lower it to {fee}"
        ));
    }
    Ok(())
}

fn generate(arguments: &Generate, output: Output) -> Result<(), CliError> {
    let Generate { folder, out, replace, quick } = arguments;
    let target = out.clone().unwrap_or_else(|| folder.config_path());
    let to_stdout = target.as_os_str() == "-";
    if !to_stdout && target.exists() && !replace {
        return Err(CliError::new(
            "A0203",
            format!("{} exists; pass --replace to change in it what the machine decides, or --out", target.display()),
        ));
    }
    // What the environment says is not the file's to say.
    let layers = Layers { variables: BTreeMap::new(), ..folder.layers()? };
    let base = if folder.config_path().is_file() { layers.load()? } else { layers.load_text("")? }.config;
    let machine = ThisMachine;
    let promised_units_per_slot = if *quick { 0 } else { benchmark(&base)?.promised_units_per_slot() };
    let existing = folder.data.ancestors().find(|folder| folder.is_dir()).map_or(PathBuf::from("."), PathBuf::from);
    let known = Known {
        memory: machine.memory(),
        free_bytes: machine.free_bytes(&existing).ok(),
        backends: machine.backends(&base),
        promised_units_per_slot,
    };
    let config = suggest(base, &known);
    config.validate()?;
    let text = config.to_toml()?;
    if to_stdout {
        return output.result(&json!({ "config": config }), || text);
    }
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(|error| CliError::file("make", parent, &error))?;
    }
    write_file(&target, text)?;
    output.result(&json!({ "written": target, "config": config }), || {
        format!("{} is written; look it over, then: assay node config validate", target.display())
    })
}

fn show(folder: &Folder, changed: bool, output: Output) -> Result<(), CliError> {
    let loaded = folder.layers()?.load()?;
    let mut entries = loaded.entries()?;
    let default = Loaded { config: NodeConfig::default(), origins: BTreeMap::new() }.entries()?;
    let is_default = |entry: &Entry| default.iter().any(|usual| usual.key == entry.key && usual.value == entry.value);
    entries.retain(|entry| !changed || !is_default(entry));
    for entry in &mut entries {
        // Keys of RPC providers are for no terminal, and for no report that somebody makes of this.
        entry.value = entry.value.as_ref().map(|value| shown(entry.key, value));
    }
    let value: Vec<_> = entries
        .iter()
        .map(|Entry { key, value, origin }| {
            json!({
                "key": key.path,
                "value": value,
                "origin": origin.word(),
                "variable": variable_of(key),
                "unit": key.unit,
                "rule": key.bounds.rule(),
                "needs_restart": !key.is_live,
            })
        })
        .collect();
    output.result(&value, || {
        let mut table = Table::new(&["key", "value", "from", "variable"]);
        for Entry { key, value, origin } in &entries {
            let value = value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            table.row([key.path.to_owned(), value, origin.word().to_owned(), variable_of(key)]);
        }
        table.render()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_would_skip_every_job_are_refused_by_name() {
        let mut network = Network::default();
        network.parameters.dispute.defender_clock_slots = 200;
        network.parameters.dispute.opening_fee_lamports = 50;
        let mint = Pubkey::new_unique();
        let mints = [mint];
        let well = NodeConfig { accepted_mints: vec![mint.to_string()], ..NodeConfig::default() };
        fits(&well, &network, &mints).unwrap();
        let refused = |change: fn(&mut NodeConfig), word: &str| {
            let mut config = well.clone();
            change(&mut config);
            let error = fits(&config, &network, &mints).unwrap_err();
            assert!(error.code() == "A0211" && error.to_string().contains(word), "{error}");
        };
        refused(|config| config.accepted_mints.push(Pubkey::default().to_string()), "accepted_mints");
        refused(|config| config.disputes.least_clock_slots = 201, "lower it to 200");
        refused(|config| config.disputes.least_opening_fee_lamports = 51, "lower it to 50");
    }
}
