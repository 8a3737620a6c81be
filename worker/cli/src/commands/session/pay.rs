//! `assay session pay`: without a session, the first request opens one and pays for itself (x402); further ones are asked in it.

use super::ask::{Keeping, Requests, table};
use super::{Local, VoucherKey, client, folder_of};
use crate::commands::job::only_mint;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields};
use assay_client::ClientError;
use assay_client::session::{Ledger, Model, PayLimits};
use assay_store::LocalStore;
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Pay {
    /// The node's endpoint, as it is registered on-chain
    endpoint: String,
    #[command(flatten)]
    requests: Requests,
    /// Most that one request may cost, in base units
    #[arg(long)]
    max_price: u64,
    /// Most that may be escrowed, in base units; what no voucher spends comes back
    #[arg(long)]
    max_balance: u64,
    /// Most slots for which the escrow may be held
    #[arg(long, default_value_t = 43_200)]
    max_slots: u64,
    /// Payment mint [default: the network's, if it has enabled one only]
    #[arg(long)]
    mint: Option<Pubkey>,
    /// Base URL at which the store's folder is served: there those who replay find the model [default: where the node says it is]
    #[arg(long)]
    store_url: Option<String>,
    /// Print the offer and end: nothing is signed
    #[arg(long)]
    offer_only: bool,
    #[command(flatten)]
    voucher_key: VoucherKey,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn pay(context: &Context, arguments: Pay, output: Output) -> Result<(), CliError> {
    let Pay { endpoint, requests, local, .. } = &arguments;
    let mint = match arguments.mint {
        Some(mint) => mint,
        None => only_mint(context).await?,
    };
    let limits = PayLimits {
        most_slots: arguments.max_slots,
        ..PayLimits::new(mint, arguments.max_price, arguments.max_balance)
    };
    let client = client(context, local)?;
    let keeping = Keeping::new(requests, local)?;
    let (first_file, further) = requests.inputs.split_first().ok_or_else(no_inputs)?;
    let (work, inputs) = keeping.work(None, first_file).await?;
    let model = Model {
        graph: work.graph.clone(),
        params: work.params.clone(),
        graph_root: work.resolved.root,
        params_root: work.params_root,
    };
    if arguments.offer_only {
        let offer = client.offer(endpoint, &model, &limits).await?;
        let value = json!({ "endpoint": endpoint, "resource": offer.resource, "accepts": offer.requirements });
        let terms = offer.terms;
        return output.result(&value, || {
            fields([
                ("node", terms.node.to_string()),
                ("mint", terms.payment_mint.to_string()),
                ("price", terms.price.to_string()),
                ("balance", terms.balance.to_string()),
                ("bond", terms.bond.unwrap_or_default().to_string()),
                ("accepted within", format!("{} slots", terms.accept_slots)),
                ("served for", format!("{} slots", terms.session_slots)),
                ("window", format!("{} slots", terms.window_slots.unwrap_or_default())),
            ])
        });
    }
    let uris = match &arguments.store_url {
        Some(base) => Some(model.store(&LocalStore::open(&local.store)?, base).await?),
        None => None,
    };
    let ledger = |address: &Pubkey, price: u64| {
        let folder = folder_of(address, requests.receipts.as_deref());
        let file = folder.join("ledger.json");
        // A folder that cannot be made is one in which the ledger cannot be written, and then nothing is promised.
        let _ = std::fs::create_dir_all(&folder);
        Ledger::open(&file, price)
    };
    let voucher_key = arguments.voucher_key.read(context)?;
    let paid = client.pay(endpoint, &work, uris.as_ref(), &limits, voucher_key, ledger).await.map_err(way_out)?;
    let session = &paid.session;
    let folder: PathBuf = folder_of(&session.address(), requests.receipts.as_deref());
    let mut values = vec![keeping.keep(&folder, &work, &inputs, &paid.answer)?];
    values.extend(keeping.ask_all(session, &folder, Some(work), further).await?);
    let (promised, account) = (session.ledger().promised(), session.account());
    let value = json!({
        "session": session.address().to_string(),
        "node": account.node.to_string(),
        "transaction": paid.transaction,
        "price": account.price,
        "balance": account.balance,
        "ends_slot": account.ends_slot,
        "paid_micros": paid.took.as_micros() as u64,
        "answers": values,
        "promised": promised,
    });
    output.result(&value, || {
        let address = session.address();
        let opened = fields([
            ("session", address.to_string()),
            ("node", account.node.to_string()),
            ("escrowed", format!("{} base units, {} a request", account.balance, account.price)),
            ("from the offer to the answer", format!("{:.0} ms", paid.took.as_secs_f64() * 1_000.0)),
        ]);
        let next = format!("go on with `assay session ask {address}`, end with `assay session end {address}`");
        format!("{opened}\n\n{}\n{next}", table(&values, promised))
    })
}

/// The library says what to do; here it has names.
fn way_out(error: ClientError) -> CliError {
    let unserved = match &error {
        ClientError::Unserved { session, .. } => Some(*session),
        _ => None,
    };
    let error = CliError::from(error);
    match unserved {
        Some(session) => {
            let hint = format!("here: `assay session end {session}`, then `assay session reclaim {session}`");
            error.with_hint(&hint).with_status(ExitStatus::NoResult)
        }
        None => error,
    }
}

fn no_inputs() -> CliError {
    CliError::new("A0612", "there is no request: give --inputs")
}
