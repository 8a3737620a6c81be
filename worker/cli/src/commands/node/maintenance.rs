//! `assay node maintenance`: declares ahead that the node will be away.

use super::Folder;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::instructions;
use assay_chain::keys::read_keypair;
use clap::Args;
use serde_json::json;
use solana_sdk::signer::Signer;

#[derive(Args, Debug)]
pub(crate) struct Maintenance {
    /// In how many slots it begins; at least the network's notice
    #[arg(long)]
    starts_in: u64,
    /// How many slots it lasts
    #[arg(long)]
    length: u64,
    #[command(flatten)]
    folder: Folder,
}

pub(super) async fn maintenance(context: &Context, arguments: &Maintenance, output: Output) -> Result<(), CliError> {
    let node = arguments.folder.node()?;
    let operator = read_keypair(&arguments.folder.operator_path())?;
    // A transaction lands some slots after it was made; the notice is counted from there.
    let start_slot = context.chain().slot().await?.saturating_add(arguments.starts_in);
    let instruction = instructions::announce_maintenance(&operator.pubkey(), &node, start_slot, arguments.length);
    context.sender.execute(&[instruction], &[&operator]).await?;
    let window = context.chain().node(&node).await?.standing.maintenance;
    let value = json!({
        "node": node.to_string(),
        "announced_slot": window.announced_slot,
        "start_slot": window.start_slot,
        "end_slot": window.end_slot,
    });
    output.result(&value, || {
        fields([
            ("node", node.to_string()),
            ("from slot", window.start_slot.to_string()),
            ("to slot", window.end_slot.to_string()),
            ("note", "jobs that were claimed before the announcement are not excused; the client's charge is paid in any case".to_owned()),
        ])
    })
}
