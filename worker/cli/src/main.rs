//! The `assay` command.
//!
//! Commands parse and call the libraries; [`output`] is the only module that prints.

mod commands;
mod context;
mod error;
mod output;

use clap::{Parser, Subcommand};
use context::ChainArguments;
use error::CliError;
use output::{Format, Output};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A market for verifiable GPU compute on Solana.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    chain: ChainArguments,
    /// What stdout carries
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Log more: -v information, -vv debugging; ASSAY_LOG takes a tracing filter
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a Solana endpoint with the program deployed, a test mint and funded keys
    Localnet(commands::localnet::Arguments),
    /// Show the market's parameters, mints, nodes and jobs
    #[command(subcommand)]
    Network(commands::network::Command),
    /// Be a node: register, stake, run, watch, leave
    #[command(subcommand)]
    Node(commands::node::Command),
    /// Check graphs and put them into a store
    #[command(subcommand)]
    Model(commands::model::Command),
    /// Post jobs and get their results
    #[command(subcommand)]
    Job(commands::job::Command),
    /// Serve artifacts
    #[command(subcommand)]
    Store(commands::store::Command),
    /// Measure a market on this machine: slots from post to settlement, jobs a second
    Measure(commands::measure::Arguments),
    /// The whole market on this machine: a localnet, two nodes, a client, real images
    Demo(commands::demo::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.output);
    log(arguments.verbose);
    match run(arguments, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let chain = arguments.chain;
    runtime.block_on(async move {
        match arguments.command {
            Command::Localnet(arguments) => commands::localnet::run(arguments, output).await,
            Command::Network(command) => commands::network::run(command, &chain, output).await,
            Command::Node(command) => commands::node::run(command, &chain, output).await,
            Command::Model(command) => commands::model::run(command, output).await,
            Command::Job(command) => commands::job::run(command, &chain, output).await,
            Command::Store(command) => commands::store::run(command, output).await,
            Command::Measure(arguments) => commands::measure::run(arguments, output).await,
            Command::Demo(arguments) => commands::demo::run(arguments, output).await,
        }
    })
}

/// Logs go to stderr, so that stdout stays what the format promises.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let ours = ["assay", "assay_node", "assay_chain", "assay_store", "assay_client", "assay_kernels", "assay_localnet"];
    let default = ours.iter().map(|target| format!("{target}={level}")).collect::<Vec<_>>().join(",");
    let filter = EnvFilter::try_from_env("ASSAY_LOG").unwrap_or_else(|_| EnvFilter::new(format!("error,{default}")));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
