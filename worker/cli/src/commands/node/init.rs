//! `assay node init`: an operator key, settings, and the registration on-chain.

use super::offline::{Offline, Signing};
use super::{Backend, Folder, IdentityFile};
use crate::commands::write_file;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::instructions;
use assay_chain::read_or_create_keypair;
use assay_node::config::NodeConfig;
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use solana_system_interface::instruction::transfer;
use std::net::SocketAddr;

#[derive(Args, Debug)]
pub(crate) struct Init {
    #[command(flatten)]
    folder: Folder,
    /// Tells the nodes of one withdraw authority apart
    #[arg(long, default_value_t = 0)]
    index: u16,
    /// URL at which others reach this node's artifacts [default: http:// and the listen address]
    #[arg(long)]
    endpoint: Option<String>,
    /// Address on which artifacts are served
    #[arg(long, default_value = "127.0.0.1:8910")]
    listen: SocketAddr,
    /// Address on which status is served
    #[arg(long, default_value = "127.0.0.1:8911")]
    status_listen: SocketAddr,
    /// Which backend computes
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,
    /// Least price of a job, in base units
    #[arg(long, default_value_t = 1)]
    price_floor: u64,
    /// Jobs in work at a time
    #[arg(long, default_value_t = 2)]
    concurrent_jobs: usize,
    /// Fetch artifacts from loopback and private addresses too: on a network of one's own only
    #[arg(long)]
    allow_private: bool,
    /// Write node.toml anew although it exists with other settings
    #[arg(long)]
    replace_settings: bool,
    /// Address of the withdraw authority, whose key is on another machine; with --unsigned
    #[arg(long, value_name = "ADDRESS", requires = "unsigned")]
    withdraw_authority: Option<Pubkey>,
    #[command(flatten)]
    offline: Offline,
    /// Lamports that the operator key should have; what it lacks is sent
    ///
    /// For fees, and for the rent of answers in a dispute: up to 60,000,000 for each opening, returned when the dispute is over.
    /// A job is claimed only if there is enough to open what one challenge of each open job can demand: 1,500,000,000 for a job
    /// with large tensors, far less for a small one.
    #[arg(long, default_value_t = 5_000_000_000)]
    fund_lamports: u64,
}

pub(super) async fn init(context: &Context, arguments: Init, output: Output) -> Result<(), CliError> {
    let signing = match (&arguments.withdraw_authority, &arguments.offline.unsigned) {
        (Some(authority), Some(file)) => arguments.offline.elsewhere(*authority, file),
        (None, Some(_)) => arguments.offline.signing(context, &arguments.folder)?,
        _ => Signing::Here(context.keypair()?),
    };
    let authority = signing.address();
    let operator = read_or_create_keypair(&arguments.folder.operator_path())?;
    let endpoint = arguments.endpoint.unwrap_or_else(|| format!("http://{}", arguments.listen));
    let node = assay::address::node(&authority, arguments.index);
    let config = NodeConfig {
        listen: arguments.listen,
        status_listen: arguments.status_listen,
        backend: arguments.backend.into(),
        price_floor: arguments.price_floor,
        concurrent_jobs: arguments.concurrent_jobs,
        allow_private_addresses: arguments.allow_private,
        ..NodeConfig::default()
    };
    config.validate()?;
    let settings = config.to_toml()?;
    keep_settings(&arguments.folder, &settings, arguments.replace_settings)?;
    let mut steps = Vec::new();
    match context.chain().find_node(&node).await? {
        None => steps.push(instructions::register_node(&authority, arguments.index, &operator.pubkey(), &endpoint)),
        Some(known) if known.operator != operator.pubkey() || known.endpoint != endpoint => {
            steps.push(instructions::update_node(&authority, &node, &operator.pubkey(), &endpoint));
        }
        Some(_) => {}
    }
    let funded = context.chain().balance_lamports(&operator.pubkey()).await?;
    let lacking = arguments.fund_lamports.saturating_sub(funded);
    if lacking > 0 {
        steps.push(transfer(&authority, &operator.pubkey(), lacking));
    }
    let identity =
        IdentityFile { node: node.to_string(), withdraw_authority: authority.to_string(), index: arguments.index };
    write_file(&arguments.folder.identity_path(), serde_json::to_string_pretty(&identity)?)?;
    write_file(&arguments.folder.config_path(), settings)?;
    // A file is said to be written, and nothing else: the node is not registered before it was signed and sent.
    if !steps.is_empty() && !signing.carry_out(context, &steps, output).await? {
        return Ok(());
    }
    let value = json!({
        "node": node.to_string(),
        "operator": operator.pubkey().to_string(),
        "withdraw_authority": authority.to_string(),
        "endpoint": endpoint,
        "config": arguments.folder.config_path(),
    });
    output.result(&value, || {
        let about = fields([
            ("node", node.to_string()),
            ("withdraw authority", authority.to_string()),
            ("operator", format!("{} in {}", operator.pubkey(), arguments.folder.operator_path().display())),
            ("endpoint", endpoint.clone()),
            ("settings", arguments.folder.config_path().display().to_string()),
        ]);
        format!("{about}\n\nnext: assay node stake AMOUNT, then assay node run")
    })
}

/// Settings that somebody edited are not written over without being asked to.
fn keep_settings(folder: &Folder, settings: &str, replace: bool) -> Result<(), CliError> {
    let path = folder.config_path();
    match std::fs::read_to_string(&path) {
        Ok(present) if present != settings && !replace => Err(CliError::new(
            "A0203",
            format!("{} exists with other settings; edit it, or pass --replace-settings", path.display()),
        )),
        _ => Ok(()),
    }
}
