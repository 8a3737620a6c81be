//! `assay demo`: the whole market on this machine. A localnet and two nodes as processes of their own, a client and its
//! store in this one, the held-out digits as jobs.

mod market;
mod processes;
mod verify;

pub(in crate::commands) use market::{Launch, start_localnet, start_node};
pub(in crate::commands) use processes::Processes;

use super::cancelled_by_signals;
use crate::error::CliError;
use crate::output::Output;
use clap::Args;
use market::Market;
use serde_json::json;
use std::time::Instant;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Images a job
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=250))]
    images_per_job: u32,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400)]
    slot_ms: u64,
    /// Keep the folder with keys, journals, artifacts and logs
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let started = Instant::now();
    let cancel = cancelled_by_signals()?;
    let mut processes = Processes::new(arguments.keep)?;
    let demo = async {
        let market = Market::open(&mut processes, &arguments, output).await?;
        market.run(&arguments, output).await
    };
    let summary = tokio::select! {
        summary = demo => summary,
        () = cancel.cancelled() => Err(CliError::new("A0301", "interrupted; everything that was started is stopped")),
    };
    let summary = match summary {
        Ok(summary) => summary,
        Err(error) => {
            output.note(format!("logs of the processes:\n{}", processes.logs()));
            return Err(error);
        }
    };
    if arguments.keep {
        output.note(format!("kept {}", processes.folder().display()));
    }
    let value = json!({
        "jobs": summary.jobs,
        "settled": summary.settled,
        "refunded": summary.refunded,
        "accuracy": summary.accuracy,
        "bit_exact": summary.bit_exact,
        "backends": summary.backends,
        "seconds": (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    });
    output.result(&value, || {
        format!(
            "{} jobs: {} settled, {} refunded · accuracy {:.1} % on held-out images · bit-exact: {} · backends {} · {:.1} s",
            summary.jobs,
            summary.settled,
            summary.refunded,
            summary.accuracy * 100.0,
            summary.bit_exact,
            summary.backends.join(", "),
            started.elapsed().as_secs_f64()
        )
    })?;
    if summary.bit_exact {
        Ok(())
    } else {
        Err(CliError::new(
            "A0302",
            "a result differs from the scalar reference; run again with --keep and report the folder",
        ))
    }
}
