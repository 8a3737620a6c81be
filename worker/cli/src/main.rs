//! The `assay` command.
//!
//! Commands parse and call the libraries; [`output`] is the only module that prints.

mod commands;
mod context;
mod error;
mod frame;
mod local_market;
mod log;
mod output;

use assay_chain::keys::looks_secret;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use context::{ChainArguments, SHARED_HEADING};
use error::{CliError, ExitStatus};
use log::{Log, LogFormat};
use output::{Format, Output};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `--help` says last.
const AFTER_HELP: &str = "\
Exit status: 0 done, 1 failed, 2 wrong arguments, 3 the awaited job ended without a result,
4 the checked result is wrong, 10 the doctor found warnings and no errors, 130 interrupted.
`assay node run` besides: 5 convicted, 6 it has left, 7 the data folder is in use, 8 settings or registration do not fit;
`assay validator run`: 7 and 8.
Errors are one sentence on stderr with a stable code; with --output json, {\"code\": …, \"error\": …}.
Amounts are base units of their mint: 1000000 is one token of 6 decimals.";

/// A market for verifiable GPU compute on Solana.
///
/// Try `assay demo`: a local chain, two nodes and a client, with real images.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(flatten)]
    chain: ChainArguments,
    /// What stdout carries
    #[arg(long, global = true, help_heading = SHARED_HEADING, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Log more: -v information, -vv debugging; ASSAY_LOG takes a tracing filter
    #[arg(short, long, global = true, help_heading = SHARED_HEADING, action = clap::ArgAction::Count)]
    verbose: u8,
    /// How lines of the log look
    #[arg(
        long,
        global = true,
        help_heading = SHARED_HEADING,
        value_enum,
        default_value_t = LogFormat::Text,
        env = "ASSAY_LOG_FORMAT"
    )]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a Solana endpoint with the program deployed, test mints and funded keys
    Localnet(commands::localnet::Arguments),
    /// Show the market's parameters, or bring a chain to what the migrations say
    #[command(subcommand)]
    Network(commands::network::Command),
    /// Be a node: register, stake, run, watch, leave
    #[command(subcommand)]
    Node(commands::node::Command),
    /// Check graphs and put them into a store
    #[command(subcommand)]
    Model(commands::model::Command),
    /// Check and compile custom kernels
    #[command(subcommand)]
    Kernel(commands::kernel::Command),
    /// Post jobs and get their results
    #[command(subcommand)]
    Job(commands::job::Command),
    /// Keep a model warm on a node, ask it, and pay for all answers at once
    #[command(subcommand)]
    Session(commands::session::Command),
    /// Vaults out of which agents post jobs within limits
    #[command(subcommand)]
    Budget(commands::budget::Command),
    /// Lend stake to a node for a share of what it earns
    #[command(subcommand)]
    Delegation(commands::delegation::Command),
    /// Replay results and challenge those that are wrong
    #[command(subcommand)]
    Validator(commands::validator::Command),
    /// Sign elsewhere what was made here, and send it
    #[command(subcommand)]
    Transaction(commands::transaction::Command),
    /// Disputes on-chain, and moves in them by hand
    #[command(subcommand)]
    Dispute(commands::dispute::Command),
    /// Tools for AI agents over the Model Context Protocol, on standard input and output; started by an agent's host
    Mcp(Box<commands::mcp::Arguments>),
    /// Keep the history of the market and serve it over HTTP
    Index(commands::index::Arguments),
    /// Serve artifacts
    #[command(subcommand)]
    Store(commands::store::Command),
    /// Measure a market on this machine: slots from post to settlement, jobs a second; disputes; requests of a session
    Measure(commands::measure::Arguments),
    /// The whole market on this machine: a local chain, two nodes, a client, real images
    Demo(commands::demo::Arguments),
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write a manual page for every command
    Man {
        /// Folder that the pages go into
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    quiet_graphics_drivers();
    if let Some(place) = key_given_openly() {
        return output::key_given_openly(&place, std::env::args_os());
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error, std::env::args_os()),
    };
    let output = Output::new(arguments.output);
    let log = Log::begin(arguments.verbose, arguments.log_format);
    match run(arguments, &log, output) {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.status() as u8)
        }
    }
}

fn run(arguments: Arguments, log: &Log, output: Output) -> Result<ExitStatus, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let chain = arguments.chain;
    let reads_stdin = matches!(arguments.command, Command::Mcp(_));
    let result = runtime.block_on(async move {
        match arguments.command {
            Command::Localnet(arguments) => commands::localnet::run(arguments, output).await,
            Command::Network(command) => commands::network::run(command, &chain, output).await,
            Command::Node(command) => return commands::node::run(command, &chain, log, output).await,
            Command::Model(command) => commands::model::run(command, output).await,
            Command::Kernel(command) => commands::kernel::run(command, output),
            Command::Job(command) => commands::job::run(command, &chain, output).await,
            Command::Session(command) => commands::session::run(command, &chain, output).await,
            Command::Budget(command) => commands::budget::run(command, &chain, output).await,
            Command::Delegation(command) => commands::delegation::run(command, &chain, output).await,
            Command::Validator(command) => return commands::validator::run(command, &chain, log, output).await,
            Command::Transaction(command) => commands::transaction::run(command, &chain, output).await,
            Command::Dispute(command) => commands::dispute::run(command, &chain, output).await,
            Command::Mcp(arguments) => commands::mcp::run(*arguments, &chain).await,
            Command::Index(arguments) => commands::index::run(arguments, &chain, output).await,
            Command::Store(command) => commands::store::run(command, &chain, output).await,
            Command::Measure(arguments) => commands::measure::run(arguments, output).await,
            Command::Demo(arguments) => commands::demo::run(arguments, output).await,
            Command::Completions { shell } => {
                commands::packaging::completions(&mut Arguments::command(), shell, output)
            }
            Command::Man { folder } => commands::packaging::pages(Arguments::command(), &folder, output),
        }?;
        Ok(ExitStatus::Done)
    });
    if reads_stdin {
        // A read of standard input cannot be called back: waiting for it would keep the process until the host closes the pipe.
        runtime.shutdown_background();
    }
    result
}

/// Where a secret key stands openly in the command line or in the environment's variables of this program, if one does. Looked at
/// before anything else: whoever reads arguments repeats them in errors.
fn key_given_openly() -> Option<String> {
    let arguments = std::env::args_os().enumerate().skip(1).filter_map(|(index, argument)| {
        let argument = argument.into_string().ok()?;
        let value = argument.split_once('=').map_or(argument.as_str(), |(_, value)| value);
        (looks_secret(&argument) || looks_secret(value)).then(|| format!("argument {index}"))
    });
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_ours = name.starts_with("ASSAY_") || name.starts_with("SOLANA_");
        (is_ours && looks_secret(&value)).then(|| format!("the variable {name}"))
    });
    arguments.chain(variables).next()
}

/// Mesa's Vulkan drivers complain on stderr about a missing XDG_RUNTIME_DIR where nobody has logged in, on servers say,
/// although nothing is ever drawn.
fn quiet_graphics_drivers() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: called first in `main`, before any other thread exists that could read the environment.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_all_commands_are_consistent() {
        Arguments::command().debug_assert();
    }
}
