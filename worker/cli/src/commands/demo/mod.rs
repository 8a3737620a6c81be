//! `assay demo`: the whole market on this machine. A localnet, three nodes, one of which lies, and a validator as processes of
//! their own, a client and its store in this one, the held-out digits as jobs.

mod audit;
mod dispute;
mod farm;
mod jobs;
mod market;
mod models;
mod pi;
mod render;
mod report;
mod verify;

use super::cancelled_by_signals;
use crate::error::{CliError, ExitStatus};
use crate::local_market::Processes;
use crate::output::Output;
use clap::{Args, Subcommand};
use console::style;
use market::Market;
use serde::Serialize;
use std::time::Instant;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    scene: Option<Scene>,
    /// Images a job
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=250))]
    images_per_job: u32,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    slot_ms: u64,
    /// Keep the folder with keys, journals, artifacts and logs
    #[arg(long)]
    keep: bool,
}

/// Other demonstrations.
#[derive(Debug, Subcommand)]
enum Scene {
    #[command(flatten)]
    Model(models::ModelDemo),
    /// A frame of the Mandelbrot set, rendered in tiles by three nodes from a kernel in WGSL and put together as a PNG
    Render(render::Arguments),
    /// A Monte-Carlo estimate of pi by three nodes, from a kernel in WGSL with a generator that counts
    Pi(pi::Arguments),
}

/// What came of it: the last line of `--output json`.
#[derive(Debug, Serialize)]
struct Summary {
    /// Jobs posted.
    jobs: usize,
    /// Jobs whose result was paid.
    settled: usize,
    /// Jobs whose escrow went back to the client.
    refunded: usize,
    /// Share of held-out images whose digit was recognised.
    accuracy: f64,
    /// Whether every output equals the scalar reference's.
    bit_exact: bool,
    /// Names of the backends that computed results.
    backends: Vec<String>,
    /// Jobs whose node was proved to lie.
    convicted: usize,
    /// Transactions that the validator sent for its dispute.
    dispute_transactions: usize,
    /// Compute units of them.
    dispute_compute_units: u64,
    /// Whether what the node lost is what the validator got and what was burned, to the last unit.
    slash_accounted: bool,
    /// What the audit of one drawn segment costs, as a share of computing everything again; measured here.
    audit_share_of_replay: f64,
    /// Time from start to end.
    seconds: f64,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    match arguments.scene {
        Some(Scene::Model(model)) => return models::run(model, output).await,
        Some(Scene::Render(arguments)) => return render::run(arguments, output).await,
        Some(Scene::Pi(arguments)) => return pi::run(arguments, output).await,
        None => {}
    }
    let started = Instant::now();
    let processes = Processes::new(arguments.keep)?;
    let mut summary = supervised(&processes, output, async {
        let market = Market::open(&processes, &arguments, output).await?;
        market.run(&arguments, output).await
    })
    .await?;
    summary.seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    if arguments.keep {
        output.note(format!("keys, journals, artifacts and logs are in {}", processes.folder().display()));
    }
    output.result(&summary, || summary.words())?;
    if !summary.slash_accounted {
        return Err(CliError::new(
            "A0309",
            "what the node lost is not what the validator got and what was burned; run again with --keep and report the folder",
        ));
    }
    if summary.bit_exact {
        Ok(())
    } else {
        Err(CliError::new(
            "A0302",
            "a result differs from the scalar reference; run again with --keep and report the folder",
        ))
    }
}

/// Runs a demo to its end, unless a process dies or somebody interrupts it. After a failure the logs' last lines are shown.
async fn supervised<T>(
    processes: &Processes,
    output: Output,
    demo: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let cancel = cancelled_by_signals()?;
    let result = tokio::select! {
        result = demo => result,
        death = processes.death_of_a_child() => Err(death),
        () = cancel.cancelled() => {
            return Err(CliError::new("A0301", "interrupted; every process that was started is stopped")
                .with_status(ExitStatus::Interrupted));
        }
    };
    result.inspect_err(|_| {
        let logs = processes.logs();
        if !logs.is_empty() {
            output.note(format!("the last lines of the processes' logs:\n{logs}"));
        }
    })
}

impl Summary {
    fn words(&self) -> String {
        let exact = if self.bit_exact { style("bit-exact").green() } else { style("NOT bit-exact").red().bold() };
        format!(
            "\n{} jobs: {} settled, {} refunded, {} of them from a liar · {:.1} % of images right · {exact} · {} · {:.1} s",
            self.jobs,
            self.settled,
            self.refunded,
            self.convicted,
            self.accuracy * 100.0,
            self.backends.join(" + "),
            self.seconds
        )
    }
}
