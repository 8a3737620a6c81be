//! `assay measure`: what a market on this machine takes, what its disputes take, what a session spares, and whether it lasts.

mod disputes;
mod market;
mod sessions;
mod soak;

use super::cancelled_by_signals;
use crate::error::{CliError, ExitStatus};
use crate::local_market::Processes;
use crate::output::Output;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Measure disputes in place of the market: nodes that lie, and a validator that proves it
    #[arg(long, conflicts_with_all = ["clients", "jobs"])]
    disputes: bool,
    /// Measure requests of a warm session, beside the same work as jobs, in place of the market
    #[arg(long, conflicts_with_all = ["clients", "jobs", "disputes"])]
    sessions: bool,
    /// Have a node, a validator and clients work for so many minutes in place of the market: jobs an hour, and whether memory and
    /// open files stay flat
    #[arg(
        long,
        conflicts_with_all = ["clients", "jobs", "disputes", "sessions"],
        value_parser = clap::value_parser!(u64).range(1..=10_080)
    )]
    soak_minutes: Option<u64>,
    /// Requests of the session
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    requests: u16,
    /// Clients that post at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    clients: u16,
    /// Jobs of each client
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    jobs: u16,
    /// Milliseconds a slot
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    slot_ms: u64,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let cancel = cancelled_by_signals()?;
    let processes = Processes::new(false)?;
    let measure = async {
        match &arguments {
            Arguments { disputes: true, .. } => disputes::measure(&processes, &arguments, output).await,
            Arguments { soak_minutes: Some(_), .. } => soak::measure(&processes, &arguments, output).await,
            Arguments { sessions: true, .. } => sessions::measure(&processes, &arguments, output).await,
            _ => market::measure(&processes, &arguments, output).await,
        }
    };
    let measured = tokio::select! {
        done = measure => done,
        death = processes.death_of_a_child() => Err(death),
        () = cancel.cancelled() => {
            return Err(CliError::new("A0301", "interrupted; every process that was started is stopped")
                .with_status(ExitStatus::Interrupted));
        }
    };
    measured.inspect_err(|_| output.note(format!("the last lines of the processes' logs:\n{}", processes.logs())))
}
