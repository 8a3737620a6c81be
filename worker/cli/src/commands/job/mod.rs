//! `assay job`: post, follow, fetch, take back.

mod map;
mod offer;
mod post;
mod show;

pub(crate) use offer::only_mint;

pub(crate) use map::{describe as describe_map, follow as follow_map, missing as missing_parts};

use super::model::load;
use super::{read_file, write_file};
use crate::context::{ChainArguments, Context};
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields_of};
use assay_client::mirror::remember;
use assay_client::session::Model;
use assay_client::{Client, ClientError, Work};
use assay_models::artifact::decode_bundle;
use assay_models::digits;
use assay_store::{FetchOptions, LocalStore};
use clap::{Args, Subcommand, ValueEnum};
use referee::graph::TensorKind;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Escrow the maximum price and open a job to claims
    Post(Box<post::Post>),
    /// Cut one piece of work into many jobs, post them, try again what fails, and put the outputs together
    Map(Box<map::Map>),
    /// Jobs on-chain
    List {
        /// Only this client's [default: everybody's]
        #[arg(long)]
        client: Option<Pubkey>,
    },
    /// One job
    Show {
        /// Address of the job
        job: Pubkey,
    },
    /// Fetch a job's output, check it against the committed root, and write it to a file
    Result {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        model: ModelFiles,
        /// The inputs bundle that the job was posted with
        #[arg(long)]
        inputs: PathBuf,
        /// File for the output tensor's bytes: row-major, little endian
        #[arg(long)]
        out: PathBuf,
        /// What to make of the output
        #[arg(long, value_enum, default_value_t = Decode::Bytes)]
        decode: Decode,
        /// Base URL at which the node keeps its results once more, if it is away and did not say so before
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        #[command(flatten)]
        local: Local,
    },
    /// Accept a result early: its node is paid now and stays liable until the window is over
    Accept {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        local: Local,
    },
    /// Have an output that nobody serves opened on-chain, and write it to a file; if it is withheld, the node is convicted
    Unavailable {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        model: ModelFiles,
        /// The inputs bundle that the job was posted with
        #[arg(long)]
        inputs: PathBuf,
        /// File for the output tensor's bytes: row-major, little endian
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        local: Local,
    },
    /// Take an unclaimed job back
    Cancel {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        local: Local,
    },
    /// Withdraw what an ended job owes to this client and close it
    Reclaim {
        /// Address of the job
        job: Pubkey,
        #[command(flatten)]
        local: Local,
    },
}

/// How an output is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Decode {
    /// Not at all.
    Bytes,
    /// As the digits model's: one digit for each image.
    Digits,
}

/// A model, at whichever symbol values.
#[derive(Args, Debug)]
pub(crate) struct ModelPair {
    /// The encoded graph
    #[arg(long)]
    graph: PathBuf,
    /// The params bundle
    #[arg(long)]
    params: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ModelFiles {
    #[command(flatten)]
    pair: ModelPair,
    /// Symbol values [default: each symbol's minimum]
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Local {
    /// Folder in which artifacts are kept
    #[arg(long, default_value = "assay-store")]
    pub(in crate::commands) store: PathBuf,
    /// Fetch results from loopback and private addresses too
    #[arg(long)]
    pub(in crate::commands) allow_private: bool,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::Post(post_arguments) => post::post(&context, *post_arguments, output).await,
        Command::Map(map_arguments) => map::map(&context, *map_arguments, output).await,
        Command::List { client } => show::list(&context, client, output).await,
        Command::Show { job } => {
            let account = context.chain().job(&job).await?;
            let value = show::describe(&job, &account);
            output.result(&value, || show::words(&value))
        }
        Command::Result { job, model, inputs, out, decode, mirror, local } => {
            let client = client(&context, &local)?;
            let work = work(&model, &inputs)?;
            let account = context.chain().job(&job).await?;
            if let Some(base) = mirror {
                let refused =
                    |error| CliError::new("A0613", format!("--mirror: {error}")).with_status(ExitStatus::Usage);
                remember(&LocalStore::open(&local.store)?, &account.node, &base).map_err(refused)?;
            }
            let bytes = client.result(&job, &work, &account).await.map_err(name_the_option)?;
            write_file(&out, &bytes)?;
            let read = digits_in(decode, &bytes)?;
            let value = json!({ "job": job.to_string(), "bytes": bytes.len(), "file": out, "digits": read });
            output.result(&value, || {
                let about = format!("{} bytes in {}: their root is the committed one", bytes.len(), out.display());
                match read {
                    None => about,
                    Some(read) => {
                        format!("{about}\ndigits {}", read.iter().map(u8::to_string).collect::<Vec<_>>().join(" "))
                    }
                }
            })
        }
        Command::Cancel { job, local } => {
            client_of(&context, &local, &job).await?.cancel(&job).await?;
            output.result(&json!({ "job": job.to_string(), "cancelled": true }), || {
                format!("cancelled; `assay job reclaim {job}` brings the escrow and the rent back")
            })
        }
        Command::Accept { job, local } => {
            client_of(&context, &local, &job).await?.accept(&job).await?;
            output.result(&json!({ "job": job.to_string(), "accepted": true }), || {
                format!("accepted; `assay job reclaim {job}` brings the rest back once the window is over")
            })
        }
        Command::Unavailable { job, model, inputs, out, local } => {
            let client = client_of(&context, &local, &job).await?;
            let work = work(&model, &inputs)?;
            let progress = output.progress("demanding", 0);
            let bytes = client
                .open_output(&job, &work, |seen| {
                    progress.message(format!("{} openings answered, {} missing", seen.answered, seen.missing));
                })
                .await?;
            progress.done();
            write_file(&out, &bytes)?;
            let value = json!({ "job": job.to_string(), "bytes": bytes.len(), "file": out });
            output.result(&value, || {
                format!("{} bytes in {}: their root is the committed one", bytes.len(), out.display())
            })
        }
        Command::Reclaim { job, local } => {
            let reclaimed = client_of(&context, &local, &job).await?.reclaim(&job).await?;
            let value = json!({
                "job": job.to_string(),
                "refund": reclaimed.refund,
                "charge": reclaimed.charge,
                "closed": reclaimed.closed,
            });
            output.result(&value, || fields_of(&value, &["job", "refund", "charge", "closed"]))
        }
    }
}

/// The digits of an output, if it is read as such.
pub(in crate::commands) fn digits_in(decode: Decode, output: &[u8]) -> Result<Option<Vec<u8>>, CliError> {
    match decode {
        Decode::Bytes => Ok(None),
        Decode::Digits => Ok(Some(digits::decode(output)?.iter().map(|found| found.class).collect())),
    }
}

/// The library speaks of options; here they have names.
fn name_the_option(error: ClientError) -> CliError {
    const PRIVATE_ADDRESS: &str = "S0205";
    let error = CliError::from(error);
    if error.code() == PRIVATE_ADDRESS { error.with_hint("here: --allow-private") } else { error }
}

pub(in crate::commands) fn client(context: &Context, local: &Local) -> Result<Client, CliError> {
    let fetch = FetchOptions { allow_private: local.allow_private, ..FetchOptions::default() };
    Ok(Client::new(context.sender.clone(), context.keypair()?, LocalStore::open(&local.store)?, fetch)?)
}

/// The client that acts for a job: out of its budget where that is its client, for which the key is agent or owner.
async fn client_of(context: &Context, local: &Local, job: &Pubkey) -> Result<Client, CliError> {
    let client = client(context, local)?;
    let Some(account) = context.chain().find_job(job).await? else { return Ok(client) };
    // A client that is no budget has no account of the program at its address, or is this key.
    let is_budget = account.client != client.address() && context.chain().budget(&account.client).await.is_ok();
    Ok(if is_budget { client.out_of(account.client) } else { client })
}

/// A model that is read from its files.
pub(in crate::commands) fn loaded_model(files: &ModelPair) -> Result<Model, CliError> {
    let (graph, resolved) = load(&files.graph, &[])?;
    let params = decode_bundle(&read_file(&files.params)?, &resolved, TensorKind::Param)?;
    Ok(Model::new(Arc::new(graph), Arc::new(params))?)
}

/// Work that is read from its files.
pub(in crate::commands) fn work(model: &ModelFiles, inputs: &Path) -> Result<Work, CliError> {
    let (graph, resolved) = load(&model.pair.graph, &model.symbols)?;
    let params = decode_bundle(&read_file(&model.pair.params)?, &resolved, TensorKind::Param)?;
    let inputs = decode_bundle(&read_file(inputs)?, &resolved, TensorKind::Input)?;
    Ok(Work::new(Arc::new(graph), Arc::new(params), inputs, &resolved.symbols)?)
}
