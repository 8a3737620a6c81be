//! `assay session ask`: requests one after the other, each answer checked before the next is paid for.

use super::{Local, ModelFiles, VoucherKey, client, folder_of};
use crate::commands::job::{Decode, digits_in, work as loaded_work};
use crate::commands::{read_file, write_file};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table};
use assay_client::session::{KeptReceipt, Ledger};
use assay_client::{ClientError, Work};
use assay_kernels::{CpuBackend, CpuOptions};
use assay_models::artifact::{decode_bundle, encode_bundle};
use assay_store::LocalStore;
use clap::Args;
use referee::graph::TensorKind;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Ask {
    /// Address of the session
    session: Pubkey,
    #[command(flatten)]
    model: ModelFiles,
    /// Inputs bundles: one request each
    #[arg(long, required = true, num_args = 1..)]
    inputs: Vec<PathBuf>,
    /// Folder for receipts, outputs and the ledger of what was promised [default: assay-sessions/SESSION]
    #[arg(long)]
    receipts: Option<PathBuf>,
    /// Replay every answer here, too; the exit status is 4 if one is wrong
    #[arg(long)]
    replay: bool,
    /// What to make of the outputs
    #[arg(long, value_enum, default_value_t = Decode::Bytes)]
    decode: Decode,
    #[command(flatten)]
    voucher_key: VoucherKey,
    #[command(flatten)]
    local: Local,
}

pub(super) async fn ask(context: &Context, arguments: Ask, output: Output) -> Result<(), CliError> {
    let address = arguments.session;
    let folder = folder_of(&address, arguments.receipts.as_deref());
    std::fs::create_dir_all(&folder).map_err(|error| CliError::file("create", &folder, &error))?;
    let account = context.chain().session(&address).await?;
    let ledger = Ledger::open(&folder.join("ledger.json"), account.price)?;
    let client = client(context, &arguments.local)?;
    let store = LocalStore::open(&arguments.local.store)?;
    let session = client.session(&address, arguments.voucher_key.read(context)?, ledger).await?;
    let backend = if arguments.replay { Some(CpuBackend::new(CpuOptions::default())?) } else { None };

    let mut first: Option<Work> = None;
    let mut values = Vec::new();
    for file in &arguments.inputs {
        let work = match &first {
            None => loaded_work(&arguments.model, file)?,
            Some(work) => work.with_inputs(decode_bundle(&read_file(file)?, &work.resolved, TensorKind::Input)?)?,
        };
        // On disk before anything is asked: a receipt is worth little without what it is about.
        let inputs = store.put_bytes(encode_bundle(&work.inputs)).await?;
        let answer = session.ask(&work).await?;
        let sequence = answer.receipt.receipt.sequence;
        let receipt_file = folder.join(format!("{sequence}.json"));
        let kept = serde_json::to_vec_pretty(&KeptReceipt::new(&answer.receipt, &inputs))?;
        write_file(&receipt_file, kept)?;
        let output_file = folder.join(format!("{sequence}.output"));
        write_file(&output_file, &answer.output)?;
        if let Some(backend) = &backend {
            answer.receipt.verify(&work, backend).map_err(|error| wrong(error, &receipt_file))?;
        }
        values.push(json!({
            "sequence": sequence,
            "receipt": receipt_file,
            "output": output_file,
            "bytes": answer.output.len(),
            "digits": digits_in(arguments.decode, &answer.output)?,
            "replayed": backend.is_some(),
            "backend": answer.backend,
            "served_micros": answer.served_in.as_micros() as u64,
            "latency_micros": answer.latency.as_micros() as u64,
        }));
        first.get_or_insert(work);
    }
    let promised = session.ledger().promised();
    let value = json!({ "session": address.to_string(), "answers": values, "promised": promised });
    output.result(&value, || table(&values, promised))
}

fn table(answers: &[Value], promised: u64) -> String {
    let mut table = Table::new(&["request", "bytes", "latency", "at the node", "receipt"]);
    for answer in answers {
        let milliseconds = |name: &str| format!("{:.2} ms", answer[name].as_f64().unwrap_or(0.0) / 1_000.0);
        table.row([
            answer["sequence"].to_string(),
            answer["bytes"].to_string(),
            milliseconds("latency_micros"),
            milliseconds("served_micros"),
            answer["receipt"].as_str().unwrap_or_default().to_owned(),
        ]);
    }
    let read = answers.iter().filter(|answer| answer["digits"].is_array()).map(|answer| {
        let digits = answer["digits"].as_array().into_iter().flatten().map(ToString::to_string);
        format!("\nrequest {}: digits {}", answer["sequence"], digits.collect::<Vec<_>>().join(" "))
    });
    format!("{}\npromised so far: {promised} base units{}", table.render(), read.collect::<String>())
}

/// A wrong answer has an exit status of its own, and says what to do with its receipt.
fn wrong(error: ClientError, receipt: &std::path::Path) -> CliError {
    let refuted = matches!(error, ClientError::Refuted { .. });
    let error = CliError::from(error);
    if !refuted {
        return error;
    }
    let hint = format!("`assay session call-in {}` has it proved on-chain", receipt.display());
    error.with_hint(&hint).with_status(ExitStatus::WrongResult)
}
