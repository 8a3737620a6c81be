//! `assay session check` and `call-in`: what anybody can do with the file of a receipt.

use super::{Local, ModelFiles, client};
use crate::commands::job::work as loaded_work;
use crate::commands::read_file;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay_chain::instructions::ReceiptHints;
use assay_client::ClientError;
use assay_client::session::KeptReceipt;
use assay_kernels::{CpuBackend, CpuOptions};
use assay_store::{ArtifactId, ArtifactUri, LocalStore};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Most bytes of a bundle of inputs that are looked at before a call.
const MOST_INPUT_BYTES: u64 = 1 << 32;

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// File of the receipt
    receipt: PathBuf,
    #[command(flatten)]
    model: ModelFiles,
    /// The inputs bundle of the request
    #[arg(long)]
    inputs: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct CallIn {
    /// File of the receipt
    receipt: PathBuf,
    /// Base URL at which validators reach the store's folder, for as long as the receipt can be challenged
    #[arg(long)]
    store_url: String,
    #[command(flatten)]
    local: Local,
}

fn read(file: &Path) -> Result<KeptReceipt, CliError> {
    let kept = serde_json::from_slice(&read_file(file)?);
    Ok(kept.map_err(|error| ClientError::ReceiptFile { reason: error.to_string() })?)
}

pub(super) async fn check(context: &Context, arguments: Check, output: Output) -> Result<(), CliError> {
    let signed = read(&arguments.receipt)?.signed()?;
    let (session, sequence) = (signed.receipt.session, signed.receipt.sequence);
    let account = context.chain().session(&session).await?;
    if !signed.is_signed_by(&account.operator) {
        return Err(ClientError::NotSigned { session, operator: account.operator }.into());
    }
    let work = loaded_work(&arguments.model, &arguments.inputs)?;
    for (what, given, pinned) in
        [("graph root", work.resolved.root, account.graph_root), ("params root", work.params_root, account.params_root)]
    {
        if given != pinned {
            let (pinned, given) = (hex::encode(pinned), hex::encode(given));
            return Err(ClientError::OtherWork { what, pinned, given }.into());
        }
    }
    let backend = CpuBackend::new(CpuOptions::default())?;
    signed.verify(&work, &backend).map_err(|error| {
        let refuted = matches!(error, ClientError::Refuted { .. });
        let error = CliError::from(error);
        if refuted { error.with_status(ExitStatus::WrongResult) } else { error }
    })?;
    let value = json!({
        "session": session.to_string(),
        "sequence": sequence,
        "operator": account.operator.to_string(),
        "boundary_root": hex::encode(signed.receipt.boundary_root),
        "right": true,
    });
    output.result(&value, || {
        format!(
            "{}\nsigned by the session's operator, and equal to a replay bit for bit",
            fields_of(&value, &["session", "sequence", "operator"])
        )
    })
}

pub(super) async fn call_in(context: &Context, arguments: CallIn, output: Output) -> Result<(), CliError> {
    let kept = read(&arguments.receipt)?;
    let signed = kept.signed()?;
    let inputs: ArtifactId = kept.inputs.parse()?;
    let store = LocalStore::open(&arguments.local.store)?;
    // Validators that cannot fetch the inputs can prove nothing.
    store.read(&inputs, MOST_INPUT_BYTES).await?;
    let inputs_uri = ArtifactUri::new(&arguments.store_url, inputs)?.as_str().to_owned();
    let client = client(context, &arguments.local)?;
    let hints = ReceiptHints { inputs_uri, ..ReceiptHints::default() };
    let job = client.call_in(&signed, &hints).await?;
    let account = context.chain().job(&job).await?;
    let last = account.committed_slot.saturating_add(account.window_slots);
    let value = json!({
        "job": job.to_string(),
        "session": kept.session,
        "sequence": kept.sequence,
        "challenge_until_slot": last,
    });
    output.result(&value, || {
        let about = fields_of(&value, &["job", "session", "sequence", "challenge_until_slot"]);
        format!("{about}\nkeep serving the inputs until slot {last}; `assay job show {job}` shows what becomes of it")
    })
}
