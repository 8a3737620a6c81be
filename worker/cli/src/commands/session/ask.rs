//! `assay session ask`: requests one after the other, each answer checked before the next is paid for.

use super::{Local, ModelFiles, VoucherKey, client, folder_of};
use crate::commands::job::{Decode, digits_in, work as loaded_work};
use crate::commands::{read_file, write_file};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table};
use assay_client::session::{Answer, KeptReceipt, Ledger, Session};
use assay_client::{ClientError, Work};
use assay_kernels::{CpuBackend, CpuOptions};
use assay_models::artifact::{decode_bundle, encode_bundle};
use assay_store::{ArtifactId, LocalStore};
use clap::Args;
use referee::graph::TensorKind;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Ask {
    /// Address of the session
    session: Pubkey,
    #[command(flatten)]
    requests: Requests,
    #[command(flatten)]
    voucher_key: VoucherKey,
    #[command(flatten)]
    local: Local,
}

/// What is asked, and what is made of the answers.
#[derive(Args, Debug)]
pub(super) struct Requests {
    #[command(flatten)]
    pub(super) model: ModelFiles,
    /// Inputs bundles: one request each
    #[arg(long, required = true, num_args = 1..)]
    pub(super) inputs: Vec<PathBuf>,
    /// Folder for receipts, outputs and the ledger of what was promised [default: assay-sessions/SESSION]
    #[arg(long)]
    pub(super) receipts: Option<PathBuf>,
    /// Replay every answer here, too; the exit status is 4 if one is wrong
    #[arg(long)]
    replay: bool,
    /// What to make of the outputs
    #[arg(long, value_enum, default_value_t = Decode::Bytes)]
    decode: Decode,
}

/// Keeps answers with everything by which they can be proved.
pub(super) struct Keeping<'a> {
    requests: &'a Requests,
    store: LocalStore,
    backend: Option<CpuBackend>,
}

impl<'a> Keeping<'a> {
    pub(super) fn new(requests: &'a Requests, local: &Local) -> Result<Self, CliError> {
        let store = LocalStore::open(&local.store)?;
        let backend = if requests.replay { Some(CpuBackend::new(CpuOptions::default())?) } else { None };
        Ok(Self { requests, store, backend })
    }

    /// The work of a request. Its inputs are on disk before anything is asked: a receipt is worth little without what it is about.
    pub(super) async fn work(&self, first: Option<&Work>, file: &Path) -> Result<(Work, ArtifactId), CliError> {
        let work = match first {
            None => loaded_work(&self.requests.model, file)?,
            Some(work) => work.with_inputs(decode_bundle(&read_file(file)?, &work.resolved, TensorKind::Input)?)?,
        };
        let inputs = self.store.put_bytes(encode_bundle(&work.inputs)).await?;
        Ok((work, inputs))
    }

    /// Writes receipt and output into `folder`, and replays the request if that was asked for.
    pub(super) fn keep(
        &self,
        folder: &Path,
        work: &Work,
        inputs: &ArtifactId,
        answer: &Answer,
    ) -> Result<Value, CliError> {
        let sequence = answer.receipt.receipt.sequence;
        let receipt_file = folder.join(format!("{sequence}.json"));
        let kept = serde_json::to_vec_pretty(&KeptReceipt::new(&answer.receipt, inputs))?;
        write_file(&receipt_file, kept)?;
        let output_file = folder.join(format!("{sequence}.output"));
        write_file(&output_file, &answer.output)?;
        if let Some(backend) = &self.backend {
            answer.receipt.verify(work, backend).map_err(|error| wrong(error, &receipt_file))?;
        }
        Ok(json!({
            "sequence": sequence,
            "receipt": receipt_file,
            "output": output_file,
            "bytes": answer.output.len(),
            "digits": digits_in(self.requests.decode, &answer.output)?,
            "replayed": self.backend.is_some(),
            "backend": answer.backend,
            "served_micros": answer.served_in.as_micros() as u64,
            "latency_micros": answer.latency.as_micros() as u64,
        }))
    }

    /// Asks for each of `files`, one after the other, each answer kept before the next is paid for.
    pub(super) async fn ask_all(
        &self,
        session: &Session<'_>,
        folder: &Path,
        mut first: Option<Work>,
        files: &[PathBuf],
    ) -> Result<Vec<Value>, CliError> {
        let mut values = Vec::new();
        for file in files {
            let (work, inputs) = self.work(first.as_ref(), file).await?;
            let answer = session.ask(&work).await?;
            values.push(self.keep(folder, &work, &inputs, &answer)?);
            first.get_or_insert(work);
        }
        Ok(values)
    }
}

pub(super) async fn ask(context: &Context, arguments: Ask, output: Output) -> Result<(), CliError> {
    let address = arguments.session;
    let folder = folder_of(&address, arguments.requests.receipts.as_deref());
    std::fs::create_dir_all(&folder).map_err(|error| CliError::file("create", &folder, &error))?;
    let account = context.chain().session(&address).await?;
    let ledger = Ledger::open(&folder.join("ledger.json"), account.price)?;
    let client = client(context, &arguments.local)?;
    let keeping = Keeping::new(&arguments.requests, &arguments.local)?;
    let session = client.session(&address, arguments.voucher_key.read(context)?, ledger).await?;
    let values = keeping.ask_all(&session, &folder, None, &arguments.requests.inputs).await?;
    let promised = session.ledger().promised();
    let value = json!({ "session": address.to_string(), "answers": values, "promised": promised });
    output.result(&value, || table(&values, promised))
}

pub(super) fn table(answers: &[Value], promised: u64) -> String {
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
fn wrong(error: ClientError, receipt: &Path) -> CliError {
    let refuted = matches!(error, ClientError::Refuted { .. });
    let error = CliError::from(error);
    if !refuted {
        return error;
    }
    let hint = format!("`assay session call-in {}` has it proved on-chain", receipt.display());
    error.with_hint(&hint).with_status(ExitStatus::WrongResult)
}
