//! Demos of real models: a small market on this machine whose jobs are batches of a user's own files.

mod fetch;
mod magika;
mod market;
mod search;

use super::supervised;
use crate::error::CliError;
use crate::local_market::Processes;
use crate::output::Output;
use assay_pretrained::PretrainedError;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelDemo {
    /// Tell the type of every file of a folder, by its content: Magika, as jobs
    Magika(magika::Arguments),
    /// Search a folder of texts by meaning: all-MiniLM-L6-v2, as jobs
    Search(search::Arguments),
    /// Fetch, and quantise, what the other two need
    Fetch(fetch::Arguments),
}

/// Options of these demos.
#[derive(Args, Debug)]
pub(crate) struct MarketArguments {
    /// Items a job [default: what one job of the model can carry, but no more than 32]
    #[arg(long)]
    batch: Option<u32>,
    /// What the nodes compute on
    #[arg(long, default_value = "cpu", value_parser = ["cpu", "wgpu"])]
    backend: String,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    slot_ms: u64,
    /// Keep the folder with keys, journals, artifacts and logs
    #[arg(long)]
    keep: bool,
}

pub(super) async fn run(demo: ModelDemo, output: Output) -> Result<(), CliError> {
    let processes = Processes::new(match &demo {
        ModelDemo::Magika(arguments) => arguments.market.keep,
        ModelDemo::Search(arguments) => arguments.market.keep,
        ModelDemo::Fetch(_) => false,
    })?;
    supervised(&processes, output, async {
        match demo {
            ModelDemo::Magika(arguments) => magika::run(&processes, arguments, output).await,
            ModelDemo::Search(arguments) => search::run(&processes, arguments, output).await,
            ModelDemo::Fetch(arguments) => fetch::run(&arguments, output).await,
        }
    })
    .await
}

/// Fetches or builds something on a thread that may block, and says what takes long.
async fn prepared<T: Send + 'static>(
    output: Output,
    make: impl FnOnce(&mut dyn FnMut(&str)) -> Result<T, PretrainedError> + Send + 'static,
) -> Result<T, CliError> {
    Ok(tokio::task::spawn_blocking(move || make(&mut |line| output.note(format!("  {line}")))).await??)
}
