//! `assay node offer`: a model in node.toml, offered to strangers for payment with their first request.

use super::Folder;
use crate::commands::job::{ModelPair, loaded_model, only_mint};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields_of};
use assay_node::config::OfferedModel;
use assay_node::start::artifacts_folder;
use assay_session::x402::model_path;
use assay_store::LocalStore;
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

#[derive(Args, Debug)]
pub(crate) struct Offer {
    #[command(flatten)]
    model: ModelPair,
    /// What clients are told that it is
    #[arg(long)]
    name: String,
    /// What one request costs, in base units
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    price: u64,
    /// What a payment escrows, in base units: many prices, for a session costs the node some transactions
    #[arg(long)]
    balance: u64,
    /// Payment mint [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
    /// What is locked for a session, in base units of the stake mint [default: the network's least]
    #[arg(long, default_value_t = 0)]
    bond: u64,
    /// Slots that a session lasts
    #[arg(long, default_value_t = 4_500)]
    session_slots: u64,
    /// Slots for vouchers and receipts after its end [default: the network's shortest window]
    #[arg(long, default_value_t = 0)]
    window_slots: u64,
    /// Base URL at which the model can be fetched [default: the node's registered endpoint, which serves its own folder]
    #[arg(long)]
    store_url: Option<String>,
    #[command(flatten)]
    folder: Folder,
}

pub(super) async fn offer(context: &Context, arguments: Offer, output: Output) -> Result<(), CliError> {
    let folder = &arguments.folder;
    let mut config = folder.config()?;
    let model = loaded_model(&arguments.model)?;
    let mint = match arguments.mint {
        Some(mint) => mint,
        None => only_mint(context).await?,
    };
    let base = match &arguments.store_url {
        Some(base) => base.clone(),
        None => context.chain().node(&folder.node()?).await?.endpoint,
    };
    let store = LocalStore::open(artifacts_folder(&folder.data))?;
    let uris = model.store(&store, &base).await?;
    let offered = OfferedModel {
        name: arguments.name,
        graph_uri: uris.graph,
        params_uri: uris.params,
        mint: mint.to_string(),
        price: arguments.price,
        balance: arguments.balance,
        bond: arguments.bond,
        session_slots: arguments.session_slots,
        window_slots: arguments.window_slots,
    };
    let payments = &mut config.sessions.payments;
    payments.enabled = true;
    // The same model in the same mint has one price: the new one.
    let is_same = |model: &OfferedModel| {
        (&model.graph_uri, &model.params_uri, &model.mint) == (&offered.graph_uri, &offered.params_uri, &offered.mint)
    };
    payments.models.retain(|model| !is_same(model));
    payments.models.push(offered);
    let models = payments.models.len();
    config.validate()?;
    let (path, text) = (folder.config_path(), config.to_toml()?);
    std::fs::write(&path, text).map_err(|error| CliError::file("write", &path, &error))?;
    let value = json!({
        "path": model_path(&model.graph_root, &model.params_root),
        "graph_root": hex::encode(model.graph_root),
        "params_root": hex::encode(model.params_root),
        "mint": mint.to_string(),
        "price": arguments.price,
        "balance": arguments.balance,
        "models": models,
        "config": path,
    });
    output.result(&value, || {
        let about = fields_of(&value, &["path", "mint", "price", "balance", "config"]);
        format!("{about}\n\noffered when the node is started again; `assay session pay` pays for it")
    })
}
