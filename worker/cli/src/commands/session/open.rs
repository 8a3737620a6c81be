//! `assay session open`.

use super::show::{describe, words};
use super::{Local, VoucherKey, client};
use crate::commands::job::{ModelPair, loaded_model, only_mint};
use crate::commands::store::remote::Remote;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay_client::ClientError;
use assay_client::session::SessionTerms;
use assay_store::LocalStore;
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

#[derive(Args, Debug)]
pub(crate) struct Open {
    /// Account of the node
    #[arg(long)]
    node: Pubkey,
    #[command(flatten)]
    model: ModelPair,
    /// Base URL at which the node reaches the store's folder, or what is in --remote
    #[arg(long)]
    store_url: String,
    /// Payment mint [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
    /// What one request costs, in base units
    #[arg(long)]
    price: u64,
    /// What is escrowed, in base units; what no voucher spends comes back
    #[arg(long)]
    balance: u64,
    /// Slots in which the node can load the model and accept
    #[arg(long, default_value_t = 750)]
    accept_slots: u64,
    /// Slots for which it then serves
    #[arg(long, default_value_t = 4_500)]
    session_slots: u64,
    /// Slots for vouchers and receipts after the end, and for challenges of a receipt [default: the network's shortest window]
    #[arg(long)]
    window_slots: Option<u64>,
    /// What the node locks, in base units of the stake mint [default: the network's least]
    #[arg(long)]
    bond: Option<u64>,
    #[command(flatten)]
    voucher_key: VoucherKey,
    /// Wait until the node has accepted; the exit status is 3 if it does not
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn open(context: &Context, arguments: Open, output: Output) -> Result<(), CliError> {
    let model = loaded_model(&arguments.model)?;
    let client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    let uris = model.store(&store, &arguments.store_url).await?;
    arguments.remote.publish(&store, [&*uris.graph, &*uris.params], arguments.local.allow_private).await?;
    let mint = match arguments.mint {
        Some(mint) => mint,
        None => only_mint(context).await?,
    };
    let terms = SessionTerms {
        accept_slots: arguments.accept_slots,
        session_slots: arguments.session_slots,
        window_slots: arguments.window_slots,
        bond: arguments.bond,
        ..SessionTerms::new(arguments.node, mint, arguments.price, arguments.balance)
    };
    let voucher_key = arguments.voucher_key.read(context)?.pubkey();
    let opened = client.open_session(&model, &uris, &terms, &voucher_key).await?;
    let address = opened.address;
    if !arguments.wait {
        let value = json!({ "session": address.to_string(), "session_id": opened.session_id, "slot": opened.slot });
        return output.result(&value, || fields_of(&value, &["session", "session_id", "slot"]));
    }
    output.say(format!("opened session {address} in slot {}", opened.slot));
    let progress = output.progress("offered; the node fetches and loads the model", 0);
    let accepted = client.await_acceptance(&address, |_| {}).await;
    progress.done();
    match accepted {
        Ok(account) => {
            let value = describe(&address, &account);
            output.result(&value, || words(&value))
        }
        Err(error @ ClientError::SessionState { .. }) => {
            let text = format!(
                "session {address} was not accepted ({error}); `assay session reclaim {address}` brings the balance back"
            );
            Err(CliError::new("A0605", text).with_status(ExitStatus::NoResult))
        }
        Err(error) => Err(error.into()),
    }
}
